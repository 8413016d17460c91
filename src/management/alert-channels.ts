import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { type ChannelTarget, openChannel, sealTarget } from '../alerts/channel'
import { send } from '../alerts/send'
import { type AlertChannelRow, alertChannels } from '../platform/config-schema'
import { adminRoutes } from './admin-routes'
import {
  addressOf,
  channelPatchSchema,
  channelSchema,
  checkedTarget,
  type GivenChannel,
} from './channel-fields'
import { newSecret } from './receivers'
import { noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const ITEM = '/api/alert-channels/:id'

/** Where alerts are sent: Slack, mail and webhooks. */
export const alertChannelRoutes: ManagementRoute[] = [
  ...adminRoutes('/api/alert-channels', ITEM, {
    list,
    create,
    read: async (context) => Response.json(shown(await found(context))),
    change,
    remove,
  }),
  { method: 'POST', paths: [`${ITEM}/test`], auth: 'admin', logging: 'none', handle: test },
]

async function list({ env, request }: ManagementContext): Promise<Response> {
  const rows = await drizzle(env.CONFIG).select().from(alertChannels).orderBy(alertChannels.name)
  return pageOf(new URL(request.url), rows.map(shown))
}

/** Upserts by name. A webhook without a secret gets one, which is told this once. */
async function create(context: ManagementContext): Promise<Response> {
  const { env, effects } = context
  const given = await readJson(context.request, channelSchema)
  const [before] = await drizzle(env.CONFIG)
    .select()
    .from(alertChannels)
    .where(eq(alertChannels.name, given.name))
  const made = given.type === 'webhook' && given.secret === undefined ? newSecret() : undefined
  const target = checkedTarget(env, given, {
    ...targetOf(given),
    ...(made === undefined ? {} : { secret: made }),
  })
  const id = before?.id ?? effects.newId()
  const nowMs = effects.now()
  const row: AlertChannelRow = {
    id,
    name: given.name,
    type: given.type,
    address: addressOf(given, target),
    sealed: await sealTarget(env.ENCRYPTION_KEY, id, target),
    events: given.events ?? null,
    isPaused: given.is_paused ?? false,
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  await drizzle(env.CONFIG)
    .insert(alertChannels)
    .values(row)
    .onConflictDoUpdate({ target: alertChannels.name, set: row })
  const told = made === undefined ? {} : { secret: made }
  return Response.json({ ...shown(row), ...told }, { status: before === undefined ? 201 : 200 })
}

async function change(context: ManagementContext): Promise<Response> {
  const { env, effects } = context
  const before = await found(context)
  const patch = await readJson(context.request, channelPatchSchema)
  const { target: known } = await openChannel(env.ENCRYPTION_KEY, before)
  const { to, from } = before.address
  const given: GivenChannel = {
    ...{ type: before.type, to, from },
    ...patch,
    name: patch.name ?? before.name,
  }
  const target = checkedTarget(env, given, { ...known, ...targetOf(given) })
  const row: AlertChannelRow = {
    ...before,
    name: given.name,
    address: addressOf(given, target),
    sealed: await sealTarget(env.ENCRYPTION_KEY, before.id, target),
    events: patch.events === undefined ? before.events : patch.events,
    isPaused: patch.is_paused ?? before.isPaused,
    updatedAtMs: effects.now(),
  }
  await drizzle(env.CONFIG).update(alertChannels).set(row).where(eq(alertChannels.id, row.id))
  return Response.json(shown(row))
}

async function remove(context: ManagementContext): Promise<Response> {
  const { id } = await found(context)
  await drizzle(context.env.CONFIG).delete(alertChannels).where(eq(alertChannels.id, id))
  return noContent()
}

/** Sends now, and says how it went. */
async function test(context: ManagementContext): Promise<Response> {
  const { env, effects } = context
  const row = await found(context)
  const channel = await openChannel(env.ENCRYPTION_KEY, row)
  const id = `alert_${effects.newId()}`
  const details = { name: row.name, channel_id: row.id }
  const sent = await send(env, channel, { id, kind: 'test', createdAtMs: effects.now(), details })
  return Response.json({
    event_id: id,
    delivered: sent.kind === 'sent',
    error: sent.kind === 'sent' ? null : sent.reason,
  })
}

async function found({ env, params }: ManagementContext): Promise<AlertChannelRow> {
  const [row] = await drizzle(env.CONFIG)
    .select()
    .from(alertChannels)
    .where(eq(alertChannels.id, params.id ?? ''))
  if (row === undefined) throw notFound()
  return row
}

function targetOf({ url, secret, api_key: apiKey }: GivenChannel): ChannelTarget {
  return {
    ...(url === undefined ? {} : { url }),
    ...(secret === undefined ? {} : { secret }),
    ...(apiKey === undefined ? {} : { apiKey }),
  }
}

function shown(row: AlertChannelRow) {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    ...row.address,
    events: row.events,
    is_paused: row.isPaused,
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}
