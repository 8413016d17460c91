import type { MonitorRow } from '../platform/config-schema'

/** What a monitor can look at. */
export const MONITOR_METRICS = ['count', 'errors', 'error_rate', 'tokens', 'cost', 'latency'] as const
export type MonitorMetric = (typeof MONITOR_METRICS)[number]

/** How single requests become one number; only latency has a choice. */
export const AGGREGATIONS = ['average', 'p95'] as const

/** What the requests of a window come to. */
export interface Measured {
  requests: number
  errors: number
  tokens: number
  costNanoUsd: number
  latencyMs: number
  /** The latency that 95 of 100 requests kept to; only where it was asked for. */
  p95LatencyMs?: number
}

const NANO_PER_USD = 1_000_000_000
const MS_PER_SECOND = 1_000

const VALUES: Record<MonitorMetric, (measured: Measured) => number | null> = {
  count: ({ requests }) => requests,
  errors: ({ errors }) => errors,
  error_rate: ({ errors, requests }) => (requests === 0 ? null : errors / requests),
  tokens: ({ tokens }) => tokens,
  cost: ({ costNanoUsd }) => costNanoUsd / NANO_PER_USD,
  latency: ({ latencyMs, p95LatencyMs, requests }) =>
    requests === 0 ? null : (p95LatencyMs ?? latencyMs / requests) / MS_PER_SECOND,
}

/** The number that a monitor looks at: US dollars, seconds, or a share from 0 to 1; null where there is none. */
export function valueOf({ metric }: Pick<MonitorRow, 'metric'>, measured: Measured): number | null {
  const known = MONITOR_METRICS.find((one) => one === metric)
  return known === undefined ? null : VALUES[known](measured)
}

/** Whether a monitor's condition holds; it does not where there is nothing to measure. */
export function isMet(
  { comparison, threshold }: Pick<MonitorRow, 'comparison' | 'threshold'>,
  value: number | null,
): boolean {
  if (value === null) return false
  return comparison === 'above' ? value > threshold : value < threshold
}
