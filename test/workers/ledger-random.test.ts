import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { Ledger } from '../../src/limits/ledger'
import { type Amounts, METRICS, type Policy, WINDOWS, windowStartMs } from '../../src/limits/policy'
import { type Dice, diceOf, listOf } from '../unit/dice'

/** Far ahead, so that the object's own alarm, which goes by the real clock, stays out of it. */
const START = Date.parse('2096-12-31T23:00:00Z')
const SCENARIOS = 60
const STEPS = 80

interface Hold {
  id: string
  startedAtMs: number
  expiresAtMs: number
  policies: Policy[]
  amounts: Amounts
}

/** The ledger as one would write it down on paper. */
class Book {
  readonly holds = new Map<string, Hold>()
  readonly #used = new Map<string, number>()

  standing(policy: Policy, nowMs: number): { used: number; reserved: number } {
    const start = startOf(policy, nowMs)
    const held = [...this.holds.values()].filter(
      (hold) => hold.policies.includes(policy) && startOf(policy, hold.startedAtMs) === start,
    )
    return {
      used: this.#used.get(`${policy.id} ${start}`) ?? 0,
      reserved: held.reduce((sum, { amounts }) => sum + amounts[policy.metric], 0),
    }
  }

  mayReserve({ policies, amounts, startedAtMs }: Hold): boolean {
    return policies.every((policy) => {
      const { used, reserved } = this.standing(policy, startedAtMs)
      return policy.action === 'warn' || used + reserved + amounts[policy.metric] <= policy.value
    })
  }

  close(hold: Hold, taken: Amounts): void {
    this.holds.delete(hold.id)
    for (const policy of hold.policies.filter(({ metric }) => metric !== 'concurrency')) {
      const key = `${policy.id} ${startOf(policy, hold.startedAtMs)}`
      this.#used.set(key, (this.#used.get(key) ?? 0) + taken[policy.metric])
    }
  }

  sweep(nowMs: number): void {
    for (const hold of [...this.holds.values()]) if (hold.expiresAtMs <= nowMs) this.close(hold, hold.amounts)
  }
}

function startOf(policy: Policy, nowMs: number): number {
  return policy.metric === 'concurrency' ? 0 : windowStartMs(policy.window, nowMs)
}

function randomPolicies(dice: Dice): Policy[] {
  return listOf(1 + dice.below(4), (index) => {
    const metric = dice.pick(METRICS)
    const value = metric === 'tokens' ? dice.below(600) : dice.below(8)
    const action = dice.chance(0.8) ? 'block' : 'warn'
    return { id: `p${index}`, name: `p${index}`, metric, window: dice.pick(WINDOWS), value, action }
  })
}

/** One subject's life: requests begin, end, are lost, and time passes, also over midnight of New Year. */
async function live(ledger: Ledger, dice: Dice) {
  const book = new Book()
  const policies = randomPolicies(dice)
  const counts = { granted: 0, refused: 0, expired: 0 }
  let nowMs = START
  for (let step = 0; step < STEPS; step++) {
    nowMs += dice.pick([0, 0, 1, 1_000, 61_000, 1_800_000])
    const before = book.holds.size
    book.sweep(nowMs)
    counts.expired += before - book.holds.size
    const action = dice.below(10)
    const running = [...book.holds.values()]
    if (action < 5 || running.length === 0) {
      const amounts = { requests: 1, concurrency: 1, tokens: dice.below(200) }
      const asked = policies.filter(() => dice.chance(0.8))
      const hold = {
        id: `h${step}`,
        startedAtMs: nowMs,
        expiresAtMs: nowMs + 1 + dice.below(600_000),
        policies: asked,
        amounts,
      }
      const isAllowed = book.mayReserve(hold)
      const call = { holdId: hold.id, policies: asked, amounts, nowMs, expiresAtMs: hold.expiresAtMs }
      const reply = await ledger.reserve(call)
      expect(reply.isAllowed, `step ${step}`).toBe(isAllowed)
      if (isAllowed && asked.length > 0) book.holds.set(hold.id, hold)
      if (isAllowed && dice.chance(0.3)) await ledger.reserve(call)
      counts[isAllowed ? 'granted' : 'refused']++
    } else if (action < 9) {
      const hold = dice.pick(running)
      const taken = { requests: dice.below(2), concurrency: 0, tokens: dice.below(hold.amounts.tokens + 1) }
      await ledger.settle(hold.id, taken)
      book.close(hold, taken)
      if (dice.chance(0.3)) await ledger.settle(hold.id, { ...taken, tokens: 10_000 })
    }
    await compare(ledger, book, { policies, nowMs, step })
  }
  return { book, policies, nowMs, counts }
}

async function compare(
  ledger: Ledger,
  book: Book,
  at: { policies: Policy[]; nowMs: number; step: number },
): Promise<void> {
  book.sweep(at.nowMs)
  const standings = await ledger.read(at.policies, at.nowMs)
  for (const [index, policy] of at.policies.entries()) {
    const { used = Number.NaN, reserved = Number.NaN } = standings[index] ?? {}
    expect({ used, reserved }, `${policy.id} at step ${at.step}`).toEqual(book.standing(policy, at.nowMs))
    if (policy.action === 'block' && used + reserved > policy.value)
      expect.fail(`${policy.id} holds ${used} + ${reserved} of ${policy.value} at step ${at.step}`)
  }
}

describe('a random life of a subject', () => {
  test(`goes by the book, never over a limit, and ends with nothing reserved: ${SCENARIOS} of ${STEPS} steps`, async () => {
    const sums = { granted: 0, refused: 0, expired: 0 }
    for (let seed = 1; seed <= SCENARIOS; seed++) {
      const stub = env.LEDGER.getByName(`random:${seed}`)
      await runInDurableObject(stub, async (ledger: Ledger) => {
        const { policies, nowMs, counts } = await live(ledger, diceOf(seed))
        for (const name of ['granted', 'refused', 'expired'] as const) sums[name] += counts[name]
        // An hour later every reservation has ended, whoever forgot it.
        await ledger.read(policies, nowMs + 3_600_000)
        const reserved = (await ledger.read(policies, nowMs)).map((standing) => standing.reserved)
        expect(reserved, `seed ${seed}`).toEqual(policies.map(() => 0))
      })
    }
    for (const [what, count] of Object.entries(sums)) expect(count, what).toBeGreaterThan(100)
  })
})
