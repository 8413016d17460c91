import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { post } from '../alerts/send'
import { webhookHeaders } from '../alerts/webhook-headers'
import { openWebhookSecret, readWebhook, sealWebhookSecret, WEBHOOK_EVENT } from '../logs/webhooks'
import { type WebhookRow, webhooks } from '../platform/config-schema'
import { adminRoutes } from './admin-routes'
import { checkReceiverUrl, newSecret } from './receivers'
import { noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const ITEM = '/api/webhooks/:id'
const EXAMPLE = 'https://hooks.example.com/logs'

const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(200).optional(),
  url: z.string().max(2_000),
  /** There is one event, and nothing else to choose yet. */
  events: z
    .array(z.literal(WEBHOOK_EVENT, `must be ${WEBHOOK_EVENT}`))
    .length(1)
    .optional(),
  secret: z.string().min(16, 'must have 16 characters or more').max(500).optional(),
  is_paused: z.boolean().optional(),
}
const createSchema = z.strictObject(fields)
const patchSchema = z.strictObject({ ...fields, url: fields.url.optional() })

/** Who is told of each new log. */
export const webhookRoutes: ManagementRoute[] = [
  ...adminRoutes('/api/webhooks', ITEM, {
    list,
    create,
    read: async (context) => Response.json(shown(await found(context))),
    change,
    remove,
  }),
  { method: 'POST', paths: [`${ITEM}/test`], auth: 'admin', logging: 'none', handle: test },
]

async function list({ env, request }: ManagementContext): Promise<Response> {
  const rows = await drizzle(env.CONFIG).select().from(webhooks).orderBy(webhooks.name)
  return pageOf(new URL(request.url), rows.map(shown))
}

/** Upserts by name, which is the address where none is given. A secret that is made here is told this once. */
async function create({ env, effects, request }: ManagementContext): Promise<Response> {
  const given = await readJson(request, createSchema)
  checkReceiverUrl(env, given.url, EXAMPLE)
  const name = given.name ?? given.url
  const [before] = await drizzle(env.CONFIG).select().from(webhooks).where(eq(webhooks.name, name))
  const id = before?.id ?? effects.newId()
  const made = given.secret === undefined ? newSecret() : undefined
  const nowMs = effects.now()
  const row: WebhookRow = {
    ...{ id, name, url: given.url },
    sealedSecret: await sealWebhookSecret(env.ENCRYPTION_KEY, id, given.secret ?? made ?? ''),
    isPaused: given.is_paused ?? false,
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  await drizzle(env.CONFIG)
    .insert(webhooks)
    .values(row)
    .onConflictDoUpdate({ target: webhooks.name, set: row })
  const told = made === undefined ? {} : { secret: made }
  return Response.json({ ...shown(row), ...told }, { status: before === undefined ? 201 : 200 })
}

async function change(context: ManagementContext): Promise<Response> {
  const { env, effects } = context
  const before = await found(context)
  const given = await readJson(context.request, patchSchema)
  if (given.url !== undefined) checkReceiverUrl(env, given.url, EXAMPLE)
  const row: WebhookRow = {
    ...before,
    name: given.name ?? before.name,
    url: given.url ?? before.url,
    sealedSecret:
      given.secret === undefined
        ? before.sealedSecret
        : await sealWebhookSecret(env.ENCRYPTION_KEY, before.id, given.secret),
    isPaused: given.is_paused ?? before.isPaused,
    updatedAtMs: effects.now(),
  }
  await drizzle(env.CONFIG).update(webhooks).set(row).where(eq(webhooks.id, row.id))
  return Response.json(shown(row))
}

async function remove(context: ManagementContext): Promise<Response> {
  const { id } = await found(context)
  await drizzle(context.env.CONFIG).delete(webhooks).where(eq(webhooks.id, id))
  return noContent()
}

/** Sends a test event now, and says how it went. */
async function test(context: ManagementContext): Promise<Response> {
  const { env, effects } = context
  const row = await found(context)
  const id = effects.newId()
  const created_at = new Date(effects.now()).toISOString()
  const body = JSON.stringify({ id, event: 'test', created_at, data: { webhook_id: row.id } })
  const headers = await webhookHeaders(await openWebhookSecret(env.ENCRYPTION_KEY, row), body, id)
  const sent = await post(env, row.url, body, headers).catch((cause: unknown) => ({
    kind: 'failed' as const,
    reason: String(cause),
  }))
  return Response.json({ delivered: sent.kind === 'sent', error: sent.kind === 'sent' ? null : sent.reason })
}

async function found({ env, params }: ManagementContext): Promise<WebhookRow> {
  const row = await readWebhook(env.CONFIG, params.id ?? '')
  if (row === undefined) throw notFound()
  return row
}

function shown(row: WebhookRow) {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    events: [WEBHOOK_EVENT],
    is_paused: row.isPaused,
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}
