import { createResponseCache, DEFAULT_MEMORY_BYTES, type ResponseCache } from '../cache/response-cache'
import { type SecretKey, secretKeys } from '../keys/authenticate'
import { createKnownRefusals, type KnownRefusals } from '../limits/known-refusals'
import { Leases } from '../limits/leases'
import { type Config, createConfigSnapshot } from '../platform/config'
import type { Effects } from '../platform/effects'
import { numberVariable } from '../platform/env'
import type { Snapshot } from '../platform/snapshot'
import { createVersionCache, type VersionCache } from '../prompts/version-cache'
import { createHealth, type Health } from '../routing/health'
import type { GatewayEnv } from './stages'

/** A name or key that is not known may have been made a moment ago elsewhere: one look a second finds out. */
export const MISS_AGE_MS = 1_000

/** What an isolate keeps between requests. */
export interface Isolate {
  config: Snapshot<Config>
  health: Health
  /** Of limits. */
  refusals: KnownRefusals
  /** Of the budgets of limits; undefined where the operator wants none. */
  leases: Leases | undefined
  responses: ResponseCache
  /** Of stored prompts, those that nothing points at. */
  promptVersions: VersionCache
  /** Without a promise once they are hashed. */
  secretKeys(env: GatewayEnv): readonly SecretKey[] | Promise<readonly SecretKey[]>
}

/** Made at an isolate's first request. */
export function createIsolate(env: GatewayEnv, effects: Effects): Isolate {
  let secrets: readonly SecretKey[] | undefined
  return {
    config: createConfigSnapshot(env, effects.now),
    health: createHealth(),
    refusals: createKnownRefusals(),
    leases: env.LIMIT_LEASES === 'off' ? undefined : new Leases(effects.newId),
    responses: createResponseCache(numberVariable(env.CACHE_MEMORY_BYTES, DEFAULT_MEMORY_BYTES)),
    promptVersions: createVersionCache(env, effects.now),
    secretKeys(present) {
      return secrets ?? secretKeys(present).then((hashed) => (secrets = hashed))
    },
  }
}
