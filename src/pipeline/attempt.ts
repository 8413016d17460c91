import { describe, type Failure, SluiceError } from '../platform/failure'
import { createLifeline, type Lifeline } from '../platform/lifeline'
import type { Protocol } from '../protocols/protocol'
import { protocols } from '../protocols/table'
import { callUpstream } from '../providers/call'
import type { Target } from '../providers/target'
import { openStream } from './open-stream'
import { readWhole } from './read-whole'
import type { Answer, Job } from './stages'
import { upstreamBody } from './upstream-body'

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
      return true
    case 'unauthenticated':
    case 'forbidden':
    case 'invalid_request':
    case 'validation':
    case 'not_found':
    case 'conflict':
    case 'method_not_allowed':
    case 'body_too_large':
    case 'unsupported_media_type':
    case 'not_implemented':
    case 'limit_exceeded':
    case 'cancelled':
    case 'internal':
      return false
  }
}

async function attempt(job: Job, target: Target): Promise<Answer> {
  const { effects, intake, request } = job
  const protocol = protocols[target.protocol]
  const startedAtMs = effects.now()
  const timeouts =
    target.timeoutMs === undefined ? job.timeouts : { ...job.timeouts, totalMs: target.timeoutMs }
  const lifeline = createLifeline({ client: request.signal, now: effects.now, timeouts })
  try {
    const answer = await ask(job, { target, protocol, lifeline })
    job.attempts.push({
      ...attemptOf(target, startedAtMs),
      latencyMs: answer.firstContentAtMs - startedAtMs,
      statusCode: 200,
    })
    if (!intake.stream) lifeline.release()
    return answer
  } catch (cause) {
    lifeline.stop({ kind: 'over' })
    const failure: Failure =
      cause instanceof SluiceError ? cause.failure : { kind: 'internal', message: String(cause) }
    const { status, code, message } = describe(failure)
    const latencyMs = effects.now() - startedAtMs
    job.attempts.push({
      ...attemptOf(target, startedAtMs),
      latencyMs,
      statusCode: status,
      errorCode: code,
      errorMessage: message,
    })
    throw cause
  }
}

async function ask(
  job: Job,
  how: { target: Target; protocol: Protocol; lifeline: Lifeline },
): Promise<Answer> {
  const { target, protocol, lifeline } = how
  const { intake, env, effects } = job
  const response = await callUpstream({
    target,
    env,
    method: 'POST',
    path: protocol.path,
    body: upstreamBody(intake, target, protocol),
    isStream: intake.stream,
    clientHeaders: job.request.headers,
    lifeline,
  })
  const given = { response, target, protocol, lifeline, effects }
  return intake.stream ? openStream(given) : readWhole(given)
}

function attemptOf(target: Target, startedAtMs: number) {
  const { providerId, model, upstreamModel, credential } = target
  return { providerId, model, upstreamModel, credentialKind: credential.kind, startedAtMs }
}
