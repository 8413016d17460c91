import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AppliedLimits } from '../../src/limits/applied-limits'
import { LEASE_TERM_MS, LEASED_SHARE } from '../../src/limits/lease-grant'
import { HOT_PER_SECOND } from '../../src/limits/leases'
import type { Policy } from '../../src/limits/policy'
import { NOTHING_TAKEN, type Standing, type Taken } from '../../src/limits/wish'
import { diceOf } from '../unit/dice'
import { amountsFor, LeaseWorld, type SimulatedIsolate } from './lease-world'
import { HOUR, NOON, policy } from './ledgers'

const TOKENS = 10
const wish = amountsFor({ tokens: TOKENS })
const taken: Taken = { ...NOTHING_TAKEN, requests: 1, tokens: TOKENS }
const roomy = [
  policy('requests', { value: 100_000 }),
  policy('tokens', { metric: 'tokens', value: 1_000_000 }),
]

let subjects = 0
let world: LeaseWorld

beforeEach(() => {
  world = new LeaseWorld(diceOf(1), NOON)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})
// Each request waits for a real visit.
vi.setConfig({ testTimeout: 60_000 })

function subjectOf(policies: readonly Policy[]): AppliedLimits {
  const subject = `lease-${++subjects}`
  return { scope: 'api_key', subject, ledger: `api_key:${subject}`, policies }
}

/** Requests one after another, so many milliseconds apart; they run until they are ended. */
async function ask(
  isolate: SimulatedIsolate,
  applied: AppliedLimits | AppliedLimits[],
  count: number,
  everyMs = 10,
) {
  const outcomes = []
  for (let index = 0; index < count; index++) {
    const asking = isolate.ask([applied].flat(), wish)
    await world.pass(everyMs)
    outcomes.push(await asking)
  }
  return outcomes
}

/** An isolate that has a lease of the subject. */
async function leased(applied: AppliedLimits): Promise<SimulatedIsolate> {
  const isolate = world.isolate()
  await ask(isolate, applied, 60)
  expect(world.counts.drawn).toBeGreaterThan(20)
  return isolate
}

function endAll(isolate: SimulatedIsolate, truth = taken): void {
  for (const one of isolate.admitted) if (one.truth === undefined) isolate.end(one, truth)
}

async function counts({ ledger, policies }: AppliedLimits): Promise<string[]> {
  return (await world.standings(ledger, policies)).map(({ used, reserved }) => `${used}/${reserved}`)
}

describe('a subject that an isolate sees often', () => {
  test('is asked about once in a while, and counts every request', async () => {
    const applied = subjectOf(roomy)
    const isolate = world.isolate()
    for (let second = 0; second < 5; second++) {
      await ask(isolate, applied, 100)
      endAll(isolate)
    }
    const { reserve = 0, settle = 0, report = 0, drawn = 0 } = world.counts
    expect(drawn + reserve).toBe(500)
    // Two calls each without leases.
    expect(reserve + settle + report).toBeLessThan(100)
    await world.pass(2 * LEASE_TERM_MS)
    expect(await counts(applied)).toEqual(['500/0', `${500 * TOKENS}/0`])
  })

  test('is told where its limits stand by each request as by the ledger itself', async () => {
    const applied = subjectOf(roomy)
    const isolate = await leased(applied)
    const before = isolate.admitted.length
    const [outcome] = await ask(isolate, applied, 1)
    if (outcome?.kind !== 'granted') throw new Error('not granted')
    expect(outcome.hold).toMatchObject({ ledgers: [], draws: [{}] })
    expect(outcome.counted.map(({ standing }) => standing)).toMatchObject([
      { policyId: 'requests', used: 0, reserved: before, amount: 1, crossed: false },
      {
        policyId: 'tokens',
        used: 0,
        reserved: before * TOKENS,
        amount: TOKENS,
        resetsAtMs: NOON + 12 * HOUR,
      },
    ])
  })

  test.each<[string, readonly Policy[], number, number]>([
    ['that is seen less often', roomy, HOT_PER_SECOND - 2, 1_000 / (HOT_PER_SECOND - 2)],
    [
      'with a limit on how many run at once',
      [...roomy, policy('c', { metric: 'concurrency', value: 900 })],
      60,
      10,
    ],
    ['with little left', [policy('few', { value: 60 })], 60, 10],
  ])('has no lease: one %s', async (_, policies, count, everyMs) => {
    const applied = subjectOf(policies)
    await ask(world.isolate(), applied, count, everyMs)
    expect(world.counts).toMatchObject({ reserve: count, granted: count })
    expect(world.counts.drawn).toBeUndefined()
  })
})

describe('a lease', () => {
  test('gives back what it does not hold when nobody asks any more', async () => {
    const applied = subjectOf(roomy)
    const isolate = await leased(applied)
    const running = isolate.admitted.length
    const during = (await world.standings(applied.ledger, applied.policies))[0] as Standing
    expect(during.reserved).toBeGreaterThan(running)
    await world.pass(2 * LEASE_TERM_MS)
    expect(await counts(applied)).toEqual([`0/${running}`, `0/${running * TOKENS}`])
    endAll(isolate)
    await world.pass(2 * LEASE_TERM_MS)
    expect(await counts(applied)).toEqual([`${running}/0`, `${running * TOKENS}/0`])
  })

  test('holds what outlives it, and tells its truth within two seconds, whichever ends first', async () => {
    const applied = subjectOf(roomy)
    const isolate = await leased(applied)
    await world.pass(60_000)
    const [first, ...others] = isolate.admitted.filter(({ hold }) => hold.draws.length > 0)
    const plain = isolate.admitted.length - others.length - 1
    if (first !== undefined) isolate.end(first, { ...taken, tokens: 3 })
    await world.pass(2_000)
    expect(await counts(applied)).toEqual([
      `1/${others.length + plain}`,
      `3/${(others.length + plain) * TOKENS}`,
    ])
  })

  test('is used up to its end and not beyond, while more is on its way', async () => {
    const applied = subjectOf(roomy)
    const isolate = await leased(applied)
    world.faults.slow = 100
    const asked = Array.from({ length: 400 }, () => isolate.ask([applied], wish))
    await world.rest()
    const [{ used, reserved }] = (await world.standings(applied.ledger, applied.policies)) as [Standing]
    expect(isolate.admitted.length).toBeGreaterThan(70)
    expect(isolate.admitted.length).toBeLessThanOrEqual(used + reserved)
    world.faults.slow = 0
    await world.pass(10_000)
    await Promise.all(asked)
    endAll(isolate)
    await world.pass(10_000)
    expect(await counts(applied)).toEqual(['460/0', `${460 * TOKENS}/0`])
  })

  test('that is ended while more is on its way gives nothing of that out', async () => {
    const applied = subjectOf(roomy)
    const isolate = await leased(applied)
    world.faults.slow = 100
    void isolate.ask([applied], wish)
    await world.pass(300)
    void isolate.ask([applied], wish)
    await world.pass(10_000)
    world.faults.slow = 0
    const drawn = world.counts.drawn
    await ask(isolate, applied, 1)
    expect(world.counts.drawn).toBe(drawn)
    endAll(isolate)
    await world.pass(10_000)
    expect(await counts(applied)).toEqual(['63/0', '630/0'])
  })

  test('is not for policies that were changed', async () => {
    const applied = subjectOf(roomy)
    const isolate = await leased(applied)
    const drawn = world.counts.drawn
    const lowered = { ...applied, policies: roomy.map((one) => ({ ...one, value: 1 })) }
    expect(await ask(isolate, lowered, 1)).toMatchObject([{ kind: 'refused' }])
    expect(world.counts.drawn).toBe(drawn)
    await ask(isolate, { ...applied, policies: roomy.map((one) => ({ ...one })) }, 1)
    expect(world.counts.drawn).toBe((drawn ?? 0) + 1)
  })

  test('ends with the window', async () => {
    const applied = subjectOf([policy('minute', { window: 'minute', value: 100_000 })])
    const isolate = world.isolate()
    await world.pass(59_500)
    await ask(isolate, applied, 100)
    endAll(isolate)
    await world.pass(3_000)
    const isFirst = ({ standings }: (typeof isolate.admitted)[number]) =>
      standings.get('minute')?.windowStartMs === NOON
    const first = isolate.admitted.filter(isFirst).length
    expect(first).toBeGreaterThanOrEqual(49)
    expect(first).toBeLessThanOrEqual(51)
    expect(await counts(applied)).toEqual([`${100 - first}/0`])
  })

  test('takes nothing for a request that another subject refuses', async () => {
    const applied = subjectOf(roomy)
    const isolate = await leased(applied)
    const before = isolate.admitted.length
    const shut = subjectOf([policy('shut', { value: 0 })])
    expect((await ask(isolate, [applied, shut], 5))[0]).toMatchObject({ kind: 'refused' })
    await world.pass(3_000)
    expect(await counts(applied)).toEqual([`0/${before}`, `0/${before * TOKENS}`])
  })

  test('of an isolate that dies is charged when it expires, and is a tenth of what was left at most', async () => {
    const applied = subjectOf([policy('requests', { value: 1_000 })])
    const isolate = world.isolate()
    await ask(isolate, applied, 100, 2)
    isolate.die()
    const running = isolate.admitted.length
    await world.pass(HOUR)
    const [{ used, reserved }] = (await world.standings(applied.ledger, applied.policies)) as [Standing]
    expect(reserved).toBe(0)
    expect(used).toBeGreaterThanOrEqual(running)
    expect(used).toBeLessThanOrEqual(running + LEASED_SHARE * 1_000)
  })
})

describe('a value that is passed', () => {
  test('is told once, of the request that passes it, and not before nine tenths of the way', async () => {
    const warns = policy('warns', { value: 400, action: 'warn' })
    const blocks = policy('blocks', { value: 800 })
    const applied = subjectOf([warns, blocks])
    const isolates = [world.isolate(), world.isolate()]
    const crossings: [string, number][] = []
    let granted = 0
    for (let round = 0; round < 430; round++) {
      for (const isolate of isolates) {
        const [outcome] = await ask(isolate, applied, 1, 2)
        if (outcome === undefined || outcome.kind === 'unavailable') throw new Error('unavailable')
        if (outcome.kind === 'granted') granted++
        for (const { policy: one, standing } of outcome.counted)
          if (standing.crossed) crossings.push([one.id, granted])
      }
    }
    expect(world.counts.drawn).toBeGreaterThan(100)
    expect(crossings.map(([id]) => id)).toEqual(['warns', 'blocks'])
    expect(crossings[0]?.[1]).toBeGreaterThan(0.9 * 400)
    expect(crossings[0]?.[1]).toBeLessThanOrEqual(401)
    expect(crossings[1]?.[1]).toBeGreaterThan(0.9 * 800)
    // What a lease did not give out is there again a moment later.
    await world.pass(2 * LEASE_TERM_MS)
    for (const isolate of isolates) await ask(isolate, applied, 100, 50)
    expect(isolates.flatMap(({ admitted }) => admitted)).toHaveLength(800)
  })

  test('by what requests took at last is told by the report of their lease', async () => {
    const applied = subjectOf([policy('tokens', { metric: 'tokens', value: 10_000, action: 'warn' })])
    const isolate = await leased(applied)
    const [one] = isolate.admitted.filter(({ hold }) => hold.draws.length > 0)
    if (one !== undefined) isolate.end(one, { ...taken, tokens: 12_345 })
    expect(world.crossed).toEqual([])
    await world.pass(2 * LEASE_TERM_MS)
    expect(world.crossed).toEqual([{ counter: expect.stringContaining('tokens tokens day'), used: 12_345 }])
  })
})
