import type { Config } from '../platform/config'
import { type Env, variable } from '../platform/env'
import type { Surroundings } from '../routing/resolve'

/** What resolving a model name needs, from this worker's environment. */
export function surroundingsOf(env: Env, config: Config): Surroundings {
  return {
    config,
    variable: (name) => variable(env, name),
    mayBePrivate: env.ALLOW_PRIVATE_UPSTREAMS === 'true',
  }
}
