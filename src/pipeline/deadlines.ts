import type { Config } from '../platform/config'
import type { Effects } from '../platform/effects'
import { type Env, numberVariable } from '../platform/env'
import type { Timeouts } from '../platform/lifeline'
import { timeoutsInMs } from '../platform/settings'
import type { Target } from '../providers/target'
import type { Intake } from './intake'
import type { Job } from './stages'

const LEASE_MS = 15_000

/** How long each attempt may take until its first content, as the request asks. */
export function attemptMsOf({ parameters }: Pick<Intake, 'parameters'>): number | undefined {
  return parameters.timeout == null ? undefined : Math.ceil(parameters.timeout * 1_000)
}

type DeadlineVariable = `${'HEADERS' | 'FIRST_CONTENT' | 'IDLE' | 'TOTAL'}_TIMEOUT_MS`

/** The deadlines that are set, or else the worker's; a target that may take longer has the whole take longer. */
export function timeoutsOf(
  { env }: { env: Pick<Env, DeadlineVariable> },
  { settings }: Pick<Config, 'settings'>,
  targets: readonly Target[] = [],
): Timeouts {
  const set = timeoutsInMs(settings.timeouts ?? {})
  const totalMs = set.totalMs ?? numberVariable(env.TOTAL_TIMEOUT_MS, 600_000)
  return {
    headersMs: set.headersMs ?? numberVariable(env.HEADERS_TIMEOUT_MS, 60_000),
    firstContentMs: set.firstContentMs ?? numberVariable(env.FIRST_CONTENT_TIMEOUT_MS, 180_000),
    idleMs: set.idleMs ?? numberVariable(env.IDLE_TIMEOUT_MS, 120_000),
    totalMs: targets.reduce(
      (most, { timeoutMs = 0, timeouts }) => Math.max(most, timeoutMs, timeouts?.totalMs ?? 0),
      totalMs,
    ),
  }
}

/** A request that calls for others and says nothing for this long is dead; it says something three times as often. */
export function leaseMsOf({ firstContentMs }: Pick<Timeouts, 'firstContentMs'>): number {
  return Math.min(LEASE_MS, firstContentMs / 2)
}

/**
 * The deadlines of one attempt: what the request asks goes before the custom model's own, those before the provider's
 * `timeout`, and that before what holds for all. A reply in one piece shows no sign of life before its end, so that
 * with others behind it, and nobody's word on it, it gets half of the time that is left.
 */
export function attemptTimeouts(job: AttemptedJob, target: Target, hasOthers: boolean): Timeouts {
  const { timeouts, intake } = job
  const { timeouts: ofModel, timeoutMs: ofProvider } = target
  const asked = attemptMsOf(intake)
  if (intake.stream) {
    const attemptMs = asked ?? (ofModel?.firstContentMs === undefined ? ofProvider : undefined)
    if (attemptMs === undefined && ofModel === undefined) return timeouts
    const all = {
      headersMs: asked ?? ofModel?.headersMs ?? ofProvider ?? timeouts.headersMs,
      firstContentMs: asked ?? ofModel?.firstContentMs ?? ofProvider ?? timeouts.firstContentMs,
      idleMs: ofModel?.idleMs ?? timeouts.idleMs,
      totalMs: Math.max(asked ?? 0, ofModel?.totalMs ?? timeouts.totalMs),
    }
    return attemptMs === undefined ? all : { ...all, attemptMs }
  }
  if (asked === undefined && ofModel?.totalMs !== undefined) return { ...timeouts, totalMs: ofModel.totalMs }
  const attemptMs = asked ?? ofProvider ?? (hasOthers ? halfOfTheRest(job) : undefined)
  return attemptMs === undefined ? timeouts : { ...timeouts, attemptMs }
}

interface AttemptedJob extends Pick<Job, 'timeouts' | 'deadlineAtMs'> {
  intake: Pick<Intake, 'parameters' | 'stream'>
  effects: Pick<Effects, 'now'>
}

function halfOfTheRest({ deadlineAtMs, effects }: AttemptedJob): number {
  return Math.ceil((deadlineAtMs - effects.now()) / 2)
}
