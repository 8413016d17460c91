import { beginGeneration, type Clearing } from '../cache/generations'
import { readUsage, type UsageGroup } from '../logs/usage'
import { canonicalName } from '../routing/resolve'
import { surroundingsOf } from '../routing/surroundings'
import { invalidField, timeOf } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const HOUR_MS = 3_600_000
const DEFAULT_SPAN_MS = 30 * 24 * HOUR_MS
const MAX_GROUPS = 1_000

/** What the cache has saved, and how to be rid of what it keeps. */
export const cacheRoutes: ManagementRoute[] = [
  { method: 'GET', paths: ['/api/cache'], auth: 'admin', logging: 'none', handle: statistics },
  { method: 'DELETE', paths: ['/api/cache'], auth: 'admin', logging: 'none', handle: clear },
]

/** From the roll-ups, so that also hits without a log row count. */
async function statistics({ env, request, effects }: ManagementContext): Promise<Response> {
  const url = new URL(request.url)
  const endMs = timeOf(url, 'end_time') ?? effects.now()
  const startMs = timeOf(url, 'start_time') ?? endMs - DEFAULT_SPAN_MS
  const span = {
    startMs: Math.floor(startMs / HOUR_MS) * HOUR_MS,
    endMs: Math.ceil(endMs / HOUR_MS) * HOUR_MS,
  }
  const by = (group: UsageGroup) =>
    readUsage(env.LOGS, { ...span, groupBy: [group], filters: [], page: 1, pageSize: MAX_GROUPS })
  const [models, keys] = await Promise.all([by('model'), by('organization_key_id')])
  return Response.json({
    start_time: new Date(span.startMs).toISOString(),
    end_time: new Date(span.endMs).toISOString(),
    totals: cacheSums(models.totals),
    by_model: models.results.filter(hasCache).map((row) => grouped(row, 'model')),
    by_key: keys.results.filter(hasCache).map((row) => grouped(row, 'organization_key_id')),
  })
}

function grouped(row: Sums & { [group in UsageGroup]?: unknown }, group: UsageGroup) {
  return { [group]: row[group] ?? null, ...cacheSums(row) }
}

type Sums = Pick<
  Awaited<ReturnType<typeof readUsage>>['totals'],
  'number_of_requests' | 'cache_hits' | 'cache_misses' | 'cache_hit_ratio' | 'saved_cost'
>

function cacheSums(sums: Sums) {
  const { number_of_requests, cache_hits, cache_misses, cache_hit_ratio, saved_cost } = sums
  return { number_of_requests, cache_hits, cache_misses, cache_hit_ratio, saved_cost }
}

function hasCache({ cache_hits, cache_misses }: Sums): boolean {
  return cache_hits + cache_misses > 0
}

/** Begins a new generation instead of walking through what there is: every isolate knows of it within 10 s. */
async function clear(context: ManagementContext): Promise<Response> {
  const { env, isolate, background, effects } = context
  const clearing = await clearingOf(context)
  const beganAtMs = await beginGeneration(env.CONFIG, clearing, effects.now())
  await isolate.config.refreshed(background, 0)
  const { scope, subject } = clearing
  return Response.json({
    cleared: scope,
    ...(scope === 'all' ? {} : { [scope === 'model' ? 'model' : 'customer_identifier']: subject }),
    cleared_at: new Date(beganAtMs).toISOString(),
  })
}

const SCOPES = { all: 'all', model: 'model', customer_identifier: 'customer' } as const

async function clearingOf({ env, isolate, background, request }: ManagementContext): Promise<Clearing> {
  const given = [...new URL(request.url).searchParams]
  const [one] = given
  if (one === undefined || given.length > 1)
    throw invalidField('query', "name what is to be cleared: 'model', 'customer_identifier' or 'all=true'")
  const [name, value] = one
  if (name !== 'all' && name !== 'model' && name !== 'customer_identifier')
    throw invalidField(name, `is not known here; known are ${Object.keys(SCOPES).join(', ')}`)
  if (value === '') throw invalidField(name, 'must not be empty')
  if (name === 'all' && value !== 'true') throw invalidField(name, 'must be true')
  if (name === 'all') return { scope: 'all', subject: '' }
  if (name === 'customer_identifier') return { scope: 'customer', subject: value }
  const around = surroundingsOf(env, await isolate.config.refreshed(background, 0))
  return { scope: 'model', subject: canonicalName(value, around) }
}
