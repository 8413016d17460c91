import type { Effort } from './request'

/** The share of the output that a grade of reasoning may spend on it, as other gateways have it. */
export const EFFORT_SHARES: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.95,
  max: 0.95,
}
