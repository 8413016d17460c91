import { beforeAll, describe, expect, test } from 'vitest'
import type { LogRecord } from '../../src/logs/log-record'
import { storeKey } from './config-database'
import { type Answered, call } from './log-calls'
import { deliver, logRecord } from './log-records'

const DAY_MS = 86_400_000
const PRICES = { inputCost: 1, outputCost: 2, cacheHitInputCost: null, cacheCreationInputCost: null }
const NOW = Date.now()

const { id } = await storeKey('thread.key')

function record(id: string, daysAgo: number, given: Partial<LogRecord> = {}): LogRecord {
  const none = { cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0, audioInputTokens: 0 }
  const startedAtMs = NOW - daysAgo * DAY_MS
  return logRecord(id, {
    ...{ startedAtMs, endedAtMs: startedAtMs + 500, timeToFirstTokenMs: 100, prices: PRICES },
    usage: { ...none, inputTokens: 1_000, outputTokens: 500, reasoningTokens: 0, audioOutputTokens: 0 },
    ...{ usageSource: 'provider', requestBody: undefined, responseBody: undefined, ...given },
  })
}

function names({ body }: Answered): unknown[] {
  return Object(body).results.map((user: { customer_identifier: string }) => user.customer_identifier)
}

beforeAll(async () => {
  const tags = (customerIdentifier: string, more: object = {}) => ({ tags: { customerIdentifier, ...more } })
  await deliver([
    record(
      'u1',
      5,
      tags('ann', { customerName: 'Ann', customerEmail: 'ann@example.com', threadIdentifier: 't1' }),
    ),
    record('u2', 4, { ...tags('ann', { threadIdentifier: 't1' }), model: 'other' }),
    record('u3', 0, { ...tags('ann', { threadIdentifier: 't2' }), model: 'other' }),
    record('u4', 3, { ...tags('bob/berlin', { threadIdentifier: 't3' }), ending: 'failed', statusCode: 500 }),
    record('u5', 2, { ...tags('tess'), environment: 'test' }),
    record('u6', 1, tags('zoe')),
    record('u7', 1),
  ])
})

describe('users', () => {
  test.each<[string, unknown, string[]]>([
    ['', undefined, ['zoe', 'bob/berlin', 'ann']],
    ['?all_envs=true', undefined, ['zoe', 'tess', 'bob/berlin', 'ann']],
    ['?environment=test', undefined, ['tess']],
    ['?sort_by=-number_of_requests&page_size=1', undefined, ['ann']],
    ['?sort_by=customer_identifier&page=2&page_size=2', undefined, ['zoe']],
    ['?sort_by=-total_cost&page_size=1', undefined, ['ann']],
    ['', { name: { operator: 'iexact', value: ['ANN'] } }, ['ann']],
    ['', { customer_identifier: { operator: 'contains', value: ['/'] } }, ['bob/berlin']],
    ['', { total_tokens: { operator: 'gt', value: [2_000] } }, ['ann']],
    [
      '',
      { active_days: { operator: 'gte', value: [2] }, total_cost: { operator: 'lt', value: [0.001] } },
      [],
    ],
    ['', { email: { operator: 'empty' } }, ['zoe', 'bob/berlin']],
  ])('%s %j', async (query, filters, expected) => {
    const method = filters === undefined ? 'GET' : 'POST'
    const answer = await call(
      method,
      `/api/users/list/${query}`,
      filters === undefined ? {} : { body: { filters } },
    )
    expect(answer.status).toBe(200)
    expect(names(answer)).toEqual(expected)
  })

  test('have what theirs came to', async () => {
    const { body } = await call('GET', '/api/users/list/?sort_by=customer_identifier&page_size=1')
    expect(body).toMatchObject({ count: 3, previous: null })
    expect(Object(body).results).toEqual([
      {
        ...{ id: 'ann-prod', customer_identifier: 'ann', environment: 'prod', name: 'Ann' },
        ...{ email: 'ann@example.com', active_days: 3, number_of_requests: 3, total_tokens: 4_500 },
        ...{ total_cost: 0.006, average_latency: 0.5, average_ttft: 0.1 },
        first_seen: new Date(NOW - 5 * DAY_MS).toISOString(),
        last_active: new Date(NOW).toISOString(),
        last_active_timeframe: new Date(NOW).toISOString(),
      },
    ])
  })

  test('are read one by one', async () => {
    const { status, body } = await call('GET', '/api/users/ann/')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...{ customer_identifier: 'ann', name: 'Ann', total_requests: 3, total_usage: 0.006 },
      ...{ total_prompt_tokens: 3_000, total_completion_tokens: 1_500, total_cache_hits: 0 },
      ...{ average_monthly_cost: 0.006, is_test: false, metadata: {}, period_budget: null },
      top_models: { other: 2, 'demo/echo': 1 },
    })
    expect((await call('GET', '/api/users/bob%2Fberlin/')).body).toMatchObject({ total_errors: 1 })
    expect((await call('GET', '/api/users/nobody/')).status).toBe(404)
    expect((await call('GET', '/api/users/tess/?environment=test')).body).toMatchObject({ is_test: true })
  })

  test('are made, changed and forgotten', async () => {
    const given = {
      customer_identifier: 'new',
      name: 'New',
      email: 'n@example.com',
      metadata: { plan: 'pro' },
    }
    const made = await call('POST', '/api/users/create/', { body: { ...given, period_budget: 5 } })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ ...given, period_budget: 5, total_requests: 0 })
    const changed = await call('PATCH', '/api/users/new/', {
      body: { name: 'Newer', email: null, period_budget: null },
    })
    expect(changed.body).toMatchObject({
      name: 'Newer',
      email: null,
      metadata: { plan: 'pro' },
      period_budget: null,
    })
    await deliver([record('u8', 0, { tags: { customerIdentifier: 'new' } })])
    expect((await call('GET', '/api/users/new/')).body).toMatchObject({ name: 'Newer', total_requests: 1 })
    expect((await call('DELETE', '/api/users/new/')).status).toBe(204)
    expect((await call('GET', '/api/users/new/')).status).toBe(404)
    await deliver([record('u9', 0, { tags: { customerIdentifier: 'new' } })])
    expect((await call('GET', '/api/users/new/')).body).toMatchObject({ name: null, total_requests: 1 })
    await call('DELETE', '/api/users/new/')
  })

  test.each<[string, string, unknown, number]>([
    ['GET', '/api/users/list/?sort_by=colour', undefined, 400],
    ['POST', '/api/users/list/', { filters: { colour: { value: ['x'] } } }, 400],
    ['POST', '/api/users/list/', { filters: { metadata__x: { value: ['x'] } } }, 400],
    ['GET', '/api/users/list/?environment=dev', undefined, 422],
    ['POST', '/api/users/create/', { name: 'x' }, 422],
    ['PATCH', '/api/users/ann/', { colour: 'red' }, 422],
  ])('%s %s %j is refused', async (method, path, body, status) => {
    expect((await call(method, path, body === undefined ? {} : { body })).status).toBe(status)
  })
})

describe('threads', () => {
  test('are listed with their logs counted', async () => {
    const { body } = await call('POST', '/api/log_threads/', { body: {} })
    expect(
      Object(body).results.map((one: Record<string, unknown>) => [one.thread_identifier, one.log_count]),
    ).toEqual([
      ['t2', 1],
      ['t3', 1],
      ['t1', 2],
    ])
    expect(body).toMatchObject({
      count: 3,
      next: null,
      previous: null,
      current_filters: {},
      filters_data: {},
    })
  })

  test.each<[unknown, string[]]>([
    [{ thread_identifier: { operator: '', value: ['t1'] } }, ['t1']],
    [{ customer_identifier: 'ann' }, ['t2', 't1']],
    [{ organization_key_id: ['other'] }, []],
  ])('filtered by %j', async (filters, expected) => {
    const { body } = await call('POST', '/api/log_threads/?page_size=5', { body: { filters } })
    expect(Object(body).results.map((one: Record<string, unknown>) => one.thread_identifier)).toEqual(
      expected,
    )
  })

  test('are those of its own logs for a key that is no admin', async () => {
    await deliver([record('u10', 0, { apiKeyId: id, tags: { threadIdentifier: 'own' } })])
    const { body } = await call('GET', '/api/log_threads/', { key: 'thread.key' })
    expect(Object(body).results).toMatchObject([{ thread_identifier: 'own', log_count: 1 }])
    const filters = { organization_key_id: 'key-1' }
    const other = await call('POST', '/api/log_threads/', { key: 'thread.key', body: { filters } })
    expect(Object(other.body).results).toMatchObject([{ thread_identifier: 'own' }])
  })
})
