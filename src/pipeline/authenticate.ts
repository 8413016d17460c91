import { type Caller, callerOf, hashOfKey, keyRequired } from '../keys/authenticate'
import { SluiceError } from '../platform/failure'
import type { Settings } from '../platform/settings'
import { type Isolate, MISS_AGE_MS } from './isolate'
import type { Known } from './record'
import type { Exchange } from './stages'

/** Who sends a request on an inference route, and what holds for it; both are noted at once. */
export async function identify(
  exchange: Pick<Exchange, 'request' | 'env' | 'effects' | 'background'>,
  isolate: Isolate,
  known: Known,
): Promise<{ caller: Caller; settings: Settings }> {
  const caller = await authenticate(exchange, isolate)
  known.caller = caller
  known.authenticatedAtMs = exchange.effects.now()
  const config = isolate.config.get(exchange.background)
  const { settings } = config instanceof Promise ? await config : config
  known.settings = settings
  return { caller, settings }
}

/** Who sends a request. In a warm isolate nothing is waited for: the snapshot and the key's hash are in memory. */
export async function authenticate(
  exchange: Pick<Exchange, 'request' | 'env' | 'effects' | 'background'>,
  isolate: Isolate,
): Promise<Caller> {
  const { request, env, effects, background } = exchange
  const hash = await hashOfKey(keyRequired(request))
  const secret = (await isolate.secretKeys(env)).find((one) => one.hash === hash)
  // The keys that are worker secrets work without any database.
  if (secret !== undefined) return secret.caller
  const nowMs = effects.now()
  const config = await isolate.config.get(background)
  if (config.apiKeysByHash.has(hash)) return callerOf(hash, config, nowMs)
  const newest = await isolate.config.refreshed(background, MISS_AGE_MS)
  if (newest.apiKeysByHash.has(hash) || !isolate.config.isBehind()) return callerOf(hash, newest, nowMs)
  throw new SluiceError({
    kind: 'unavailable',
    message: 'This API key is not known yet, and the keys cannot be read right now. Try again.',
    retryAfterSeconds: 2,
  })
}
