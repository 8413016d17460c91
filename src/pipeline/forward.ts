import type { Caller } from '../keys/authenticate'
import { passShield } from '../limits/shield'
import { describe, SluiceError } from '../platform/failure'
import { createLifeline, type Lifeline } from '../platform/lifeline'
import { sourceOf, type Target } from '../providers/target'
import { callThrough, type ThroughAnswer } from '../providers/through-call'
import type { Mirror } from '../providers/through-headers'
import { identify } from './authenticate'
import { conclude } from './conclude'
import { attemptMsOf, timeoutsOf } from './deadlines'
import { withCallersKey, withoutEffect } from './forward-credentials'
import { forwardedEstimate } from './forward-estimate'
import { type ForwardIntake, readForwarded } from './forward-intake'
import { type Forwarded, relayForwarded } from './forward-relay'
import type { Isolate } from './isolate'
import type { Known } from './record'
import { answerHeaders, notesOf } from './reply'
import { reserveLimits } from './reserve-limits'
import { refuse } from './serve'
import type { Exchange } from './stages'
import { traceHeaders } from './tracing'

/** Where a forwarded request goes. */
export interface Way {
  target: Target
  url: string
  mirror?: Mirror
  /** The model that is concerned, where one is known. */
  model?: string | undefined
}

/** What a surface wants done with the requests that it only forwards. */
export interface Forwarding {
  /** The path is the gateway's own: gateway parameters may be in the body. */
  isOwnPath: boolean
  /** Nobody is paid for it. */
  isFree?: boolean
  /** @throws SluiceError when this caller may not, or nobody knows where to */
  wayOf(given: { caller: Caller } & Pick<ForwardIntake, 'fields'>): Promise<Way>
  /** Looks at a good JSON answer before the client has all of it. */
  learn?(answer: Record<string, unknown>, way: Way): void
}

/** What only reads or removes is free everywhere. */
const FREE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE'])

/**
 * A request that the gateway does not understand, and need not: method, body and answer go through as they are, with
 * the provider's credential in the place of the Sluice key. It is admitted, limited and logged like any other.
 */
export async function forward(
  exchange: Exchange,
  isolate: Isolate,
  forwarding: Forwarding,
): Promise<Response> {
  const known: Known = { attempts: [] }
  const { effects, request, env } = exchange
  try {
    const { caller } = await identify(exchange, isolate, known)
    if (env.KEY_SHIELD !== undefined) await passShield(env.KEY_SHIELD, caller.apiKeyId)
    const { intake, body, fields } = await readForwarded(request, forwarding.isOwnPath)
    known.intake = intake
    intake.ignored = [...intake.ignored, ...withoutEffect(intake)]
    const found = await forwarding.wayOf({ caller, fields })
    const { target: own, model } = found
    const way = { ...found, target: await withCallersKey(exchange, isolate, { target: own, model, intake }) }
    if (way.model !== undefined) intake.model = way.model
    const config = await isolate.config.get(exchange.background)
    const timeouts = timeoutsOf(exchange, config)
    timeouts.totalMs = attemptMsOf(intake) ?? timeouts.totalMs
    const isFree = forwarding.isFree === true || FREE_METHODS.has(request.method)
    await reserveLimits(exchange, isolate, {
      ...{ known, config, caller },
      parameters: intake.parameters,
      model: way.model,
      targets: isFree ? [] : [way.target],
      estimate: () => (isFree ? undefined : forwardedEstimate(request, intake)),
      longestMs: timeouts.totalMs,
    })
    known.plannedAtMs = effects.now()
    const lifeline = createLifeline({ client: request.signal, now: effects.now, timeouts })
    const answer = await attempt(exchange, known, { way, body, lifeline })
    const notes = notesOf(exchange, known)
    const headers = { ...answerHeaders(notes, undefined, ''), ...answer.headers, ...notes.limits }
    if (answer.headers['content-type'] === undefined) delete headers['content-type']
    return respond({
      exchange,
      known,
      target: way.target,
      lifeline,
      answer,
      headers,
      learn: (told) => forwarding.learn?.(told, way),
    })
  } catch (cause) {
    return refuse(exchange, known, cause)
  }
}

function respond(forwarded: Forwarded): Response {
  const { exchange, known, answer, headers, lifeline } = forwarded
  const { status, body } = answer
  if (body === null) {
    lifeline.release()
    conclude(exchange, known, { kind: 'completed', statusCode: status, endedAtMs: exchange.effects.now() })
    return new Response(null, { status, headers })
  }
  const out = new IdentityTransformStream()
  exchange.background(relayForwarded(forwarded, body, out.writable))
  return new Response(out.readable, { status, headers })
}

async function attempt(
  { env, effects, request, logId }: Exchange,
  { attempts, intake }: Known,
  given: { way: Way; body: ForwardIntake['body']; lifeline: Lifeline },
): Promise<ThroughAnswer> {
  const { way, body, lifeline } = given
  const { target, url, mirror, model = '' } = way
  const { providerId, credential } = target
  const startedAtMs = effects.now()
  const { headers } = request
  const about = { providerId, model, upstreamModel: '', credentialKind: sourceOf(credential), startedAtMs }
  try {
    const answer = await callThrough({
      target,
      env,
      method: request.method,
      url,
      body,
      clientHeaders: headers,
      traceHeaders: traceHeaders(
        { headers, env, logId, parameters: intake?.parameters ?? {} },
        attempts.length,
      ),
      lifeline,
      ...(mirror === undefined ? {} : { mirror }),
    })
    attempts.push({ ...about, latencyMs: effects.now() - startedAtMs, statusCode: answer.status })
    return answer
  } catch (cause) {
    lifeline.stop({ kind: 'over' })
    const failure = cause instanceof SluiceError ? cause.failure : { kind: 'internal' as const, message: '' }
    const { status: statusCode, code: errorCode, message: errorMessage } = describe(failure)
    attempts.push({ ...about, latencyMs: effects.now() - startedAtMs, statusCode, errorCode, errorMessage })
    throw cause
  }
}
