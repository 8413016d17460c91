import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { ledgerName, ORGANIZATION, standingsOf } from '../limits/admit'
import { METRICS, WINDOWS } from '../limits/policy'
import { surroundingsOf, withCanonicalSubject } from '../pipeline/surroundings'
import { type LimitRow, limits } from '../platform/config-schema'
import { adminRoutes } from './admin-routes'
import { invalidField, noContent, notFound, pageOf, readJson } from './management'
import type { RouteContext } from './route'

const EACH = '*'

const fields = {
  scope: z.enum(['organization', 'api_key', 'model', 'customer']),
  subject: z.string().min(1).optional(),
  metric: z.enum(
    METRICS,
    `must be one of ${METRICS.join(', ')}; limits on cost are not part of this release`,
  ),
  window: z.enum(WINDOWS).optional(),
  value: z.number().nonnegative(),
  action: z.enum(['warn', 'block']).default('block'),
}
const createSchema = z.strictObject({ name: z.string().trim().min(1).max(200), ...fields })
const patchSchema = z.strictObject({
  value: fields.value.optional(),
  action: z.enum(['warn', 'block']).optional(),
})
const ITEM = '/api/limits/:id'

/** Limits on requests, tokens and concurrency, per organization, API key, model or customer. */
export const limitRoutes = adminRoutes('/api/limits', ITEM, {
  list,
  create,
  read: one,
  change,
  remove,
})

async function list(context: RouteContext): Promise<Response> {
  const rows = await drizzle(context.env.CONFIG).select().from(limits).orderBy(limits.name)
  return pageOf(new URL(context.request.url), await Promise.all(rows.map((row) => shown(context, row))))
}

async function one(context: RouteContext): Promise<Response> {
  return Response.json(await shown(context, await found(context)))
}

/** Upserts by name. */
async function create(context: RouteContext): Promise<Response> {
  const { env, effects, isolate, background } = context
  const given = await readJson(context.request, createSchema)
  const [before] = await drizzle(env.CONFIG).select().from(limits).where(eq(limits.name, given.name))
  const nowMs = effects.now()
  const row = {
    id: before?.id ?? effects.newId(),
    ...given,
    subject: subjectOf(given),
    window: windowOf(given),
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  await drizzle(env.CONFIG).insert(limits).values(row).onConflictDoUpdate({ target: limits.name, set: row })
  await isolate.config.refreshed(background, 0)
  return Response.json(await shown(context, row), { status: before === undefined ? 201 : 200 })
}

async function change(context: RouteContext): Promise<Response> {
  const { env, effects, isolate, background } = context
  const before = await found(context)
  const { value = before.value, action = before.action } = await readJson(context.request, patchSchema)
  const row = { ...before, value, action, updatedAtMs: effects.now() }
  await drizzle(env.CONFIG).update(limits).set(row).where(eq(limits.id, row.id))
  await isolate.config.refreshed(background, 0)
  return Response.json(await shown(context, row))
}

async function remove(context: RouteContext): Promise<Response> {
  const row = await found(context)
  await drizzle(context.env.CONFIG).delete(limits).where(eq(limits.id, row.id))
  await context.isolate.config.refreshed(context.background, 0)
  return noContent()
}

function subjectOf({ scope, subject }: { scope: string; subject?: string | undefined }): string {
  if (scope === 'organization') return ORGANIZATION
  if (subject !== undefined) return subject
  throw invalidField('subject', `is required for the scope ${scope}: an id, or ${EACH} for each one`)
}

function windowOf({ metric, window }: { metric: string; window?: string | undefined }): string {
  if (metric === 'concurrency' && window !== undefined)
    throw invalidField('window', 'is not for concurrency, which counts what runs now')
  if (metric === 'concurrency') return 'total'
  if (window !== undefined) return window
  throw invalidField('window', `is required: ${WINDOWS.join(', ')}`)
}

async function found({ env, params }: RouteContext): Promise<LimitRow> {
  const id = params.id ?? ''
  const [row] = await drizzle(env.CONFIG).select().from(limits).where(eq(limits.id, id))
  if (row === undefined) throw notFound()
  return row
}

/** A limit for each one has no count of its own: every subject has one. */
async function shown({ env, effects, isolate, background }: RouteContext, row: LimitRow) {
  const around = surroundingsOf(env, await isolate.config.get(background))
  const { subject } = withCanonicalSubject(row, around)
  const isEach = row.subject === EACH
  const [standing] = isEach
    ? []
    : await standingsOf(env, ledgerName(row.scope, subject), [row], effects.now())
  const resetsAtMs = standing?.resetsAtMs ?? null
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    subject: row.subject,
    metric: row.metric,
    window: row.metric === 'concurrency' ? null : row.window,
    value: row.value,
    action: row.action,
    used: standing?.used ?? null,
    reserved: standing?.reserved ?? null,
    resets_at: resetsAtMs === null ? null : new Date(resetsAtMs).toISOString(),
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}
