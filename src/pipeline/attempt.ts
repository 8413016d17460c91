import { describe, type Failure, SluiceError } from '../platform/failure'
import { createLifeline, type Lifeline } from '../platform/lifeline'
import { NO_USAGE } from '../protocols/canonical'
import { callUpstream } from '../providers/call'
import { redactedFailure } from '../providers/redact'
import { sourceOf, type Target } from '../providers/target'
import { type Diagnosis, diagnose } from '../routing/failure-class'
import { attemptTimeouts } from './deadlines'
import { bodyOf } from './decoded'
import { type Lane, laneOf } from './lane'
import { openStream } from './open-stream'
import { readWhole } from './read-whole'
import type { Answer, Job } from './stages'
import { traceHeaders } from './tracing'
import { asksForUsage, rememberRefusalOfUsage } from './usage-request'

/** Why an attempt is made, and after which wait. */
export interface Occasion {
  isRetry: boolean
  waitedMs: number
  /** Others are behind it that would need some of the time. */
  hasOthers: boolean
}

/** An attempt that failed, and what that means for the others. */
export class AttemptFailed extends SluiceError {
  constructor(
    failure: Failure,
    readonly diagnosis: Diagnosis,
    options: ErrorOptions,
  ) {
    super(failure, options)
  }
}

/** Asks a target, and once more without what only the gateway added when that was what it refused. */
export async function attempt(job: Job, target: Target, occasion: Occasion): Promise<Answer> {
  const withUsage = asksForUsage(job, target)
  try {
    return await attemptOnce(job, target, { ...occasion, withUsage })
  } catch (cause) {
    const isRefusal =
      withUsage && cause instanceof SluiceError && rememberRefusalOfUsage(cause.failure, target)
    if (!isRefusal) throw cause
    return attemptOnce(job, target, { ...occasion, withUsage: false })
  }
}

async function attemptOnce(
  job: Job,
  target: Target,
  how: Occasion & { withUsage: boolean },
): Promise<Answer> {
  const { effects, intake, signal, attempts } = job
  const startedAtMs = effects.now()
  const timeouts = attemptTimeouts(job, target, how.hasOthers)
  const whole = { atMs: job.deadlineAtMs, ms: job.timeouts.totalMs }
  const lifeline = createLifeline({ client: signal, now: effects.now, timeouts, whole })
  const about = { ...aboutAttempt(target, how), startedAtMs }
  let lane: Lane | undefined
  try {
    if (target.problem !== undefined) throw new SluiceError(target.problem)
    const local = localAnswer(job, target)
    if (local !== undefined) return local
    lane = laneOf(job, target, how.withUsage)
    refuseLosses(job, target, lane)
    const answer = await ask(job, { target, lifeline, lane })
    attempts.push({ ...about, latencyMs: answer.firstContentAtMs - startedAtMs, statusCode: 200 })
    if (!intake.stream) lifeline.release()
    return answer
  } catch (cause) {
    lifeline.stop({ kind: 'over' })
    const clean = redactedFailure(failureOf(cause), target, job.env, intake.parameters.extra_headers)
    const failure = lane === undefined ? clean : lane.told(clean)
    const nowMs = effects.now()
    const diagnosis = diagnose(clean, target.credential, nowMs)
    const { status: statusCode, code: errorCode, message: errorMessage } = describe(failure)
    const { class: errorClass, retryAfterMs } = diagnosis
    const told = {
      errorCode,
      errorMessage,
      errorClass,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }
    attempts.push({ ...about, latencyMs: nowMs - startedAtMs, statusCode, ...told })
    throw cause instanceof SluiceError ? new AttemptFailed(failure, diagnosis, { cause }) : cause
  }
}

function aboutAttempt(target: Target, { isRetry, waitedMs }: Occasion) {
  const { providerId, model, upstreamModel, credential, reason = 'requested' } = target
  return {
    ...{ providerId, model, upstreamModel, reason },
    credentialKind: sourceOf(credential),
    ...(isRetry ? { isRetry } : {}),
    ...(waitedMs === 0 ? {} : { waitedMs }),
  }
}

async function ask(job: Job, how: { target: Target; lifeline: Lifeline; lane: Lane }): Promise<Answer> {
  const { target, lifeline, lane } = how
  const { intake, env, effects, logId } = job
  const { headers } = job.request
  const response = await callUpstream({
    target,
    env,
    method: 'POST',
    path: lane.path,
    body: lane.body,
    ...(lane.contentType === undefined ? {} : { contentType: lane.contentType }),
    ...(lane.accept === undefined ? {} : { accept: lane.accept }),
    isStream: intake.stream,
    clientHeaders: headers,
    traceHeaders: traceHeaders({ headers, env, logId, parameters: intake.parameters }, job.attempts.length),
    extraHeaders: intake.parameters.extra_headers ?? undefined,
    lifeline,
  })
  const sent = intake.parameters.extra_headers
  const given = { response, target, lane, lifeline, effects, env, sent }
  return intake.stream ? openStream(given) : readWhole(given)
}

// What a target cannot be asked in the client's protocol, and the gateway can answer by itself.
function localAnswer({ protocol, intake, effects }: Job, target: Target): Answer | undefined {
  if (target.protocol === protocol.speaks || protocol.answerLocally === undefined) return undefined
  const answer = protocol.answerLocally(bodyOf(intake))
  return {
    kind: 'whole',
    target,
    headers: new Headers({ 'x-sluice-estimated': 'true' }),
    body: new TextEncoder().encode(JSON.stringify(answer)),
    losses: [],
    facts: { usage: NO_USAGE },
    firstContentAtMs: effects.now(),
  }
}

/**
 * A client that would rather have no answer than one to another question says so.
 * @throws SluiceError `untranslatable` naming the first loss
 */
export function refuseLosses({ intake, caller }: Job, target: Target, { losses }: Lane): void {
  const [first] = losses
  const isStrict = intake.parameters.require_parameters ?? caller.requiresParameters ?? false
  if (first === undefined || !isStrict) return
  const message = `${target.model} cannot be told ${losses.join(', ')}, and 'require_parameters' is set, by the request or its API key. Leave them out, or allow that they are dropped.`
  throw new SluiceError({ kind: 'untranslatable', param: first, message })
}

function failureOf(cause: unknown): Failure {
  return cause instanceof SluiceError ? cause.failure : { kind: 'internal', message: 'an unexpected fault' }
}
