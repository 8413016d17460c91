import { type CacheScope, cacheKeyOf, type Question } from '../cache/cache-key'
import { exactJson } from '../cache/canonical-json'
import type { CacheEntry } from '../cache/entry'
import { isCleared } from '../cache/generations'
import { type CachePolicy, cachePolicyOf } from '../cache/policy'
import { bodyQuestion, chatQuestion } from '../cache/question'
import { DEFAULT_TIMEOUT_MS, type ResponseCache, readEntry } from '../cache/response-cache'
import { unreadFields } from '../cache/unread-fields'
import type { Caller } from '../keys/authenticate'
import type { Config } from '../platform/config'
import { numberVariable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { ChatRequest } from '../protocols/request'
import { steeringHeaders } from '../providers/call-headers'
import type { Target } from '../providers/target'
import { isAllowed } from '../routing/plan'
import { surroundingsOf } from '../routing/surroundings'
import { bodyOf } from './decoded'
import { customerOf } from './gateway-parameters'
import type { Intake } from './intake'
import type { Isolate } from './isolate'
import type { Exchange } from './stages'

/** How a request takes part in the response cache. */
export interface Caching {
  key: string
  policy: CachePolicy
  /** The client wants a new answer, which takes the place of the old one. */
  isRefresh: boolean
  /** The question is one of a chat, so that any protocol and form can be answered. */
  isChat: boolean
  /** Only answers of these are kept, as `modelOf` names them. */
  models: readonly string[] | undefined
  responses: ResponseCache
  /** Whether an answer of another request's may be given to this one, now. */
  suits(entry: CacheEntry): boolean
}

/** A request that may be answered from the cache. */
export interface CacheRequest {
  intake: Intake
  caller: Caller
  config: Config
  targets: readonly Target[]
  /** The request in canonical form. */
  decoded(): ChatRequest
}

/** What a look-up found: how the request takes part, and an answer when there is a good one. */
export interface CacheLookup {
  caching: Caching
  entry?: CacheEntry
  /** Milliseconds. */
  lookUpMs: number
}

/** What the cache is to do for a request; undefined, after a glance, for one that has nothing to do with it. */
export function cacheWish(
  { request }: Pick<Exchange, 'request'>,
  { intake, config }: Pick<CacheRequest, 'intake' | 'config'>,
): { policy: CachePolicy; isRefresh: boolean } | undefined {
  const policy = cachePolicyOf(intake.parameters, config.settings.cache)
  // The boundary of a form is another one each time, and files are not kept.
  if (policy === undefined || intake.form !== undefined) return undefined
  const directives = (request.headers.get('cache-control') ?? '').toLowerCase()
  if (directives.includes('no-store')) return undefined
  const isRefresh = directives.includes('no-cache') || request.headers.get(NO_CACHE)?.toLowerCase() === 'true'
  return { policy, isRefresh }
}

/** Another gateway's header for the same. */
const NO_CACHE = 'x-no-cache'

/** Looks for a kept answer; whatever fails, the provider is asked instead, so that this never rejects. */
export async function lookUp(
  exchange: Exchange,
  isolate: Isolate,
  given: CacheRequest & { wish: NonNullable<ReturnType<typeof cacheWish>> },
): Promise<CacheLookup | undefined> {
  const { env, effects } = exchange
  const nowMs = effects.now()
  const caching = await cachingOf(exchange, isolate, given)
  if (caching === undefined) return undefined
  const { key, isRefresh } = caching
  const timeoutMs = numberVariable(env.CACHE_TIMEOUT_MS, DEFAULT_TIMEOUT_MS)
  const entry = isRefresh ? undefined : await readEntry(env, isolate.responses, { key, nowMs, timeoutMs })
  const found = { caching, lookUpMs: effects.now() - nowMs }
  const isGood = entry !== undefined && caching.suits(entry)
  return isGood ? { ...found, entry } : found
}

/** How a request takes part, with its key; undefined for a request that only its provider can make sense of. */
export async function cachingOf(
  exchange: Exchange,
  { responses }: Pick<Isolate, 'responses'>,
  given: CacheRequest & { wish: NonNullable<ReturnType<typeof cacheWish>> },
): Promise<Caching | undefined> {
  const { intake, caller, targets, wish } = given
  const { protocol } = exchange
  const question = questionOf(exchange, given)
  if (question === undefined) return undefined
  const isChat = protocol.codec !== undefined
  // Another model's embedding or picture would be an answer to nothing.
  const models = wish.policy.isByModel || !isChat ? askedModels(targets) : undefined
  // Those who name nobody share with each other, not with everybody.
  const customer = wish.policy.isByCustomer ? (customerOf(intake.parameters) ?? '') : undefined
  // Whoever brings keys may bring hosts too: what those answer is for nobody else.
  const isOwn = caller.hasOwnCache === true || targets.some(({ credential }) => credential.kind === 'request')
  const scope: CacheScope = {
    environment: caller.environment,
    ...(isOwn ? { apiKeyId: caller.apiKeyId } : {}),
    ...(customer === undefined ? {} : { customer }),
    ...(models === undefined ? {} : { models }),
  }
  const key = await cacheKeyOf(scope, question, () => exactBody(intake))
  const suits = (entry: CacheEntry) => isServable(exchange, entry, { ...given, key })
  return { key, ...wish, isChat, models, responses, suits }
}

/** A model as the cache tells it from others: one that is stored may be changed to mean another one. */
export function modelOf({ model, upstreamModel }: Pick<Target, 'model' | 'upstreamModel'>): string {
  return `${model} ${upstreamModel}`
}

// Fallbacks answer in another model's place, and are nobody's first choice.
function askedModels(targets: readonly Target[]): string[] {
  const asked = targets.filter(({ reason }) => reason?.startsWith('fallback') !== true)
  return [...new Set(asked.map(modelOf))].sort()
}

function questionOf(exchange: Exchange, { intake, decoded }: CacheRequest): Question | undefined {
  const { protocol, request } = exchange
  const headers = steeringHeaders(request.headers, intake.parameters.extra_headers)
  const steered = headers === undefined ? {} : { headers }
  if (protocol.codec === undefined) {
    const { stream } = intake
    return { kind: protocol.id, content: bodyQuestion(bodyOf(intake)), isStream: stream, ...steered }
  }
  try {
    const unread = unreadFields(bodyOf(intake))
    return { kind: 'chat', content: chatQuestion(decoded(), unread), ...steered }
  } catch (cause) {
    if (cause instanceof SluiceError) return undefined
    throw cause
  }
}

/** The request as it was written, but for what was for the gateway. */
function exactBody({ bytes, members, bodyNames }: Intake): unknown {
  const decoder = new TextDecoder()
  const own = members.filter(({ key }) => !bodyNames.has(key))
  return Object.fromEntries(
    own.map(({ key, valueStart, valueEnd }) => [
      key,
      exactJson(decoder.decode(bytes.subarray(valueStart, valueEnd))),
    ]),
  )
}

/** Whether a kept answer may be given to this request, now. */
function isServable(
  { env, effects, protocol }: Exchange,
  entry: CacheEntry,
  given: CacheRequest & { key: string; wish: Pick<Caching, 'policy'> },
): boolean {
  const { caller, intake, config, key } = given
  const { about, reply } = entry
  const { head } = reply
  const { policy } = given.wish
  const nowMs = effects.now()
  if (nowMs >= about.expiresAtMs || nowMs - about.createdAtMs > policy.ttlMs) return false
  if (about.hasToolCalls && !policy.keepsToolCalls) return false
  if (isCleared(entry, key, config.cacheGenerations)) return false
  const isStrict = intake.parameters.require_parameters ?? caller.requiresParameters ?? false
  if (isStrict && about.losses.length > 0) return false
  const around = surroundingsOf(env, config, protocol.speaks)
  if (!isAllowed(head.model, caller.allowedModels, around)) return false
  const { exclude_models: models, exclude_providers: providers } = intake.parameters
  return models?.includes(head.model) !== true && providers?.includes(head.providerId) !== true
}
