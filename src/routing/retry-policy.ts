import type { RoutingParameters } from './parameters'
import type { RetryDefaults } from './sources'

/** How often a request's failed calls may be repeated in all, and how long the first wait is. */
export interface RetryPolicy {
  retries: number
  firstWaitMs: number
}

/** What is to be done about a failure that waiting may mend. */
export type RetryStep =
  | { kind: 'wait'; waitMs: number }
  /** `exhausted`: as many as were asked for have been made. `too_late`: the next one would come after the deadline. */
  | { kind: 'stop'; why: 'none' | 'exhausted' | 'too_late' }

/** What is counted from when somebody asks for retries without saying how many or how soon (Respan's values). */
const DEFAULT_RETRIES = 3
const DEFAULT_FIRST_WAIT_MS = 200
const LONGEST_WAIT_MS = 30_000

/**
 * The policy of a request: its `retry_params`, its `retries`, or what the platform has set. When nobody asks there are
 * none: SDKs repeat by themselves, and two layers that repeat multiply. What the client's SDK has repeated already
 * is taken off.
 */
export function retryPolicyOf(
  { retry_params: asked, retries }: RoutingParameters,
  defaults: RetryDefaults | undefined,
  repeatedByClient: number,
): RetryPolicy {
  const platform = defaults ?? {
    isEnabled: false,
    retries: DEFAULT_RETRIES,
    firstWaitMs: DEFAULT_FIRST_WAIT_MS,
  }
  const isAsked = (asked !== undefined && asked !== null) || (retries !== undefined && retries !== null)
  const isEnabled = isAsked ? asked?.retry_enabled !== false : platform.isEnabled
  const count = asked?.num_retries ?? retries ?? platform.retries
  const firstWaitMs =
    asked?.retry_after === undefined ? platform.firstWaitMs : Math.ceil(asked.retry_after * 1_000)
  return { retries: isEnabled ? Math.max(0, count - repeatedByClient) : 0, firstWaitMs }
}

/**
 * Whether and when a failed call is repeated. Waits double from the first one, with full jitter (a random part of
 * each), so that clients that failed together do not come back together. What the provider asks for is waited at
 * least, if that leaves time before the deadline.
 */
export function nextRetry(
  policy: RetryPolicy,
  given: {
    retriesMade: number
    retryAfterMs: number | undefined
    nowMs: number
    deadlineAtMs: number
    roll: number
  },
): RetryStep {
  const { retriesMade, retryAfterMs = 0, nowMs, deadlineAtMs, roll } = given
  if (policy.retries === 0) return { kind: 'stop', why: 'none' }
  if (retriesMade >= policy.retries) return { kind: 'stop', why: 'exhausted' }
  const mostMs = Math.min(
    policy.firstWaitMs * 2 ** retriesMade,
    Math.max(LONGEST_WAIT_MS, policy.firstWaitMs),
  )
  const waitMs = Math.max(retryAfterMs, Math.round(mostMs * roll))
  return nowMs + waitMs >= deadlineAtMs ? { kind: 'stop', why: 'too_late' } : { kind: 'wait', waitMs }
}
