import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AppliedLimits } from '../../src/limits/applied-limits'
import { LEASE_TERM_MS, LEASED_SHARE } from '../../src/limits/lease-grant'
import { HOT_PER_SECOND } from '../../src/limits/leases'
import type { Policy } from '../../src/limits/policy'
import { NOTHING_TAKEN, type Standing, type Taken } from '../../src/limits/wish'
import { createIsolate } from '../../src/pipeline/isolate'
import { realEffects } from '../../src/platform/effects'
import { diceOf } from '../unit/dice'
import { amountsFor, LeaseWorld, type SimulatedIsolate } from './lease-world'
import { HOUR, NOON, newLedger, policy, setClock } from './ledgers'

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

/** Ends all that run, each twice: whoever says again that a request has ended says nothing new. */
function endAll(isolate: SimulatedIsolate, truth = taken): void {
  for (const one of isolate.admitted.filter((admitted) => admitted.truth === undefined)) {
    isolate.end(one, truth)
    isolate.end(one, truth)
  }
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

  test.each<[string | undefined, boolean]>([
    [undefined, true],
    ['off', false],
  ])('has leases when LIMIT_LEASES is %s: %s', (LIMIT_LEASES, isLeased) => {
    const given = LIMIT_LEASES === undefined ? env : { ...env, LIMIT_LEASES }
    expect(createIsolate(given, realEffects).leases !== undefined).toBe(isLeased)
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
    const asked = Array.from({ length: 200 }, () => isolate.ask([applied], wish))
    await world.rest()
    const [{ used, reserved }] = (await world.standings(applied.ledger, applied.policies)) as [Standing]
    expect(isolate.admitted.length).toBeGreaterThan(70)
    expect(isolate.admitted.length).toBeLessThanOrEqual(used + reserved)
    world.faults.slow = 0
    await world.pass(10_000)
    await Promise.all(asked)
    endAll(isolate)
    await world.pass(10_000)
    expect(await counts(applied)).toEqual(['260/0', `${260 * TOKENS}/0`])
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

  test('leaves what a request holds that is lost to expire, however long the subject is called often', async () => {
    const applied = subjectOf(roomy)
    const isolate = world.isolate()
    const lifetimeMs = 20_000
    let lost = 0
    for (let round = 0; round < 300; round++) {
      const asked = Array.from({ length: 10 }, () => isolate.ask([applied], wish, lifetimeMs))
      await world.pass(350)
      await Promise.all(asked)
      for (const one of isolate.admitted.splice(0)) {
        if (round >= 20 && lost < 3 && one.hold.draws.length > 0) lost++
        else isolate.end(one, taken)
      }
    }
    expect(lost).toBe(3)
    await world.pass(2 * LEASE_TERM_MS)
    // Charged as it was reserved, like any request that nobody tells of.
    expect(await counts(applied)).toEqual(['3000/0', `${3_000 * TOKENS}/0`])
    expect(world.counts.drawn).toBeGreaterThan(2_000)
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

describe('what calls write', () => {
  test('is learnt from leases too, and what is not known of is asked for', async () => {
    const applied = subjectOf([policy('tokens', { metric: 'tokens', value: 10_000_000 })])
    const isolate = world.isolate()
    const writing = (series: string) =>
      amountsFor({ tokens: TOKENS }, { series, mostTokens: 4_000, choices: 1, nanoUsdPerToken: 0 })
    const one = async (series: string) => {
      const asking = isolate.ask([applied], writing(series))
      await world.pass(10)
      const outcome = await asking
      if (outcome.kind !== 'granted') throw new Error(outcome.kind)
      const admitted = isolate.admitted.at(-1)
      if (admitted === undefined) throw new Error('nothing was let in')
      isolate.end(admitted, { ...taken, tokens: 210, output: { series, tokens: 200 } })
      return { isDrawn: outcome.hold.draws.length > 0, amount: outcome.counted[0]?.standing.amount ?? 0 }
    }
    expect(await one('long')).toEqual({ isDrawn: false, amount: TOKENS + 4_000 })
    for (let count = 0; count < 300; count++) await one('long')
    const known = await one('long')
    expect(known.isDrawn).toBe(true)
    expect(known.amount).toBeGreaterThanOrEqual(TOKENS + 200)
    expect(known.amount).toBeLessThan(TOKENS + 260)
    expect(await one('new')).toEqual({ isDrawn: false, amount: TOKENS + 4_000 })
    expect(await one('new')).toEqual({ isDrawn: true, amount: TOKENS + 4_000 })
  })
})

describe('the ledger of a lease', () => {
  const nothing = { requests: 0, tokens: 0, cost: 0 }
  const asked = {
    leaseId: 'a lease',
    spent: nothing,
    held: nothing,
    room: nothing,
    outputs: [],
    isLast: false,
  }
  const want = { requests: 50, tokens: 0, cost: 0 }
  const policies = [policy('requests', { value: 1_000 })]

  test('charges what nobody told of as it was last told, and takes the truth when it comes late, once', async () => {
    const { reserve, settle, stub, standing } = newLedger()
    const lease = { report: { ...asked, sequence: 1 }, want, lifetimeMs: HOUR }
    const reply = await reserve({ holdId: 'carrier', policies, lease })
    expect(reply).toMatchObject({ lease: { extra: { requests: 50 }, termMs: LEASE_TERM_MS } })
    await settle('carrier', { requests: 1 })
    expect(await standing(NOON, policies)).toEqual({ requests: '1/50' })
    const told = { ...asked, spent: { ...nothing, requests: 8 }, held: { ...nothing, requests: 12 } }
    await stub.report({ ...told, sequence: 3 })
    await stub.report({ ...asked, sequence: 2 })
    expect(await standing(NOON, policies)).toEqual({ requests: '9/12' })
    await evictDurableObject(stub)
    expect(await standing(NOON, policies)).toEqual({ requests: '9/12' })
    setClock(NOON + 2 * HOUR)
    expect(await stub.read(policies)).toMatchObject([{ used: 21, reserved: 0, certain: 9 }])
    const last = { ...asked, sequence: 4, spent: { ...nothing, requests: 13 }, isLast: true }
    await stub.report(last)
    await stub.report({ ...last, sequence: 5, spent: { ...nothing, requests: 99 } })
    expect(await stub.read(policies)).toMatchObject([{ used: 14, reserved: 0, certain: 14 }])
  })

  test('grants none that was over before it was asked for, nor more on what was told before', async () => {
    const { reserve, stub, standing } = newLedger()
    const lease = { report: { ...asked, sequence: 1 }, want, lifetimeMs: HOUR }
    await stub.report({ ...asked, sequence: 2, isLast: true })
    expect(await reserve({ policies, lease })).not.toHaveProperty('lease')
    const other = { ...lease, report: { ...lease.report, leaseId: 'another' } }
    expect(await reserve({ policies, lease: other })).toHaveProperty('lease')
    expect(await reserve({ policies, lease: other })).not.toHaveProperty('lease')
    const newer = { ...other, report: { ...other.report, sequence: 2 } }
    expect(await reserve({ policies: [policy('new')], lease: newer })).not.toHaveProperty('lease')
    expect(await standing(NOON, policies)).toEqual({ requests: '0/3' })
  })
})

describe('a value that is passed', () => {
  test('is told once, of the request that passes it, and not before nine tenths of the way', async () => {
    const warns = policy('warns', { value: 200, action: 'warn' })
    const blocks = policy('blocks', { value: 400 })
    const applied = subjectOf([warns, blocks])
    const isolates = [world.isolate(), world.isolate()]
    const crossings: [string, number][] = []
    let granted = 0
    for (let round = 0; round < 215; round++) {
      for (const isolate of isolates) {
        const [outcome] = await ask(isolate, applied, 1, 2)
        if (outcome === undefined || outcome.kind === 'unavailable') throw new Error('unavailable')
        if (outcome.kind === 'granted') granted++
        for (const { policy: one, standing } of outcome.counted)
          if (standing.crossed) crossings.push([one.id, granted])
      }
    }
    expect(world.counts.drawn).toBeGreaterThan(50)
    expect(crossings.map(([id]) => id)).toEqual(['warns', 'blocks'])
    expect(crossings[0]?.[1]).toBeGreaterThan(0.9 * 200)
    expect(crossings[0]?.[1]).toBeLessThanOrEqual(201)
    expect(crossings[1]?.[1]).toBeGreaterThan(0.9 * 400)
    // What a lease did not give out is there again a moment later.
    await world.pass(2 * LEASE_TERM_MS)
    for (const isolate of isolates) await ask(isolate, applied, 100, 50)
    expect(isolates.flatMap(({ admitted }) => admitted)).toHaveLength(400)
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
