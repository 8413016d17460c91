import { type Counter, Counters } from './counters'
import { LeaseHolds } from './lease-holds'
import type { LeaseReport } from './lease-report'
import type { Hold, LedgerStore, Part } from './ledger-store'
import type { OutputExpectations } from './output-expectations'
import { type Amounts, counterOf, counterPrefix, type Policy, resetsAtMs, windowStartMs } from './policy'
import {
  amountsOf,
  type Crossing,
  type ReserveCall,
  type ReserveReply,
  type Standing,
  type Taken,
} from './wish'

/** How long the truth about a request may come after its hold expired, and a settled one is told from an unknown one. */
export const LATE_TRUTH_MS = 24 * 60 * 60 * 1_000

/** Closed holds are looked through so often: each look reads all of them. */
export const TIDY_EVERY_MS = 10 * 60 * 1_000

/** What a policy is asked for. */
interface Asked {
  policy: Policy
  counter: Counter
  amount: number
}

/**
 * The counters and holds of one subject, in memory and written through. Everything happens in one turn, so that
 * `used + reserved <= value` is checked and taken in one step.
 */
export class Book {
  private readonly counters: Counters
  /** Open and expired ones; closed ones are in storage only. */
  private readonly holds = new Map<string, Hold>()
  private readonly leases: LeaseHolds
  /** No open hold expires before. */
  private nextExpiryMs = Number.POSITIVE_INFINITY
  /** An object that has just started does not know when it last was. */
  private nextTidyMs = Number.NEGATIVE_INFINITY

  constructor(
    private readonly store: LedgerStore,
    private readonly outputs: OutputExpectations,
  ) {
    this.counters = new Counters(store)
    this.leases = new LeaseHolds({ store, outputs, counters: this.counters, holds: this.holds })
    for (const hold of store.running()) this.take(hold)
  }

  /** Reserves on all policies, or on none when one that blocks would be exceeded. */
  reserve(call: ReserveCall, nowMs: number): ReserveReply {
    const { holdId, policies, wish, lifetimeMs } = call
    this.sweep(nowMs)
    // The request itself is told of what that goes beyond.
    const isNewsOfLease =
      call.lease !== undefined &&
      this.leases.report(call.lease.report, { nowMs, keptMs: LATE_TRUTH_MS }).length > 0
    const known = this.holds.get(holdId)
    if (known !== undefined) return { kind: 'granted', standings: this.again(known, policies, nowMs) }
    const expected = wish.output === undefined ? 0 : this.outputs.expected(wish.output)
    const asked = this.asked(policies, amountsOf(wish, expected), nowMs)
    const last = asked.filter(isRefused).reduce<Asked | undefined>((a, b) => laterOf(a, b, nowMs), undefined)
    const isTold = last === undefined ? isBeyond : isRefused
    const standings = asked.map((one) => standingOf(one, isNews(one) && isTold(one), nowMs))
    const parts = asked.map((one, index) => partOf(one, standings[index]?.crossed === true, nowMs))
    const hold: Hold = { holdId, state: 'open', expiresAtMs: nowMs + lifetimeMs, parts }
    if (last === undefined && !this.store.addHold(hold)) return { kind: 'closed' }
    for (const { policy, counter } of asked.filter((_, index) => parts[index]?.crossed))
      counter.toldValue = policy.value
    this.counters.save(parts.filter(({ crossed }) => crossed))
    if (last !== undefined) return { kind: 'refused', policyId: last.policy.id, standings }
    this.take(hold)
    return { kind: 'granted', standings, ...this.leaseFor(call, { asked, isTold: isNewsOfLease, nowMs }) }
  }

  /** Takes in how a lease stands; tells which counts went beyond their policy's value by that. */
  report(report: LeaseReport, nowMs: number): Crossing[] {
    const changed = this.leases.report(report, { nowMs, keptMs: LATE_TRUTH_MS })
    const crossings = this.crossedBy(changed, report.spent)
    if (crossings.length > 0) this.counters.save(changed)
    return crossings
  }

  /**
   * Turns a hold into what was really taken, also one that has expired; a second time nothing changes. Tells which
   * counts went beyond their policy's value by that.
   */
  settle(holdId: string, taken: Taken, nowMs: number): Crossing[] {
    const hold = this.holds.get(holdId)
    if (hold === undefined && this.store.isClosed(holdId)) return NONE
    let crossings = NONE
    const closed = { holdId, state: 'closed' as const, expiresAtMs: nowMs + LATE_TRUTH_MS, parts: [] }
    if (hold !== undefined) {
      const changed = hold.parts.filter((part) => this.charge(part, hold.state, truthOf(part, taken)))
      crossings = this.crossedBy(changed, taken)
      this.counters.save(changed)
      this.holds.delete(holdId)
      closed.expiresAtMs = Math.max(hold.expiresAtMs, nowMs)
    }
    // A request that is settled before its reservation arrives must not be let in by that any more.
    this.store.saveHold(closed)
    if (taken.output !== undefined) this.outputs.observe(taken.output, nowMs)
    return crossings
  }

  /** Where policies stand, for a reader. */
  read(policies: readonly Policy[], nowMs: number): Standing[] {
    this.sweep(nowMs)
    const nothing = { cost: 0, requests: 0, tokens: 0, concurrency: 0 }
    return this.asked(policies, nothing, nowMs).map((one) => standingOf(one, false, nowMs))
  }

  /** Charges what nobody settled in time as it was reserved, but for what it no longer occupies. */
  sweep(nowMs: number): void {
    if (nowMs < this.nextExpiryMs) return
    this.nextExpiryMs = Number.POSITIVE_INFINITY
    for (const hold of this.holds.values()) {
      if (hold.state !== 'open') continue
      if (hold.expiresAtMs > nowMs) {
        this.nextExpiryMs = Math.min(this.nextExpiryMs, hold.expiresAtMs)
        continue
      }
      for (const part of hold.parts) this.expire(part)
      this.counters.save(hold.parts)
      hold.state = 'expired'
      hold.expiresAtMs = nowMs + LATE_TRUTH_MS
      this.store.saveHold(hold)
    }
  }

  /** Forgets what is of no more use; tells when there will be more to do, or null when nothing is left. */
  tidy(nowMs: number): number | null {
    this.sweep(nowMs)
    if (nowMs >= this.nextTidyMs) {
      for (const [holdId, hold] of this.holds) {
        if (hold.state !== 'expired' || hold.expiresAtMs > nowMs) continue
        for (const part of hold.parts) this.counters.get(part.counter).uncertain -= chargeOf(part)
        this.holds.delete(holdId)
      }
      this.counters.tidy()
      this.store.forget(nowMs, nowMs - KEEP_COUNTS_MS)
      this.nextTidyMs = nowMs + TIDY_EVERY_MS
    }
    return this.store.hasHolds() ? Math.min(this.nextExpiryMs, this.nextTidyMs) : null
  }

  private leaseFor(
    { lease, wish }: ReserveCall,
    given: { asked: readonly Asked[]; isTold: boolean; nowMs: number },
  ) {
    const granted =
      lease === undefined ? undefined : this.leases.grant(lease, { ...given, output: wish.output })
    if (granted === undefined) return undefined
    this.nextExpiryMs = Math.min(this.nextExpiryMs, granted.expiresAtMs)
    return { lease: granted.grant }
  }

  private asked(policies: readonly Policy[], amounts: Amounts, nowMs: number): Asked[] {
    return policies.map((policy) => ({
      policy,
      counter: this.counters.get(counterOf(policy, nowMs)),
      amount: amounts[policy.metric],
    }))
  }

  /** As it was told the first time, but for what others have taken since. */
  private again({ parts }: Hold, policies: readonly Policy[], nowMs: number): Standing[] {
    return policies.map((policy) => {
      const prefix = counterPrefix(policy)
      const part = parts.find(({ counter }) => counter.startsWith(prefix))
      const counter = this.counters.get(part?.counter ?? counterOf(policy, nowMs))
      const amount = part?.amount ?? 0
      const standing = standingOf({ policy, counter, amount }, part?.crossed === true, nowMs)
      // Its window may be over by now, and it is still the one that the request is counted in.
      const window =
        part === undefined
          ? {}
          : { windowStartMs: Number(part.counter.slice(prefix.length)), resetsAtMs: part.endsAtMs }
      return { ...standing, ...window, reserved: Math.max(0, standing.reserved - amount) }
    })
  }

  private take(hold: Hold): void {
    this.holds.set(hold.holdId, hold)
    for (const part of hold.parts) {
      const counter = this.counters.get(part.counter)
      if (hold.state === 'open') {
        counter.reserved += part.amount
        counter.leased += part.lease?.room ?? 0
      } else counter.uncertain += chargeOf(part)
    }
    if (hold.state === 'open') this.nextExpiryMs = Math.min(this.nextExpiryMs, hold.expiresAtMs)
  }

  private expire(part: Part): void {
    const counter = this.counters.get(part.counter)
    counter.reserved -= part.amount
    counter.used += chargeOf(part)
    counter.uncertain += chargeOf(part)
    if (part.lease === undefined) return
    counter.leased -= part.lease.room
    part.lease.room = 0
  }

  // What a request was reserved for was within the values; only the truth is beyond them.
  private crossedBy(parts: readonly Part[], taken: Taken): Crossing[] {
    return parts.flatMap((part) => {
      const counter = this.counters.get(part.counter)
      const isNew = counter.used > part.value && counter.toldValue !== part.value && truthOf(part, taken) > 0
      if (!isNew) return []
      counter.toldValue = part.value
      return [{ counter: counter.name, used: counter.used }]
    })
  }

  /** Whether that changes what is stored of its counter. */
  private charge(part: Part, state: Hold['state'], truth: number): boolean {
    const counter = this.counters.get(part.counter)
    if (state === 'open') counter.reserved -= part.amount
    else {
      counter.used -= chargeOf(part)
      counter.uncertain -= chargeOf(part)
    }
    counter.used += truth
    return state !== 'open' || truth !== 0
  }
}

const NONE: Crossing[] = []

/** Counts of windows that are over are of use to whoever compares them with the logs. */
const KEEP_COUNTS_MS = 7 * 24 * 60 * 60 * 1_000

function isBeyond({ policy, counter, amount }: Asked): boolean {
  return counter.used + counter.reserved + amount > policy.value
}

/** A crossing is told once in a window for each value: whoever is told may tell others. */
function isNews({ policy, counter }: Asked): boolean {
  return counter.toldValue !== policy.value
}

function isRefused(asked: Asked): boolean {
  return asked.policy.action === 'block' && isBeyond(asked)
}

function laterOf(latest: Asked | undefined, one: Asked, nowMs: number): Asked {
  if (latest === undefined) return one
  return endOf(one.policy, nowMs) > endOf(latest.policy, nowMs) ? one : latest
}

/** A place among those that run at once may be free at any moment. */
function endOf(policy: Policy, nowMs: number): number {
  if (policy.metric === 'concurrency') return nowMs
  return resetsAtMs(policy, nowMs) ?? Number.POSITIVE_INFINITY
}

function standingOf({ policy, counter, amount }: Asked, crossed: boolean, nowMs: number): Standing {
  return {
    policyId: policy.id,
    used: counter.used,
    reserved: counter.reserved,
    amount,
    windowStartMs: policy.metric === 'concurrency' ? 0 : windowStartMs(policy.window, nowMs),
    resetsAtMs: resetsAtMs(policy, nowMs),
    crossed,
    certain: counter.used - counter.uncertain,
  }
}

function partOf({ policy, counter, amount }: Asked, crossed: boolean, nowMs: number): Part {
  const { metric } = policy
  return {
    counter: counter.name,
    metric,
    amount,
    value: policy.value,
    endsAtMs: resetsAtMs(policy, nowMs),
    ...(crossed ? { crossed } : {}),
  }
}

/** What becomes of a part whose hold expired: nothing of it runs any more, and the rest is charged. */
function chargeOf({ metric, amount }: Part): number {
  return metric === 'concurrency' ? 0 : amount
}

function truthOf({ metric, amount }: Part, taken: Taken): number {
  if (metric === 'concurrency') return 0
  return taken[metric] ?? amount
}
