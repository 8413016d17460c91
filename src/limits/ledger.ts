import { DurableObject } from 'cloudflare:workers'
import { Book, TIDY_EVERY_MS } from './book'
import type { LeaseReport } from './lease-report'
import { LedgerStore } from './ledger-store'
import { OutputExpectations } from './output-expectations'
import type { Policy } from './policy'
import type { Crossing, ReserveCall, ReserveReply, Standing, Taken } from './wish'

/**
 * The counters of one subject. A Durable Object runs one call at a time, and its own clock decides which window a
 * request falls into and when a hold expires: isolates whose clocks differ all count by this one.
 */
export class Ledger extends DurableObject {
  private readonly book: Book
  /** When the object wakes by itself at the latest; undefined while that is not known. */
  private alarmAtMs: number | undefined

  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env)
    const store = new LedgerStore(state.storage.sql)
    this.book = new Book(store, new OutputExpectations(store))
  }

  /** Reserves on all policies, or on none when one that blocks would be exceeded. */
  async reserve(call: ReserveCall): Promise<ReserveReply> {
    const nowMs = Date.now()
    const reply = this.atOnce(() => this.book.reserve(call, nowMs))
    if (reply.kind === 'granted') await this.wakeBy(nowMs + call.lifetimeMs)
    return reply
  }

  /** Turns a request's holds into what it really took, once, also when they have expired. */
  async settle(holdId: string, taken: Taken): Promise<Crossing[]> {
    const nowMs = Date.now()
    const crossings = this.atOnce(() => this.book.settle(holdId, taken, nowMs))
    await this.wakeBy(nowMs + TIDY_EVERY_MS)
    return crossings
  }

  /** Takes in how a lease stands; an older report, or one that comes twice, changes nothing. */
  async report(report: LeaseReport): Promise<Crossing[]> {
    const nowMs = Date.now()
    const crossings = this.atOnce(() => this.book.report(report, nowMs))
    await this.wakeBy(nowMs + TIDY_EVERY_MS)
    return crossings
  }

  /** Where policies stand, for a reader; or where they stood in the windows around an earlier time. */
  async read(policies: readonly Policy[], atMs = Date.now()): Promise<Standing[]> {
    return this.atOnce(() => this.book.read(policies, Math.min(atMs, Date.now())))
  }

  /** Charges what nobody settled, also when no request comes any more. */
  override async alarm(): Promise<void> {
    this.alarmAtMs = undefined
    const next = this.atOnce(() => this.book.tidy(Date.now()))
    if (next !== null) await this.wakeBy(next)
  }

  // What one turn writes is one transaction already. Memory must never be ahead of storage: an object whose write
  // failed begins anew from what is stored.
  private atOnce<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      this.ctx.abort('a write failed')
      throw cause
    }
  }

  private async wakeBy(atMs: number): Promise<void> {
    const planned = this.alarmAtMs ?? (await this.ctx.storage.getAlarm()) ?? Number.POSITIVE_INFINITY
    // Another call may have set one while this one looked.
    this.alarmAtMs = Math.min(planned, this.alarmAtMs ?? planned)
    if (this.alarmAtMs <= atMs) return
    this.alarmAtMs = atMs
    await this.ctx.storage.setAlarm(atMs)
  }
}
