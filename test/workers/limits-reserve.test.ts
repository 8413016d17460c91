import { listDurableObjectIds } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  appliedLimits,
  indexLimits,
  ledgerName,
  policiesOf,
  type Subjects,
} from '../../src/limits/applied-limits'
import { createKnownRefusals, type KnownRefusals } from '../../src/limits/known-refusals'
import { limitHeaders } from '../../src/limits/limit-headers'
import type { Scope } from '../../src/limits/policy'
import { refusalOf } from '../../src/limits/refusal'
import { type Admission, type LimitsEnv, type Outcome, reserve, settle } from '../../src/limits/reserve'
import { NOTHING_TAKEN } from '../../src/limits/wish'
import type { LimitRow } from '../../src/platform/config-schema'
import { NOON, setClock } from './ledgers'

beforeEach(() => setClock(NOON))
afterEach(() => vi.useRealTimers())

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
    onUnavailable: null,
    refusalStatus: null,
    createdAtMs: 1,
    updatedAtMs: 1,
    ...given,
  }
}

let requests = 0

interface Asking extends Partial<Admission> {
  limits: LimitRow[]
  subjects: Subjects
}

/** Asks for one request of 100 tokens; what goes on behind the answer has ended when this has. */
async function ask({ limits, subjects, ...given }: Asking): Promise<Outcome> {
  const behind: Promise<unknown>[] = []
  const outcome = await reserve({
    env,
    applied: appliedLimits(indexLimits(limits.flatMap(policiesOf)), subjects),
    refusals: createKnownRefusals(),
    holdId: `request-${++requests}`,
    wish: { requests: 1, tokens: 100, concurrency: 1, cost: 1_000_000 },
    timeoutMs: 5_000,
    lifetimeMs: 60_000,
    nowMs: Date.now(),
    now: Date.now,
    crossed: () => Promise.resolve(),
    background: (work) => void behind.push(work),
    ...given,
  })
  await Promise.all(behind)
  return outcome
}

async function standing(scope: Scope, subject: string, limits: LimitRow[]): Promise<string[]> {
  const policies = limits.flatMap(policiesOf).map(({ policy }) => policy)
  const standings = await env.LEDGER.getByName(ledgerName(scope, subject)).read(policies)
  return standings.map(({ used, reserved }) => `${used}/${reserved}`)
}

describe('a request that no limit applies to', () => {
  test.each<[string, LimitRow[]]>([
    ['there is none', []],
    ['it is another key’s', [limit('a', { subject: 'other' })]],
    ['it is for customers, and there is no customer', [limit('a', { scope: 'customer' })]],
    ['this release does not count it', [limit('odd', { window: 'century', value: 0 })]],
  ])('visits nobody: %s', async (_, limits) => {
    const before = await listDurableObjectIds(env.LEDGER)
    expect(await ask({ limits, subjects: { api_key: 'none' } })).toMatchObject({
      kind: 'granted',
      hold: { ledgers: [] },
    })
    expect(await listDurableObjectIds(env.LEDGER)).toEqual(before)
  })
})

describe('a request', () => {
  const subjects = { organization: 'organization', api_key: 'key-1', model: 'demo/echo', customer: 'anna' }
  const limits = [
    limit('each-key', { value: 5 }),
    limit('this-key', { subject: 'key-1', value: 5 }),
    limit('organization', { scope: 'organization', subject: 'organization', value: 5 }),
    limit('model', { scope: 'model', subject: 'demo/echo', value: 5 }),
    limit('customer', { scope: 'customer', value: 5 }),
  ]

  test('is counted on each of its subjects, and on nobody else', async () => {
    const outcome = await ask({ limits, subjects })
    if (outcome.kind !== 'granted') throw new Error(outcome.kind)
    expect(outcome.hold.ledgers.toSorted()).toEqual([
      'api_key:key-1',
      'customer:anna',
      'model:demo/echo',
      'organization:organization',
    ])
    expect(await standing('api_key', 'key-1', limits.slice(0, 2))).toEqual(['0/1', '0/1'])
    expect(await standing('organization', 'organization', limits.slice(2, 3))).toEqual(['0/1'])
    expect(await standing('customer', 'anna', limits.slice(4))).toEqual(['0/1'])
    expect(await standing('customer', 'bert', limits.slice(4))).toEqual(['0/0'])
    await settle({ env, now: Date.now }, outcome.hold, { ...NOTHING_TAKEN, requests: 1 })
    expect(await standing('customer', 'anna', limits.slice(4))).toEqual(['1/0'])
  })

  test.each([
    ['api_key', 'each-key'],
    ['organization', 'organization'],
    ['model', 'model'],
    ['customer', 'customer'],
  ])('that only its %s refuses takes nothing of the three others', async (scope, id) => {
    const own = Object.fromEntries(Object.entries(subjects).map(([name, word]) => [name, `${word} ${scope}`]))
    const asked = limits
      .filter((one) => one.id !== 'this-key')
      .map((one) => ({ ...one, subject: '*', value: one.id === id ? 0 : 5 }))
    expect(await ask({ limits: asked, subjects: own })).toMatchObject({
      kind: 'refused',
      by: { policy: { id } },
      counted: asked.map(() => ({})),
    })
    for (const one of asked)
      expect(await standing(one.scope, own[one.scope] ?? '', [one]), one.scope).toEqual(['0/0'])
  })

  test('of many at a time is let in as often as the narrowest limit allows', async () => {
    const two = [limit('wide', { value: 30 }), limit('narrow', { scope: 'customer', value: 7 })]
    const both = { api_key: 'key-3', customer: 'dora' }
    const outcomes = await Promise.all(Array.from({ length: 25 }, () => ask({ limits: two, subjects: both })))
    expect(outcomes.filter(({ kind }) => kind === 'granted')).toHaveLength(7)
    expect(await standing('api_key', 'key-3', two.slice(0, 1))).toEqual(['0/7'])
    expect(await standing('customer', 'dora', two.slice(1))).toEqual(['0/7'])
  })
})

describe('a refusal', () => {
  test.each<[string, Partial<LimitRow>, string, object]>([
    [
      'a daily limit that is used up',
      { subject: 'used' },
      "The limit 'limit told' is reached: 1 requests per day, 1 used and 0 reserved, and this request may take 1. It starts anew at 2096-11-22T00:00:00.000Z.",
      { retryAfterSeconds: 43_200, mayPass: true },
    ],
    [
      'one that running requests hold',
      {},
      '1 requests per day, 0 used and 1 reserved',
      { retryAfterSeconds: 1, mayPass: true },
    ],
    [
      'tokens in an hour, for a request that never fits',
      { metric: 'tokens', window: 'hour', value: 50 },
      '50 tokens per hour, 0 used and 0 reserved, and this request may take 100.',
      { retryAfterSeconds: 3_600 },
    ],
    [
      'money',
      { metric: 'cost', window: 'month', value: 0.0015 },
      '$0.0015 per month, 0 used and 0.001 reserved, and this request may take 0.001.',
      { retryAfterSeconds: 1 },
    ],
    [
      'requests at a time',
      { metric: 'concurrency', window: 'total' },
      '1 requests at a time, 0 used and 1 reserved',
      { retryAfterSeconds: 1, mayPass: true },
    ],
    [
      'all there will ever be',
      { window: 'total', subject: 'used' },
      '1 requests in total',
      { mayPass: false },
    ],
    ['with its own status', { refusalStatus: 402 }, '1 requests per day', { status: 402 }],
  ])('says what is reached and when to come again: %s', async (word, given, message, more) => {
    const isUsed = given.subject === 'used'
    const limits = [limit('told', { ...given, subject: '*' })]
    const subjects = { api_key: `told ${word}` }
    const first = await ask({ limits, subjects })
    if (isUsed && first.kind === 'granted')
      await settle({ env, now: Date.now }, first.hold, { ...NOTHING_TAKEN, requests: 1 })
    const second = await ask({ limits, subjects })
    if (second.kind !== 'refused') throw new Error(second.kind)
    expect(refusalOf(second.by, NOON)).toMatchObject({
      kind: 'limit_exceeded',
      status: 429,
      message: expect.stringContaining(message),
      ...more,
    })
  })
})

describe('a refusal that cannot change is remembered', () => {
  /** Ledgers that count how often they are asked. */
  function counting() {
    let visits = 0
    const LEDGER = new Proxy(env.LEDGER, {
      get(target, name) {
        if (name !== 'getByName') return Reflect.get(target, name)
        return (subject: string) => {
          visits++
          return target.getByName(subject)
        }
      },
    })
    return { env: { LEDGER } satisfies LimitsEnv, visits: () => visits }
  }

  /** Uses a limit up. */
  async function usedUp(limits: LimitRow[], subjects: Subjects): Promise<void> {
    const outcome = await ask({ limits, subjects })
    if (outcome.kind !== 'granted') throw new Error(outcome.kind)
    await settle({ env, now: Date.now }, outcome.hold, { requests: 1, tokens: 100, cost: 1_000_000 })
  }

  async function visitsOf(
    refusals: KnownRefusals,
    given: { limits: LimitRow[]; subjects: Subjects },
  ): Promise<[string, number]> {
    const counted = counting()
    const { kind } = await ask({ ...given, refusals, env: counted.env })
    return [kind, counted.visits()]
  }

  test('until its count starts anew, and for this subject and this value only', async () => {
    const refusals = createKnownRefusals()
    const limits = [limit('full')]
    const full = { limits, subjects: { api_key: 'full' } }
    await usedUp(limits, full.subjects)
    expect(await visitsOf(refusals, full)).toEqual(['refused', 1])
    expect(await visitsOf(refusals, full)).toEqual(['refused', 0])
    expect(await visitsOf(refusals, { limits, subjects: { api_key: 'another' } })).toEqual(['granted', 1])
    expect(await visitsOf(refusals, { ...full, limits: [limit('full', { value: 2 })] })).toEqual([
      'granted',
      1,
    ])
    setClock(NOON + 12 * 3_600_000)
    expect(await visitsOf(refusals, full)).toEqual(['granted', 1])
  })

  test('but not while what others hold may come back', async () => {
    const refusals = createKnownRefusals()
    const given = { limits: [limit('held')], subjects: { api_key: 'held' } }
    const first = await ask(given)
    expect(await visitsOf(refusals, given)).toEqual(['refused', 1])
    if (first.kind === 'granted') await settle({ env, now: Date.now }, first.hold, NOTHING_TAKEN)
    expect(await visitsOf(refusals, given)).toEqual(['granted', 1])
  })

  test('and not what expired ones were charged, for their truth may come', async () => {
    const refusals = createKnownRefusals()
    const given = { limits: [limit('lost')], subjects: { api_key: 'lost' } }
    const first = await ask(given)
    setClock(NOON + 60_000)
    expect(await visitsOf(refusals, given)).toEqual(['refused', 1])
    if (first.kind === 'granted') await settle({ env, now: Date.now }, first.hold, NOTHING_TAKEN)
    expect(await visitsOf(refusals, given)).toEqual(['granted', 1])
  })

  test('and not for a request that takes nothing of it', async () => {
    const refusals = createKnownRefusals()
    const given = {
      limits: [limit('spent', { metric: 'cost', value: 0.001 })],
      subjects: { api_key: 'spent' },
    }
    await usedUp(given.limits, given.subjects)
    expect(await visitsOf(refusals, given)).toEqual(['refused', 1])
    const free = { requests: 1, concurrency: 1, tokens: 0, cost: 0 }
    expect(await ask({ ...given, refusals, wish: free })).toMatchObject({ kind: 'granted' })
  })
})

describe('isolates whose clocks are wrong', () => {
  const MINUTE = 60_000
  /** By the ledger's clock, which is half a minute before the hour. */
  const HALF_BEFORE = NOON + 59.5 * MINUTE

  test.each([-2 * MINUTE, -1, 0, 1, 2 * MINUTE, 26 * 60 * MINUTE])(
    'count in the window that the ledger says, and tell a wait that makes sense: %d ms off',
    async (offMs) => {
      setClock(HALF_BEFORE)
      const given = {
        limits: [limit('hourly', { window: 'hour' })],
        subjects: { api_key: `skewed ${offMs}` },
      }
      const windowStartMs = NOON
      expect(await ask({ ...given, nowMs: HALF_BEFORE + offMs })).toMatchObject({
        kind: 'granted',
        counted: [{ standing: { windowStartMs, used: 0, reserved: 0 } }],
      })
      const refused = await ask(given)
      if (refused.kind !== 'refused') throw new Error(refused.kind)
      expect(refused.by.standing).toMatchObject({
        windowStartMs,
        reserved: 1,
        resetsAtMs: NOON + 60 * MINUTE,
      })
      const told = refusalOf(
        { ...refused.by, standing: { ...refused.by.standing, used: 1 } },
        HALF_BEFORE + offMs,
      )
      expect(told).toMatchObject({ retryAfterSeconds: Math.max(1, Math.ceil((30_000 - offMs) / 1_000)) })
      setClock(NOON + 60 * MINUTE)
      expect(await ask({ ...given, nowMs: Date.now() + offMs })).toMatchObject({ kind: 'granted' })
    },
  )

  test('remember a refusal no longer than until the next window by their own clock', async () => {
    setClock(HALF_BEFORE)
    const refusals = createKnownRefusals()
    const given = {
      limits: [limit('hourly', { window: 'hour' })],
      subjects: { api_key: 'slow clock' },
      refusals,
    }
    const first = await ask(given)
    if (first.kind === 'granted')
      await settle({ env, now: Date.now }, first.hold, { ...NOTHING_TAKEN, requests: 1 })
    expect(await ask(given)).toMatchObject({ kind: 'refused' })
    setClock(NOON + 60 * MINUTE)
    expect(await ask({ ...given, nowMs: NOON + 59 * MINUTE })).toMatchObject({ kind: 'refused' })
    expect(await ask({ ...given, nowMs: NOON + 60 * MINUTE })).toMatchObject({ kind: 'granted' })
  })
})

describe('when a ledger cannot be asked', () => {
  /** The ledgers as they are, but for one subject whose object is away. */
  function without(subject: string, away: object): LimitsEnv {
    const LEDGER = new Proxy(env.LEDGER, {
      get(target, name) {
        if (name !== 'getByName') return Reflect.get(target, name)
        return (wanted: string) => (wanted === subject ? away : target.getByName(wanted))
      },
    })
    return { LEDGER }
  }
  const settled = { settle: () => Promise.resolve([]) }
  const away = { ...settled, reserve: () => Promise.reject(new Error('object is away')) }
  const silent = { ...settled, reserve: () => new Promise(() => {}) }

  test.each([
    ['away', away],
    ['silent', silent],
  ])('nobody is let in unchecked, and the others get back what they gave: %s', async (word, object) => {
    const limits = [limit('key', { value: 5 }), limit('customer', { scope: 'customer', value: 5 })]
    const subjects = { api_key: `key-4 ${word}`, customer: 'emil' }
    const given = { limits, subjects, timeoutMs: 200, env: without('customer:emil', object) }
    expect(await ask(given)).toMatchObject({ kind: 'unavailable', policy: { id: 'customer' } })
    expect(await standing('api_key', `key-4 ${word}`, limits.slice(0, 1))).toEqual(['0/0'])
  })

  test.each<[string, Partial<LimitRow>, string]>([
    ['that blocks', {}, 'unavailable'],
    ['that blocks, but is open then', { onUnavailable: 'open' }, 'granted'],
    ['that warns', { action: 'warn' }, 'granted'],
    ['that warns, but is closed then', { action: 'warn', onUnavailable: 'closed' }, 'unavailable'],
  ])('a limit %s', async (_, given, kind) => {
    const limits = [limit('customer', { scope: 'customer', value: 5, ...given })]
    const subjects = { customer: 'fritz' }
    expect(await ask({ limits, subjects, env: without('customer:fritz', away) })).toMatchObject({ kind })
  })

  test('a refusal by another says so, since that will not pass', async () => {
    const limits = [limit('key', { value: 0 }), limit('customer', { scope: 'customer', value: 5 })]
    const subjects = { api_key: 'key-5', customer: 'fred' }
    expect(await ask({ limits, subjects, env: without('customer:fred', away) })).toMatchObject({
      kind: 'refused',
    })
  })

  test('it is asked once more when it only moves, and counts the request once', async () => {
    let asked = 0
    const limits = [limit('key', { value: 5 })]
    const lostReply = {
      ...settled,
      async reserve(call: Parameters<DurableObjectStub['fetch']>[0]) {
        const ledger = env.LEDGER.getByName('api_key:moving')
        const reply = await ledger.reserve(Object(call))
        if (++asked === 1) throw Object.assign(new Error('reply lost'), { retryable: true })
        return reply
      },
    }
    const given = { limits, subjects: { api_key: 'moving' }, env: without('api_key:moving', lostReply) }
    expect(await ask(given)).toMatchObject({ kind: 'granted' })
    expect(asked).toBe(2)
    expect(await standing('api_key', 'moving', limits)).toEqual(['0/1'])
  })

  test('settling goes on until it has arrived, and settles the others', async () => {
    const limits = [limit('key', { value: 5 }), limit('customer', { scope: 'customer', value: 5 })]
    const subjects = { api_key: 'key-6', customer: 'gert' }
    const outcome = await ask({ limits, subjects })
    if (outcome.kind !== 'granted') throw new Error(outcome.kind)
    let tries = 0
    const shaky = {
      async settle(holdId: string) {
        if (++tries < 3) throw new Error('away')
        return await env.LEDGER.getByName('customer:gert').settle(holdId, { ...NOTHING_TAKEN, requests: 1 })
      },
    }
    await settle({ env: without('customer:gert', shaky), now: Date.now }, outcome.hold, {
      ...NOTHING_TAKEN,
      requests: 1,
    })
    expect(await standing('api_key', 'key-6', limits.slice(0, 1))).toEqual(['1/0'])
    expect(await standing('customer', 'gert', limits.slice(1))).toEqual(['1/0'])
  })
})

describe('what an answer says of its limits', () => {
  test('is in the words of the draft and in OpenAI’s, the tightest limit of each kind', async () => {
    const limits = [
      limit('day', { name: 'per "day"', value: 500 }),
      limit('minute', { window: 'minute', value: 60 }),
      limit('tpm', { metric: 'tokens', window: 'minute', value: 1_000 }),
      limit('money', { metric: 'cost', window: 'total', value: 2.5 }),
      limit('wide', { metric: 'concurrency', window: 'total', value: 4 }),
      limit('soft', { name: 'sanfte Größe', value: 0, action: 'warn' }),
      limit('quiet', { value: 900, action: 'warn' }),
    ]
    const { counted } = await ask({ limits, subjects: { api_key: 'headers' } })
    const facts = { isAllowed: true, nowMs: NOON + 15_000, isPriceUnknown: false }
    expect(limitHeaders(counted, facts)).toEqual({
      'ratelimit-policy':
        '"per \\"day\\"";q=500;w=86400, "limit minute";q=60;w=60, "limit tpm";q=1000;qu="tokens";w=60, "limit money";q=2500000;qu="micro-usd", "limit wide";q=4;qu="concurrent-requests"',
      ratelimit:
        '"per \\"day\\"";r=499;t=43185, "limit minute";r=59;t=45, "limit tpm";r=900;t=45, "limit money";r=2499000, "limit wide";r=3',
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '45s',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '900',
      'x-ratelimit-reset-tokens': '45s',
      'x-sluice-limit-warning': 'sanfte Gr??e',
    })
    const [first] = counted
    expect(limitHeaders(first === undefined ? [] : [first], { ...facts, isAllowed: false })).toMatchObject({
      'x-ratelimit-remaining-requests': '500',
      'x-ratelimit-reset-requests': '11h59m45s',
    })
  })
})

test('a ledger has the name of its scope and subject, so that scopes do not meet', () => {
  expect(ledgerName('api_key', 'a')).not.toBe(ledgerName('customer', 'a'))
  expect(ledgerName('model', 'openai/gpt-4o')).toBe('model:openai/gpt-4o')
})
