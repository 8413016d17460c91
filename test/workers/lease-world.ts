import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import type { AppliedLimits } from '../../src/limits/applied-limits'
import { createKnownRefusals } from '../../src/limits/known-refusals'
import { Leases } from '../../src/limits/leases'
import type { Ledger } from '../../src/limits/ledger'
import type { Amounts, Policy } from '../../src/limits/policy'
import { type Hold, type LimitsEnv, type Outcome, reserve, settle } from '../../src/limits/reserve'
import type { Crossing, Standing, Taken, Wish } from '../../src/limits/wish'
import type { Dice } from '../unit/dice'
import { setClock } from './ledgers'

/** What may happen to a call of a ledger: how often of 100. */
export interface Faults {
  /** It does not arrive, or only later, when its sender has given up. */
  lost: number
  /** It arrives, and its sender does not hear of it. */
  unheard: number
  /** It arrives once more, later. */
  repeated: number
  /** It takes its time, there or back. */
  slow: number
}

/** A request that was let in. */
export interface Admitted {
  isolate: SimulatedIsolate
  hold: Hold
  /** By policy: what it may take, and in which window. */
  standings: Map<string, Standing>
  /** Once it has ended. */
  truth?: Taken
}

interface Sleeper {
  atMs: number
  isolate: SimulatedIsolate | undefined
  wake(): void
}

const REAL_WAIT_MS = 1
/** Longer than a lease lasts, shorter than a ledger may take. */
const SLOWEST_MS = 2_000

/** Isolates and the ledgers that they share, under a clock that only moves when it is told to. */
export class LeaseWorld {
  readonly isolates: SimulatedIsolate[] = []
  readonly counts: Record<string, number> = {}
  /** What leases told at their end. */
  readonly crossed: Crossing[] = []
  faults: Faults = { lost: 0, unheard: 0, repeated: 0, slow: 0 }
  private sleepers: Sleeper[] = []
  private postponed: (() => Promise<unknown>)[] = []
  /** A message that was lost twice arrives the third time: without that, nobody could tell what must come of it. */
  private readonly losses = new Map<string, number>()
  private underWay = 0
  /** Whose code runs, so that a timer is known to be its own. */
  private running: SimulatedIsolate | undefined
  private readonly realWait = scheduler.wait.bind(scheduler)

  constructor(
    readonly dice: Dice,
    public nowMs: number,
  ) {
    setClock(nowMs)
    vi.stubGlobal('scheduler', { wait: (ms: number) => this.sleep(ms) })
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  isolate(): SimulatedIsolate {
    const made = new SimulatedIsolate(this)
    this.isolates.push(made)
    return made
  }

  /** Runs what one isolate does until it waits for somebody. */
  as<T>(isolate: SimulatedIsolate, work: () => T): T {
    this.running = isolate
    const result = work()
    this.running = undefined
    return result
  }

  /** Lets time pass, and everything happen that is due by then. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    await this.rest()
    for (;;) {
      const next = this.sleepers.toSorted((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined || next.atMs > untilMs) break
      this.sleepers.splice(this.sleepers.indexOf(next), 1)
      this.nowMs = Math.max(this.nowMs, next.atMs)
      setClock(this.nowMs)
      if (next.isolate?.isDead !== true) next.wake()
      await this.rest()
    }
    this.nowMs = untilMs
    setClock(untilMs)
    await this.rest()
  }

  /** Waits until nobody has anything to do but to wait for a time. */
  async rest(): Promise<void> {
    do await this.realWait(REAL_WAIT_MS)
    while (this.underWay > 0)
  }

  /** Messages arrive that were long given up. */
  async deliver(): Promise<void> {
    const [message] = this.postponed.splice(this.dice.below(this.postponed.length), 1)
    await message?.()
  }

  async deliverAll(): Promise<void> {
    while (this.postponed.length > 0) await this.deliver()
  }

  async disturb(ledger: string): Promise<void> {
    const stub = env.LEDGER.getByName(ledger)
    if (this.dice.chance(0.5)) await evictDurableObject(stub)
    else await runDurableObjectAlarm(stub)
  }

  standings(ledger: string, policies: readonly Policy[]): Promise<Standing[]> {
    return env.LEDGER.getByName(ledger).read(policies)
  }

  /** The ledgers as an isolate reaches them. */
  envOf(isolate: SimulatedIsolate): LimitsEnv {
    const LEDGER = new Proxy(env.LEDGER, {
      get: (target, name) => {
        if (name !== 'getByName') return Reflect.get(target, name)
        return (ledger: string) => this.reached(isolate, target.getByName(ledger))
      },
    })
    return { LEDGER }
  }

  private reached(isolate: SimulatedIsolate, stub: DurableObjectStub<Ledger>) {
    const send = async <T>(id: string, arrive: () => Promise<T>): Promise<T> => {
      this.underWay++
      try {
        // A message is on its way while others of the isolate go on.
        await this.realWait(0)
        return await this.carry(id, arrive)
      } finally {
        this.underWay--
        this.running = isolate
      }
    }
    return {
      reserve: (call: Parameters<Ledger['reserve']>[0]) =>
        send(`reserve ${call.holdId}`, async () => await stub.reserve(structuredClone(call))),
      settle: (holdId: string, taken: Taken) =>
        send(`settle ${holdId}`, async () => await stub.settle(holdId, taken)),
      report: (report: Parameters<Ledger['report']>[0]) =>
        send(`report ${report.leaseId}`, async () => await stub.report(structuredClone(report))),
    }
  }

  private async carry<T>(id: string, arrive: () => Promise<T>): Promise<T> {
    const { dice, faults } = this
    const roll = dice.roll() * 100
    const lostBefore = this.losses.get(id) ?? 0
    if (lostBefore < 2 && roll < faults.lost) {
      this.losses.set(id, lostBefore + 1)
      this.count('lost')
      const isLate = dice.chance(0.5)
      if (isLate) this.postponed.push(arrive)
      // What an object says has not arrived does not arrive later.
      throw Object.assign(new Error('away'), { retryable: !isLate })
    }
    await this.dawdle()
    const answer = await arrive()
    this.count(id.split(' ')[0] ?? '')
    await this.dawdle()
    // One that is refused is sent by nobody again, and would be a new request's.
    if (roll > 100 - faults.repeated && Object(answer).kind !== 'refused') {
      this.count('repeated')
      this.postponed.push(arrive)
    }
    if (lostBefore < 2 && roll < faults.lost + faults.unheard) {
      this.losses.set(id, lostBefore + 1)
      this.count('unheard')
      throw Object.assign(new Error('reply lost'), { retryable: dice.chance(0.7) })
    }
    return answer
  }

  private async dawdle(): Promise<void> {
    if (!this.dice.chance(this.faults.slow / 100)) return
    this.count('slow')
    this.underWay--
    await this.sleep(1 + this.dice.below(SLOWEST_MS))
    this.underWay++
  }

  private sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.sleepers.push({ atMs: this.nowMs + ms, isolate: this.running, wake: resolve })
    return promise
  }
}

let holds = 0

/** What keeps leases in memory, until it is gone. */
export class SimulatedIsolate {
  isDead = false
  readonly admitted: Admitted[] = []
  private leases = 0
  private readonly own = new Leases(() => `${this.world.isolates.indexOf(this)}-${holds}-${++this.leases}`)
  private readonly refusals = createKnownRefusals()

  constructor(private readonly world: LeaseWorld) {}

  async ask(applied: readonly AppliedLimits[], wish: Wish, lifetimeMs = 600_000): Promise<Outcome> {
    const { world } = this
    const outcome = await world.as(this, () =>
      reserve({
        ...{ env: world.envOf(this), applied, refusals: this.refusals, leases: this.own, wish, lifetimeMs },
        holdId: `request-${++holds}`,
        timeoutMs: 5_000,
        nowMs: world.nowMs,
        now: () => world.nowMs,
        crossed: async (crossings) => void world.crossed.push(...crossings),
        background: (work) => void work,
      }),
    )
    world.count(outcome.kind)
    if (outcome.kind !== 'granted') return outcome
    for (const _ of outcome.hold.draws) world.count('drawn')
    if (this.isDead) return outcome
    const standings = new Map(outcome.counted.map(({ policy, standing }) => [policy.id, standing]))
    this.admitted.push({ isolate: this, hold: outcome.hold, standings })
    return outcome
  }

  /** Ends a request with what it really took. */
  end(admitted: Admitted, truth: Taken): void {
    admitted.truth = truth
    const given = { env: this.world.envOf(this), now: () => this.world.nowMs }
    void this.world.as(this, () => settle(given, admitted.hold, truth))
  }

  /** It is gone with all that it had in memory, and nothing that it has sent is heard of by anybody. */
  die(): void {
    this.isDead = true
  }
}

/** What a request may take of each metric. */
export function amountsFor(given: Partial<Amounts>, output?: Wish['output']): Wish {
  return {
    ...{ requests: 1, concurrency: 1, tokens: 0, cost: 0 },
    ...given,
    ...(output === undefined ? {} : { output }),
  }
}
