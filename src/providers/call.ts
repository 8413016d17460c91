import type { Env } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { Lifeline } from '../platform/lifeline'
import { upstreamCodecs } from '../protocols/table'
import { callHeaders } from './call-headers'
import { type Authorization, authorize } from './credentials'
import { demoFetch } from './demo'
import { operationUrl } from './operation-url'
import type { Target } from './target'

/** One call to one upstream. */
export interface UpstreamCall {
  target: Target
  env: Env
  method: string
  /** Of the operation, behind the target's base; it may have a query of its own. */
  path: string
  body?: Uint8Array | ReadableStream<Uint8Array>
  /** Of the body; JSON when absent. */
  contentType?: string
  /** What the answer may be; by default an event stream or JSON. */
  accept?: string
  isStream: boolean
  /** The client's own headers; a few of them are the provider's business. */
  clientHeaders: Headers
  /** What the request asks to be sent along; names that authorize or frame a call are refused. */
  extraHeaders?: Readonly<Record<string, string>> | undefined
  /** They continue the request's trace. */
  traceHeaders?: Readonly<Record<string, string>> | undefined
  lifeline: Lifeline
}

/** An error body beyond this is cut; no provider's is near it. */
const MAX_ERROR_BYTES = 256 * 1024
/** Headers of a failed answer that its client needs. */
const ERROR_HEADERS = [
  ...['content-type', 'retry-after', 'retry-after-ms', 'x-should-retry', 'x-request-id', 'request-id'],
  ...['x-amzn-requestid', 'x-amzn-errortype'],
]

/**
 * The provider's answer with a 2xx status and its body unread.
 * @throws SluiceError with the provider's own status and body, or with the reason why there is none
 */
export async function callUpstream(call: UpstreamCall): Promise<Response> {
  const pending = authorize(call.target, call.env)
  const authorization = pending instanceof Promise ? await pending : pending
  call.lifeline.enter(call.isStream ? 'headers' : 'total')
  const answer = await send(call, authorization)
  if (answer.ok) return answer
  if (answer.status >= 400) throw await statusFailure(call.target, answer)
  await answer.body?.cancel()
  throw new SluiceError({
    kind: 'upstream_invalid',
    provider: call.target.providerId,
    message: `it answered with status ${answer.status}; redirects are not followed, so set the final URL.`,
  })
}

async function send(call: UpstreamCall, authorization: Authorization): Promise<Response> {
  const { target, lifeline, method } = call
  const url = operationUrl(target, call.path, call.isStream)
  try {
    // Few are signed, and the others should not wait for that.
    const { body, authorizing } =
      authorization.sign === undefined
        ? { body: call.body, authorizing: authorization.headers }
        : await signedBody(call, url, { ...authorization, sign: authorization.sign })
    const init = {
      method,
      headers: callHeaders(call, authorizing),
      signal: lifeline.signal,
      redirect: 'manual' as const,
      ...(body === undefined ? {} : { body }),
    }
    return target.builtIn === true ? native(await demoFetch(new Request(url, init))) : await fetch(url, init)
  } catch (cause) {
    throw (
      stoppedFailure(target, lifeline) ?? (cause instanceof SluiceError ? cause : unreachable(target, cause))
    )
  }
}

/** The body, and the headers that sign it: a signature needs all of it, so a stream is read first. */
async function signedBody(
  { body, method }: UpstreamCall,
  url: string,
  { sign, headers }: Authorization & Required<Pick<Authorization, 'sign'>>,
) {
  const bytes = new Uint8Array(await new Response(body ?? null).arrayBuffer())
  const signed = await sign({ url, method, body: bytes })
  return { body: body === undefined ? undefined : bytes, authorizing: [...headers, ...signed] }
}

// A stream made in JavaScript has no byte reader; behind an identity stream it is like one from the network.
function native(answer: Response): Response {
  return answer.body === null
    ? answer
    : new Response(answer.body.pipeThrough(new IdentityTransformStream()), answer)
}

/** The failure that a stopped lifeline means; undefined when it was not stopped from this side. */
export function stoppedFailure(target: Target, lifeline: Lifeline): SluiceError | undefined {
  const { stopped } = lifeline
  if (stopped === undefined || stopped.kind === 'over') return undefined
  if (stopped.kind === 'client_gone') return new SluiceError({ kind: 'cancelled' })
  const { phase, afterMs } = stopped
  return new SluiceError({ kind: 'upstream_timeout', provider: target.providerId, phase, afterMs })
}

function unreachable(target: Target, cause: unknown): SluiceError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new SluiceError({ kind: 'upstream_unreachable', provider: target.providerId, message }, { cause })
}

async function statusFailure(target: Target, answer: Response): Promise<SluiceError> {
  const body = await readAtMost(answer, MAX_ERROR_BYTES)
  const headers = ERROR_HEADERS.flatMap((name): [string, string][] => {
    const value = answer.headers.get(name)
    return value === null ? [] : [[name, value]]
  })
  if (BUSY.has(answer.status)) headers.push(...delayIn(target, { status: answer.status, body, headers }))
  return new SluiceError({
    kind: 'upstream_status',
    provider: target.providerId,
    status: answer.status,
    body,
    headers,
  })
}

/** Statuses of a provider that wants to be left alone for a while. */
const BUSY: ReadonlySet<number> = new Set([429, 503, 529])

// Google says when to come back in its body alone, where neither SDKs nor the router look for it.
function delayIn(
  { protocol }: Target,
  given: { status: number; body: Uint8Array; headers: readonly [string, string][] },
): [string, string][] {
  const { status, body, headers } = given
  if (headers.some(([name]) => name.startsWith('retry-after'))) return []
  const seconds = upstreamCodecs[protocol].decodeError(status, body)?.retryAfterSeconds
  return seconds === undefined ? [] : [['retry-after', String(Math.ceil(seconds))]]
}

async function readAtMost(answer: Response, limitBytes: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await answer.arrayBuffer()).slice(0, limitBytes)
  } catch {
    return new Uint8Array(0)
  }
}
