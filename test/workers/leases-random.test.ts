import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { AppliedLimits } from '../../src/limits/applied-limits'
import type { Policy } from '../../src/limits/policy'
import type { Standing, Taken } from '../../src/limits/wish'
import { type Dice, diceOf } from '../unit/dice'
import { type Admitted, amountsFor, LeaseWorld } from './lease-world'
import { expectNothingLeft, policy } from './ledgers'

/** Far ahead, as in the other tests of ledgers; an hour is about to end. */
const START = Date.parse('2096-11-21T12:59:45Z')
const SCENARIOS = 4
const STEPS = 25

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** Two subjects: what all requests are counted on, and one that some are counted on as well. */
function randomSubjects(dice: Dice, seed: number): AppliedLimits[] {
  const windows = ['minute', 'hour', 'total'] as const
  const policies = (name: string, scale: number) =>
    (['requests', 'tokens', 'cost'] as const)
      .filter(() => dice.chance(0.8))
      .flatMap((metric) => {
        const window = dice.pick(windows)
        const value = scale * (metric === 'requests' ? 1 : 60) * (1 + dice.below(4))
        const blocks = policy(`${name} ${metric}`, { metric, window, value })
        const warns = policy(`${name} ${metric} warns`, { metric, window, value: value / 2, action: 'warn' })
        return dice.chance(0.3) ? [blocks, warns] : [blocks]
      })
  return [
    { scope: 'organization', subject: 'all', ledger: `leases:${seed}:all`, policies: policies('all', 700) },
    { scope: 'customer', subject: 'one', ledger: `leases:${seed}:one`, policies: policies('one', 200) },
  ]
}

function truthOf(dice: Dice, { standings }: Admitted, isHonest: boolean): Taken {
  const most = isHonest ? 1 : 2
  const of = (metric: string) => {
    const amounts = [...standings]
      .filter(([id]) => id.split(' ')[1] === metric)
      .map(([, { amount }]) => amount)
    return dice.below(Math.floor((amounts[0] ?? 0) * most) + 1)
  }
  const untold = dice.chance(0.1)
  return {
    requests: dice.below(10) === 0 ? 0 : 1,
    tokens: untold ? null : of('tokens'),
    cost: untold ? null : of('cost'),
  }
}

/** What requests took of a policy in a window, by what they say themselves; running ones by what they may take. */
function onPaper(all: readonly Admitted[], { id, metric }: Policy, windowStartMs: number): number {
  let sum = 0
  for (const { standings, truth } of all) {
    const standing = standings.get(id)
    if (standing === undefined || standing.windowStartMs !== windowStartMs || metric === 'concurrency')
      continue
    sum += truth === undefined ? standing.amount : (truth[metric] ?? standing.amount)
  }
  return sum
}

interface Life {
  world: LeaseWorld
  subjects: AppliedLimits[]
  isHonest: boolean
  /** Isolates die, and what they had is charged as it was reserved. */
  hasDeaths: boolean
}

function admittedIn({ world }: Life): Admitted[] {
  return world.isolates.flatMap(({ admitted }) => admitted)
}

async function compare(life: Life, about: string): Promise<void> {
  const { world, subjects, isHonest } = life
  const all = admittedIn(life)
  for (const { ledger, policies } of subjects) {
    const standings = await world.standings(ledger, policies)
    for (const [index, one] of policies.entries()) {
      const { used, reserved, windowStartMs } = standings[index] as Standing
      const taken = onPaper(all, one, windowStartMs)
      expect(reserved, `${one.id}, ${about}`).toBeGreaterThanOrEqual(0)
      if (isHonest) expect(taken, `${one.id} is covered, ${about}`).toBeLessThanOrEqual(used + reserved)
      if (isHonest && one.action === 'block')
        expect(used + reserved, `${one.id}, ${about}`).toBeLessThanOrEqual(one.value)
    }
  }
}

function begin({ world, subjects }: Life): void {
  const { dice } = world
  const alive = world.isolates.filter(({ isDead }) => !isDead)
  const isolate = dice.pick(alive)
  for (let count = 1 + dice.below(40); count > 0; count--) {
    const wish = amountsFor({ tokens: 20 + dice.below(60), cost: 20 + dice.below(60) })
    void isolate.ask(dice.chance(0.7) ? subjects : subjects.slice(0, 1), wish)
  }
}

function end(life: Life, share: number): void {
  const { world, isHonest } = life
  for (const one of admittedIn(life))
    if (one.truth === undefined && !one.isolate.isDead && world.dice.chance(share))
      one.isolate.end(one, truthOf(world.dice, one, isHonest))
}

/** Bursts of requests at several isolates; messages are lost, repeated and late; ledgers and isolates die. */
async function live(life: Life, seed: number): Promise<void> {
  const { world, subjects, hasDeaths } = life
  const { dice } = world
  world.faults = { lost: 3, unheard: 3, repeated: 5, slow: 6 }
  for (let step = 0; step < STEPS; step++) {
    if (world.isolates.filter(({ isDead }) => !isDead).length < 2) world.isolate()
    begin(life)
    if (dice.chance(0.5)) begin(life)
    await world.pass(dice.pick([0, 20, 100, 300, 700, 1_500]))
    end(life, dice.pick([0.1, 0.5, 0.9]))
    if (dice.chance(0.3)) await world.deliver()
    if (dice.chance(0.15)) await world.disturb(dice.pick(subjects).ledger)
    if (hasDeaths && step % 8 === 7) {
      world.count('died')
      dice.pick(world.isolates.filter(({ isDead }) => !isDead)).die()
    }
    await world.rest()
    await compare(life, `seed ${seed}, step ${step}`)
  }
}

async function wind(life: Life): Promise<void> {
  const { world } = life
  world.faults = { lost: 0, unheard: 0, repeated: 0, slow: 0 }
  end(life, 1)
  await world.pass(10_000)
  await world.deliverAll()
  end(life, 1)
  await world.pass(10_000)
}

/** What there is at the end, when every message has arrived. */
async function checkEnd(life: Life, seed: number): Promise<void> {
  const all = admittedIn(life)
  for (const { ledger, policies } of life.subjects) {
    const standings = await life.world.standings(ledger, policies)
    for (const [index, one] of policies.entries()) {
      const { used, reserved, windowStartMs } = standings[index] as Standing
      const taken = onPaper(all, one, windowStartMs)
      const about = `${one.id}, seed ${seed}`
      if (!life.hasDeaths) expect({ used, reserved }, about).toEqual({ used: taken, reserved: 0 })
      else if (life.isHonest && one.action === 'block') expect(used, about).toBeLessThanOrEqual(one.value)
    }
  }
}

/** Nobody asks any more: the alarms alone end what was forgotten, and clear all away. */
async function checkNothingLeft({ world, subjects }: Life, seed: number): Promise<void> {
  for (const { ledger, policies } of subjects) {
    const about = `seed ${seed}`
    await expectNothingLeft(env.LEDGER.getByName(ledger), policies, { about, pass: (ms) => world.pass(ms) })
  }
}

describe('random lives of isolates that hold leases', () => {
  test(`never pass a limit, and end with the truth and nothing reserved: ${SCENARIOS} of ${STEPS} steps`, async () => {
    const counts: Record<string, number> = {}
    for (let seed = 1; seed <= SCENARIOS; seed++) {
      const dice = diceOf(seed)
      const world = new LeaseWorld(dice, START)
      const subjects = randomSubjects(dice, seed)
      const life = { world, subjects, isHonest: seed % 3 !== 0, hasDeaths: seed % 4 === 0 }
      await live(life, seed)
      await wind(life)
      await checkEnd(life, seed)
      await checkNothingLeft(life, seed)
      for (const [what, count] of Object.entries(world.counts)) counts[what] = (counts[what] ?? 0) + count
      vi.unstubAllGlobals()
    }
    for (const what of ['granted', 'refused', 'drawn', 'lost', 'unheard', 'repeated', 'slow'])
      expect(counts[what], what).toBeGreaterThan(30)
    expect(counts.died, 'died').toBeGreaterThan(0)
  }, 240_000)
})
