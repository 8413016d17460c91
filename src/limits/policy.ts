/** What a limit counts. */
export const METRICS = ['cost', 'requests', 'tokens', 'concurrency'] as const
export type Metric = (typeof METRICS)[number]

/** Over what time it counts, in UTC; concurrency counts what runs now and takes none. */
export const WINDOWS = ['minute', 'hour', 'day', 'week', 'month', 'year', 'total'] as const
export type Window = (typeof WINDOWS)[number]

/** Whom a limit is about. */
export const SCOPES = ['organization', 'api_key', 'model', 'customer'] as const
export type Scope = (typeof SCOPES)[number]

/** Whether a stored word is a metric that this release counts. */
export function isMetric(word: string): word is Metric {
  return METRICS.some((metric) => metric === word)
}

/** Whether a stored word is a window. */
export function isWindow(word: string): word is Window {
  return WINDOWS.some((window) => window === word)
}

/** One limit, in the units that ledgers count in. */
export interface Policy {
  id: string
  name: string
  scope: Scope
  metric: Metric
  window: Window
  /** Billionths of a US dollar for cost. */
  value: number
  action: 'warn' | 'block'
  /** What becomes of a request while the ledger cannot be asked. */
  onUnavailable: 'open' | 'closed'
  refusalStatus: 429 | 402
}

/** How much of each metric a request takes; cost in billionths of a US dollar. */
export type Amounts = Readonly<Record<Metric, number>>

/** Money is counted in billionths of a US dollar, so that sums are exact. */
export const NANO_USD_PER_USD = 1_000_000_000

/** The largest value of a limit on cost, in US dollars: billionths of more than that are no exact numbers any more. */
export const MOST_USD = 9_000_000

/** A value as a ledger counts it. */
export function countedValue(metric: Metric, value: number): number {
  return metric === 'cost' ? Math.round(Math.min(value, MOST_USD) * NANO_USD_PER_USD) : value
}

/** A count in the unit that people read: US dollars for cost. */
export function shownValue(metric: Metric, count: number): number {
  return metric === 'cost' ? count / NANO_USD_PER_USD : count
}

/** The count that a policy's requests go to now: the same for as long as it means the same. */
export function counterOf(policy: Pick<Policy, 'id' | 'metric' | 'window'>, nowMs: number): string {
  const startMs = policy.metric === 'concurrency' ? 0 : windowStartMs(policy.window, nowMs)
  return counterPrefix(policy) + startMs
}

/** What the counts of a policy have in common in all windows. */
export function counterPrefix({ id, metric, window }: Pick<Policy, 'id' | 'metric' | 'window'>): string {
  return `${id} ${metric} ${window} `
}

/** When a policy's count starts anew; null when it never does. */
export function resetsAtMs(
  { metric, window }: Pick<Policy, 'metric' | 'window'>,
  nowMs: number,
): number | null {
  return metric === 'concurrency' ? null : windowEndMs(window, nowMs)
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** 1970-01-01 was a Thursday; weeks start on Monday. */
const FIRST_MONDAY_MS = 4 * DAY_MS

/** When the window around a time began, in milliseconds since 1970; calendar windows in UTC. */
export function windowStartMs(window: Window, nowMs: number): number {
  switch (window) {
    case 'minute':
      return nowMs - (nowMs % MINUTE_MS)
    case 'hour':
      return nowMs - (nowMs % HOUR_MS)
    case 'day':
      return nowMs - (nowMs % DAY_MS)
    case 'week':
      return nowMs - ((nowMs - FIRST_MONDAY_MS) % (7 * DAY_MS))
    case 'month': {
      const now = new Date(nowMs)
      return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)
    }
    case 'year':
      return Date.UTC(new Date(nowMs).getUTCFullYear(), 0, 1)
    case 'total':
      return 0
  }
}

/** When the window around a time ends and its count starts anew; null when it never does. */
export function windowEndMs(window: Window, nowMs: number): number | null {
  const startMs = windowStartMs(window, nowMs)
  switch (window) {
    case 'minute':
      return startMs + MINUTE_MS
    case 'hour':
      return startMs + HOUR_MS
    case 'day':
      return startMs + DAY_MS
    case 'week':
      return startMs + 7 * DAY_MS
    case 'month': {
      const start = new Date(startMs)
      return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1)
    }
    case 'year':
      return Date.UTC(new Date(startMs).getUTCFullYear() + 1, 0, 1)
    case 'total':
      return null
  }
}
