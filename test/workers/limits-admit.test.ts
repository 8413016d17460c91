import { listDurableObjectIds } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import {
  type Admission,
  type LimitsEnv,
  ledgerName,
  reserve,
  settle,
  standingsOf,
} from '../../src/limits/admit'
import type { LimitRow } from '../../src/platform/config-schema'
import { SluiceError } from '../../src/platform/failure'

/** Far ahead, so that the ledgers' own alarms, which go by the real clock, stay out of the tests. */
const NOON = Date.parse('2096-11-21T12:00:00Z')
const NOTHING = { requests: 0, tokens: 0, concurrency: 0 }

function limit(id: string, given: Partial<LimitRow> = {}): LimitRow {
  return {
    id,
    name: `limit ${id}`,
    scope: 'api_key',
    subject: '*',
    metric: 'requests',
    window: 'day',
    value: 1,
    action: 'block',
    createdAtMs: 1,
    updatedAtMs: 1,
    ...given,
  }
}

let requests = 0

function admission(given: Partial<Admission>): Admission {
  return {
    env,
    limits: [],
    subjects: {},
    holdId: `request-${++requests}`,
    amounts: { requests: 1, tokens: 100, concurrency: 1 },
    nowMs: NOON,
    expiresAtMs: NOON + 60_000,
    ...given,
  }
}

async function refusalOf(given: Admission) {
  const cause: unknown = await reserve(given).catch((error: unknown) => error)
  if (cause instanceof SluiceError) return cause.failure
  throw new Error(`it was admitted: ${JSON.stringify(cause)}`)
}

async function standing(subject: string, limits: LimitRow[]): Promise<string[]> {
  return (await standingsOf(env, subject, limits, NOON)).map(({ used, reserved }) => `${used}/${reserved}`)
}

describe('a request that no limit applies to', () => {
  test.each<[string, LimitRow[], Admission['subjects']]>([
    ['there is none', [], { api_key: 'none' }],
    ['it is another key’s', [limit('a', { subject: 'other' })], { api_key: 'none' }],
    [
      'it is for customers, and there is no customer',
      [limit('a', { scope: 'customer' })],
      { api_key: 'none' },
    ],
  ])('visits nobody: %s', async (_, limits, subjects) => {
    const before = await listDurableObjectIds(env.LEDGER)
    expect(await reserve(admission({ limits, subjects }))).toBeUndefined()
    expect(await listDurableObjectIds(env.LEDGER)).toEqual(before)
  })

  test('is let in by a limit that this release does not count', async () => {
    const limits = [
      limit('cost', { metric: 'cost', value: 0 }),
      limit('odd', { window: 'century', value: 0 }),
    ]
    expect(await reserve(admission({ limits, subjects: { api_key: 'later' } }))).toMatchObject({
      holdId: expect.any(String),
    })
  })
})

describe('a request', () => {
  test('is counted on each of its subjects, and on nobody else', async () => {
    const limits = [
      limit('each-key', { value: 5 }),
      limit('this-key', { subject: 'key-1', value: 5 }),
      limit('organization', { scope: 'organization', subject: 'organization', value: 5 }),
      limit('model', { scope: 'model', subject: 'demo/echo', value: 5 }),
      limit('customer', { scope: 'customer', value: 5 }),
    ]
    const subjects = { organization: 'organization', api_key: 'key-1', model: 'demo/echo', customer: 'anna' }
    const hold = await reserve(admission({ limits, subjects }))
    expect(hold?.subjects.toSorted()).toEqual([
      'api_key:key-1',
      'customer:anna',
      'model:demo/echo',
      'organization:organization',
    ])
    expect(await standing('api_key:key-1', limits.slice(0, 2))).toEqual(['0/1', '0/1'])
    expect(await standing('organization:organization', limits.slice(2, 3))).toEqual(['0/1'])
    expect(await standing('customer:anna', limits.slice(4))).toEqual(['0/1'])
    expect(await standing('customer:bert', limits.slice(4))).toEqual(['0/0'])
    if (hold !== undefined) await settle(env, hold, { ...NOTHING, requests: 1 })
    expect(await standing('customer:anna', limits.slice(4))).toEqual(['1/0'])
  })

  test('that one subject refuses takes nothing of the others', async () => {
    const limits = [limit('key', { value: 5 }), limit('customer', { scope: 'customer', value: 1 })]
    const subjects = { api_key: 'key-2', customer: 'carl' }
    await reserve(admission({ limits, subjects }))
    expect(await refusalOf(admission({ limits, subjects }))).toMatchObject({ kind: 'limit_exceeded' })
    expect(await standing('api_key:key-2', limits.slice(0, 1))).toEqual(['0/1'])
    expect(await standing('customer:carl', limits.slice(1))).toEqual(['0/1'])
  })

  test('of many at a time is let in as often as the narrowest limit allows', async () => {
    const limits = [limit('wide', { value: 30 }), limit('narrow', { scope: 'customer', value: 7 })]
    const subjects = { api_key: 'key-3', customer: 'dora' }
    const asked = Array.from({ length: 25 }, () => reserve(admission({ limits, subjects })))
    const settled = await Promise.allSettled(asked)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    expect(await standing('api_key:key-3', limits.slice(0, 1))).toEqual(['0/7'])
    expect(await standing('customer:dora', limits.slice(1))).toEqual(['0/7'])
  })
})

describe('a refusal', () => {
  test.each<[string, Partial<LimitRow>, string, number]>([
    [
      'a daily limit',
      {},
      "The limit 'limit told' is reached: 1 requests per day, 0 used and 1 reserved. It starts anew at 2096-11-22T00:00:00.000Z.",
      43_200,
    ],
    ['a minute', { window: 'minute' }, '1 requests per minute', 60],
    [
      'tokens',
      { metric: 'tokens', window: 'hour', value: 150 },
      '150 tokens per hour, 0 used and 100 reserved.',
      3_600,
    ],
    ['requests at a time', { metric: 'concurrency', window: 'total' }, '1 concurrency at a time', 1],
    ['all there will ever be', { window: 'total' }, '1 requests per total', 1],
  ])('says what is reached and when it starts anew: %s', async (word, given, message, retryAfterSeconds) => {
    const limits = [limit('told', given)]
    const subjects = { api_key: `told ${word}` }
    await reserve(admission({ limits, subjects }))
    expect(await refusalOf(admission({ limits, subjects }))).toEqual({
      kind: 'limit_exceeded',
      message: expect.stringContaining(message),
      retryAfterSeconds,
    })
  })
})

describe('when a ledger cannot be asked', () => {
  /** The ledgers as they are, but for one subject whose object is away. */
  function without(subject: string): LimitsEnv {
    const LEDGER = new Proxy(env.LEDGER, {
      get(target, name) {
        if (name !== 'getByName') return Reflect.get(target, name)
        return (wanted: string) => (wanted === subject ? away : target.getByName(wanted))
      },
    })
    return { LEDGER }
  }
  const away = {
    reserve: () => Promise.reject(new Error('object is away')),
    settle: () => Promise.reject(new Error('away')),
  }

  test('nobody is let in unchecked, and the others get back what they gave', async () => {
    const limits = [limit('key', { value: 5 }), limit('customer', { scope: 'customer', value: 5 })]
    const subjects = { api_key: 'key-4', customer: 'emil' }
    expect(await refusalOf(admission({ env: without('customer:emil'), limits, subjects }))).toMatchObject({
      kind: 'unavailable',
      retryAfterSeconds: 1,
    })
    expect(await standing('api_key:key-4', limits.slice(0, 1))).toEqual(['0/0'])
  })

  test('a refusal by another says so, since that will not pass', async () => {
    const limits = [limit('key', { value: 0 }), limit('customer', { scope: 'customer', value: 5 })]
    const subjects = { api_key: 'key-5', customer: 'fred' }
    expect(await refusalOf(admission({ env: without('customer:fred'), limits, subjects }))).toMatchObject({
      kind: 'limit_exceeded',
    })
  })

  test('settling does not fail, and settles the others', async () => {
    const limits = [limit('key', { value: 5 }), limit('customer', { scope: 'customer', value: 5 })]
    const subjects = { api_key: 'key-6', customer: 'gert' }
    const hold = await reserve(admission({ limits, subjects }))
    if (hold === undefined) throw new Error('limits apply')
    await settle(without('customer:gert'), hold, { ...NOTHING, requests: 1 })
    expect(await standing('api_key:key-6', limits.slice(0, 1))).toEqual(['1/0'])
    expect(await standing('customer:gert', limits.slice(1))).toEqual(['0/1'])
  })
})

test('a ledger has the name of its scope and subject, so that scopes do not meet', () => {
  expect(ledgerName('api_key', 'a')).not.toBe(ledgerName('customer', 'a'))
  expect(ledgerName('model', 'openai/gpt-4o')).toBe('model:openai/gpt-4o')
})
