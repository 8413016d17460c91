import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { EACH, ORGANIZATION, policiesOf, usualFailMode } from '../limits/applied-limits'
import { METRICS, MOST_USD, SCOPES, shownValue, WINDOWS } from '../limits/policy'
import { standingsOf } from '../limits/standings'
import { type LimitRow, limits } from '../platform/config-schema'
import { surroundingsOf, withCanonicalSubject } from '../routing/surroundings'
import { adminRoutes } from './admin-routes'
import { invalidField, noContent, notFound, pageOf, readJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const changeable = {
  value: z.number().nonnegative(),
  action: z.enum(['warn', 'block']),
  on_unavailable: z.enum(['open', 'closed']).nullable(),
  refusal_status: z.union([z.literal(429), z.literal(402)], 'must be 429 or 402'),
}
const name = z.string().trim().min(1).max(200)
const createSchema = z.strictObject({
  name,
  scope: z.enum(SCOPES),
  subject: z.string().min(1).optional(),
  metric: z.enum(METRICS, `must be one of ${METRICS.join(', ')}`),
  window: z.enum(WINDOWS, `must be one of ${WINDOWS.join(', ')}`).optional(),
  value: changeable.value,
  action: changeable.action.default('block'),
  on_unavailable: changeable.on_unavailable.optional(),
  refusal_status: changeable.refusal_status.default(429),
})
const patchSchema = z.strictObject({ name, ...changeable }).partial()
const ITEM = '/api/limits/:id'

/** Limits on cost, requests, tokens and concurrency, per organization, API key, model or customer. */
export const limitRoutes: ManagementRoute[] = [
  ...adminRoutes('/api/limits', ITEM, { list, create, read: one, change, remove }),
  { method: 'GET', paths: [`${ITEM}/standings`], auth: 'admin', logging: 'none', handle: standing },
]

async function list(context: ManagementContext): Promise<Response> {
  const rows = await drizzle(context.env.CONFIG).select().from(limits).orderBy(limits.name)
  return pageOf(new URL(context.request.url), await Promise.all(rows.map((row) => shown(context, row))))
}

async function one(context: ManagementContext): Promise<Response> {
  return Response.json(await shown(context, await found(context)))
}

/** Upserts by name. */
async function create(context: ManagementContext): Promise<Response> {
  const { env, effects, isolate, background } = context
  const { on_unavailable, refusal_status, ...given } = await readJson(context.request, createSchema)
  checkValue(given.metric, given.value)
  const [before] = await drizzle(env.CONFIG).select().from(limits).where(eq(limits.name, given.name))
  const nowMs = effects.now()
  const row = {
    id: before?.id ?? effects.newId(),
    ...given,
    subject: subjectOf(given),
    window: windowOf(given),
    onUnavailable: on_unavailable ?? null,
    refusalStatus: refusal_status,
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  await drizzle(env.CONFIG).insert(limits).values(row).onConflictDoUpdate({ target: limits.name, set: row })
  await isolate.config.refreshed(background, 0)
  return Response.json(await shown(context, row), { status: before === undefined ? 201 : 200 })
}

async function change(context: ManagementContext): Promise<Response> {
  const { env, effects, isolate, background } = context
  const before = await found(context)
  const given = await readJson(context.request, patchSchema)
  checkValue(before.metric, given.value ?? before.value)
  const row = {
    ...before,
    name: given.name ?? before.name,
    value: given.value ?? before.value,
    action: given.action ?? before.action,
    onUnavailable: given.on_unavailable === undefined ? before.onUnavailable : given.on_unavailable,
    refusalStatus: given.refusal_status ?? before.refusalStatus,
    updatedAtMs: effects.now(),
  }
  await checkNameIsFree(context, row)
  await drizzle(env.CONFIG).update(limits).set(row).where(eq(limits.id, row.id))
  await isolate.config.refreshed(background, 0)
  return Response.json(await shown(context, row))
}

async function remove(context: ManagementContext): Promise<Response> {
  const row = await found(context)
  await drizzle(context.env.CONFIG).delete(limits).where(eq(limits.id, row.id))
  await context.isolate.config.refreshed(context.background, 0)
  return noContent()
}

/** Where a limit stands for one subject: one that is named when the limit is for each. */
async function standing(context: ManagementContext): Promise<Response> {
  const row = await found(context)
  const named = new URL(context.request.url).searchParams.get('subject') ?? undefined
  if (row.subject === EACH && named === undefined)
    throw invalidField('subject', 'is required in the query: the limit has a count for each subject')
  if (row.subject !== EACH && named !== undefined && named !== row.subject)
    throw invalidField('subject', `must be '${row.subject}' or left out: the limit is for that one alone`)
  const subject = named ?? row.subject
  return Response.json({
    id: row.id,
    name: row.name,
    subject,
    ...(await stands(context, { ...row, subject })),
  })
}

async function checkNameIsFree({ env }: ManagementContext, { id, name: wanted }: LimitRow): Promise<void> {
  const [other] = await drizzle(env.CONFIG).select().from(limits).where(eq(limits.name, wanted))
  if (other !== undefined && other.id !== id) throw invalidField('name', 'is that of another limit')
}

function checkValue(metric: string, value: number): void {
  if (metric === 'cost' && value > MOST_USD) throw invalidField('value', `must not be above ${MOST_USD}`)
  if (metric !== 'cost' && !Number.isSafeInteger(value)) throw invalidField('value', 'must be a whole number')
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

async function found({ env, params }: ManagementContext): Promise<LimitRow> {
  const id = params.id ?? ''
  const [row] = await drizzle(env.CONFIG).select().from(limits).where(eq(limits.id, id))
  if (row === undefined) throw notFound()
  return row
}

/** A limit for each one has no count of its own: every subject has one. */
async function shown(context: ManagementContext, row: LimitRow) {
  const isEach = row.subject === EACH
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    subject: row.subject,
    metric: row.metric,
    window: row.metric === 'concurrency' ? null : row.window,
    value: row.value,
    action: row.action,
    on_unavailable: row.onUnavailable ?? usualFailMode(row.action),
    refusal_status: row.refusalStatus ?? 429,
    ...(isEach ? { used: null, reserved: null, resets_at: null } : await stands(context, row)),
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}

/** Where the count of one subject stands; US dollars for cost. */
async function stands({ env, isolate, background }: ManagementContext, row: LimitRow) {
  const around = surroundingsOf(env, await isolate.config.get(background))
  const { scope, subject } = withCanonicalSubject(row, around)
  const policies = policiesOf(row).map(({ policy }) => policy)
  const [found] = await standingsOf(env, { scope, subject }, policies)
  const [policy] = policies
  if (found === undefined || policy === undefined) return { used: null, reserved: null, resets_at: null }
  const { used, reserved, resetsAtMs } = found
  return {
    used: shownValue(policy.metric, used),
    reserved: shownValue(policy.metric, reserved),
    resets_at: resetsAtMs === null ? null : new Date(resetsAtMs).toISOString(),
  }
}
