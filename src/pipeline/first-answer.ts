import { SluiceError } from '../platform/failure'
import { knownModel } from '../providers/known-models'
import type { Target } from '../providers/target'
import { type Diagnosis, treatments } from '../routing/failure-class'
import { nextRetry } from '../routing/retry-policy'
import { AttemptFailed, attempt } from './attempt'
import type { Known } from './record'
import type { Answer, Job } from './stages'
import { tellSkipped } from './unpriced'

/** What is done after a failed attempt: which target is asked next, and after which wait. */
interface Next {
  index: number
  waitMs: number
}

/**
 * The first good answer of the job's targets. They are asked in order, at once; only the last is asked again, with
 * waits, for there is nobody else. All of it ends with the request's deadline, and when the client leaves.
 * @throws SluiceError of the last attempt
 */
export async function firstAnswer(job: Job, known: Known): Promise<Answer> {
  const { targets, health, effects, signal } = job
  let index = 0
  let waitedMs = 0
  let retriesMade = 0
  for (;;) {
    const target = targets[index]
    if (target === undefined)
      throw new SluiceError({ kind: 'internal', message: 'There was no target to ask.' })
    const hasOthers = index < targets.length - 1
    try {
      const answer = await attempt(job, target, { isRetry: retriesMade > 0, waitedMs, hasOthers })
      // Of a stream only its end tells.
      if (answer.kind === 'whole') health.answered(target)
      return answer
    } catch (cause) {
      if (!(cause instanceof AttemptFailed)) throw cause
      const { diagnosis } = cause
      health.failed(target, diagnosis, effects.now())
      tellSkipped(known)
      const next = nextAttempt(job, known, { index, retriesMade, diagnosis })
      if (next === undefined) throw cause
      if (next.index === index) retriesMade++
      index = next.index
      waitedMs = next.waitMs
      if (waitedMs > 0) await pause(waitedMs, signal)
      // A wait may last longer than it was meant to.
      if (effects.now() >= job.deadlineAtMs) throw cause
    }
  }
}

function nextAttempt(
  job: Job,
  known: Known,
  { index, retriesMade, diagnosis }: { index: number; retriesMade: number; diagnosis: Diagnosis },
): Next | undefined {
  const { retry, deadlineAtMs, effects } = job
  const nowMs = effects.now()
  const { isRetryable } = treatments[diagnosis.class]
  if (nowMs >= deadlineAtMs) return undefined
  const other = otherTarget(job.targets, index, diagnosis)
  if (other !== undefined) return { index: other, waitMs: 0 }
  if (!isRetryable) return undefined
  const { retryAfterMs } = diagnosis
  const step = nextRetry(retry, { retriesMade, retryAfterMs, nowMs, deadlineAtMs, roll: effects.roll() })
  if (step.kind === 'wait') return { index, waitMs: step.waitMs }
  if (step.why === 'exhausted') known.isExhausted = true
  return undefined
}

/** The next target that may mend a failure: for a prompt that is too long only one with a larger window. */
function otherTarget(targets: readonly Target[], index: number, { class: kind, window }: Diagnosis) {
  const { moves } = treatments[kind]
  if (moves === false) return undefined
  if (moves === true) return index < targets.length - 1 ? index + 1 : undefined
  const failed = contextWindowOf(targets[index]) ?? window
  const found = targets.findIndex(
    (target, at) => at > index && failed !== undefined && (contextWindowOf(target) ?? 0) > failed,
  )
  return found === -1 ? undefined : found
}

function contextWindowOf(target: Target | undefined): number | undefined {
  if (target === undefined) return undefined
  return target.contextWindow ?? knownModel(target.providerId, target.upstreamModel)?.contextWindow
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await scheduler.wait(ms, { signal })
  } catch (cause) {
    throw new SluiceError({ kind: 'cancelled' }, { cause })
  }
}
