/** What a limit counts. */
export const METRICS = ['requests', 'tokens', 'concurrency'] as const
export type Metric = (typeof METRICS)[number]

/** Over what time it counts, in UTC; concurrency counts what runs now and takes none. */
export const WINDOWS = ['minute', 'hour', 'day', 'week', 'month', 'year', 'total'] as const
export type Window = (typeof WINDOWS)[number]

/** Whether a stored word is a metric that this release counts. */
export function isMetric(word: string): word is Metric {
  return METRICS.some((metric) => metric === word)
}

/** Whether a stored word is a window. */
export function isWindow(word: string): word is Window {
  return WINDOWS.some((window) => window === word)
}

/** One limit as it travels to the ledger of its subject. */
export interface Policy {
  id: string
  name: string
  metric: Metric
  window: Window
  value: number
  action: 'warn' | 'block'
}

/** How much of each metric a request takes. */
export type Amounts = Readonly<Record<Metric, number>>

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
