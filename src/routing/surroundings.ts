import type { Config } from '../platform/config'
import type { LimitRow } from '../platform/config-schema'
import { type Env, variable } from '../platform/env'
import type { WireProtocolId } from '../protocols/protocol'
import { canonicalName, type Surroundings } from './resolve'

/** What resolving a model name needs, from the variables of the worker that calls the providers. */
export function surroundingsOf(
  worker: Pick<Env, 'ALLOW_PRIVATE_UPSTREAMS'>,
  config: Config,
  speaks?: WireProtocolId,
): Surroundings {
  return {
    config,
    ...(speaks === undefined ? {} : { speaks }),
    variable: (name) => variable(worker, name),
    mayBePrivate: worker.ALLOW_PRIVATE_UPSTREAMS === 'true',
  }
}

/** A limit on a model under the model's one name, whichever of its names the limit was made with. */
export function withCanonicalSubject(limit: LimitRow, around: Surroundings): LimitRow {
  if (limit.scope !== 'model' || limit.subject === '*') return limit
  return { ...limit, subject: canonicalName(limit.subject, around) }
}
