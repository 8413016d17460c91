import type { Caller } from '../keys/authenticate'
import { numberVariable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { Timeouts } from '../platform/lifeline'
import type { Target } from '../providers/target'
import { type Pin, plan } from '../routing/plan'
import { targetsWithOrigin } from './affinity'
import { authenticate } from './authenticate'
import { decodedOnce } from './decoded'
import { type Intake, readIntake } from './intake'
import { type Isolate, MISS_AGE_MS } from './isolate'
import type { Known } from './record'
import { reserveLimits } from './reserve-limits'
import type { Exchange, Job } from './stages'
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
  const planned = await planTargets(exchange, isolate, { intake, caller, pin })
  const targets = await targetsWithOrigin(exchange, intake, planned)
  const timeouts = timeoutsOf(exchange, intake)
  const hold = await reserveLimits(exchange, isolate, {
    caller,
    parameters: intake.parameters,
    model: targets[0]?.model,
    tokens: () => exchange.protocol.estimateTokens(intake.bytes, intake.members),
    longestMs: longestMs(timeouts, targets),
  })
  if (hold !== undefined) known.hold = hold
  known.plannedAtMs = effects.now()
  return {
    ...exchange,
    caller,
    intake,
    decoded: decodedOnce(exchange, intake),
    targets,
    timeouts,
    attempts: known.attempts,
  }
}

async function planTargets(
  exchange: Exchange,
  isolate: Isolate,
  given: { intake: Intake; caller: Caller; pin: Pin | undefined },
): Promise<Target[]> {
  const { intake, caller, pin } = given
  const { env, background } = exchange
  const { speaks } = exchange.protocol
  const wanted = {
    model: intake.model,
    ...(pin === undefined ? {} : { pin }),
    fallbackModels: intake.parameters.fallback_models ?? undefined,
    disableFallback: intake.parameters.disable_fallback === true,
    allowedModels: caller.allowedModels,
  }
  const config = await isolate.config.get(background)
  try {
    return plan(wanted, surroundingsOf(env, config, speaks))
  } catch (cause) {
    if (!(cause instanceof SluiceError) || cause.failure.kind !== 'not_found') throw cause
    const newer = await isolate.config.refreshed(background, MISS_AGE_MS)
    if (newer === config) throw cause
    return plan(wanted, surroundingsOf(env, newer, speaks))
  }
}

function longestMs({ totalMs }: Timeouts, targets: readonly Target[]): number {
  return targets.reduce((sum, target) => sum + Math.max(totalMs, target.timeoutMs ?? 0), 0)
}

/** The deadlines of a request; what it asks for goes before what the worker is set to. */
export function timeoutsOf({ env }: Pick<Exchange, 'env'>, intake: Pick<Intake, 'parameters'>): Timeouts {
  const askedMs =
    intake.parameters.timeout === undefined || intake.parameters.timeout === null
      ? undefined
      : intake.parameters.timeout * 1_000
  return {
    headersMs: numberVariable(env.HEADERS_TIMEOUT_MS, 60_000),
    firstContentMs: numberVariable(env.FIRST_CONTENT_TIMEOUT_MS, 180_000),
    idleMs: numberVariable(env.IDLE_TIMEOUT_MS, 120_000),
    totalMs: askedMs ?? numberVariable(env.TOTAL_TIMEOUT_MS, 600_000),
  }
}
