import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Policy } from '../../src/limits/policy'

/** Far ahead, so that the object's own alarm, which goes by the real clock, stays out of the tests. */
const NOON = Date.parse('2096-11-21T12:00:00Z')
const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOTHING = { requests: 0, tokens: 0, concurrency: 0 }

function policy(id: string, given: Partial<Policy> = {}): Policy {
  return { id, name: id, metric: 'requests', window: 'day', value: 10, action: 'block', ...given }
}

const requests = policy('requests')
const tokens = policy('tokens', { metric: 'tokens', window: 'hour', value: 1_000 })
const atOnce = policy('at-once', { metric: 'concurrency', window: 'total', value: 2 })
const all = [requests, tokens, atOnce]

let subjects = 0

/** The ledger of a subject that no other test has. */
function newLedger() {
  const stub = env.LEDGER.getByName(`subject:${++subjects}`)
  let holds = 0
  return {
    stub,
    async reserve(given: Partial<Parameters<typeof stub.reserve>[0]> = {}) {
      const { nowMs = NOON } = given
      const amounts = { requests: 1, tokens: 100, concurrency: 1 }
      const call = {
        holdId: `hold-${++holds}`,
        policies: all,
        amounts,
        nowMs,
        expiresAtMs: nowMs + HOUR,
        ...given,
      }
      return await stub.reserve(call)
    },
    settle: (holdId: string, taken: Partial<typeof NOTHING> = {}) =>
      stub.settle(holdId, { ...NOTHING, ...taken }),
    /** `used/reserved` by policy. */
    async standing(nowMs = NOON, policies = all) {
      const standings = await stub.read(policies, nowMs)
      return Object.fromEntries(
        standings.map(({ policyId, used, reserved }) => [policyId, `${used}/${reserved}`]),
      )
    },
  }
}

/** When the object will wake by itself. */
function alarmOf(stub: ReturnType<typeof newLedger>['stub']): Promise<number | null> {
  return runInDurableObject(stub, (_, state) => state.storage.getAlarm())
}

describe('a reservation', () => {
  test('takes of every policy, and tells what each stood at before', async () => {
    const { reserve, standing } = newLedger()
    expect(await reserve()).toEqual({
      isAllowed: true,
      standings: [
        { policyId: 'requests', used: 0, reserved: 0, resetsAtMs: Date.parse('2096-11-22T00:00:00Z') },
        { policyId: 'tokens', used: 0, reserved: 0, resetsAtMs: NOON + HOUR },
        { policyId: 'at-once', used: 0, reserved: 0, resetsAtMs: null },
      ],
    })
    expect(await standing()).toEqual({ requests: '0/1', tokens: '0/100', 'at-once': '0/1' })
  })

  test('is granted up to the value itself, and refused beyond it', async () => {
    const { reserve } = newLedger()
    const policies = [tokens]
    expect(await reserve({ policies, amounts: { ...NOTHING, tokens: 999 } })).toMatchObject({
      isAllowed: true,
    })
    expect(await reserve({ policies, amounts: { ...NOTHING, tokens: 2 } })).toMatchObject({
      isAllowed: false,
      refused: { policyId: 'tokens', used: 0, reserved: 999, resetsAtMs: NOON + HOUR },
    })
    expect(await reserve({ policies, amounts: { ...NOTHING, tokens: 1 } })).toMatchObject({ isAllowed: true })
  })

  test('takes of none when one refuses', async () => {
    const { reserve, standing } = newLedger()
    await reserve({ amounts: { requests: 1, tokens: 950, concurrency: 1 } })
    expect(await reserve()).toMatchObject({ isAllowed: false, refused: { policyId: 'tokens' } })
    expect(await standing()).toEqual({ requests: '0/1', tokens: '0/950', 'at-once': '0/1' })
  })

  test('counts once when it is asked for twice, also when it would now be refused', async () => {
    const { reserve, standing } = newLedger()
    const call = { holdId: 'the-same', amounts: { requests: 1, tokens: 600, concurrency: 1 } }
    expect(await reserve(call)).toMatchObject({ isAllowed: true })
    expect(await reserve(call)).toMatchObject({ isAllowed: true })
    expect(await standing()).toEqual({ requests: '0/1', tokens: '0/600', 'at-once': '0/1' })
  })

  test('is never refused by a policy that only warns, which counts on', async () => {
    const { reserve, standing } = newLedger()
    const policies = [policy('warns', { value: 1, action: 'warn' })]
    for (let count = 0; count < 3; count++)
      expect(await reserve({ policies })).toMatchObject({ isAllowed: true })
    expect(await standing(NOON, policies)).toEqual({ warns: '0/3' })
  })

  test('is always refused by a value of nothing', async () => {
    const { reserve } = newLedger()
    expect(await reserve({ policies: [policy('shut', { value: 0 })] })).toMatchObject({ isAllowed: false })
  })

  test('follows the value of today: a limit may be raised and lowered at any time', async () => {
    const { reserve } = newLedger()
    const allowed = async (value: number) => (await reserve({ policies: [{ ...requests, value }] })).isAllowed
    expect([
      await allowed(1),
      await allowed(1),
      await allowed(2),
      await allowed(1),
      await allowed(3),
    ]).toEqual([true, false, true, false, true])
  })

  test('of many at a time is granted as often as there is room', async () => {
    const { reserve, standing } = newLedger()
    const replies = await Promise.all(Array.from({ length: 40 }, () => reserve({ policies: [requests] })))
    expect(replies.filter(({ isAllowed }) => isAllowed)).toHaveLength(10)
    expect(await standing(NOON, [requests])).toEqual({ requests: '0/10' })
  })

  test('of other policies does not count here', async () => {
    const { reserve, standing } = newLedger()
    await reserve({ policies: [requests] })
    expect(await standing(NOON, [tokens, policy('other')])).toEqual({ tokens: '0/0', other: '0/0' })
  })
})

describe('settling', () => {
  test('puts the truth in the place of the estimate, and ends the request', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a', { requests: 1, tokens: 42 })
    expect(await standing()).toEqual({ requests: '1/0', tokens: '42/0', 'at-once': '0/0' })
  })

  test('gives all back when nothing was taken', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a')
    expect(await standing()).toEqual({ requests: '0/0', tokens: '0/0', 'at-once': '0/0' })
  })

  test('takes more than was reserved when more was used: the next request finds the limit reached', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a', { requests: 1, tokens: 5_000 })
    expect(await standing()).toMatchObject({ tokens: '5000/0' })
    expect(await reserve()).toMatchObject({ isAllowed: false, refused: { policyId: 'tokens', used: 5_000 } })
  })

  test('counts once when it is done twice, or with other amounts', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'a' })
    await settle('a', { requests: 1, tokens: 42 })
    await settle('a', { requests: 1, tokens: 42 })
    await settle('a', { requests: 7, tokens: 700, concurrency: 1 })
    expect(await standing()).toEqual({ requests: '1/0', tokens: '42/0', 'at-once': '0/0' })
  })

  test('of what was never reserved changes nothing', async () => {
    const { settle, standing } = newLedger()
    await settle('never', { requests: 1, tokens: 42 })
    expect(await standing()).toEqual({ requests: '0/0', tokens: '0/0', 'at-once': '0/0' })
  })

  test('makes room for as many at a time as the limit says', async () => {
    const { reserve, settle } = newLedger()
    await reserve({ holdId: 'a' })
    await reserve({ holdId: 'b' })
    expect(await reserve()).toMatchObject({
      isAllowed: false,
      refused: { policyId: 'at-once', reserved: 2, resetsAtMs: null },
    })
    await settle('a', { requests: 1 })
    expect(await reserve()).toMatchObject({ isAllowed: true })
  })
})

describe('a reservation that nobody settles', () => {
  test('holds until its expiry, and is then charged as it was reserved, but for what runs no more', async () => {
    const { reserve, standing } = newLedger()
    await reserve()
    expect(await standing(NOON + HOUR - 1)).toEqual({ requests: '0/1', tokens: '0/100', 'at-once': '0/1' })
    expect(await standing(NOON + HOUR, [requests, atOnce])).toEqual({ requests: '1/0', 'at-once': '0/0' })
    expect(await standing(NOON)).toEqual({ requests: '1/0', tokens: '100/0', 'at-once': '0/0' })
  })

  test('makes room by the next request that asks', async () => {
    const { reserve } = newLedger()
    const policies = [atOnce]
    await reserve({ policies })
    await reserve({ policies })
    expect(await reserve({ policies })).toMatchObject({ isAllowed: false })
    expect(await reserve({ policies, nowMs: NOON + HOUR })).toMatchObject({ isAllowed: true })
  })

  test('is not charged again when its request ends after all', async () => {
    const { reserve, settle, standing } = newLedger()
    await reserve({ holdId: 'late' })
    await standing(NOON + HOUR)
    await settle('late', { requests: 1, tokens: 7 })
    expect(await standing()).toEqual({ requests: '1/0', tokens: '100/0', 'at-once': '0/0' })
  })

  describe('is swept by the alarm, also when nobody asks any more', () => {
    beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: NOON }))
    afterEach(() => vi.useRealTimers())

    test('each at its time, and then there is no alarm any more', async () => {
      const { reserve, standing, stub } = newLedger()
      const soon = Date.now() + DAY
      await reserve({ holdId: 'second', expiresAtMs: soon + 5_000 })
      await reserve({ holdId: 'first', expiresAtMs: soon })
      expect(await alarmOf(stub)).toBe(soon)
      vi.setSystemTime(soon)
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await standing()).toEqual({ requests: '1/1', tokens: '100/100', 'at-once': '0/1' })
      expect(await alarmOf(stub)).toBe(soon + 5_000)
      vi.setSystemTime(soon + 5_000)
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await standing()).toEqual({ requests: '2/0', tokens: '200/0', 'at-once': '0/0' })
      expect(await runDurableObjectAlarm(stub)).toBe(false)
    })

    test('an alarm that finds nothing to sweep waits for the next expiry', async () => {
      const { reserve, standing, stub } = newLedger()
      await reserve({ expiresAtMs: NOON + DAY })
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await standing()).toMatchObject({ requests: '0/1' })
      vi.setSystemTime(NOON + DAY)
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await standing()).toMatchObject({ requests: '1/0' })
    })
  })
})

describe('a window', () => {
  test.each<[Policy['window'], string, string]>([
    ['minute', '2096-11-21T12:00:59.999Z', '2096-11-21T12:01:00.000Z'],
    ['hour', '2096-11-21T12:59:59.999Z', '2096-11-21T13:00:00.000Z'],
    ['day', '2096-02-28T23:59:59.999Z', '2096-02-29T00:00:00.000Z'],
    ['day', '2096-02-29T23:59:59.999Z', '2096-03-01T00:00:00.000Z'],
    ['week', '2096-11-25T23:59:59.999Z', '2096-11-26T00:00:00.000Z'],
    ['month', '2096-11-30T23:59:59.999Z', '2096-12-01T00:00:00.000Z'],
    ['month', '2096-02-29T23:59:59.999Z', '2096-03-01T00:00:00.000Z'],
    ['month', '2096-12-31T23:59:59.999Z', '2097-01-01T00:00:00.000Z'],
  ])('of a %s that is used up at %s is new at %s', async (window, before, after) => {
    const { reserve, settle } = newLedger()
    const policies = [policy('one', { window, value: 1 })]
    const [beforeMs, afterMs] = [Date.parse(before), Date.parse(after)]
    expect(await reserve({ policies, holdId: 'a', nowMs: beforeMs })).toMatchObject({ isAllowed: true })
    expect(await reserve({ policies, nowMs: beforeMs })).toMatchObject({
      isAllowed: false,
      refused: { resetsAtMs: afterMs },
    })
    await settle('a', { requests: 1 })
    expect(await reserve({ policies, nowMs: beforeMs })).toMatchObject({
      isAllowed: false,
      refused: { used: 1 },
    })
    expect(await reserve({ policies, nowMs: afterMs })).toMatchObject({
      isAllowed: true,
      standings: [{ used: 0, reserved: 0 }],
    })
  })

  test('is charged for what began in it, also when that ends in the next one', async () => {
    const { reserve, settle, standing } = newLedger()
    const policies = [tokens]
    await reserve({ policies, holdId: 'long', nowMs: NOON - 1 })
    await settle('long', { tokens: 50 })
    expect(await standing(NOON - 1, policies)).toEqual({ tokens: '50/0' })
    expect(await standing(NOON, policies)).toEqual({ tokens: '0/0' })
  })

  test('in total never ends', async () => {
    const { reserve, settle } = newLedger()
    const policies = [policy('ever', { window: 'total', value: 1 })]
    await reserve({ policies, holdId: 'a' })
    await settle('a', { requests: 1 })
    expect(await reserve({ policies, nowMs: NOON + 3_650 * DAY })).toMatchObject({
      isAllowed: false,
      refused: { used: 1, reserved: 0, resetsAtMs: null },
    })
  })
})

test('what was counted outlives the object in memory', async () => {
  const { reserve, settle, standing, stub } = newLedger()
  await reserve({ holdId: 'a' })
  await reserve({ holdId: 'b' })
  await settle('a', { requests: 1, tokens: 42 })
  await evictDurableObject(stub)
  expect(await standing()).toEqual({ requests: '1/1', tokens: '42/100', 'at-once': '0/1' })
})
