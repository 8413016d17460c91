import { type Metric, NANO_USD_PER_USD } from './policy'
import type { CountedLimit } from './reserve'

/** The unit of a quota, as in section 3.1 of draft-ietf-httpapi-ratelimit-headers-10; requests when it is not said. */
const QUOTA_UNITS: Record<Metric, string | undefined> = {
  requests: undefined,
  concurrency: 'concurrent-requests',
  tokens: 'tokens',
  cost: 'micro-usd',
}
const NANO_PER_MICRO = NANO_USD_PER_USD / 1_000_000
/** Those that OpenAI's headers know. */
const OPENAI_METRICS = ['requests', 'tokens'] as const

/** What an answer is told beside its request's limits. */
export interface HeaderFacts {
  isAllowed: boolean
  nowMs: number
  /** The price of the model is not known, and some limit counts cost. */
  isPriceUnknown: boolean
}

/**
 * What an answer says of its request's limits: all of those that block, in the words of the IETF's draft, and the
 * tightest on requests and on tokens in OpenAI's. Limits that only warn are named when they are exceeded.
 */
export function limitHeaders(counted: readonly CountedLimit[], facts: HeaderFacts): Record<string, string> {
  const headers: Record<string, string> = {}
  const blocking = counted.filter(({ policy }) => policy.action === 'block')
  if (blocking.length > 0) {
    headers['ratelimit-policy'] = blocking.map(policyItem).join(', ')
    headers.ratelimit = blocking.map((limit) => standingItem(limit, facts)).join(', ')
  }
  for (const metric of OPENAI_METRICS) addOpenAi(headers, metric, { blocking, facts })
  const exceeded = counted.filter((limit) => limit.policy.action === 'warn' && !isWithin(limit))
  const warnings = exceeded.map(({ policy }) => headerText(policy.name))
  if (facts.isPriceUnknown) warnings.push('unknown price')
  if (warnings.length > 0) headers['x-sluice-limit-warning'] = warnings.join(', ')
  return headers
}

/** Whether all that was used and reserved, and what the request asks for, is within a limit. */
export function isWithin({ policy, standing }: CountedLimit): boolean {
  return standing.used + standing.reserved + standing.amount <= policy.value
}

function policyItem({ policy, standing }: CountedLimit): string {
  const { metric, name, value } = policy
  const unit = QUOTA_UNITS[metric]
  const { resetsAtMs, windowStartMs } = standing
  const seconds = resetsAtMs === null ? undefined : (resetsAtMs - windowStartMs) / 1_000
  return `${quoted(name)};q=${quotaOf(metric, value)}${unit === undefined ? '' : `;qu=${quoted(unit)}`}${seconds === undefined ? '' : `;w=${seconds}`}`
}

function standingItem(limit: CountedLimit, facts: HeaderFacts): string {
  const { policy, standing } = limit
  const seconds = secondsToReset(limit, facts)
  const remaining = quotaOf(policy.metric, remainingOf(limit, facts))
  return `${quoted(policy.name)};r=${remaining}${standing.resetsAtMs === null ? '' : `;t=${seconds}`}`
}

function addOpenAi(
  headers: Record<string, string>,
  metric: (typeof OPENAI_METRICS)[number],
  { blocking, facts }: { blocking: readonly CountedLimit[]; facts: HeaderFacts },
): void {
  const [tightest] = blocking
    .filter(({ policy }) => policy.metric === metric)
    .sort((a, b) => remainingOf(a, facts) - remainingOf(b, facts))
  if (tightest === undefined) return
  headers[`x-ratelimit-limit-${metric}`] = String(tightest.policy.value)
  headers[`x-ratelimit-remaining-${metric}`] = String(remainingOf(tightest, facts))
  if (tightest.standing.resetsAtMs !== null)
    headers[`x-ratelimit-reset-${metric}`] = duration(secondsToReset(tightest, facts))
}

function remainingOf({ policy, standing }: CountedLimit, { isAllowed }: HeaderFacts): number {
  const { used, reserved, amount } = standing
  return Math.max(0, policy.value - used - reserved - (isAllowed ? amount : 0))
}

function secondsToReset({ standing }: CountedLimit, { nowMs }: HeaderFacts): number {
  return Math.max(0, Math.ceil(((standing.resetsAtMs ?? nowMs) - nowMs) / 1_000))
}

/** Quotas are whole numbers of 15 digits at most. */
function quotaOf(metric: Metric, count: number): number {
  return Math.floor(metric === 'cost' ? count / NANO_PER_MICRO : count)
}

/** As OpenAI writes durations: `1s`, `6m0s`, `23h59m59s`. */
function duration(seconds: number): string {
  const hours = Math.floor(seconds / 3_600)
  const minutes = Math.floor((seconds % 3_600) / 60)
  const rest = `${seconds % 60}s`
  if (hours > 0) return `${hours}h${minutes}m${rest}`
  return minutes > 0 ? `${minutes}m${rest}` : rest
}

/** A string of RFC 9651, section 3.3.3. */
function quoted(text: string): string {
  return `"${headerText(text).replaceAll(/["\\]/g, '\\$&')}"`
}

function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
