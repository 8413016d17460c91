import type { Env } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { Lifeline } from '../platform/lifeline'
import { stoppedFailure } from './call'
import { authorize } from './credentials'
import { redactedFailure } from './redact'
import type { Target } from './target'
import { type Mirror, passedHeaders, sentHeaders } from './through-headers'

/** A call that is passed on as it came: only the credential is another one. */
export interface ThroughCall {
  target: Target
  env: Env
  method: string
  /** The whole of it. */
  url: string
  body: Uint8Array | ReadableStream<Uint8Array> | undefined
  clientHeaders: Headers
  /** They continue the request's trace. */
  traceHeaders?: Readonly<Record<string, string>> | undefined
  lifeline: Lifeline
  mirror?: Mirror
}

/** A provider's good answer, with its body unread and only the headers that a client may see. */
export interface ThroughAnswer {
  status: number
  headers: Record<string, string>
  body: ReadableStream<Uint8Array> | null
}

/** An error body beyond this is cut; no provider's is near it. */
const MAX_ERROR_BYTES = 256 * 1024

/**
 * The provider's own answer. A status of 400 or more is thrown with its body and headers as they are, but for the
 * credential if it is in there.
 */
export async function callThrough(call: ThroughCall): Promise<ThroughAnswer> {
  const { target, env, lifeline } = call
  if (target.problem !== undefined) throw new SluiceError(target.problem)
  if (target.builtIn === true) {
    const message = `'${target.providerId}' is built in: it keeps nothing, and has no API of its own.`
    throw new SluiceError({ kind: 'not_implemented', message })
  }
  lifeline.enter('total')
  try {
    const answer = await send(call)
    return await checked(call, answer)
  } catch (cause) {
    const stopped = stoppedFailure(target, lifeline)
    if (stopped !== undefined) throw stopped
    throw cause instanceof SluiceError ? new SluiceError(redactedFailure(cause.failure, target, env)) : cause
  }
}

async function send(call: ThroughCall): Promise<Response> {
  const { target, env, method, url, body, lifeline } = call
  const { headers: authorizing, sign } = await authorize(target, env)
  if (sign !== undefined) {
    const message = `The API of '${target.providerId}' wants signed calls and cannot be passed through.`
    throw new SluiceError({ kind: 'not_implemented', message })
  }
  const headers = { ...sentHeaders(call.clientHeaders, target, body !== undefined), ...call.traceHeaders }
  for (const [name, value] of authorizing) headers[name] = value
  const init = { method, headers, signal: lifeline.signal, redirect: 'manual' as const }
  try {
    return await fetch(url, body === undefined ? init : { ...init, body })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new SluiceError({ kind: 'upstream_unreachable', provider: target.providerId, message }, { cause })
  }
}

async function checked({ target, mirror }: ThroughCall, answer: Response): Promise<ThroughAnswer> {
  const { status } = answer
  const provider = target.providerId
  const headers = passedHeaders(answer.headers, mirror)
  if (status >= 400) {
    const body = new Uint8Array(await answer.arrayBuffer().catch(() => new ArrayBuffer(0)))
    const cut = body.slice(0, MAX_ERROR_BYTES)
    throw new SluiceError({
      kind: 'upstream_status',
      provider,
      status,
      body: cut,
      headers: Object.entries(headers),
    })
  }
  // A client that follows it would take its Sluice key to a stranger.
  if (status >= 300 && status !== 304 && headers.location === undefined) {
    await answer.body?.cancel()
    const message = `it redirects elsewhere with status ${status}, which is not followed.`
    throw new SluiceError({ kind: 'upstream_invalid', provider, message })
  }
  return { status, headers, body: answer.body }
}
