import type { LeaseGrant, LeaseReport } from './lease-report'
import { expectedOutput } from './output-history'
import type { Amounts, Policy } from './policy'
import { add, LEASED_METRICS, type LeasedMetric, noSums, type Sums } from './sums'
import { amountsOf, type OutputSeen, type OutputWish, type Standing, type Taken, type Wish } from './wish'

/** What a request asks a lease for. */
export interface Drawing {
  policies: readonly Policy[]
  wish: Wish
  /** The request's longest possible time, and more. */
  lifetimeMs: number
  nowMs: number
}

/** Requests wait for nobody while a lease is renewed in this part of its term. */
const RENEWED_WITHIN = 0.3
/** And before it has less than this part of what it had when it was renewed. */
const LOW = 0.25
/** Then another one takes its place, so that what a lost request holds of it expires. */
const LONGEST_MS = 60_000
/** A sample of what calls wrote is enough for the expectations. */
const MOST_OUTPUTS = 64
/** Series of which more are not remembered, but asked for again. */
const MOST_SERIES = 300

/**
 * A part of a subject's budgets that this isolate gives out by itself. `spent + held + room` is always what the ledger
 * has granted, so that a request which is let in here is within what is reserved there.
 */
export class Lease {
  /** Where its policies stood at the last grant. */
  private standings: readonly Standing[] = []
  private readonly metrics: readonly LeasedMetric[]
  private readonly spent = noSums()
  private readonly held = noSums()
  private readonly room = noSums()
  private spentAtGrant = noSums()
  private keptAtGrant = noSums()
  /** Below it more is asked for. */
  private readonly lowAt = noSums()
  /** How far requests took more than there was, when that was last reported: by then it is the budget's and not the lease's. */
  private readonly owed = noSums()
  private readonly typical = new Map<string, number | null>()
  private outputs: OutputSeen[] = []
  private sequence = 0
  private running = 0
  private dueAtMs = 0
  private lifetimeMs = 0
  private bornAtMs = Number.POSITIVE_INFINITY
  /** Nothing is given out from then on, unless it is renewed. */
  endsAtMs = 0
  /** It will not be renewed. */
  isOver = false
  /** Its last report has been made. */
  isClosed = false
  /** A report of what outlives it is on its way until then. */
  toldByMs = 0

  constructor(
    readonly leaseId: string,
    readonly ledger: string,
    private readonly policies: readonly Policy[],
  ) {
    this.metrics = LEASED_METRICS.filter((metric) => policies.some((policy) => policy.metric === metric))
  }

  /** Whether it is about these policies as they are now. */
  isFor(policies: readonly Policy[]): boolean {
    return (
      policies === this.policies ||
      (policies.length === this.policies.length &&
        policies.every((policy, index) => isSame(policy, this.policies[index])))
    )
  }

  /** It is to be renewed no more. */
  isOld(nowMs: number): boolean {
    return nowMs >= this.bornAtMs + LONGEST_MS
  }

  /** The next request should ask for more. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.dueAtMs || this.metrics.some((metric) => this.room[metric] < this.lowAt[metric])
  }

  /** More of it would help a request like this one: it is due, or the ledger has to be asked for something new. */
  isWorthAsking({ wish, lifetimeMs, nowMs }: Omit<Drawing, 'policies'>): boolean {
    const { output } = wish
    if (this.isDue(nowMs) || lifetimeMs > this.lifetimeMs) return true
    return output !== undefined && !this.typical.has(output.series)
  }

  /** Takes what a request may need; undefined when it must ask the ledger. */
  draw({ policies, wish, lifetimeMs, nowMs }: Drawing): Amounts | undefined {
    if (nowMs >= this.endsAtMs || this.isOver) return undefined
    if (lifetimeMs > this.lifetimeMs || !this.isFor(policies)) return undefined
    const written = wish.output === undefined ? 0 : this.expected(wish.output)
    if (written === undefined) return undefined
    const amounts = amountsOf(wish, written)
    for (const metric of this.metrics) if (amounts[metric] > this.room[metric]) return undefined
    add(this.held, amounts)
    add(this.room, amounts, -1)
    this.running++
    return amounts
  }

  /** Where its policies stand for a request that has just drawn from it. */
  standingsOf(amounts: Amounts): Standing[] {
    return this.standings.map((standing, index) => {
      const metric = this.policies[index]?.metric
      if (metric === undefined || metric === 'concurrency') return standing
      const amount = amounts[metric]
      const spent = this.spent[metric] - this.spentAtGrant[metric]
      const held = this.held[metric] - amount - this.keptAtGrant[metric]
      return {
        ...standing,
        used: standing.used + spent,
        certain: standing.certain + spent,
        reserved: Math.max(0, standing.reserved + held),
        amount,
        crossed: false,
      }
    })
  }

  /** Puts the truth in the place of what a request drew; what it did not take may be given out again. */
  settle(amounts: Amounts, { requests, tokens, cost, output }: Taken): void {
    const truth = { requests, tokens: tokens ?? amounts.tokens, cost: cost ?? amounts.cost }
    add(this.held, amounts, -1)
    add(this.room, amounts)
    add(this.room, truth, -1)
    add(this.spent, truth)
    this.running--
    if (output !== undefined && this.outputs.length < MOST_OUTPUTS) this.outputs.push(output)
  }

  /** What is told of it next. */
  report(): LeaseReport {
    const outputs = this.outputs
    this.outputs = []
    const room = noSums()
    for (const metric of this.metrics) {
      if (!this.isOver) room[metric] = Math.max(0, this.room[metric])
      this.owed[metric] = Math.max(0, -this.room[metric])
    }
    const isLast = this.isOver && this.running === 0
    this.isClosed ||= isLast
    const sums = { spent: { ...this.spent }, held: { ...this.held }, room }
    return { leaseId: this.leaseId, sequence: ++this.sequence, ...sums, outputs, isLast }
  }

  /** What is missing of so many times what is needed. */
  wantOf(needed: Readonly<Sums>, times: number): Sums {
    const want = noSums()
    for (const metric of this.metrics)
      want[metric] = Math.max(0, Math.ceil(needed[metric] * times - this.room[metric]))
    return want
  }

  /** The longest possible time of its requests, when one that takes so long is among them. */
  lifetimeWith(lifetimeMs: number): number {
    return Math.max(this.lifetimeMs, lifetimeMs)
  }

  /** Nothing of it runs. */
  get isIdle(): boolean {
    return this.running === 0
  }

  /** Whether there was no report since this one. */
  isLatest({ sequence }: LeaseReport): boolean {
    return sequence === this.sequence
  }

  /** The ledger has granted more; `standings` are from before the request that carried the wish. */
  granted(
    grant: LeaseGrant,
    given: { report: LeaseReport; standings: readonly Standing[]; sentAtMs: number; lifetimeMs: number },
  ): void {
    const { report, standings, sentAtMs, lifetimeMs } = given
    add(this.room, grant.extra)
    add(this.room, this.owed)
    this.bornAtMs = Math.min(this.bornAtMs, sentAtMs)
    this.endsAtMs = sentAtMs + grant.termMs
    this.dueAtMs = this.endsAtMs - grant.termMs * RENEWED_WITHIN
    this.lifetimeMs = lifetimeMs
    this.standings = standings.map((one) => ({ ...one, reserved: one.reserved + one.amount }))
    this.spentAtGrant = report.spent
    this.keptAtGrant = noSums()
    add(this.keptAtGrant, report.held)
    add(this.keptAtGrant, report.room)
    for (const metric of LEASED_METRICS) this.lowAt[metric] = this.room[metric] * LOW
    if (this.typical.size > MOST_SERIES) this.typical.clear()
    for (const { series, tokens } of grant.typical) this.typical.set(series, tokens)
  }

  private expected({ series, mostTokens, choices }: OutputWish): number | undefined {
    const typical = this.typical.get(series)
    return typical === undefined ? undefined : choices * expectedOutput(typical, mostTokens)
  }
}

function isSame(policy: Policy, other: Policy | undefined): boolean {
  if (policy === other) return true
  const { id, metric, window, value, action } = policy
  return (
    id === other?.id &&
    metric === other.metric &&
    window === other.window &&
    value === other.value &&
    action === other.action
  )
}
