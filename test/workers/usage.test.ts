import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { app } from '../../src/gateway'
import { BOUNDS_MS, bucketOf, percentile } from '../../src/logs/histogram'
import type { LogRecord } from '../../src/logs/log-record'
import { rowsAsUsage } from '../../src/logs/usage-rows'
import { testVariables } from '../variables'
import { storeKey } from './config-database'
import { deliver, logRecord } from './log-records'

/** Before the first request: an isolate looks for keys that it does not know once a second. */
const reader = await storeKey('usage.key')

const ADMIN = { authorization: `Bearer ${testVariables.ADMIN_KEY}` }
const HOUR_MS = 3_600_000
const START = Date.parse('2026-11-20T22:00:00Z')
const SPAN = 'start_time=2026-11-20T00:00:00Z&end_time=2026-11-22T00:30:00Z'
/** Dollars a million tokens: a token in costs 1,000 nano-dollars and one out 2,000. */
const PRICES = { inputCost: 1, outputCost: 2, cacheHitInputCost: 0.5, cacheCreationInputCost: 1.25 }

function usage(inputTokens: number, outputTokens: number): NonNullable<LogRecord['usage']> {
  const none = { cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0, audioInputTokens: 0 }
  return { ...none, inputTokens, outputTokens, reasoningTokens: 0, audioOutputTokens: 0 }
}

function record(id: string, hour: number, given: Partial<LogRecord> = {}): LogRecord {
  const startedAtMs = START + hour * HOUR_MS + 1_000
  const bodies = { requestBody: undefined, responseBody: undefined }
  return logRecord(id, {
    ...{ startedAtMs, endedAtMs: startedAtMs + 400, timeToFirstTokenMs: 90, apiKeyId: 'k1' },
    ...{ prices: PRICES, usage: usage(100, 10), usageSource: 'provider', ...bodies, ...given },
  })
}

type Answer = Record<string, unknown> & {
  results: Record<string, unknown>[]
  totals: Record<string, unknown>
}

async function ask(query: string, headers: Record<string, string> = ADMIN) {
  const context = createExecutionContext()
  const request = new Request(`https://gateway.example/api/usage/?${query}`, { headers })
  const response = await app.fetch(request, env, context)
  const body = await response.json<Answer>()
  await waitOnExecutionContext(context)
  return { status: response.status, body }
}

const records = [
  record('a', 0),
  record('b', 0, { endedAtMs: START + 1_000 + 2_500, tags: { customerIdentifier: 'ann' } }),
  record('c', 1, {
    ...{ model: 'other', providerId: 'acme', tags: { customerIdentifier: 'bob' } },
    cache: { status: 'miss', key: 'm' },
  }),
  record('d', 2, { ending: 'failed', statusCode: 500, usage: undefined, timeToFirstTokenMs: undefined }),
  record('e', 2, { ending: 'cancelled', statusCode: 499, environment: 'test', apiKeyId: 'k2' }),
  record('f', 3, { cache: { status: 'hit', key: 'c' }, tags: { customerIdentifier: 'ann' } }),
  record('g', 3, { prices: undefined, prompt: { id: 'p1', name: 'Greeting', version: 3 } }),
  record('h', 4, { cache: { status: 'hit', key: 'c', isOmitted: true } }),
  record('i', 26, { logMethod: 'api', givenCostNanoUsd: 7, apiKeyId: undefined, model: undefined }),
]

beforeAll(async () => {
  await deliver(records)
})

describe('usage', () => {
  test('is what the requests come to', async () => {
    const { status, body } = await ask(SPAN)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      start_time: '2026-11-20T00:00:00.000Z',
      end_time: '2026-11-22T01:00:00.000Z',
      group_by: [],
      count: 1,
      next: null,
      totals: {
        number_of_requests: 9,
        errors: 1,
        cancelled: 1,
        cache_hits: 2,
        cache_misses: 1,
        cache_hit_ratio: 2 / 3,
        total_prompt_tokens: 800,
        total_completion_tokens: 80,
        total_tokens: 880,
        // Four of 120,000: a, b, c and e; nothing for the hits, for d and for g, whose price is not known.
        cost_nano_usd: 480_007,
        total_cost: 0.000480007,
        unknown_costs: 1,
        saved_cost: 0.00024,
        average_latency: 5_700 / 9 / 1_000,
        average_ttft: 0.09,
      },
    })
    expect(body.results).toEqual([body.totals])
  })

  test.each<[string, string, unknown[]]>([
    [
      'hour',
      'group_by=hour',
      [
        ['2026-11-20T22:00:00Z', 2],
        ['2026-11-20T23:00:00Z', 1],
        ['2026-11-21T00:00:00Z', 2],
        ['2026-11-21T01:00:00Z', 2],
        ['2026-11-21T02:00:00Z', 1],
        ['2026-11-22T00:00:00Z', 1],
      ],
    ],
    [
      'day',
      'group_by=day',
      [
        ['2026-11-20', 3],
        ['2026-11-21', 5],
        ['2026-11-22', 1],
      ],
    ],
    ['month', 'group_by=month', [['2026-11', 9]]],
    [
      'model',
      'group_by=model',
      [
        ['demo/echo', 7],
        [null, 1],
        ['other', 1],
      ],
    ],
    [
      'provider',
      'group_by=provider',
      [
        ['demo', 8],
        ['acme', 1],
      ],
    ],
    [
      'key',
      'group_by=key',
      [
        ['k1', 7],
        [null, 1],
        ['k2', 1],
      ],
    ],
    [
      'customer',
      'group_by=customer',
      [
        [null, 6],
        ['ann', 2],
        ['bob', 1],
      ],
    ],
    [
      'environment',
      'group_by=environment',
      [
        ['prod', 8],
        ['test', 1],
      ],
    ],
    ['log type', 'group_by=log_type', [['chat', 9]]],
    [
      'log method',
      'group_by=log_method',
      [
        ['gateway', 8],
        ['api', 1],
      ],
    ],
    [
      'prompt version',
      'group_by=prompt_version',
      [
        [null, null, 8],
        ['p1', 3, 1],
      ],
    ],
    ['two at once', 'group_by=environment,key&environment=test', [['test', 'k2', 1]]],
    [
      'a filter',
      'group_by=customer&customer_identifier=ann&customer_identifier=bob',
      [
        ['ann', 2],
        ['bob', 1],
      ],
    ],
    [
      'a filter on none',
      'group_by=model&customer=',
      [
        ['demo/echo', 5],
        [null, 1],
      ],
    ],
    [
      'a sort',
      'group_by=customer&sort_by=-total_cost',
      [
        [null, 6],
        ['ann', 2],
        ['bob', 1],
      ],
    ],
    [
      'a sort upwards',
      'group_by=customer&sort_by=number_of_requests',
      [
        ['bob', 1],
        ['ann', 2],
        [null, 6],
      ],
    ],
    ['a page', 'group_by=customer&page=2&page_size=2', [['bob', 1]]],
  ])('by %s', async (_, query, expected) => {
    const { status, body } = await ask(
      `start_time=2026-11-20T00:00:00Z&end_time=2026-11-22T00:30:00Z&${query}`,
    )
    expect(status).toBe(200)
    const groups = body.group_by
    const rows = body.results.map((row) => [
      ...(Array.isArray(groups) ? groups.map((group) => row[String(group)]) : []),
      row.number_of_requests,
    ])
    expect(rows).toEqual(expected)
  })

  test('of a key that is no admin is its own', async () => {
    const { id } = reader
    await deliver([record('own', 0, { apiKeyId: id, tags: { metadata: { tier: 'own' } } })])
    const { body } = await ask(`${SPAN}&group_by=key`, { authorization: 'Bearer usage.key' })
    expect(body.results).toMatchObject([{ organization_key_id: id, number_of_requests: 1 }])
    const byTier = await ask(`${SPAN}&group_by=metadata__tier`, { authorization: 'Bearer usage.key' })
    expect(byTier.body.results).toMatchObject([{ metadata__tier: 'own', number_of_requests: 1 }])
    const other = await ask(`${SPAN}&key=k1`, { authorization: 'Bearer usage.key' })
    expect(other.body.totals).toMatchObject({
      number_of_requests: 0,
      average_latency: null,
      latency_p50: null,
    })
  })

  test.each([
    ['group_by=colour', 'group_by'],
    ['colour=red', 'colour'],
    ['prompt_version=3', 'prompt_version'],
    ['sort_by=colour', 'sort_by'],
    ['start_time=yesterday', 'start_time'],
    ['page=0', 'page'],
    ['group_by=metadata__', 'group_by'],
    ['group_by=metadata__a,metadata__b,metadata__c,metadata__d,metadata__e,metadata__f', 'group_by'],
  ])('%s is refused', async (query, field) => {
    const { status, body } = await ask(query)
    expect(status).toBe(422)
    expect(Object.keys(Object(body.errors))).toEqual([field])
  })
})

describe('usage by metadata', () => {
  const AT = 'start_time=2026-11-17T00:00:00Z&end_time=2026-11-18T00:00:00Z'
  const tagged = (
    id: string,
    hour: number,
    metadata: Record<string, unknown>,
    more: Partial<LogRecord> = {},
  ) => record(`tagged-${id}`, hour - 94, { tags: { metadata }, ...more })

  beforeAll(async () => {
    await deliver([
      tagged('a', 0, { tier: 'gold', 'o\'dd "key".x': 1 }),
      tagged(
        'b',
        1,
        { tier: 'gold', region: 'eu' },
        { model: 'other', endedAtMs: START - 93 * HOUR_MS + 3_000 },
      ),
      tagged('c', 1, { tier: 'free', region: 'eu' }, { ending: 'failed', timeToFirstTokenMs: undefined }),
      tagged('d', 2, { tier: 7, flag: true }, { cache: { status: 'hit', key: 'k' } }),
      tagged('e', 2, { tier: null }, { cache: { status: 'miss', key: 'k' }, prices: undefined }),
      tagged('f', 2, {}, { cache: { status: 'hit', key: 'k', isOmitted: true } }),
      tagged(
        'g',
        2,
        { tier: 'late' },
        { startedAtMs: START - 60 * HOUR_MS, endedAtMs: START - 60 * HOUR_MS + 5 },
      ),
    ])
  })

  test.each<[string, unknown[]]>([
    [
      'group_by=metadata__tier',
      [
        ['gold', 2],
        [null, 1],
        ['7', 1],
        ['free', 1],
      ],
    ],
    [
      'group_by=hour,metadata__tier&metadata__region=eu&sort_by=-number_of_requests',
      [
        ['2026-11-17T01:00:00Z', 'free', 1],
        ['2026-11-17T01:00:00Z', 'gold', 1],
      ],
    ],
    ['group_by=model&metadata__tier=gold&metadata__tier=free&model=other', [['other', 1]]],
    ['group_by=metadata__flag&metadata__flag=true', [['true', 1]]],
    ['group_by=metadata__flag&metadata__tier=', [[null, 1]]],
    [
      `group_by=${encodeURIComponent('metadata__o\'dd "key".x')}&metadata__tier=gold`,
      [
        [null, 1],
        ['1', 1],
      ],
    ],
  ])('%s', async (query, expected) => {
    const { status, body } = await ask(`${AT}&${query}`)
    expect(status).toBe(200)
    const groups = Array.isArray(body.group_by) ? body.group_by.map(String) : []
    expect(body.results.map((row) => [...groups.map((group) => row[group]), row.number_of_requests])).toEqual(
      expected,
    )
  })

  test('comes to what the roll-ups say of the same rows', async () => {
    const rows = await ask(`${AT}&group_by=metadata__tier`)
    const rollups = await ask(AT)
    const omitted = { number_of_requests: 5, cache_hits: 1 }
    expect(rollups.body.totals).toMatchObject({ number_of_requests: 6, cache_hits: 2, errors: 1 })
    expect(rows.body.totals).toMatchObject({ ...omitted, errors: 1, cache_misses: 1, unknown_costs: 1 })
    const span = 'start_time=2026-11-17T00:00:00Z&end_time=2026-11-17T02:00:00Z'
    const ofRows = await ask(`${span}&metadata__tier=gold&metadata__tier=free`)
    expect(ofRows.body.totals).toEqual((await ask(span)).body.totals)
  })

  test('reads only the rows of its time, by an index', async () => {
    const { sql, values } = rowsAsUsage({ startMs: START, endMs: START + HOUR_MS, keys: ['tier', 'x'] })
    const { results } = await env.LOGS.prepare(`explain query plan select * from ${sql}`)
      .bind(...values)
      .all()
    expect(JSON.stringify(results)).toContain('SEARCH request_logs USING INDEX request_logs_by_start')
  })

  test('is of a day unless told, of no more than 31, and of what retention keeps', async () => {
    const { body } = await ask('group_by=metadata__tier')
    const hours = (Date.parse(String(body.end_time)) - Date.parse(String(body.start_time))) / HOUR_MS
    expect([24, 25]).toContain(hours)
    const long = await ask(
      'group_by=metadata__tier&start_time=2026-10-01T00:00:00Z&end_time=2026-11-20T00:00:00Z',
    )
    expect(long.status).toBe(422)
    expect(Object.keys(Object(long.body.errors))).toEqual(['start_time'])
    await env.CONFIG.prepare('insert into settings (id, value, updated_at_ms) values (1, ?, 1)')
      .bind(JSON.stringify({ retention: { logs_days: 2 } }))
      .run()
    const now = Date.now()
    const asked = new Date(now - 100 * HOUR_MS).toISOString()
    const kept = await ask(`group_by=metadata__tier&start_time=${asked}`)
    expect(now - Date.parse(String(kept.body.start_time))).toBeLessThanOrEqual(48 * HOUR_MS)
    expect(now - Date.parse(String(kept.body.start_time))).toBeGreaterThan(46 * HOUR_MS)
    await env.CONFIG.prepare('delete from settings').run()
  })
})

describe('a request is counted once', () => {
  const HOUR = 'start_time=2026-11-19T22:00:00Z&end_time=2026-11-19T23:00:00Z'
  const many = Array.from({ length: 60 }, (_, index) =>
    record(`once-${index}`, -24, {
      tags: { customerIdentifier: `c${index % 3}` },
      ...(index % 4 === 0 ? { cache: { status: 'hit', key: 'c', isOmitted: true } } : {}),
    }),
  )

  test('however often it comes, in whatever batches, at the same time and after its row is gone', async () => {
    const halves = [many.slice(0, 40), many.slice(20), many.toReversed(), [...many, ...many]]
    await Promise.all(halves.map((half) => deliver(half)))
    await env.LOGS.batch([
      env.LOGS.prepare("insert into counted_logs select id, 0 from request_logs where id like 'once-%'"),
      env.LOGS.prepare("delete from request_logs where id like 'once-%'"),
    ])
    await deliver(many)
    expect((await ask(HOUR)).body.totals).toMatchObject({ number_of_requests: 60, total_tokens: 6_600 })
    const { results } = await env.LOGS.prepare(
      'select customer_identifier, requests, active_days from customers where customer_identifier in (?, ?, ?) order by 1',
    )
      .bind('c0', 'c1', 'c2')
      .all()
    expect(results).toEqual(
      ['c0', 'c1', 'c2'].map((name) => ({ customer_identifier: name, requests: 20, active_days: 1 })),
    )
    const rows = env.LOGS.prepare("select count(*) as n from request_logs where id like 'once-%'")
    expect(await rows.first('n')).toBe(0)
  })

  test('not at all when its row cannot be written', async () => {
    await env.LOGS.prepare(
      "create trigger fault before insert on request_logs when new.id = 'broken' begin select raise(abort, 'fault'); end",
    ).run()
    const batch = [record('broken', -48), record('beside', -48, { tags: { customerIdentifier: 'half' } })]
    const query = 'start_time=2026-11-18T22:00:00Z&end_time=2026-11-18T23:00:00Z'
    expect(await deliver(batch)).toEqual({ 'message-0': 'retry 1', 'message-1': 'retry 1' })
    expect((await ask(query)).body.totals).toMatchObject({ number_of_requests: 0 })
    await env.LOGS.prepare('drop trigger fault').run()
    await deliver(batch)
    expect((await ask(query)).body.totals).toMatchObject({ number_of_requests: 2 })
  })
})

test('an end user has the days on which it was active', async () => {
  for (const hour of [0, 1, 30, 31, 54, 0])
    await deliver([
      record(`day-${hour}`, hour, {
        tags: { customerIdentifier: 'daily', customerName: `after ${hour}`, customerEmail: 'd@example.com' },
      }),
    ])
  const row = await env.LOGS.prepare("select * from customers where customer_identifier = 'daily'").first()
  expect(row).toMatchObject({
    ...{ environment: 'prod', email: 'd@example.com', name: 'after 54', active_days: 3, requests: 5 },
    ...{ prompt_tokens: 500, completion_tokens: 50, cost_nano_usd: 600_000, errors: 0, cache_hits: 0 },
    ...{ first_seen_ms: START + 1_000, last_active_ms: START + 54 * HOUR_MS + 1_000 },
    ...{ latency_ms: 2_000, first_token_ms: 450, first_tokens: 5 },
  })
})

describe('a histogram', () => {
  test.each([
    [0, 0],
    [50, 0],
    [51, 1],
    [120_000, BOUNDS_MS.length - 1],
    [120_001, BOUNDS_MS.length],
  ])('has %i ms in bucket %i', (ms, bucket) => {
    expect(bucketOf(ms)).toBe(bucket)
  })

  test('gives percentiles within its buckets', () => {
    const times = Array.from({ length: 1_000 }, (_, index) => index * 10)
    const counts = Array.from({ length: BOUNDS_MS.length + 1 }, () => 0)
    for (const ms of times) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1
    expect(percentile(counts, 0.5)).toBeCloseTo(5_000, -2)
    expect(percentile(counts, 0.95)).toBeCloseTo(9_500, -2)
    expect(percentile(counts, 0.001)).toBeLessThanOrEqual(50)
    expect(percentile([], 0.5)).toBeUndefined()
    expect(percentile([...BOUNDS_MS.map(() => 0), 5], 0.5)).toBe(120_000)
  })
})
