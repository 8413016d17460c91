import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { LATE_TRUTH_MS } from '../../src/limits/book'
import type { Ledger } from '../../src/limits/ledger'
import { type Amounts, counterOf, METRICS, type Policy, WINDOWS } from '../../src/limits/policy'
import type { ReserveReply, Taken } from '../../src/limits/wish'
import { type Dice, diceOf, listOf } from '../unit/dice'
import { expectNothingLeft, policy as policyOf, setClock } from './ledgers'

/** Far ahead, so that the object's own alarm, which goes by the real clock, stays out of it; midnight of New Year is near. */
const START = Date.parse('2096-12-31T23:00:00Z')
const SCENARIOS = 30
const STEPS = 60

type State = 'open' | 'expired' | 'closed'

/** A request, as one would write it down. */
interface Request {
  id: string
  state: State
  startedAtMs: number
  expiresAtMs: number
  policies: Policy[]
  amounts: Amounts
}

/** The ledger on paper: every request for ever, and sums that are made anew for each question. */
class Paper {
  readonly requests = new Map<string, Request>()
  readonly #taken = new Map<string, Taken>()

  standing(policy: Policy, nowMs: number): { used: number; reserved: number } {
    const counter = counterOf(policy, nowMs)
    let used = 0
    let reserved = 0
    for (const request of this.requests.values()) {
      if (!request.policies.includes(policy) || counterOf(policy, request.startedAtMs) !== counter) continue
      const amount = request.amounts[policy.metric]
      if (request.state === 'open') reserved += amount
      else if (policy.metric !== 'concurrency')
        used +=
          request.state === 'expired' ? amount : (this.#taken.get(request.id)?.[policy.metric] ?? amount)
    }
    return { used, reserved }
  }

  mayBegin({ policies, amounts, startedAtMs }: Request): boolean {
    return policies.every((policy) => {
      const { used, reserved } = this.standing(policy, startedAtMs)
      return policy.action === 'warn' || used + reserved + amounts[policy.metric] <= policy.value
    })
  }

  settle(request: Request, taken: Taken): void {
    if (request.state === 'closed') return
    request.state = 'closed'
    this.#taken.set(request.id, taken)
  }

  expire(nowMs: number): number {
    const late = [...this.requests.values()].filter(
      ({ state, expiresAtMs }) => state === 'open' && expiresAtMs <= nowMs,
    )
    for (const request of late) request.state = 'expired'
    return late.length
  }
}

function randomPolicies(dice: Dice): Policy[] {
  return listOf(1 + dice.below(4), (index) => {
    const metric = dice.pick(METRICS)
    const value = metric === 'tokens' || metric === 'cost' ? dice.below(900) : dice.below(8)
    const action = dice.chance(0.8) ? 'block' : 'warn'
    return policyOf(`p${index}`, { metric, window: dice.pick(WINDOWS), value, action })
  })
}

interface Life {
  stub: DurableObjectStub<Ledger>
  dice: Dice
  paper: Paper
  policies: Policy[]
  /** No request takes more than it reserved. */
  isHonest: boolean
  counts: Record<string, number>
  /** The counts whose crossing was told to somebody. */
  told: Set<string>
  nowMs: number
}

function tell({ told, counts }: Life, how: string, counters: readonly string[]): void {
  for (const counter of counters) {
    expect(told.has(counter), `${counter} is told twice`).toBe(false)
    told.add(counter)
    counts[how] = (counts[how] ?? 0) + 1
  }
}

/** The counts that a reservation says it is the first to go beyond. */
function crossed(reply: ReserveReply, policies: readonly Policy[], nowMs: number): string[] {
  if (reply.kind === 'closed') return []
  return policies.filter((_, index) => reply.standings[index]?.crossed).map((one) => counterOf(one, nowMs))
}

function took(dice: Dice, { amounts }: Request, isHonest: boolean): Taken {
  const most = isHonest ? 1 : 3
  return {
    requests: dice.below(2),
    tokens: dice.below(amounts.tokens * most + 1),
    cost: dice.chance(0.2) ? null : dice.below(amounts.cost * most + 1),
  }
}

async function begin(life: Life, id: string): Promise<void> {
  const { stub, dice, paper, policies, counts, nowMs } = life
  const amounts = { requests: 1, concurrency: 1, tokens: dice.below(200), cost: dice.below(200) }
  const asked = policies.filter(() => dice.chance(0.8))
  const lifetimeMs = 1 + dice.below(600_000)
  const request: Request = {
    ...{ id, state: 'open', startedAtMs: nowMs, expiresAtMs: nowMs + lifetimeMs },
    ...{ policies: asked, amounts },
  }
  const isAllowed = paper.mayBegin(request)
  const call = { holdId: id, policies: asked, wish: amounts, lifetimeMs }
  const settledBefore = dice.chance(0.05)
  if (settledBefore) await stub.settle(id, { requests: 0, tokens: 0, cost: 0 })
  const reply = await stub.reserve(call)
  const kind = !isAllowed ? 'refused' : settledBefore ? 'closed' : 'granted'
  expect(reply.kind, id).toBe(kind)
  counts[kind] = (counts[kind] ?? 0) + 1
  tell(life, 'told by a reservation', crossed(reply, asked, nowMs))
  if (kind !== 'granted') return
  paper.requests.set(id, request)
  for (const policy of asked) {
    const { used, reserved } = paper.standing(policy, nowMs)
    if (policy.action === 'block')
      expect(used + reserved, `${policy.id}, ${id}`).toBeLessThanOrEqual(policy.value)
  }
}

/** For how long the ledger tells a request from a new one. */
function isRemembered({ state, expiresAtMs }: Request, nowMs: number): boolean {
  return nowMs < expiresAtMs + (state === 'expired' ? LATE_TRUTH_MS : 0)
}

/** A message that comes again, or late: whatever it is, what the ledger says and counts stays the same. */
async function again(life: Life): Promise<void> {
  const { stub, dice, paper, counts, nowMs } = life
  const remembered = [...paper.requests.values()].filter((request) => isRemembered(request, nowMs))
  if (remembered.length === 0) return
  const request = dice.pick(remembered)
  counts[`again while ${request.state}`] = (counts[`again while ${request.state}`] ?? 0) + 1
  const { id: holdId, policies, amounts: wish } = request
  const reply = await stub.reserve({ holdId, policies, wish, lifetimeMs: 1 + dice.below(600_000) })
  // One that is over is refused like a new one where there is no room.
  if (request.state !== 'closed') return expect(reply.kind).toBe('granted')
  expect(reply.kind).not.toBe('granted')
  tell(life, 'told by a reservation', crossed(reply, policies, nowMs))
  expect(await stub.settle(holdId, { requests: 9, tokens: 900, cost: 900 })).toEqual([])
}

async function end(life: Life): Promise<void> {
  const { stub, dice, paper, isHonest, counts, told, nowMs } = life
  const request = dice.pick([...paper.requests.values()])
  if (request.state === 'expired' && !isRemembered(request, nowMs)) return
  const taken = took(dice, request, isHonest)
  counts[`settled while ${request.state}`] = (counts[`settled while ${request.state}`] ?? 0) + 1
  const isFirst = request.state !== 'closed'
  const crossings = await stub.settle(request.id, taken)
  paper.settle(request, taken)
  tell(
    life,
    'told by a settlement',
    crossings.map(({ counter }) => counter),
  )
  // Whatever a request took beyond a value, somebody was told.
  for (const policy of isFirst ? request.policies : []) {
    const { used } = paper.standing(policy, request.startedAtMs)
    const truth = policy.metric === 'concurrency' ? 0 : (taken[policy.metric] ?? 1)
    if (used <= policy.value || truth === 0) continue
    expect(told.has(counterOf(policy, request.startedAtMs)), `${policy.id}, ${request.id}`).toBe(true)
  }
}

async function compare({ stub, paper, policies, isHonest, nowMs }: Life, step: number): Promise<void> {
  const standings = await stub.read(policies)
  for (const [index, policy] of policies.entries()) {
    const { used = Number.NaN, reserved = Number.NaN } = standings[index] ?? {}
    expect({ used, reserved }, `${policy.id} at step ${step}`).toEqual(paper.standing(policy, nowMs))
    if (policy.action === 'block' && isHonest)
      expect(used + reserved, `${policy.id} at step ${step}`).toBeLessThanOrEqual(policy.value)
  }
}

/** One subject's life: requests begin, end, are lost, come twice; the object dies; time passes, also over New Year. */
async function live(life: Life): Promise<void> {
  const { stub, dice, paper, counts } = life
  for (let step = 0; step < STEPS; step++) {
    life.nowMs += dice.pick([0, 0, 1, 1_000, 61_000, 1_800_000])
    setClock(life.nowMs)
    if (step > 0 && dice.chance(0.08)) await evictDurableObject(stub)
    const isAlarm = dice.chance(0.1)
    if (isAlarm) await runDurableObjectAlarm(stub)
    counts.expired = (counts.expired ?? 0) + paper.expire(life.nowMs)
    const action = dice.below(10)
    if (action < 5 || paper.requests.size === 0) await begin(life, `h${step}`)
    else if (action < 9) await end(life)
    else await again(life)
    await compare(life, step)
  }
}

afterEach(() => vi.useRealTimers())

describe('a random life of a subject', () => {
  test(`goes by the paper, never over a limit, and ends with nothing reserved: ${SCENARIOS} of ${STEPS} steps`, async () => {
    const counts: Record<string, number> = {}
    for (let seed = 1; seed <= SCENARIOS; seed++) {
      const stub = env.LEDGER.getByName(`random:${seed}`)
      const dice = diceOf(seed)
      const policies = randomPolicies(dice)
      const life = {
        stub,
        dice,
        paper: new Paper(),
        policies,
        isHonest: seed % 2 === 0,
        counts,
        told: new Set<string>(),
        nowMs: START,
      }
      await live(life)
      const pass = (ms: number) => {
        life.nowMs += ms
        setClock(life.nowMs)
      }
      await expectNothingLeft(stub, policies, { about: `seed ${seed}`, pass })
    }
    const happened = ['granted', 'refused', 'closed', 'expired']
    const states = ['open', 'expired', 'closed'].flatMap((state) => [
      `again while ${state}`,
      `settled while ${state}`,
    ])
    const tellings = ['told by a reservation', 'told by a settlement']
    for (const what of tellings) expect(counts[what], what).toBeGreaterThan(2)
    for (const what of [...happened, ...states]) expect(counts[what], what).toBeGreaterThan(8)
  }, 120_000)
})
