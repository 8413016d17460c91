import type { Caller } from '../keys/authenticate'
import type { Config } from '../platform/config'
import { numberVariable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { Target } from '../providers/target'
import type { Pin } from '../routing/pin'
import { plan } from '../routing/plan'
import { retryPolicyOf } from '../routing/retry-policy'
import type { RoutingSources } from '../routing/sources'
import { targetsWithOrigin } from './affinity'
import { authenticate } from './authenticate'
import { attemptMsOf, timeoutsOf } from './deadlines'
import { decodedOnce } from './decoded'
import { type Intake, readIntake } from './intake'
import { type Isolate, MISS_AGE_MS } from './isolate'
import { luckOf } from './luck'
import type { Known } from './record'
import { reserveLimits } from './reserve-limits'
import type { Exchange, Job } from './stages'
import { sourcesOf } from './stored-routing'
import { surroundingsOf } from './surroundings'

/** What a request's body may have when MAX_BODY_BYTES does not say. */
export const DEFAULT_MAX_BODY_BYTES = 32 * 1024 * 1024

/** Everything before the first upstream call: who asks, for what, and who may answer. */
export async function admit(
  exchange: Exchange,
  isolate: Isolate,
  given: { pin: Pin | undefined; known: Known },
): Promise<Job> {
  const { env, effects } = exchange
  const { pin, known } = given
  const caller = await authenticate(exchange, isolate)
  known.caller = caller
  known.authenticatedAtMs = effects.now()
  const intake = await readIntake(exchange, numberVariable(env.MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES))
  known.intake = intake
  const { planned, sources, config } = await planTargets(exchange, isolate, { intake, caller, pin })
  const targets = await targetsWithOrigin(exchange, intake, planned)
  const timeouts = timeoutsOf(exchange, config, targets)
  const totalMs = Math.max(timeouts.totalMs, attemptMsOf(intake) ?? 0)
  const hold = await reserveLimits(exchange, isolate, {
    caller,
    parameters: intake.parameters,
    model: targets[0]?.model,
    tokens: () => exchange.protocol.estimateTokens(intake.bytes, intake.members),
    longestMs: totalMs,
  })
  if (hold !== undefined) known.hold = hold
  known.plannedAtMs = effects.now()
  return {
    ...exchange,
    caller,
    intake,
    decoded: decodedOnce(exchange, intake),
    targets,
    timeouts: { ...timeouts, totalMs },
    deadlineAtMs: effects.now() + totalMs,
    retry: retryPolicyOf(intake.parameters, sources.retry, repeatedBy(exchange.request)),
    health: isolate.health,
    attempts: known.attempts,
  }
}

/** Who may answer, in order; a name that is not known is looked up once more before it is refused. */
export async function planTargets(
  exchange: Exchange,
  isolate: Isolate,
  given: { intake: Intake; caller: Caller; pin: Pin | undefined },
): Promise<{ planned: Target[]; sources: RoutingSources; config: Config }> {
  const { intake, caller, pin } = given
  const { env, background } = exchange
  const { speaks } = exchange.protocol
  const wanted = {
    model: intake.model,
    ...(pin === undefined ? {} : { pin }),
    parameters: intake.parameters,
    allowedModels: caller.allowedModels,
  }
  const luck = luckOf(exchange, isolate, intake)
  const planWith = (used: Config) => {
    const sources = sourcesOf(used)
    const planned = plan(wanted, surroundingsOf(env, used, speaks), luck, sources)
    return { planned, sources, config: used }
  }
  const config = await isolate.config.get(background)
  try {
    return planWith(config)
  } catch (cause) {
    if (!(cause instanceof SluiceError) || cause.failure.kind !== 'not_found') throw withWay(cause, intake)
    const newer = await isolate.config.refreshed(background, MISS_AGE_MS)
    if (newer === config) throw withWay(cause, intake)
    try {
      return planWith(newer)
    } catch (second) {
      throw withWay(second, intake)
    }
  }
}

// The same parameter may come in several ways, and whoever sent it must find it.
function withWay(cause: unknown, { wayOf }: Intake): unknown {
  if (!(cause instanceof SluiceError)) return cause
  const { failure } = cause
  if (failure.kind !== 'invalid_request' && failure.kind !== 'not_found') return cause
  const way = failure.param === undefined ? undefined : wayOf(failure.param)
  if (way === undefined) return cause
  const message = `${failure.message} ('${failure.param}' was given in ${way}.)`
  return new SluiceError({ ...failure, message }, { cause })
}

/** How often a client has sent the same request before: the SDKs of one maker count it in this header. */
export function repeatedBy({ headers }: Request): number {
  const count = Number(headers.get('x-stainless-retry-count') ?? 0)
  return Number.isInteger(count) && count > 0 ? count : 0
}
