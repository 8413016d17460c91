import type { CacheEntry } from '../cache/entry'
import { beginGeneration, type Clearing, isCleared } from '../cache/generations'
import { DEFAULT_TIMEOUT_MS, readStored, removeEntry } from '../cache/response-cache'
import { forgetShared } from '../flights/share'
import type { Caller } from '../keys/authenticate'
import { readUsage, type UsageGroup } from '../logs/usage'
import { lookUpOnly } from '../pipeline/look-up-only'
import { surroundingsOf } from '../pipeline/surroundings'
import { numberVariable } from '../platform/env'
import { canonicalName } from '../routing/resolve'
import { namedPin } from './answers'
import { aboutCall } from './described-call'
import { invalidField, noContent, notFound, timeOf } from './management'
import type { KeyedRoute, RouteContext } from './route'

const HOUR_MS = 3_600_000
const DEFAULT_SPAN_MS = 30 * 24 * HOUR_MS
const KEY = /^[0-9a-f]{64}$/
const MAX_GROUPS = 1_000

/** What is kept of answers, and how to be rid of it. */
export const cacheRoutes: KeyedRoute[] = [
  { method: 'GET', paths: ['/api/cache'], auth: 'admin', logging: 'none', handle: statistics },
  { method: 'DELETE', paths: ['/api/cache'], auth: 'admin', logging: 'none', handle: clear },
  {
    ...{ method: 'POST', paths: ['/api/cache/lookup'], auth: 'any_key', logging: 'none', errors: 'sdk' },
    handle: lookUp,
  },
  { method: 'GET', paths: ['/api/cache/:key'], auth: 'admin', logging: 'none', handle: read },
  { method: 'DELETE', paths: ['/api/cache/:key'], auth: 'admin', logging: 'none', handle: remove },
]

/** From the roll-ups, so that also hits without a log row count. */
async function statistics({ env, request, effects }: RouteContext): Promise<Response> {
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
async function clear(context: RouteContext): Promise<Response> {
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

async function clearingOf({ env, isolate, background, request }: RouteContext): Promise<Clearing> {
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

async function read(context: RouteContext): Promise<Response> {
  const { key, entry } = await found(context)
  return Response.json({ ...shown(key, entry, context.effects.now()), response: bodyOf(entry) })
}

async function remove(context: RouteContext): Promise<Response> {
  const { env, isolate, background, effects } = context
  const { key } = await found(context)
  await removeEntry(env, isolate.responses, key)
  // Should that fail, what lingers there is told from a new answer by its time.
  await forgetShared(env, key).catch(() => undefined)
  // Other isolates may have it in memory, and KV shows it elsewhere for a minute.
  await beginGeneration(env.CONFIG, { scope: 'key', subject: key }, effects.now())
  await isolate.config.refreshed(background, 0)
  return noContent()
}

async function lookUp(context: RouteContext, caller: Caller): Promise<Response> {
  const { isolate, request, effects } = context
  return aboutCall(context, async (exchange) => {
    const looked = await lookUpOnly(exchange, isolate, { caller, pin: namedPin(request) })
    if (looked === undefined) return { cache_key: null, is_cached: false, entry: null }
    const { caching, entry } = looked
    const { key } = caching
    const isCached = entry !== undefined
    return {
      cache_key: key,
      is_cached: isCached,
      entry: isCached ? shown(key, entry, effects.now()) : null,
    }
  })
}

async function found(context: RouteContext): Promise<{ key: string; entry: CacheEntry }> {
  const { env, params, isolate, background, effects } = context
  const { key = '' } = params
  if (!KEY.test(key)) throw notFound()
  const timeoutMs = numberVariable(env.CACHE_TIMEOUT_MS, DEFAULT_TIMEOUT_MS) * 10
  const entry = await readStored(env, { key, timeoutMs })
  const config = await isolate.config.refreshed(background, 0)
  if (entry === undefined || entry.about.expiresAtMs <= effects.now()) throw notFound()
  if (isCleared(entry, key, config.cacheGenerations)) throw notFound()
  return { key, entry }
}

function shown(key: string, { reply, about }: CacheEntry, nowMs: number) {
  const { head, bytes } = reply
  return {
    cache_key: key,
    model: head.model,
    deployment_name: head.upstreamModel,
    provider_id: head.providerId,
    protocol: head.protocol,
    stream: head.isStream,
    content_type: head.contentType,
    size_bytes: bytes.byteLength,
    created_at: new Date(about.createdAtMs).toISOString(),
    expires_at: new Date(about.expiresAtMs).toISOString(),
    age: Math.max(0, nowMs - about.createdAtMs) / 1_000,
    customer_identifier: about.customer ?? null,
    log_id: about.logId,
    finish_reason: about.finishReason ?? null,
    has_tool_calls: about.hasToolCalls,
    prompt_tokens: about.usage === undefined ? null : promptTokens(about.usage),
    completion_tokens: about.usage?.outputTokens ?? null,
  }
}

function promptTokens(usage: NonNullable<CacheEntry['about']['usage']>): number {
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens } = usage
  return inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens
}

/** JSON as it is, a stream as its text; nothing of a file. */
function bodyOf({ reply: { head, bytes } }: CacheEntry): unknown {
  if (/json/.test(head.contentType)) return JSON.parse(new TextDecoder().decode(bytes))
  return /^text\//.test(head.contentType) ? new TextDecoder().decode(bytes) : null
}
