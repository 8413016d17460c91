import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Policy } from '../../src/limits/policy'
import { atOnce, DAY, HOUR, NOON, newLedger, policy, requests, tokens } from './ledgers'

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

    test('and so are counts that no window needs any more', async () => {
      const { reserve, settle, standing, stub } = newLedger()
      const policies = [
        policy('daily'),
        policy('monthly', { window: 'month' }),
        policy('ever', { window: 'total' }),
      ]
      for (const daysAgo of [500, 20]) {
        await reserve({
          policies,
          holdId: `${daysAgo}`,
          nowMs: NOON - daysAgo * DAY,
          expiresAtMs: NOON + DAY,
        })
        await settle(`${daysAgo}`, { requests: 1 })
      }
      expect(await runDurableObjectAlarm(stub)).toBe(true)
      expect(await standing(NOON, policies)).toEqual({ daily: '0/0', monthly: '1/0', ever: '2/0' })
      expect(await standing(NOON - 20 * DAY, policies)).toMatchObject({ daily: '1/0' })
      expect(await standing(NOON - 500 * DAY, policies)).toMatchObject({ daily: '0/0', monthly: '0/0' })
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
