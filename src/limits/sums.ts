/** The metrics of which an isolate may hold some by lease; how many requests run at once is only known to the ledger. */
export const LEASED_METRICS = ['requests', 'tokens', 'cost'] as const
export type LeasedMetric = (typeof LEASED_METRICS)[number]

/** How much of each: cost in billionths of a US dollar. */
export type Sums = Record<LeasedMetric, number>

/** Nothing of each, to be added to. */
export function noSums(): Sums {
  return { requests: 0, tokens: 0, cost: 0 }
}

/** Adds so many times what is given. */
export function add(to: Sums, more: Readonly<Sums>, times: 1 | -1 = 1): void {
  to.requests += times * more.requests
  to.tokens += times * more.tokens
  to.cost += times * more.cost
}
