import { SluiceError } from '../platform/failure'
import { knownModel } from '../providers/known-models'
import type { Target } from '../providers/target'
import { type Diagnosis, treatments } from '../routing/failure-class'
import { nextRetry } from '../routing/retry-policy'
import { AttemptFailed, attempt } from './attempt'
import type { ModelLimits } from './model-limits'
import type { Known } from './record'
import type { Answer, Job } from './stages'
import { tellSkipped } from './unpriced'

/** What is done after a failed attempt: which target is asked next, of which ones, and after which wait. */
interface Next {
  targets: readonly Target[]
  index: number
  waitMs: number
}

/**
 * The first good answer of the job's targets. They are asked in order, at once; only the last is asked again, with
 * waits, for there is nobody else. A target whose model has limits that let nobody in is passed over. All of it ends with
 * the request's deadline, and when the client leaves.
 * @throws SluiceError of the last attempt, or of the limit where nobody was called
 */
export async function firstAnswer(job: Job, known: Known): Promise<Answer> {
  const { health, effects, signal } = job
  let targets = known.models === undefined ? job.targets : await openTargets(job, known.models)
  let index = 0
  let waitedMs = 0
  let retriesMade = 0
  let isCalled = false
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
      isCalled ||= diagnosis.class !== 'unsuited'
      health.failed(target, diagnosis, effects.now())
      tellSkipped(known)
      const next = await nextAttempt(job, known, { targets, index, retriesMade, diagnosis })
      if (next === undefined) throw toldFailure(known, cause, isCalled)
      if (next.index === index) retriesMade++
      targets = next.targets
      index = next.index
      waitedMs = next.waitMs
      if (waitedMs > 0) await pause(waitedMs, signal)
      // A wait may last longer than it was meant to.
      if (effects.now() >= job.deadlineAtMs) throw cause
    }
  }
}

/**
 * The targets from the first on that may be called.
 * @throws SluiceError of the limit where there is none
 */
async function openTargets({ targets }: Job, models: ModelLimits): Promise<readonly Target[]> {
  for (const [index, target] of targets.entries()) {
    if (!(await models.letsIn(target))) continue
    models.tellSkipped({ isLast: false })
    return targets.slice(index)
  }
  models.tellSkipped({ isLast: false })
  throw models.refusal() ?? new SluiceError({ kind: 'internal', message: 'There was no target to ask.' })
}

/** A failure of somebody who was called goes before a limit that kept the request from others. */
function toldFailure({ models }: Known, cause: AttemptFailed, isCalled: boolean): SluiceError {
  return isCalled ? cause : (models?.refusal() ?? cause)
}

/** Where a request is after a failed attempt. */
interface Failed {
  targets: readonly Target[]
  index: number
  retriesMade: number
  diagnosis: Diagnosis
}

async function nextAttempt(job: Job, known: Known, failed: Failed): Promise<Next | undefined> {
  if (job.effects.now() >= job.deadlineAtMs) return undefined
  const { targets, other } = await openOther(known.models, failed)
  const next =
    other === undefined
      ? repetition(job, known, { ...failed, targets })
      : { targets, index: other, waitMs: 0 }
  known.models?.tellSkipped({ isLast: next === undefined || next.index === failed.index })
  return next
}

/** The next target that may be called, among those that are left. */
async function openOther(
  models: ModelLimits | undefined,
  { targets, index, diagnosis }: Pick<Failed, 'targets' | 'index' | 'diagnosis'>,
): Promise<{ targets: readonly Target[]; other: number | undefined }> {
  const other = otherTarget(targets, index, diagnosis)
  const target = other === undefined ? undefined : targets[other]
  if (models === undefined || target === undefined || (await models.letsIn(target))) return { targets, other }
  // As if there were no such target: whoever is the last without it may be asked again.
  const left = targets.filter((_, at) => at !== other)
  return openOther(models, { targets: left, index, diagnosis })
}

function repetition(
  { retry, deadlineAtMs, effects }: Job,
  known: Known,
  { targets, index, retriesMade, diagnosis }: Failed,
): Next | undefined {
  if (!treatments[diagnosis.class].isRetryable) return undefined
  const { retryAfterMs } = diagnosis
  const step = nextRetry(retry, {
    ...{ retriesMade, retryAfterMs, deadlineAtMs },
    ...{ nowMs: effects.now(), roll: effects.roll() },
  })
  if (step.kind === 'wait') return { targets, index, waitMs: step.waitMs }
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
