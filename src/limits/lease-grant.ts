import type { Counter } from './counters'
import type { LeaseCall } from './lease-report'
import type { Policy } from './policy'
import { LEASED_METRICS, type LeasedMetric, noSums, type Sums } from './sums'

/** A lease is given out from for so long, and then ends or is renewed. */
export const LEASE_TERM_MS = 1_000
/** All leases of a count together may give out this part of what is left of it. */
export const LEASED_SHARE = 0.1
/** A lease for fewer requests than this saves nothing. */
export const LEAST_LEASED_REQUESTS = 4

/** A policy, its count, and what the request that carries the wish takes of it. */
export interface Leasable {
  policy: Policy
  counter: Counter
  amount: number
}

/** How much more a lease may give out; undefined where that is too little to be of use. */
export function extraOf({ want, report }: LeaseCall, policies: readonly Leasable[]): Sums | undefined {
  const extra = noSums()
  for (const metric of LEASED_METRICS) {
    const counted = policies.filter(({ policy }) => policy.metric === metric)
    if (counted.length === 0) continue
    extra[metric] = Math.min(want[metric], ...counted.map(leasableOf))
    if (report.room[metric] + extra[metric] < leastOf(counted, metric)) return undefined
  }
  return extra
}

function leastOf([one]: readonly Leasable[], metric: LeasedMetric): number {
  const amount = metric === 'requests' ? 1 : (one?.amount ?? 0)
  return amount * LEAST_LEASED_REQUESTS
}

/**
 * A lease never reaches a value that was not told yet: what crosses it must come here, so that whoever is to be told is
 * told of it. And a small part of what is left keeps the rest for whoever asks for it.
 */
function leasableOf({ policy, counter }: Leasable): number {
  if (policy.action === 'warn' && counter.toldValue === policy.value) return Number.POSITIVE_INFINITY
  const left = policy.value - counter.used - counter.reserved + counter.leased
  return Math.max(0, Math.floor(left * LEASED_SHARE) - counter.leased)
}
