import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LATE_TRUTH_MS, TIDY_EVERY_MS } from '../../src/limits/book'
import type { Policy } from '../../src/limits/policy'
import { atOnce, DAY, HOUR, NOON, newLedger, policy, requests, setClock, tokens } from './ledgers'

afterEach(() => vi.useRealTimers())

/** When the object will wake by itself. */
function alarmOf(stub: ReturnType<typeof newLedger>['stub']): Promise<number | null> {
  return runInDurableObject(stub, (_, state) => state.storage.getAlarm())
}

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
    expect(await reserve({ policies })).toMatchObject({ kind: 'refused' })
    expect(await reserve({ policies, nowMs: NOON + HOUR })).toMatchObject({ kind: 'granted' })
  })

  describe('when its request ends after all', () => {
    test.each([
      ['is charged what it took', { requests: 1, tokens: 7 }, '7/0'],
      ['is charged more when it took more', { requests: 1, tokens: 900 }, '900/0'],
      ['is charged nothing when it never ran', {}, '0/0'],
    ])('%s, once, in the window it began in', async (_, taken, charged) => {
      const { reserve, settle, standing } = newLedger()
      await reserve({ holdId: 'late', policies: [tokens] })
      expect(await standing(NOON + 2 * HOUR, [tokens])).toEqual({ tokens: '0/0' })
      expect(await standing(NOON, [tokens])).toEqual({ tokens: '100/0' })
      await settle('late', taken)
      await settle('late', { tokens: 333 })
      expect(await standing(NOON, [tokens])).toEqual({ tokens: charged })
      expect(await standing(NOON + 2 * HOUR, [tokens])).toEqual({ tokens: '0/0' })
    })

    test('is told to be uncertain until then, also after a restart', async () => {
      const { reserve, settle, stub } = newLedger()
      await reserve({ holdId: 'late', policies: [tokens] })
      setClock(NOON + HOUR)
      await stub.read([tokens])
      setClock(NOON)
      await evictDurableObject(stub)
      expect(await stub.read([tokens])).toMatchObject([{ used: 100, certain: 0 }])
      await settle('late', { tokens: 60 })
      expect(await stub.read([tokens])).toMatchObject([{ used: 60, certain: 60 }])
    })
  })

  describe('is swept by the alarm, also when nobody asks any more', () => {
    beforeEach(() => setClock(NOON))

    test('each at its time, and what is left is forgotten a day later', async () => {
      const { reserve, standing, stub } = newLedger()
      const soon = NOON + DAY
      await reserve({ holdId: 'second', lifetimeMs: DAY + 5_000 })
      await reserve({ holdId: 'first', lifetimeMs: DAY })
      expect(await alarmOf(stub)).toBe(soon)
      setClock(soon)
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await standing()).toEqual({ requests: '1/1', tokens: '100/100', 'at-once': '0/1' })
      expect(await alarmOf(stub)).toBe(soon + 5_000)
      setClock(soon + 5_000)
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await standing()).toEqual({ requests: '2/0', tokens: '200/0', 'at-once': '0/0' })
      setClock(soon + 5_000 + LATE_TRUTH_MS)
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await stub.read([tokens])).toMatchObject([{ used: 0 }])
      expect(await runDurableObjectAlarm(stub)).toBe(false)
    })

    test('and settled ones are forgotten in turn, so that nothing grows for ever', async () => {
      const { reserve, settle, stub } = newLedger()
      for (const holdId of ['a', 'b', 'c']) {
        await reserve({ holdId })
        await settle(holdId, { requests: 1 })
      }
      const rows = () =>
        runInDurableObject(stub, (_, { storage }) => [
          ...storage.sql.exec('select hold_id from reservations').raw(),
        ])
      expect(await rows()).toHaveLength(3)
      setClock(NOON + HOUR)
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await rows()).toHaveLength(0)
      expect(await alarmOf(stub)).toBe(null)
    })

    test('and so are counts of windows that are long over', async () => {
      const { reserve, settle, standing, stub } = newLedger()
      const policies = [
        policy('daily'),
        policy('monthly', { window: 'month' }),
        policy('ever', { window: 'total' }),
      ]
      for (const daysAgo of [60, 15]) {
        await reserve({ policies, holdId: `${daysAgo}`, nowMs: NOON - daysAgo * DAY })
        await settle(`${daysAgo}`, { requests: 1 })
      }
      setClock(NOON)
      await evictDurableObject(stub)
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      await evictDurableObject(stub)
      expect(await standing(NOON, policies)).toEqual({ daily: '0/0', monthly: '1/0', ever: '2/0' })
      expect(await standing(NOON - 15 * DAY, policies)).toMatchObject({ daily: '0/0', monthly: '1/0' })
      expect(await standing(NOON - 60 * DAY, policies)).toMatchObject({ daily: '0/0', monthly: '0/0' })
    })

    test('an alarm that finds nothing to sweep waits for the next expiry', async () => {
      const { reserve, standing, stub } = newLedger()
      await reserve({ lifetimeMs: TIDY_EVERY_MS / 2 })
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await standing()).toMatchObject({ requests: '0/1' })
      expect(await alarmOf(stub)).toBe(NOON + TIDY_EVERY_MS / 2)
      setClock(NOON + TIDY_EVERY_MS / 2)
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
    ['year', '2096-12-31T23:59:59.999Z', '2097-01-01T00:00:00.000Z'],
  ])('of a %s that is used up at %s is new at %s', async (window, before, after) => {
    const { reserve, settle } = newLedger()
    const policies = [policy('one', { window, value: 1 })]
    const [beforeMs, afterMs] = [Date.parse(before), Date.parse(after)]
    expect(await reserve({ policies, holdId: 'a', nowMs: beforeMs })).toMatchObject({ kind: 'granted' })
    const refused = { kind: 'refused', standings: [{ resetsAtMs: afterMs }] }
    expect(await reserve({ policies, nowMs: beforeMs })).toMatchObject(refused)
    await settle('a', { requests: 1 })
    expect(await reserve({ policies, nowMs: beforeMs })).toMatchObject({
      ...refused,
      standings: [{ used: 1 }],
    })
    expect(await reserve({ policies, nowMs: afterMs })).toMatchObject({
      kind: 'granted',
      standings: [{ used: 0, reserved: 0, windowStartMs: afterMs }],
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
      kind: 'refused',
      standings: [{ used: 1, reserved: 0, resetsAtMs: null }],
    })
  })

  test('is the same for all isolates, whatever their clocks show: the ledger goes by its own', async () => {
    const { reserve, standing } = newLedger()
    const policies = [policy('one', { window: 'minute', value: 3 })]
    // Whatever a caller thinks the time is has no way to get here.
    const calls = [0, 1, 2, 3].map((at) => reserve({ policies, nowMs: NOON + 59_000 + at }))
    expect((await Promise.all(calls)).map(({ kind }) => kind)).toEqual([
      'granted',
      'granted',
      'granted',
      'refused',
    ])
    expect(await standing(NOON + 60_000, policies)).toEqual({ one: '0/0' })
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
