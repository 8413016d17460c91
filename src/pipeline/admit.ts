import type { Caller } from '../keys/authenticate'
import { passShield } from '../limits/shield'
import type { LogAttempt } from '../logs/log-record'
import type { Config } from '../platform/config'
import { numberVariable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { Timeouts } from '../platform/lifeline'
import { DEFAULT_MAX_BODY_BYTES } from '../platform/read-body'
import type { ChatRequest } from '../protocols/request'
import type { Target } from '../providers/target'
import type { Pin } from '../routing/pin'
import { plan } from '../routing/plan'
import type { RetryPolicy } from '../routing/retry-policy'
import { retryPolicyOf } from '../routing/retry-policy'
import { surroundingsOf } from '../routing/surroundings'
import { targetsWithOrigin } from './affinity'
import { identify } from './authenticate'
import { cacheWish, lookUp } from './caching'
import { attemptMsOf, timeoutsOf } from './deadlines'
import { decodedOnce } from './decoded'
import { type Intake, readIntake } from './intake'
import { type Isolate, MISS_AGE_MS } from './isolate'
import { luckOf } from './luck'
import { admittingModel, watchModels } from './model-limits'
import { withPrompt } from './prompted'
import type { Known } from './record'
import { redactedIntake } from './redacted-intake'
import { reserveLimits } from './reserve-limits'
import type { Exchange, Job } from './stages'
import { retryDefaultsOf, sourcesOf } from './stored-routing'
import { pricedTargets } from './unpriced'

/** Everything before the first upstream call: who asks, for what, and who may answer. */
export async function admit(
  exchange: Exchange,
  isolate: Isolate,
  given: { pin: Pin | undefined; known: Known },
): Promise<Job> {
  const { env, effects } = exchange
  const { pin, known } = given
  const { caller, settings } = await identify(exchange, isolate, known)
  if (env.KEY_SHIELD !== undefined) await passShield(env.KEY_SHIELD, caller.apiKeyId)
  const intake = redactedIntake(await admittedIntake(exchange, isolate, known), settings)
  known.intake = intake
  const prepared = await prepare(exchange, isolate, { intake, caller, pin })
  const decoded = decodedOnce(exchange, intake)
  const wish = cacheWish(exchange, { intake, config: prepared.config })
  const looking =
    wish === undefined ? undefined : lookUp(exchange, isolate, { ...prepared, intake, caller, decoded, wish })
  const reservation = {
    ...{ known, caller, targets: prepared.targets },
    config: prepared.config,
    parameters: intake.parameters,
    model: admittingModel(prepared.targets),
    estimate: () => exchange.protocol.estimateTokens(intake.bytes, intake.members),
    longestMs: prepared.timeouts.totalMs,
  }
  const reserving = reserveLimits(exchange, isolate, reservation)
  if (prepared.targets.length > 1) watchModels(exchange, isolate, reservation)
  // A request that failed by its look-up before its limits had answered would leave a hold behind.
  if (reserving !== undefined) await Promise.allSettled([reserving, looking]).then(() => reserving)
  const found = looking === undefined ? undefined : await looking
  known.plannedAtMs = effects.now()
  const job = jobOf(exchange, isolate, {
    ...{ caller, intake, decoded, attempts: known.attempts },
    prepared: withoutBarred(prepared, known),
  })
  if (found === undefined) return job
  known.caching = found.caching
  known.lookUpMs = found.lookUpMs
  known.cache = { status: 'miss', key: found.caching.key }
  return { ...job, ...found }
}

function withoutBarred(prepared: Prepared, known: Known): Prepared {
  const { barred, plannedAtMs = 0 } = known
  if (barred === undefined) return prepared
  return { ...prepared, targets: pricedTargets(prepared.targets, known, { barred, nowMs: plannedAtMs }) }
}

/** The request's body, with its stored prompt filled in. */
export async function admittedIntake(exchange: Exchange, isolate: Isolate, known: Known): Promise<Intake> {
  const sent = await readIntake(exchange, numberVariable(exchange.env.MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES))
  known.intake = sent
  if (sent.promptCall === undefined) return sent
  const filling = withPrompt(exchange, isolate, {
    ...{ intake: sent, call: sent.promptCall },
    onFound: (found) => {
      known.prompt = found
    },
  })
  const { intake, prompt } = filling instanceof Promise ? await filling : filling
  known.intake = intake
  known.prompt = prompt
  return intake
}

/** What is settled of a request before anything is reserved or sent. */
export interface Prepared {
  config: Config
  targets: readonly Target[]
  timeouts: Timeouts
  retry: RetryPolicy
}

/** Who may answer a request, for how long, and how often they are asked. */
export async function prepare(
  exchange: Exchange,
  isolate: Isolate,
  given: { intake: Intake; caller: Caller; pin: Pin | undefined },
): Promise<Prepared> {
  const { intake } = given
  const { planned, config } = await planTargets(exchange, isolate, given)
  const targets = await targetsWithOrigin(exchange, intake, planned)
  const timeouts = timeoutsOf(exchange, config, targets)
  return {
    config,
    targets,
    timeouts: { ...timeouts, totalMs: Math.max(timeouts.totalMs, attemptMsOf(intake) ?? 0) },
    retry: retryPolicyOf(
      intake.parameters,
      retryDefaultsOf(config, targets[0]?.model),
      repeatedBy(exchange.request),
    ),
  }
}

/** The job whose time begins to run now. */
export function jobOf(
  exchange: Exchange,
  isolate: Isolate,
  given: {
    caller: Caller
    intake: Intake
    decoded?: () => ChatRequest
    prepared: Prepared
    attempts: LogAttempt[]
  },
): Job {
  const { caller, intake, prepared, attempts, decoded = decodedOnce(exchange, intake) } = given
  const { targets, timeouts, retry } = prepared
  return {
    ...exchange,
    caller,
    intake,
    decoded,
    targets,
    timeouts,
    deadlineAtMs: exchange.effects.now() + timeouts.totalMs,
    retry,
    health: isolate.health,
    signal: exchange.request.signal,
    attempts,
  }
}

/** Who may answer, in order; a name that is not known is looked up once more before it is refused. */
async function planTargets(
  exchange: Exchange,
  isolate: Isolate,
  given: { intake: Intake; caller: Caller; pin: Pin | undefined },
): Promise<{ planned: Target[]; config: Config }> {
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
    const planned = plan(wanted, surroundingsOf(env, used, speaks), luck, sourcesOf(used))
    return { planned, config: used }
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
function repeatedBy({ headers }: Request): number {
  const count = Number(headers.get('x-stainless-retry-count') ?? 0)
  return Number.isInteger(count) && count > 0 ? count : 0
}
