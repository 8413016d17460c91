import { emitLog } from '../logs/emit'
import { redactedRecord } from '../logs/redacted-record'
import { describe, type Failure } from '../platform/failure'
import { redactorOfLogs } from '../redaction/redactor'
import { rememberAnswer } from './affinity'
import { keepAnswer, receivedWhole } from './keep-answer'
import { type Known, recordOf } from './record'
import { settleLimits } from './settle-limits'
import { type Ending, type Exchange, estimatedUsage, type Job, type WholeAnswer } from './stages'

/** The one exit of a request: its log record leaves and its limits are settled, behind the answer. */
export function conclude(exchange: Exchange, known: Known, ending: Ending): void {
  const { env, background } = exchange
  known.ending = ending
  known.onEnd?.(ending)
  background(emitLog(env, redactedRecord(recordOf(exchange, known, ending), redactorOfLogs(known.settings))))
  rememberAnswer(exchange, known, ending)
  if (known.caching !== undefined) {
    const keeping = keepAnswer(exchange, known, ending)
    background(keeping)
    known.tellOthers?.(ending, keeping)
  }
  if (known.hold !== undefined || (known.models?.holds.length ?? 0) > 0)
    background(settleLimits(exchange, known, ending))
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
