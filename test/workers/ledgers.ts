import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, vi } from 'vitest'
import type { Ledger } from '../../src/limits/ledger'
import type { Amounts, Policy } from '../../src/limits/policy'
import { NOTHING_TAKEN, type ReserveCall, type Taken } from '../../src/limits/wish'

/** Far ahead, so that the object's own alarm, which goes by the real clock, stays out of the tests. */
export const NOON = Date.parse('2096-11-21T12:00:00Z')
/** Milliseconds. */
export const HOUR = 3_600_000
/** Milliseconds. */
export const DAY = 24 * HOUR

/** Ledgers go by their own clock: this is what it shows from now on. Give it back with `vi.useRealTimers()`. */
export function setClock(nowMs: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs })
}

/** Nobody asks any more: the alarms alone end what was forgotten, and clear all away. */
export async function expectNothingLeft(
  stub: DurableObjectStub<Ledger>,
  policies: readonly Policy[],
  { about, pass }: { about: string; pass(ms: number): void | Promise<void> },
): Promise<void> {
  for (let alarms = 0; alarms < 30; alarms++) {
    await pass(6 * HOUR)
    if (!(await runDurableObjectAlarm(stub))) break
  }
  const left = await runInDurableObject(stub, (_, { storage }) => [
    ...storage.sql.exec('select * from reservations').raw(),
  ])
  expect(left, about).toEqual([])
  const reserved = (await stub.read(policies)).map((standing) => standing.reserved)
  expect(reserved, about).toEqual(policies.map(() => 0))
}

/** A blocking policy on ten requests a day, but for what is given. */
export function policy(id: string, given: Partial<Policy> = {}): Policy {
  return {
    ...{ id, name: id, scope: 'api_key', metric: 'requests', window: 'day', value: 10, action: 'block' },
    onUnavailable: 'closed',
    refusalStatus: 429,
    ...given,
  }
}

/** Ten requests a day. */
export const requests = policy('requests')
/** A thousand tokens an hour. */
export const tokens = policy('tokens', { metric: 'tokens', window: 'hour', value: 1_000 })
/** Two requests at a time. */
export const atOnce = policy('at-once', { metric: 'concurrency', window: 'total', value: 2 })
/** The policies of a request that names none. */
export const all = [requests, tokens, atOnce]

/** What a reservation is asked for in tests: when, and how much of each metric. */
export interface Asked extends Partial<Omit<ReserveCall, 'wish'>> {
  nowMs?: number
  amounts?: Partial<Amounts>
  wish?: Partial<ReserveCall['wish']>
}

let subjects = 0

/** The ledger of a subject that no other test has. */
export function newLedger() {
  const stub = env.LEDGER.getByName(`subject:${++subjects}`)
  let holds = 0
  return {
    stub,
    async reserve(given: Asked = {}) {
      const { nowMs = NOON, amounts, wish, ...rest } = given
      setClock(nowMs)
      return await stub.reserve({
        holdId: `hold-${++holds}`,
        policies: all,
        lifetimeMs: HOUR,
        ...rest,
        wish: { requests: 1, tokens: 100, concurrency: 1, cost: 0, ...amounts, ...wish },
      })
    },
    settle: (holdId: string, taken: Partial<Taken> = {}) =>
      stub.settle(holdId, { ...NOTHING_TAKEN, ...taken }),
    /** `used/reserved` by policy. */
    async standing(nowMs = NOON, policies: readonly Policy[] = all) {
      setClock(nowMs)
      const standings = await stub.read(policies)
      return Object.fromEntries(
        standings.map(({ policyId, used, reserved }) => [policyId, `${used}/${reserved}`]),
      )
    },
  }
}
