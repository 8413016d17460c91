import type { Counters } from './counters'
import { extraOf, LEASE_TERM_MS, type Leasable } from './lease-grant'
import { keptOf, type LeaseCall, type LeaseGrant, type LeaseReport } from './lease-report'
import type { Hold, LedgerStore, Part } from './ledger-store'
import type { OutputExpectations } from './output-expectations'
import { resetsAtMs } from './policy'
import type { Sums } from './sums'
import type { OutputWish } from './wish'

/** What a ledger has in memory and in storage. */
export interface Books {
  store: LedgerStore
  counters: Counters
  outputs: OutputExpectations
  /** Open and expired ones. */
  holds: Map<string, Hold>
}

/** The leases of a ledger: holds whose amounts change with each report. */
export class LeaseHolds {
  constructor(private readonly books: Books) {}

  /**
   * Takes in how a lease stands: what was spent is used, what is neither held nor kept is given back. The parts that
   * changed.
   */
  report(report: LeaseReport, given: { nowMs: number; keptMs: number }): readonly Part[] {
    const { store, counters, holds } = this.books
    const hold = holds.get(report.leaseId)
    const closed = { holdId: report.leaseId, state: 'closed' as const, parts: [] }
    if (hold === undefined) {
      // A lease that is over before its wish arrives must not be granted any more.
      if (report.isLast && !store.isClosed(report.leaseId))
        store.saveHold({ ...closed, expiresAtMs: given.nowMs + given.keptMs })
      return NONE
    }
    if (hold.parts.some((part) => (part.lease?.sequence ?? 0) >= report.sequence)) return NONE
    for (const part of hold.parts) this.take(part, hold.state, report)
    counters.save(hold.parts)
    for (const seen of report.outputs) this.books.outputs.observe(seen, given.nowMs)
    if (report.isLast) holds.delete(report.leaseId)
    store.saveHold(report.isLast ? { ...closed, expiresAtMs: Math.max(hold.expiresAtMs, given.nowMs) } : hold)
    return hold.parts
  }

  /** Lets a lease give out more, when its report was told by this call. When it then expires, unless it is heard of again. */
  grant(
    call: LeaseCall,
    given: { asked: readonly Leasable[]; output: OutputWish | undefined; isTold: boolean; nowMs: number },
  ): { grant: LeaseGrant; expiresAtMs: number } | undefined {
    const { asked, output, nowMs } = given
    const { report } = call
    const known = this.books.holds.get(report.leaseId)
    // A wish that comes again is not granted again.
    if (known === undefined ? report.sequence !== 1 : !given.isTold || !isOn(known, asked)) return undefined
    const extra = extraOf(call, asked)
    if (extra === undefined) return undefined
    const ends = asked.map(({ policy }) => (resetsAtMs(policy, nowMs) ?? Number.POSITIVE_INFINITY) - nowMs)
    const termMs = Math.min(LEASE_TERM_MS, ...ends)
    const expiresAtMs = Math.max(known?.expiresAtMs ?? 0, nowMs + termMs + call.lifetimeMs)
    if (!this.keep(known ?? newLease(report, asked, nowMs), { asked, extra, expiresAtMs })) return undefined
    const series = new Set(report.outputs.map((seen) => seen.series))
    if (output !== undefined) series.add(output.series)
    const typical = [...series].map((one) => ({ series: one, tokens: this.books.outputs.typical(one) }))
    return { grant: { extra, termMs, typical }, expiresAtMs }
  }

  private keep(
    hold: Hold,
    { asked, extra, expiresAtMs }: { asked: readonly Leasable[]; extra: Sums; expiresAtMs: number },
  ): boolean {
    const { holds, store, counters } = this.books
    const parts = hold.parts.map((part, index) => {
      const { metric, lease } = part
      if (metric === 'concurrency' || lease === undefined) return part
      const more = extra[metric]
      const value = asked[index]?.policy.value ?? part.value
      return { ...part, value, amount: part.amount + more, lease: { ...lease, room: lease.room + more } }
    })
    const kept: Hold = { ...hold, expiresAtMs, parts }
    if (holds.has(hold.holdId)) store.saveHold(kept)
    else if (!store.addHold(kept)) return false
    holds.set(hold.holdId, kept)
    for (const { counter, metric } of parts) {
      if (metric === 'concurrency') continue
      counters.get(counter).reserved += extra[metric]
      counters.get(counter).leased += extra[metric]
    }
    return true
  }

  private take(part: Part, state: Hold['state'], report: LeaseReport): void {
    const { metric, lease } = part
    if (metric === 'concurrency' || lease === undefined) return
    const counter = this.books.counters.get(part.counter)
    const kept = keptOf(report, metric)
    counter.used += report.spent[metric] - lease.spent
    if (state === 'open') {
      counter.reserved += kept - part.amount
      counter.leased += report.room[metric] - lease.room
    } else {
      counter.used += kept - part.amount
      counter.uncertain += kept - part.amount
    }
    part.amount = kept
    const room = state === 'open' ? report.room[metric] : 0
    part.lease = { sequence: report.sequence, spent: report.spent[metric], room }
  }
}

const NONE: readonly Part[] = []

/** Whether an open lease is on the counts that the request is counted on. */
function isOn({ state, parts }: Hold, asked: readonly Leasable[]): boolean {
  return (
    state === 'open' &&
    parts.length === asked.length &&
    parts.every((part, index) => part.counter === asked[index]?.counter.name)
  )
}

function newLease({ leaseId, sequence }: LeaseReport, asked: readonly Leasable[], nowMs: number): Hold {
  const parts = asked.map(({ policy, counter }) => ({
    counter: counter.name,
    metric: policy.metric,
    amount: 0,
    value: policy.value,
    endsAtMs: resetsAtMs(policy, nowMs),
    lease: { sequence, spent: 0, room: 0 },
  }))
  return { holdId: leaseId, state: 'open', expiresAtMs: 0, parts }
}
