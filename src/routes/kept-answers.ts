import type { CacheEntry } from '../cache/entry'
import { beginGeneration, isCleared } from '../cache/generations'
import { DEFAULT_TIMEOUT_MS, readStored, removeEntry } from '../cache/response-cache'
import { forgetShared } from '../flights/share'
import type { Caller } from '../keys/authenticate'
import { lookUpOnly } from '../pipeline/look-up-only'
import { numberVariable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import { namedPin } from './answers'
import { aboutCall } from './described-call'
import type { KeyedRoute, RouteContext } from './route'

const KEY = /^[0-9a-f]{64}$/

/** Answers that are kept: whether there is one for a call, what it is, and how to be rid of it. */
export const keptAnswerRoutes: KeyedRoute[] = [
  {
    ...{ method: 'POST', paths: ['/api/cache/lookup'], auth: 'any_key', logging: 'none', errors: 'sdk' },
    handle: lookUp,
  },
  { method: 'GET', paths: ['/api/cache/:key'], auth: 'admin', logging: 'none', handle: read },
  { method: 'DELETE', paths: ['/api/cache/:key'], auth: 'admin', logging: 'none', handle: remove },
]

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
  return new Response(null, { status: 204 })
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
  if (!KEY.test(key)) throw nothingThere()
  const timeoutMs = numberVariable(env.CACHE_TIMEOUT_MS, DEFAULT_TIMEOUT_MS) * 10
  const entry = await readStored(env, { key, timeoutMs })
  const config = await isolate.config.refreshed(background, 0)
  if (entry === undefined || entry.about.expiresAtMs <= effects.now()) throw nothingThere()
  if (isCleared(entry, key, config.cacheGenerations)) throw nothingThere()
  return { key, entry }
}

function nothingThere(): SluiceError {
  return new SluiceError({ kind: 'not_found', message: 'Not found.' })
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
