import type { AppliedLimits } from './applied-limits'
import { Heat } from './heat'
import { type Drawing, Lease } from './lease'
import type { LeaseCall } from './lease-report'
import type { Amounts, Policy } from './policy'
import type { Sums } from './sums'
import type { ReserveReply } from './wish'

/** A subject of which an isolate sees fewer requests in a second has no lease. */
export const HOT_PER_SECOND = 20
/** More than a second took lately, so that a lease does not run short when there are a few more. */
const HEADROOM = 1.25
/** A ledger that had none to give is asked again after so long. */
const DECLINED_MS = 1_000
/** Beyond this many subjects those that are noted are forgotten, and begin anew. */
const MOST_SUBJECTS = 2_000

/** What a request took from a lease. */
export interface Draw {
  leases: Leases
  lease: Lease
  amounts: Amounts
  isSettled: boolean
}

/** A wish for a lease, or for more of one, on its way. */
export interface Renewal {
  leases: Leases
  lease: Lease
  call: LeaseCall
  sentAtMs: number
  /** An answer was lost, so that nobody knows what was granted. */
  isUnsure: boolean
}

/** What there is to do after a renewal: wait for the lease's end, or end it now. */
export type Renewed = 'granted' | 'over' | 'nothing'

/** The leases of an isolate: at most one for each subject, and only for those that it sees often. */
export class Leases {
  private readonly leases = new Map<string, Lease>()
  private readonly heats = new Map<string, Heat>()
  /** Until when a renewal that is under way keeps others from asking too, by ledger. */
  private readonly asking = new Map<string, number>()

  constructor(private readonly newId: () => string) {}

  /** Lets a request in at one subject, where there is a lease for it; where not, the ledger must be asked. */
  draw({ ledger, policies }: AppliedLimits, asked: Omit<Drawing, 'policies'>): Draw | undefined {
    const lease = this.leases.get(ledger)
    if (lease === undefined) return undefined
    const { wish, lifetimeMs, nowMs } = asked
    // This one asks for more, beside its own reservation; the others need not wait for it.
    if (lease.isDue(nowMs) && !this.isAsking(ledger, nowMs)) return undefined
    const amounts = lease.draw({ policies, wish, lifetimeMs, nowMs })
    if (amounts === undefined) return undefined
    this.heatOf(ledger).note(amounts, nowMs)
    return { leases: this, lease, amounts, isSettled: false }
  }

  /** What a reservation asks for beside itself, if anything. */
  renewal(
    { ledger, policies }: AppliedLimits,
    given: Omit<Drawing, 'policies'> & { timeoutMs: number },
  ): Renewal | undefined {
    const { lifetimeMs, timeoutMs, nowMs } = given
    const heat = this.heats.get(ledger)
    if (heat === undefined || nowMs < heat.declinedUntilMs || this.isAsking(ledger, nowMs)) return undefined
    const needed = heat.perSecond(nowMs)
    if (needed.requests < HOT_PER_SECOND || policies.some(isConcurrency)) return undefined
    const known = this.leases.get(ledger)
    const isKnown = known?.isFor(policies) === true
    if (isKnown ? !known.isWorthAsking(given) : nowMs < (known?.endsAtMs ?? 0)) return undefined
    const lease =
      isKnown && !known.isOld(nowMs) ? known : new Lease(`lease-${this.newId()}`, ledger, policies)
    this.asking.set(ledger, nowMs + timeoutMs)
    const want = lease.wantOf(needed, HEADROOM)
    const call = { report: lease.report(), want, lifetimeMs: lease.lifetimeWith(lifetimeMs) }
    return { leases: this, lease, call, sentAtMs: nowMs, isUnsure: false }
  }

  /** Takes in what became of a renewal. */
  answered(renewal: Renewal, reply: ReserveReply | undefined): Renewed {
    const { lease, call, sentAtMs } = renewal
    this.asking.delete(lease.ledger)
    // It has been ended meanwhile, and what was told then holds.
    if (!lease.isLatest(call.report)) return 'nothing'
    if (reply?.kind === 'granted' && reply.lease !== undefined) {
      lease.granted(reply.lease, { ...call, sentAtMs, standings: reply.standings })
      this.leases.set(lease.ledger, lease)
      return 'granted'
    }
    const isSure = reply !== undefined && !renewal.isUnsure
    if (this.leases.get(lease.ledger) === lease) return isSure ? 'over' : 'nothing'
    this.heatOf(lease.ledger).declinedUntilMs = sentAtMs + DECLINED_MS
    return isSure ? 'nothing' : 'over'
  }

  /** Nothing is given out of it any more. */
  end(lease: Lease): void {
    lease.isOver = true
    if (this.leases.get(lease.ledger) === lease) this.leases.delete(lease.ledger)
  }

  /** Notes what a request reserved at a ledger, so that those that are asked often are known. */
  note({ ledger, policies }: AppliedLimits, reply: ReserveReply | undefined, nowMs: number): void {
    if (reply?.kind !== 'granted') return
    const taken: Sums = { requests: 1, tokens: 0, cost: 0 }
    for (const [index, { amount }] of reply.standings.entries()) {
      const metric = policies[index]?.metric
      if (metric === 'tokens' || metric === 'cost') taken[metric] = amount
    }
    this.heatOf(ledger).note(taken, nowMs)
  }

  private isAsking(ledger: string, nowMs: number): boolean {
    return nowMs < (this.asking.get(ledger) ?? 0)
  }

  private heatOf(ledger: string): Heat {
    const known = this.heats.get(ledger)
    if (known !== undefined) return known
    if (this.heats.size >= MOST_SUBJECTS) this.heats.clear()
    const heat = new Heat()
    this.heats.set(ledger, heat)
    return heat
  }
}

function isConcurrency({ metric }: Policy): boolean {
  return metric === 'concurrency'
}
