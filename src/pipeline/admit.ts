import type { Caller } from '../keys/authenticate'
import { type Hold, ORGANIZATION, reserve } from '../limits/admit'
import { numberVariable } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { Timeouts } from '../platform/lifeline'
import type { Target } from '../providers/target'
import { type Pin, plan } from '../routing/plan'
import { authenticate } from './authenticate'
import { customerOf } from './gateway-parameters'
import { type Intake, readIntake } from './intake'
import { type Isolate, MISS_AGE_MS } from './isolate'
import type { Known } from './record'
import type { Exchange, Job } from './stages'
import { surroundingsOf, withCanonicalSubject } from './surroundings'

const DEFAULT_MAX_BODY_BYTES = 32 * 1024 * 1024
/** A hold outlives its request's longest possible time by this much before it counts as abandoned. */
const HOLD_GRACE_MS = 60_000

/** Everything before the first upstream call: who asks, for what, and who may answer. */
export async function admit(
  exchange: Exchange,
  isolate: Isolate,
  given: { pin: Pin | undefined; known: Known },
): Promise<Job> {
  const { request, env, protocol, effects } = exchange
  const { pin, known } = given
  const caller = await authenticate(exchange, isolate)
  known.caller = caller
  known.authenticatedAtMs = effects.now()
  const intake = await readIntake(
    request,
    protocol,
    numberVariable(env.MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES),
  )
  known.intake = intake
  const targets = await planTargets(exchange, isolate, { intake, caller, pin })
  const timeouts = timeoutsOf(exchange, intake)
  const hold = await reserveLimits(exchange, isolate, { intake, caller, targets, timeouts })
  if (hold !== undefined) known.hold = hold
  known.plannedAtMs = effects.now()
  return { ...exchange, caller, intake, targets, timeouts, attempts: known.attempts }
}

/** How much of each limit a request may take at most; nothing is asked when no limit applies. */
async function reserveLimits(
  exchange: Exchange,
  isolate: Isolate,
  given: { intake: Intake; caller: Caller; targets: readonly Target[]; timeouts: Timeouts },
): Promise<Hold | undefined> {
  const { intake, caller, targets, timeouts } = given
  const config = await isolate.config.get(exchange.background)
  if (config.limits.length === 0) return undefined
  const model = targets[0]?.model
  const customer = customerOf(intake.parameters)
  const around = surroundingsOf(exchange.env, config)
  const nowMs = exchange.effects.now()
  return reserve({
    env: exchange.env,
    limits: config.limits.map((limit) => withCanonicalSubject(limit, around)),
    subjects: {
      organization: ORGANIZATION,
      api_key: caller.apiKeyId,
      ...(model === undefined ? {} : { model }),
      ...(customer === undefined ? {} : { customer }),
    },
    holdId: exchange.logId,
    amounts: {
      requests: 1,
      concurrency: 1,
      tokens: exchange.protocol.estimateTokens(intake.bytes, intake.members),
    },
    nowMs,
    expiresAtMs: nowMs + longestMs(timeouts, targets) + HOLD_GRACE_MS,
  })
}

async function planTargets(
  exchange: Exchange,
  isolate: Isolate,
  given: { intake: Intake; caller: Caller; pin: Pin | undefined },
): Promise<Target[]> {
  const { intake, caller, pin } = given
  const { env, background } = exchange
  const wanted = {
    model: intake.model,
    ...(pin === undefined ? {} : { pin }),
    fallbackModels: intake.parameters.fallback_models ?? undefined,
    disableFallback: intake.parameters.disable_fallback === true,
    allowedModels: caller.allowedModels,
  }
  const config = await isolate.config.get(background)
  try {
    return plan(wanted, surroundingsOf(env, config))
  } catch (cause) {
    if (!(cause instanceof SluiceError) || cause.failure.kind !== 'not_found') throw cause
    const newer = await isolate.config.refreshed(background, MISS_AGE_MS)
    if (newer === config) throw cause
    return plan(wanted, surroundingsOf(env, newer))
  }
}

function longestMs({ totalMs }: Timeouts, targets: readonly Target[]): number {
  return targets.reduce((sum, target) => sum + Math.max(totalMs, target.timeoutMs ?? 0), 0)
}

function timeoutsOf({ env }: Exchange, intake: Intake): Timeouts {
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
