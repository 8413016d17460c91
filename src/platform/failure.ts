/** Which deadline passed. */
export type DeadlinePhase = 'headers' | 'first_content' | 'idle' | 'total'

/** What went wrong at an upstream. Bodies and headers are the provider's own, already without secrets. */
export type UpstreamFailure =
  | {
      kind: 'upstream_status'
      provider: string
      status: number
      body: Uint8Array
      headers: [string, string][]
      /** The provider's own words in the body, where they were found. */
      message?: string
    }
  | { kind: 'upstream_unreachable'; provider: string; message: string }
  | { kind: 'upstream_timeout'; provider: string; phase: DeadlinePhase; afterMs: number }
  | { kind: 'upstream_invalid'; provider: string; message: string }
  /** `status` is the HTTP status that the error stands for, where the provider tells. */
  | {
      kind: 'upstream_error_event'
      provider: string
      message: string
      data: string
      status?: number | undefined
    }
  | { kind: 'upstream_incomplete'; provider: string; message: string }

/** Codes of attempts that never reached the upstream, and cost nobody anything. */
export const UNREACHED: ReadonlySet<string> = new Set([
  'upstream_unreachable',
  'provider_not_configured',
  'untranslatable',
  'unknown_price',
  'limit_exceeded',
  'unavailable',
])

/** Everything that is expected to go wrong. `param` names the offending field in the caller's own terms. */
export type Failure =
  | { kind: 'unauthenticated'; message: string }
  | { kind: 'forbidden'; message: string; param?: string }
  | { kind: 'invalid_request'; message: string; param?: string; code?: string }
  /** The target's protocol has no words for it. */
  | { kind: 'untranslatable'; message: string; param: string }
  | { kind: 'validation'; errors: Record<string, string[]> }
  | { kind: 'not_found'; message: string; param?: string; code?: string }
  | { kind: 'method_not_allowed'; message: string; allow: string }
  /** Something else is there already, and stays; the same request will not do better later. */
  | { kind: 'conflict'; message: string; param?: string; code?: string }
  | { kind: 'body_too_large'; message: string }
  | { kind: 'unsupported_media_type'; message: string }
  | { kind: 'not_implemented'; message: string }
  | { kind: 'unavailable'; message: string; retryAfterSeconds: number }
  /** `mayPass` is false when waiting will not help: the limit never starts anew. */
  | {
      kind: 'limit_exceeded'
      message: string
      retryAfterSeconds: number
      status: 429 | 402
      mayPass: boolean
    }
  | { kind: 'provider_not_configured'; message: string }
  | { kind: 'cancelled' }
  | { kind: 'internal'; message: string }
  | UpstreamFailure

/** The one class that carries a Failure to the place where it is rendered. */
export class SluiceError extends Error {
  constructor(
    readonly failure: Failure,
    options?: ErrorOptions,
  ) {
    super(failure.kind, options)
  }
}

/** What a thrown cause is for a client. One that nobody expected is for the worker's log, and the client gets no details. */
export function failureOf(cause: unknown, unexpected = 'Internal server error.'): Failure {
  if (cause instanceof SluiceError) return cause.failure
  // biome-ignore lint/suspicious/noConsole: an unexpected fault must be found in the worker's log
  console.error(cause)
  return { kind: 'internal', message: unexpected }
}

/** What a client is told, before it is put into its protocol's shape. */
export interface FailureDescription {
  status: number
  type: string
  code: string
  message: string
  param?: string
  retryAfterSeconds?: number
}

/** A failure in words and numbers that every protocol can carry. */
export function describe(failure: Failure): FailureDescription {
  const { kind: code } = failure
  switch (failure.kind) {
    case 'unauthenticated':
      return { status: 401, type: 'invalid_request_error', code: 'invalid_api_key', message: failure.message }
    case 'forbidden':
      return { status: 403, type: 'permission_denied', code, message: failure.message, ...paramOf(failure) }
    case 'invalid_request':
      return invalid(400, failure.code ?? code, failure.message, paramOf(failure))
    case 'untranslatable':
      return invalid(400, code, failure.message, { param: failure.param })
    case 'validation':
      return invalid(422, 'validation_error', summary(failure.errors))
    case 'not_found':
      return invalid(404, failure.code ?? code, failure.message, paramOf(failure))
    case 'conflict':
      return invalid(409, failure.code ?? code, failure.message, paramOf(failure))
    case 'limit_exceeded':
      return {
        status: failure.status,
        type: failure.status === 402 ? 'billing_error' : 'rate_limit_error',
        code,
        message: failure.message,
        ...(failure.mayPass ? { retryAfterSeconds: failure.retryAfterSeconds } : {}),
      }
    case 'provider_not_configured':
      return invalid(400, code, failure.message)
    case 'method_not_allowed':
      return invalid(405, code, failure.message)
    case 'body_too_large':
      return invalid(413, 'request_too_large', failure.message)
    case 'unsupported_media_type':
      return invalid(415, code, failure.message)
    case 'not_implemented':
      return invalid(501, code, failure.message)
    case 'unavailable':
      return { status: 503, type: 'api_error', code, ...messageAndRetry(failure) }
    case 'cancelled':
      return { status: 499, type: 'request_cancelled', code, message: 'The client closed the connection.' }
    case 'internal':
      return { status: 500, type: 'gateway_error', code: 'internal_error', message: failure.message }
    case 'upstream_status':
    case 'upstream_unreachable':
    case 'upstream_timeout':
    case 'upstream_invalid':
    case 'upstream_error_event':
    case 'upstream_incomplete':
      return describeUpstream(failure)
  }
}

/** The headers that a failure needs in whatever shape it is told: when to come again, and which methods there are. */
export function failureHeaders(failure: Failure): Record<string, string> {
  const { retryAfterSeconds } = describe(failure)
  return {
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(failure.kind === 'method_not_allowed' ? { allow: failure.allow } : {}),
    // SDKs wait a minute at most; what passes later, or never, they would only send again at once.
    ...(isLongRefusal(failure) ? { 'x-should-retry': 'false' } : {}),
    // SDKs take a 409 for a lock that is soon gone, and would send the same request again.
    ...(failure.kind === 'conflict' ? { 'x-should-retry': 'false' } : {}),
  }
}

const LONGEST_WAIT_SECONDS = 60

function isLongRefusal(failure: Failure): boolean {
  if (failure.kind !== 'limit_exceeded') return false
  return !failure.mayPass || failure.retryAfterSeconds > LONGEST_WAIT_SECONDS
}

/** The phases of a call in words, for error messages. */
const PHASES: Record<DeadlinePhase, string> = {
  headers: 'did not start to answer',
  first_content: 'sent no content',
  idle: 'sent nothing more',
  total: 'did not finish',
}

/** A provider that answers with a page of text says no more in all of it than in its beginning. */
const MAX_WORDS = 500

function describeUpstream(failure: UpstreamFailure): FailureDescription {
  const { kind: code, provider } = failure
  switch (failure.kind) {
    case 'upstream_status':
      return upstream(
        failure.status,
        code,
        `${provider} answered with status ${failure.status}${failure.message === undefined ? '.' : `: ${failure.message.slice(0, MAX_WORDS)}`}`,
      )
    case 'upstream_unreachable':
      return upstream(502, code, `${provider} could not be reached: ${failure.message}`)
    case 'upstream_timeout':
      return upstream(504, code, `${provider} ${PHASES[failure.phase]} within ${failure.afterMs} ms.`)
    case 'upstream_invalid':
      return upstream(502, code, `${provider} sent an answer that is not valid: ${failure.message}`)
    case 'upstream_error_event':
      return upstream(failure.status ?? 502, code, `${provider} reported an error: ${failure.message}`)
    case 'upstream_incomplete':
      return upstream(502, code, `${provider}'s answer broke off: ${failure.message}`)
  }
}

function upstream(status: number, code: string, message: string): FailureDescription {
  return { status, type: 'upstream_error', code, message }
}

function invalid(
  status: number,
  code: string,
  message: string,
  more: { param?: string } = {},
): FailureDescription {
  return { status, type: 'invalid_request_error', code, message, ...more }
}

function messageAndRetry({ message, retryAfterSeconds }: { message: string; retryAfterSeconds: number }) {
  return { message, retryAfterSeconds }
}

function paramOf(failure: { param?: string }): { param?: string } {
  return failure.param === undefined ? {} : { param: failure.param }
}

function summary(errors: Record<string, string[]>): string {
  return Object.entries(errors)
    .map(([field, problems]) => `${field}: ${problems.join(' ')}`)
    .join('; ')
}
