import type { Env } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { Lifeline } from '../platform/lifeline'
import { type Authorization, authorize } from './credentials'
import { demoFetch } from './demo'
import type { Target } from './target'
import { joinPath } from './upstream-url'

/** One call to one upstream. */
export interface UpstreamCall {
  target: Target
  env: Env
  method: 'GET' | 'POST'
  /** Behind the target's URL. */
  path: string
  body?: Uint8Array
  isStream: boolean
  /** The client's own headers; a few of them are the provider's business. */
  clientHeaders: Headers
  lifeline: Lifeline
}

/** The client's headers that go on to a provider: none of them can hold a Sluice key. */
const FORWARDED = [
  'openai-beta',
  'openai-organization',
  'openai-project',
  'idempotency-key',
  'http-referer',
  'x-title',
]
/** An error body beyond this is cut; no provider's is near it. */
const MAX_ERROR_BYTES = 256 * 1024
/** Headers of a failed answer that its client needs. */
const ERROR_HEADERS = ['content-type', 'retry-after', 'retry-after-ms', 'x-should-retry', 'x-request-id']

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
  const { target, lifeline } = call
  const init = {
    method: call.method,
    headers: headersOf(call, authorization),
    signal: lifeline.signal,
    redirect: 'manual' as const,
    ...(call.body === undefined ? {} : { body: call.body }),
  }
  try {
    const url = joinPath(target.url, call.path)
    return target.builtIn === true ? native(await demoFetch(new Request(url, init))) : await fetch(url, init)
  } catch (cause) {
    throw stoppedFailure(call.target, lifeline) ?? unreachable(target, cause)
  }
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

function headersOf(call: UpstreamCall, authorization: Authorization): Record<string, string> {
  const headers: Record<string, string> = {
    accept: call.isStream ? 'text/event-stream' : 'application/json',
    // A compressed stream would arrive in blocks, and a compressed reply would only be unpacked here.
    'accept-encoding': 'identity',
    'user-agent': 'sluice/0.1',
  }
  if (call.body !== undefined) headers['content-type'] = 'application/json'
  for (const name of FORWARDED) {
    const value = call.clientHeaders.get(name)
    if (value !== null) headers[name] = value
  }
  for (const [name, value] of authorization.headers) headers[name] = value
  return headers
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
  return new SluiceError({
    kind: 'upstream_status',
    provider: target.providerId,
    status: answer.status,
    body,
    headers,
  })
}

async function readAtMost(answer: Response, limitBytes: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await answer.arrayBuffer()).slice(0, limitBytes)
  } catch {
    return new Uint8Array(0)
  }
}
