import type { Failure } from '../platform/failure'
import type { Credential } from '../providers/target'
import { retryAfterMsOf } from './retry-after'

/** What a failure means for the request: who may mend it, and whether waiting helps. */
export type FailureClass =
  | 'rate'
  | 'quota'
  | 'overload'
  | 'server'
  | 'timeout'
  | 'transport'
  | 'lock'
  | 'auth'
  | 'caller_auth'
  | 'missing'
  | 'context'
  | 'policy'
  | 'bad_request'
  | 'unsuited'
  | 'cancelled'
  | 'internal'

/** How a class is dealt with. */
export interface Treatment {
  /** Whether another target may do better; `larger` when only one with a larger window may. */
  moves: boolean | 'larger'
  /** Whether the same target may do better a moment later. */
  isRetryable: boolean
  /** What it says of the deployment: nothing, one failure more, or that it is to be left alone for so long. */
  cools: 'not' | 'counts' | { forMs: number }
}

/** A failure, understood. */
export interface Diagnosis {
  class: FailureClass
  /** How long the provider asks to be left alone. */
  retryAfterMs?: number
  /** The context window that the failure tells, in tokens. */
  window?: number
}

const RATE_COOLS_MS = 5_000
const ACCOUNT_COOLS_MS = 60_000

/** Every class and how it is dealt with. */
export const treatments: Readonly<Record<FailureClass, Treatment>> = {
  rate: { moves: true, isRetryable: true, cools: { forMs: RATE_COOLS_MS } },
  // No money left: waiting does not help.
  quota: { moves: true, isRetryable: false, cools: { forMs: ACCOUNT_COOLS_MS } },
  overload: { moves: true, isRetryable: true, cools: 'counts' },
  server: { moves: true, isRetryable: true, cools: 'counts' },
  // It may have been done and paid all the same; the same call again would be a second one.
  timeout: { moves: true, isRetryable: false, cools: 'counts' },
  transport: { moves: true, isRetryable: true, cools: 'counts' },
  lock: { moves: true, isRetryable: true, cools: 'not' },
  auth: { moves: true, isRetryable: false, cools: { forMs: ACCOUNT_COOLS_MS } },
  caller_auth: { moves: false, isRetryable: false, cools: 'not' },
  missing: { moves: true, isRetryable: false, cools: 'not' },
  context: { moves: 'larger', isRetryable: false, cools: 'not' },
  policy: { moves: false, isRetryable: false, cools: 'not' },
  bad_request: { moves: false, isRetryable: false, cools: 'not' },
  // Another target may speak a protocol that has the words, or be set up.
  unsuited: { moves: true, isRetryable: false, cools: 'not' },
  cancelled: { moves: false, isRetryable: false, cools: 'not' },
  internal: { moves: false, isRetryable: false, cools: 'not' },
}

/** What a failure of a call with this credential is. */
export function diagnose(failure: Failure, credential: Credential, nowMs: number): Diagnosis {
  switch (failure.kind) {
    case 'upstream_status': {
      const { status } = failure
      const retryAfterMs = retryAfterMsOf(failure.headers, nowMs)
      const text = status < 500 ? decoder.decode(failure.body) : ''
      const found = diagnoseStatus(status, text, { credential, mayComeBack: retryAfterMs !== undefined })
      return retryAfterMs === undefined ? found : { ...found, retryAfterMs }
    }
    case 'upstream_error_event':
      return diagnoseStatus(failure.status ?? 502, `${failure.message} ${failure.data}`, { credential })
    case 'upstream_timeout':
      return { class: 'timeout' }
    case 'upstream_unreachable':
    case 'upstream_incomplete':
      return { class: 'transport' }
    case 'upstream_invalid':
      return { class: 'server' }
    case 'provider_not_configured':
    case 'untranslatable':
    case 'unavailable':
      return { class: 'unsuited' }
    case 'cancelled':
      return { class: 'cancelled' }
    case 'internal':
      return { class: 'internal' }
    default:
      return { class: 'bad_request' }
  }
}

const decoder = new TextDecoder()

/** What providers call a prompt, or an answer, that their rules forbid. */
const POLICY =
  /content[_ ]?(?:policy|filter)|ResponsibleAIPolicy|moderation_blocked|flagged (?:by|as|for)|content filtering policy|safety (?:system|policy|settings)|cyber_policy|usage polic(?:y|ies)|violat\w+ (?:our|the) .{0,40}polic|PROHIBITED_CONTENT/i
const CONTEXT =
  /context_length_exceeded|(?:maximum|max) context length|context window|prompt is too long|input is too long|input length and .{0,20}max_tokens.{0,20} exceed|too many (?:input )?tokens|input token count .{0,60}exceeds|exceeds the (?:maximum|model'?s?) .{0,30}(?:tokens|context)|request_too_large.{0,80}tokens/i
const QUOTA =
  /insufficient_quota|exceeded your current quota|credit balance is too low|insufficient (?:credits|balance|funds)|billing_hard_limit/i
const WINDOW =
  /(?:context length|context window|maximum number of tokens allowed)\D{0,20}?(\d[\d,]{2,})|> ?(\d[\d,]{2,}) maximum/i

function diagnoseStatus(
  status: number,
  text: string,
  about: { credential: Credential; mayComeBack?: boolean },
): Diagnosis {
  const { credential, mayComeBack = false } = about
  const isRefusal = status === 400 || status === 403 || status === 413 || status === 422
  // An error event often has no status of its own.
  if ((isRefusal || status === 502) && POLICY.test(text)) return { class: 'policy' }
  if ((isRefusal || status === 502) && CONTEXT.test(text)) {
    const window = WINDOW.exec(text)
    const told = Number((window?.[1] ?? window?.[2] ?? '').replaceAll(',', ''))
    return told > 0 ? { class: 'context', window: told } : { class: 'context' }
  }
  // Google calls a rate by the minute a quota as well, but says when to come back.
  const isQuota = (status === 429 && !mayComeBack) || status === 400 || status === 403
  if (isQuota && QUOTA.test(text)) return { class: 'quota' }
  if (status === 401 || status === 403)
    return { class: credential.kind === 'request' ? 'caller_auth' : 'auth' }
  const known = BY_STATUS[status]
  if (known !== undefined) return { class: known }
  return { class: status >= 500 ? 'server' : 'missing' }
}

const BY_STATUS: Readonly<Record<number, FailureClass>> = {
  400: 'bad_request',
  402: 'quota',
  404: 'missing',
  408: 'transport',
  409: 'lock',
  413: 'bad_request',
  422: 'bad_request',
  429: 'rate',
  503: 'overload',
  529: 'overload',
}
