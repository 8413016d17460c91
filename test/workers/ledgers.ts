import { env } from 'cloudflare:workers'
import type { Policy } from '../../src/limits/policy'

/** Far ahead, so that the object's own alarm, which goes by the real clock, stays out of the tests. */
export const NOON = Date.parse('2096-11-21T12:00:00Z')
/** Milliseconds. */
export const HOUR = 3_600_000
/** Milliseconds. */
export const DAY = 24 * HOUR
/** What a request took that took nothing. */
export const NOTHING = { requests: 0, tokens: 0, concurrency: 0 }

/** A blocking policy on ten requests a day, but for what is given. */
export function policy(id: string, given: Partial<Policy> = {}): Policy {
  return { id, name: id, metric: 'requests', window: 'day', value: 10, action: 'block', ...given }
}

/** Ten requests a day. */
export const requests = policy('requests')
/** A thousand tokens an hour. */
export const tokens = policy('tokens', { metric: 'tokens', window: 'hour', value: 1_000 })
/** Two requests at a time. */
export const atOnce = policy('at-once', { metric: 'concurrency', window: 'total', value: 2 })
/** The policies of a request that names none. */
export const all = [requests, tokens, atOnce]

let subjects = 0

/** The ledger of a subject that no other test has. */
export function newLedger() {
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
