import { settle } from '../limits/admit'
import { emitLog } from '../logs/emit'
import { describe, type Failure } from '../platform/failure'
import { rememberAnswer } from './affinity'
import { keepAnswer, receivedWhole } from './keep-answer'
import { type Known, recordOf } from './record'
import { type Ending, type Exchange, estimatedUsage, type Job, type WholeAnswer } from './stages'

/** Attempts that ended so never reached the upstream, and cost nobody anything. */
const UNREACHED = new Set(['upstream_unreachable', 'provider_not_configured'])

/** The one exit of a request: its log record leaves and its limits are settled, behind the answer. */
export function conclude(exchange: Exchange, known: Known, ending: Ending): void {
  const { env, background } = exchange
  known.onEnd?.(ending)
  background(emitLog(env, recordOf(exchange, known, ending)))
  rememberAnswer(exchange, known, ending)
  keepAnswer(exchange, known, ending)
  if (known.hold !== undefined) background(settle(env, known.hold, takenBy(known, ending)))
}

function takenBy({ attempts, replayed, cached }: Known, { usage }: Ending) {
  // What others paid for costs nothing, but it was asked for.
  if (cached !== undefined) return { requests: 1, tokens: 0, concurrency: 0 }
  const wasReached =
    replayed !== undefined ||
    attempts.some(({ errorCode }) => errorCode === undefined || !UNREACHED.has(errorCode))
  const {
    inputTokens = 0,
    cacheReadTokens = 0,
    cacheWrite5mTokens = 0,
    cacheWrite1hTokens = 0,
    outputTokens = 0,
  } = usage ?? {}
  const tokens = inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens
  return { requests: wasReached ? 1 : 0, tokens, concurrency: 0 }
}

/** The ending of a reply in one piece. */
export function endingOfWhole(job: Job, answer: WholeAnswer): Ending {
  const { target, facts, losses, body, firstContentAtMs } = answer
  const { usage } = facts
  return {
    kind: 'completed',
    statusCode: 200,
    target,
    facts,
    losses,
    ...(usage === undefined ? estimatedUsage(job, body) : { usage, usageSource: 'provider' }),
    responseBody: body,
    firstContentAtMs,
    endedAtMs: job.effects.now(),
    ...receivedWhole(job, answer),
  }
}

/** The ending of a request that got no answer but an error. */
export function endingOfFailure({ effects }: Exchange, failure: Failure): Ending {
  const { status, code, message } = describe(failure)
  const kind = failure.kind === 'cancelled' ? 'cancelled' : 'failed'
  const responseBody = failure.kind === 'upstream_status' ? { responseBody: failure.body } : {}
  return { kind, statusCode: status, failure: { code, message }, endedAtMs: effects.now(), ...responseBody }
}
