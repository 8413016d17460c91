import { describe, type Failure, SluiceError } from '../platform/failure'
import { createLifeline, type Lifeline } from '../platform/lifeline'
import { NO_USAGE } from '../protocols/canonical'
import { callUpstream } from '../providers/call'
import { redactedFailure } from '../providers/redact'
import type { Target } from '../providers/target'
import { bodyOf } from './decoded'
import { type Lane, laneOf } from './lane'
import { openStream } from './open-stream'
import { readWhole } from './read-whole'
import type { Answer, Job } from './stages'
import { asksForUsage, rememberRefusalOfUsage } from './usage-request'

/**
 * The first good answer of the job's targets, asked in order.
 * @throws SluiceError of the last target, or of the first whose failure no other target could mend
 */
export async function firstAnswer(job: Job): Promise<Answer> {
  for (const [index, target] of job.targets.entries()) {
    const isLast = index === job.targets.length - 1
    try {
      return await attempt(job, target)
    } catch (cause) {
      if (isLast || !(cause instanceof SluiceError) || !mayTryElsewhere(cause.failure)) throw cause
    }
  }
  throw new SluiceError({ kind: 'internal', message: 'There was no target to ask.' })
}

/**
 * Whether another target may do better. A request that is itself at fault would fail there too; what the provider
 * says of its own keys, quotas, load or models is no fault of the request's.
 */
export function mayTryElsewhere(failure: Failure): boolean {
  switch (failure.kind) {
    case 'upstream_status':
      return !(failure.status === 400 || failure.status === 413 || failure.status === 422)
    case 'upstream_unreachable':
    case 'upstream_timeout':
    case 'upstream_invalid':
    case 'upstream_error_event':
    case 'upstream_incomplete':
    case 'provider_not_configured':
    case 'unavailable':
    // Another target may speak a protocol that has the words.
    case 'untranslatable':
      return true
    case 'unauthenticated':
    case 'forbidden':
    case 'invalid_request':
    case 'validation':
    case 'not_found':
    case 'method_not_allowed':
    case 'conflict':
    case 'body_too_large':
    case 'unsupported_media_type':
    case 'not_implemented':
    case 'limit_exceeded':
    case 'cancelled':
    case 'internal':
      return false
  }
}

/** Asks a target, and once more without what only the gateway added when that was what it refused. */
async function attempt(job: Job, target: Target): Promise<Answer> {
  const withUsage = asksForUsage(job, target)
  try {
    return await attemptOnce(job, target, withUsage)
  } catch (cause) {
    const isRefusal =
      withUsage && cause instanceof SluiceError && rememberRefusalOfUsage(cause.failure, target)
    if (!isRefusal) throw cause
    return attemptOnce(job, target, false)
  }
}

async function attemptOnce(job: Job, target: Target, withUsage: boolean): Promise<Answer> {
  const { effects, intake, request, attempts } = job
  const startedAtMs = effects.now()
  const totalMs = job.intake.parameters.timeout == null ? target.timeoutMs : undefined
  const timeouts = totalMs === undefined ? job.timeouts : { ...job.timeouts, totalMs }
  const lifeline = createLifeline({ client: request.signal, now: effects.now, timeouts })
  const { providerId, model, upstreamModel, credential } = target
  const about = { providerId, model, upstreamModel, credentialKind: credential.kind, startedAtMs }
  let lane: Lane | undefined
  try {
    if (target.problem !== undefined) throw new SluiceError(target.problem)
    const local = localAnswer(job, target)
    if (local !== undefined) return local
    lane = laneOf(job, target, withUsage)
    refuseLosses(job, target, lane)
    const answer = await ask(job, { target, lifeline, lane })
    attempts.push({ ...about, latencyMs: answer.firstContentAtMs - startedAtMs, statusCode: 200 })
    if (!intake.stream) lifeline.release()
    return answer
  } catch (cause) {
    lifeline.stop({ kind: 'over' })
    const clean = redactedFailure(failureOf(cause), target, job.env, intake.parameters.extra_headers)
    const failure = lane === undefined ? clean : lane.told(clean)
    const { status: statusCode, code: errorCode, message: errorMessage } = describe(failure)
    attempts.push({ ...about, latencyMs: effects.now() - startedAtMs, statusCode, errorCode, errorMessage })
    throw cause instanceof SluiceError ? new SluiceError(failure, { cause }) : cause
  }
}

async function ask(job: Job, how: { target: Target; lifeline: Lifeline; lane: Lane }): Promise<Answer> {
  const { target, lifeline, lane } = how
  const { intake, env, effects } = job
  const response = await callUpstream({
    target,
    env,
    method: 'POST',
    path: lane.path,
    body: lane.body,
    ...(lane.contentType === undefined ? {} : { contentType: lane.contentType }),
    ...(lane.accept === undefined ? {} : { accept: lane.accept }),
    isStream: intake.stream,
    clientHeaders: job.request.headers,
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

// A client that would rather have no answer than one to another question says so.
function refuseLosses({ intake, caller }: Job, target: Target, { losses }: Lane): void {
  const [first] = losses
  const isStrict = intake.parameters.require_parameters ?? caller.requiresParameters ?? false
  if (first === undefined || !isStrict) return
  const message = `${target.model} cannot be told ${losses.join(', ')}, and 'require_parameters' is set, by the request or its API key. Leave them out, or allow that they are dropped.`
  throw new SluiceError({ kind: 'untranslatable', param: first, message })
}

function failureOf(cause: unknown): Failure {
  return cause instanceof SluiceError ? cause.failure : { kind: 'internal', message: 'an unexpected fault' }
}
