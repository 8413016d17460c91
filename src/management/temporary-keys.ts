import { and, desc, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { newKeyText } from '../keys/key-text'
import { dateOrTime } from '../limits/customer-parameters'
import { limitsOfKey } from '../limits/inline'
import { keyUsage } from '../logs/key-usage'
import { type ApiKeyRow, apiKeys, type InlineLimit } from '../platform/config-schema'
import { sha256Hex } from '../platform/encryption'
import { adminRoutes } from './admin-routes'
import { costLimit, standingsById } from './inline-limits'
import { noContent, notFound, pageOfShown, readJson } from './replies'
import type { ManagementContext } from './route'

const UNLIMITED = -1
const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(200),
  expiry_date: z.nullish(dateOrTime),
  /** Requests in all. */
  max_usage: z.int('must be a whole number').min(UNLIMITED, 'must be -1 for no limit, or more').nullish(),
  /** Requests per minute. */
  rate_limit: z.int('must be a whole number').nonnegative('must be 0 or more').nullish(),
  /** US dollars in all. */
  spending_limit: z.number().nonnegative('must be 0 US dollars or more').nullish(),
  is_test: z.boolean().optional(),
}
const createSchema = z.strictObject(fields)
const patchSchema = z.strictObject({
  ...fields,
  name: fields.name.optional(),
  prefix: z
    .string()
    .regex(/^[\w-]{1,32}$/, 'must be 1 to 32 letters, digits, _ or -')
    .optional(),
})
const ITEM = '/api/temporary-keys/:id'

/** Inference keys to be handed on: for a time, a number of requests, a rate and an amount of money. */
export const temporaryKeyRoutes = adminRoutes('/api/temporary-keys', ITEM, {
  list,
  create,
  read: async (context) => Response.json(await shownOne(context, await found(context))),
  change,
  remove,
})

async function list(context: ManagementContext): Promise<Response> {
  const rows = await drizzle(context.env.CONFIG)
    .select()
    .from(apiKeys)
    .where(eq(apiKeys.isTemporary, true))
    .orderBy(desc(apiKeys.createdAtMs))
  return pageOfShown(new URL(context.request.url), rows, (page) => shown(context, page))
}

async function create(context: ManagementContext): Promise<Response> {
  const { env, effects, isolate, background } = context
  const given = await readJson(context.request, createSchema)
  const { key, prefix } = newKeyText()
  const nowMs = effects.now()
  const row: ApiKeyRow = {
    id: effects.newId(),
    name: given.name,
    prefix,
    hash: await sha256Hex(key),
    role: 'inference',
    environment: given.is_test === true ? 'test' : 'prod',
    allowedModels: null,
    requireParameters: false,
    unknownPrice: null,
    logBodies: null,
    expiresAtMs: given.expiry_date ?? null,
    revokedAtMs: null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    limits: limitsWith(null, given),
    isTemporary: true,
    cacheScope: 'organization',
  }
  await drizzle(env.CONFIG).insert(apiKeys).values(row)
  await isolate.config.refreshed(background, 0)
  return Response.json({ ...(await shownOne(context, row)), api_key: key }, { status: 201 })
}

async function change(context: ManagementContext): Promise<Response> {
  const { env, effects, isolate, background } = context
  const before = await found(context)
  const given = await readJson(context.request, patchSchema)
  const row: ApiKeyRow = {
    ...before,
    name: given.name ?? before.name,
    prefix: given.prefix ?? before.prefix,
    expiresAtMs: given.expiry_date === undefined ? before.expiresAtMs : given.expiry_date,
    environment: given.is_test === undefined ? before.environment : given.is_test ? 'test' : 'prod',
    limits: limitsWith(before.limits, given),
    updatedAtMs: effects.now(),
  }
  await drizzle(env.CONFIG).update(apiKeys).set(row).where(eq(apiKeys.id, row.id))
  await isolate.config.refreshed(background, 0)
  return Response.json(await shownOne(context, row))
}

/** For good: the key is then as unknown as one that never was. */
async function remove(context: ManagementContext): Promise<Response> {
  const { env, isolate, background } = context
  const { id } = await found(context)
  await drizzle(env.CONFIG).delete(apiKeys).where(eq(apiKeys.id, id))
  await isolate.config.refreshed(background, 0)
  return noContent()
}

async function found({ env, params }: ManagementContext): Promise<ApiKeyRow> {
  const [row] = await drizzle(env.CONFIG)
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.id, params.id ?? ''), eq(apiKeys.isTemporary, true)))
  if (row === undefined) throw notFound()
  return row
}

type Given = Partial<Record<'max_usage' | 'rate_limit' | 'spending_limit', number | null | undefined>>

/** The key's limits are kept under the names that the API has for them. */
function limitsWith(before: readonly InlineLimit[] | null, given: Given): InlineLimit[] | null {
  const limits = [
    limitNamed('max_usage', before, given, (value) => requestsLimit('max_usage', 'total', value)),
    limitNamed('rate_limit', before, given, (value) => requestsLimit('rate_limit', 'minute', value)),
    limitNamed('spending_limit', before, given, (value) => costLimit('spending_limit', 'total', value)),
  ].filter((limit) => limit !== undefined)
  return limits.length === 0 ? null : limits
}

function limitNamed(
  name: keyof Given,
  before: readonly InlineLimit[] | null,
  given: Given,
  made: (value: number) => InlineLimit,
): InlineLimit | undefined {
  const value = given[name]
  if (value === undefined) return before?.find((limit) => limit.name === name)
  return value === null || value === UNLIMITED ? undefined : made(value)
}

function requestsLimit(name: string, window: string, value: number): InlineLimit {
  return { name, metric: 'requests', window, value, action: 'block' }
}

async function shownOne(context: ManagementContext, row: ApiKeyRow): Promise<object> {
  const [one = {}] = await shown(context, [row])
  return one
}

/** What a key has used is counted by its limits, at once; where it has none, by the log rows that are written. */
async function shown(context: ManagementContext, rows: readonly ApiKeyRow[]): Promise<object[]> {
  const usage = await keyUsage(
    context.env,
    rows.map(({ id }) => id),
  )
  return Promise.all(
    rows.map(async (row) => {
      const limits = limitsOfKey(row)
      const standings = await standingsById(context, limits)
      const named = (name: string) => {
        const index = row.limits?.findIndex((limit) => limit.name === name) ?? -1
        return { limit: limits[index], used: standings.get(limits[index]?.id ?? '')?.used }
      }
      const logged = usage.get(row.id)
      return {
        id: row.id,
        prefix: row.prefix,
        created: new Date(row.createdAtMs).toISOString(),
        name: row.name,
        revoked: row.revokedAtMs !== null,
        expiry_date: isoOrNull(row.expiresAtMs),
        key_usage: named('max_usage').used ?? logged?.requests ?? 0,
        max_usage: named('max_usage').limit?.value ?? UNLIMITED,
        last_used: isoOrNull(logged?.lastUsedMs ?? null),
        rate_limit: named('rate_limit').limit?.value ?? null,
        spending_limit: named('spending_limit').limit?.value ?? null,
        spending_in_period: named('spending_limit').used ?? logged?.costUsd ?? 0,
        is_test: row.environment === 'test',
        is_temporary: true,
      }
    }),
  )
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
