import type { LeasedMetric, Sums } from './sums'
import type { OutputSeen } from './wish'

/**
 * How a lease stands with the isolate that has it. All sums are of the whole lease, so that a report that is lost is
 * made good by the next one, and one that comes twice or late changes nothing.
 */
export interface LeaseReport {
  leaseId: string
  /** Grows with each report that is sent. */
  sequence: number
  /** What requests took that have ended. */
  spent: Sums
  /** What requests hold that run. */
  held: Sums
  /** What the isolate may still give out: never more than it had before and was granted since. */
  room: Sums
  /** What some of the requests wrote, for the expectations. */
  outputs: readonly OutputSeen[]
  /** Nothing runs any more, and nothing will be given out. */
  isLast: boolean
}

/** The wish for a lease, or for more of one, beside a request's own reservation. */
export interface LeaseCall {
  report: LeaseReport
  /** What the next term is likely to need beside what is left. */
  want: Sums
  /** The longest possible time of the requests that draw from it; after that and the term it expires as any hold. */
  lifetimeMs: number
}

/** More to give out, and for how long. */
export interface LeaseGrant {
  extra: Sums
  /** From the moment at which the call was sent. */
  termMs: number
  typical: readonly TypicalOutput[]
}

/** What nineteen of twenty calls of a series write, in tokens; null where too few were seen. */
export interface TypicalOutput {
  series: string
  tokens: number | null
}

/** What a lease told of one policy's count the last time. */
export interface PartOfLease {
  sequence: number
  spent: number
  room: number
}

/** What a report leaves reserved of a metric. */
export function keptOf({ held, room }: Pick<LeaseReport, 'held' | 'room'>, metric: LeasedMetric): number {
  return held[metric] + room[metric]
}
