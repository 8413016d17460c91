import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { LogRecord } from '../../src/logs/log-record'
import { storeKey } from './config-database'
import { type Answered, call, idsOf } from './log-calls'
import { deliver, inline, logRecord, rowsOf } from './log-records'

const START = Date.parse('2026-11-21T09:00:00Z')
const SPAN = 'start_time=2026-11-21T00:00:00Z&end_time=2026-11-21T23:00:00Z'
const LIST = `/api/request-logs/list/?${SPAN}`
const PRICES = { inputCost: 1, outputCost: 2, cacheHitInputCost: null, cacheCreationInputCost: null }

/** Before the first request: an isolate looks for keys that it does not know once a second. */
const reader = await storeKey('query.key')
await storeKey('edit.key')

function usage(inputTokens: number, outputTokens: number): NonNullable<LogRecord['usage']> {
  const none = { cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0, audioInputTokens: 0 }
  return { ...none, inputTokens, outputTokens, reasoningTokens: 0, audioOutputTokens: 0 }
}

function chat(question: string, answer: string, more: object = {}): Partial<LogRecord> {
  const request = { model: 'm', messages: [{ role: 'user', content: question }], ...more }
  const reply = { choices: [{ message: { role: 'assistant', content: answer }, finish_reason: 'stop' }] }
  return {
    protocol: 'openai-chat',
    requestBody: inline(JSON.stringify(request)),
    responseBody: inline(JSON.stringify(reply)),
  }
}

/** One minute lies between each and the next; `a` is the oldest. */
const given: Record<string, Partial<LogRecord>> = {
  a: {
    ...chat('What is the Größe of Paris?', 'Paris has 105 km².', { temperature: 0.2, max_tokens: 50 }),
    tags: {
      ...{ customerIdentifier: 'user_123', customerEmail: 'Ann@Example.com', threadIdentifier: 't1' },
      metadata: { feature: 'search', tier: 3, beta: true, where: { city: 'Rome' }, none: null },
      properties: { score: 7, kind: 'a', live: true },
    },
    ...{ usage: usage(1_000, 100), usageSource: 'provider', prices: PRICES, endedAtMs: 400 },
  },
  b: {
    ...chat('Tell me a joke', 'A cat walked into a bar.', { temperature: 1 }),
    tags: { customerIdentifier: 'user_456', metadata: { feature: 'chat', tier: 12 }, note: '' },
    ...{ model: 'gpt-4o', providerId: 'openai', upstreamModel: 'gpt-4o-2026', stream: false },
    ...{ usage: usage(10, 20), usageSource: 'provider', prices: PRICES, endedAtMs: 2_500 },
  },
  c: {
    ...{
      ending: 'failed',
      statusCode: 503,
      errorCode: 'upstream_status',
      errorMessage: 'The server is Overloaded',
    },
    ...{ model: 'gpt-4o-mini', endedAtMs: 30_000, requestBody: undefined, responseBody: undefined },
    tags: { customerIdentifier: 'user_123', note: "it's 100% [odd]*", metadata: { feature: 'Search' } },
  },
  d: {
    ...{ ending: 'cancelled', statusCode: 499, environment: 'test', apiKeyId: 'key-2', stream: true },
    ...{ model: undefined, endedAtMs: 900, requestBody: undefined, responseBody: undefined },
    tags: { positiveFeedback: false, customIdentifier: 'order 9' },
    cache: { status: 'hit', key: 'c1' },
    prompt: { id: 'p1', name: 'Greeting', version: 3, label: 'staging' },
    trace: { traceId: 'trace-1', spanId: 's1', spanName: 'ask', workflowName: 'w1' },
  },
  e: {
    ...chat('And a joke about dogs?', 'No.'),
    tags: { positiveFeedback: true, groupIdentifier: 'g1', metadata: { feature: 'chat' } },
    ...{ usage: usage(5, 1), usageSource: 'provider', timeToFirstTokenMs: 120, endedAtMs: 50 },
  },
}

beforeAll(async () => {
  const records = Object.entries(given).map(([id, fields], index) => {
    const startedAtMs = START + index * 60_000
    return logRecord(id, { ...fields, startedAtMs, endedAtMs: startedAtMs + Number(fields.endedAtMs) })
  })
  await deliver(records)
})

function filtered(filters: unknown, more = 'all_envs=true'): Promise<Answered> {
  return call('POST', `${LIST}&sort_by=id&${more}`, { body: { filters } })
}

describe('a filter', () => {
  test.each<[string, unknown, string]>([
    ['"" on text', { customer_identifier: { operator: '', value: ['user_123'] } }, 'ac'],
    ['"" of several', { customer_identifier: { operator: '', value: ['user_123', 'user_456'] } }, 'abc'],
    ['no operator', { model: { value: 'gpt-4o' } }, 'b'],
    ['"" on a number', { status_code: { operator: '', value: [503] } }, 'c'],
    ['"" on a number as text', { status_code: { operator: '', value: ['503', 499] } }, 'cd'],
    ['"" on true', { stream: { operator: '', value: [true] } }, 'd'],
    ['"" on a computed field', { status: { operator: '', value: ['error'] } }, 'cd'],
    ['failed', { failed: { value: true } }, 'c'],
    ['in', { model: { operator: 'in', value: ['gpt-4o', 'gpt-4o-mini'] } }, 'bc'],
    ['not', { customer_identifier: { operator: 'not', value: ['user_123'] } }, 'bde'],
    ['not of several', { customer_identifier: { operator: 'not', value: ['user_123', 'user_456'] } }, 'de'],
    ['iexact', { customer_email: { operator: 'iexact', value: ['ann@example.COM'] } }, 'a'],
    ['lt', { latency: { operator: 'lt', value: [0.9] } }, 'ae'],
    ['lte', { latency: { operator: 'lte', value: [0.9] } }, 'ade'],
    ['gt', { latency: { operator: 'gt', value: [2.5] } }, 'c'],
    ['gte', { latency: { operator: 'gte', value: [2.5] } }, 'bc'],
    ['gt on a cost', { cost: { operator: 'gt', value: [0.001] } }, 'a'],
    ['"" on a cost', { cost: { operator: '', value: [0.0012] } }, 'a'],
    ['gte on tokens', { total_request_tokens: { operator: 'gte', value: [30] } }, 'ab'],
    ['lt on a rate', { tokens_per_second: { operator: 'lt', value: [10] } }, 'b'],
    ['gte on a time', { start_time: { operator: 'gte', value: ['2026-11-21T09:03:00Z'] } }, 'de'],
    ['contains', { error_message: { operator: 'contains', value: ['Over'] } }, 'c'],
    ['contains, by case', { error_message: { operator: 'contains', value: ['over'] } }, ''],
    ['contains what LIKE takes for a pattern', { note: { operator: 'contains', value: ['0% ['] } }, 'c'],
    ['icontains', { error_message: { operator: 'icontains', value: ['OVER', 'nothing'] } }, 'c'],
    ['startswith', { customer_identifier: { operator: 'startswith', value: ['user_4', 'user_5'] } }, 'b'],
    ['endswith', { customer_identifier: { operator: 'endswith', value: ['23'] } }, 'ac'],
    ['isnull', { model: { operator: 'isnull', value: [true] } }, 'd'],
    ['isnull without a value', { model: { operator: 'isnull' } }, 'd'],
    ['isnull false', { positive_feedback: { operator: 'isnull', value: [false] } }, 'de'],
    ['empty', { note: { operator: 'empty' } }, 'abde'],
    ['notEmpty', { note: { operator: 'notEmpty' } }, 'c'],
    ['not_empty', { note: { operator: 'not_empty', value: [] } }, 'c'],
    ['regex', { model: { operator: 'regex', value: ['^gpt-4o$'] } }, 'b'],
    ['regex with classes', { customer_identifier: { operator: 'regex', value: ['_[1-3]\\d.$'] } }, 'ac'],
    [
      'regex with alternatives',
      { customer_identifier: { operator: 'regex', value: ['^u.*6$|nobody'] } },
      'b',
    ],
    ['regex with what GLOB takes for more', { note: { operator: 'regex', value: ['\\[odd\\]\\*$'] } }, 'c'],
    ['ilike', { error_message: { operator: 'ilike', value: ['%SERVER%ed'] } }, 'c'],
    [
      'trigram_word_similar',
      { error_message: { operator: 'trigram_word_similar', value: ['overhauled'] } },
      '',
    ],
    [
      'trigram_word_similar',
      { error_message: { operator: 'trigram_word_similar', value: ['overloadet'] } },
      'c',
    ],
    ['full_text_search', { full_text: { operator: 'full_text_search', value: ['joke'] } }, 'be'],
    ['full_text_search of one side', { output: { operator: 'full_text_search', value: ['joke'] } }, ''],
    [
      'full_text_search of any of several',
      { input: { operator: 'full_text_search', value: ['grosse', 'große', 'nothing'] } },
      'a',
    ],
    ['full_text_search without marks', { input: { operator: 'full_text_search', value: ['größe'] } }, 'a'],
    [
      'full_text_search of all words',
      { full_text: { operator: 'full_text_search', value: ['cat joke'] } },
      'b',
    ],
    [
      'full_text_search of a phrase',
      { input: { operator: 'full_text_search', value: ['"a joke about"'] } },
      'e',
    ],
    ['full_text_search of a beginning', { input: { operator: 'full_text_search', value: ['dog*'] } }, 'e'],
    [
      'full_text_search takes no operators',
      { input: { operator: 'full_text_search', value: ['joke OR -cat ) "'] } },
      '',
    ],
    ['metadata', { metadata__feature: { operator: '', value: ['search'] } }, 'a'],
    ['metadata of several', { metadata__feature: { operator: 'in', value: ['search', 'Search'] } }, 'ac'],
    ['metadata that was a number', { metadata__tier: { operator: '', value: ['12'] } }, 'b'],
    ['metadata by size', { metadata__tier: { operator: 'gt', value: ['3'] } }, 'b'],
    ['metadata that was true', { metadata__beta: { operator: '', value: [true] } }, 'a'],
    ['metadata that was an object', { metadata__where: { operator: 'contains', value: ['Rome'] } }, 'a'],
    ['metadata not', { metadata__feature: { operator: 'not', value: ['chat'] } }, 'acd'],
    ['metadata isnull', { metadata__feature: { operator: 'isnull', value: [true] } }, 'd'],
    ['metadata that was null', { metadata__none: { operator: 'isnull', value: [false] } }, ''],
    ['metadata icontains', { metadata__feature: { operator: 'icontains', value: ['EAR'] } }, 'ac'],
    ['metadata empty', { metadata__tier: { operator: 'empty' } }, 'cde'],
    ['mapContainsKey', { metadata: { operator_function: 'mapContainsKey', operator_args: ['tier'] } }, 'ab'],
    ['properties', { properties__score: { operator: 'gte', value: [7] } }, 'a'],
    ['properties by text', { properties__kind: { operator: '', value: ['a'] } }, 'a'],
    ['settings of the request', { temperature: { operator: 'lt', value: [0.5] } }, 'a'],
    ['max_tokens', { max_tokens: { operator: '', value: [50] } }, 'a'],
    ['trace', { trace_unique_id: { value: ['trace-1'] }, span_workflow_name: { value: ['w1'] } }, 'd'],
    ['prompt', { prompt_id: { value: ['p1'] }, prompt_version_number: { value: [3] } }, 'd'],
    ['cache_hit', { cache_hit: { value: [true] } }, 'd'],
    ['unique_id', { unique_id: { operator: 'in', value: ['e', 'a', 'nobody'] } }, 'ae'],
    [
      'a list of conditions',
      {
        latency: [
          { operator: 'gt', value: [0.5] },
          { operator: 'lt', value: [3] },
        ],
      },
      'bd',
    ],
    [
      'OR of one connector',
      { model: { value: ['gpt-4o'] }, status_code: { operator: 'gte', value: [500], connector: 'OR' } },
      'bc',
    ],
    [
      'bundles',
      {
        customer_identifier: { value: ['user_123'] },
        either: {
          connector: 'AND',
          filter_params: { failed: { value: [true] }, cost: { operator: 'gt', value: [1], connector: 'OR' } },
        },
      },
      'c',
    ],
    [
      'a bundle at the top, with a bundle within',
      {
        connector: 'AND',
        filter_params: {
          stream: { value: [true] },
          other: {
            connector: 'OR',
            filter_params: { inner: { filter_params: { model: { value: 'gpt-4o' } } } },
          },
        },
      },
      'bd',
    ],
    ['nothing', {}, 'abcde'],
  ])('%s', async (_, filters, expected) => {
    const answer = await filtered(filters)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    expect(idsOf(answer)).toEqual([...expected])
    expect(answer.body.count).toBe(expected.length)
  })

  test('joins with OR where the query says so', async () => {
    const filters = { model: { value: ['gpt-4o'] }, failed: { value: [true] } }
    expect(idsOf(await filtered(filters, 'all_envs=true&operator=OR'))).toEqual(['b', 'c'])
  })

  test.each<[string, string]>([
    ['customer_identifier=user_123', 'ac'],
    ['feature=chat', 'be'],
    ['metadata__feature=chat&model=gpt-4o', 'b'],
    ['latency[value]=2.5&latency[operator]=gte', 'bc'],
    ['latency%5Bvalue%5D=2.5&latency%5Boperator%5D=gte', 'bc'],
    ['model=gpt-4o&failed[value]=true&failed[connector]=OR', 'bc'],
    ['search=joke', 'be'],
    ['status=success', 'abe'],
  ])('in the URL: %s', async (query, expected) => {
    expect(idsOf(await call('GET', `${LIST}&sort_by=id&all_envs=true&${query}`))).toEqual([...expected])
  })

  test.each<[unknown, string, string]>([
    [{ colour: { value: ['red'] } }, 'colour', 'customer_identifier'],
    [{ model: { operator: 'like', value: ['x'] } }, 'like', 'icontains'],
    [{ cost: { operator: 'contains', value: ['1'] } }, 'contains', 'gte'],
    [{ model: { operator: 'full_text_search', value: ['1'] } }, 'full_text_search', 'startswith'],
    [{ input: { operator: 'contains', value: ['1'] } }, 'full_text_search', 'value'],
    [{ cost: { operator: 'gt', value: ['much'] } }, 'much', 'number'],
    [{ stream: { value: ['perhaps'] } }, 'perhaps', 'true or false'],
    [{ timestamp: { operator: 'gt', value: ['noon'] } }, 'noon', 'ISO 8601'],
    [{ model: { operator: '', value: [] } }, 'model', 'value'],
    [{ model: 'gpt' }, 'filters.model', 'object'],
    [{ model: { value: ['a'], connector: 'XOR' } }, 'connector', 'AND or OR'],
    [{ scores__x: { value: [1] } }, 'scores__x', 'evaluators'],
    [{ model: { operator: 'regex', value: ['(a|b)+'] } }, '(a|b)+', 'alternatives'],
    [{ model: { operator: 'regex', value: ['x'.repeat(60)] } }, '50 bytes', 'contains'],
    [{ model: { operator: 'ilike', value: ['x'.repeat(60)] } }, '50 bytes', 'contains'],
    [{ metadata: { operator_function: 'other', operator_args: ['x'] } }, 'metadata', 'mapContainsKey'],
    [
      Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`metadata__${index}`, { value: ['1'] }])),
      'too many',
      '',
    ],
  ])('%j is refused with what would be right', async (filters, wrong, right) => {
    const { status, body } = await filtered(filters)
    expect(status).toBe(400)
    expect(body.detail).toContain(wrong)
    expect(body.detail).toContain(right)
  })

  test('a value is never SQL', async () => {
    for (const value of ["' or 1=1 --", '") or 1=1', "x'; drop table request_logs; --"])
      for (const name of [
        'model',
        'metadata__feature',
        `metadata__${value}`,
        'properties__a"b',
        'full_text',
      ]) {
        const operator = name === 'full_text' ? 'full_text_search' : ''
        expect(idsOf(await filtered({ [name]: { operator, value: [value] } }))).toEqual([])
      }
    expect(idsOf(await filtered({}))).toHaveLength(5)
  })
})

describe('a list', () => {
  test.each<[string, string]>([
    ['', 'ecba'],
    ['&all_envs=true', 'edcba'],
    ['&is_test=true', 'd'],
    ['&is_test=false&all_envs=true', 'ecba'],
    ['&environment=test', 'd'],
    ['&all_envs=true&sort_by=-cost', 'abdec'],
    ['&all_envs=true&sort_by=latency', 'eadbc'],
    ['&all_envs=true&sort_by=-latency', 'cbdae'],
    ['&all_envs=true&sort_by=-time_to_first_token', 'edcba'],
    ['&all_envs=true&sort_by=-all_tokens&model=demo/echo', 'ae'],
    ['&all_envs=true&sort_by=-prompt_tokens&page_size=2', 'ab'],
    ['&all_envs=true&sort_by=-completion_tokens&page_size=2', 'ba'.split('').toReversed().join('')],
  ])('%s', async (query, expected) => {
    expect(idsOf(await call('GET', `${LIST}${query}`))).toEqual([...expected])
  })

  test('is of the last hour by itself', async () => {
    const now = Date.now()
    await deliver([
      logRecord('recent', { startedAtMs: now - 60_000, endedAtMs: now - 59_000 }),
      logRecord('older', { startedAtMs: now - 4_000_000, endedAtMs: now - 3_999_000 }),
    ])
    expect(idsOf(await call('GET', '/api/request-logs/list/'))).toEqual(['recent'])
    expect(idsOf(await call('POST', '/api/request-logs/list/'))).toEqual(['recent'])
    await env.LOGS.exec("delete from request_logs where id in ('recent', 'older')")
  })

  test('gives the fields that were asked for, from the bodies too', async () => {
    const { body } = await call('GET', `${LIST}&include_fields=output,prompt_messages,blurred&unique_id=a`)
    expect(body.results).toMatchObject([
      {
        id: 'a',
        prompt_messages: [{ role: 'user', content: 'What is the Größe of Paris?' }],
        output: JSON.stringify({ role: 'assistant', content: 'Paris has 105 km².' }),
        blurred: null,
      },
    ])
    expect(Object(body.results)[0]).not.toHaveProperty('full_request')
    expect((await call('GET', `${LIST}&include_fields=output&page_size=500`)).status).toBe(400)
  })

  test('tells what there is to filter by', async () => {
    const { body } = await call('GET', `${LIST}&fetch_filters=true`)
    expect(body.filters_data).toMatchObject({
      model: expect.arrayContaining([{ value: 'gpt-4o', count: 1 }]),
      customer_identifier: [
        { value: 'user_123', count: 2 },
        { value: 'user_456', count: 1 },
      ],
      metadata: expect.arrayContaining(['beta', 'feature', 'tier', 'where']),
    })
  })

  test('is of its own logs for a key that is no admin', async () => {
    const { id } = reader
    const mine = START + 3_600_000
    await deliver([logRecord('mine', { apiKeyId: id, startedAtMs: mine, endedAtMs: mine + 5 })])
    for (const query of [
      '',
      '&all_envs=true',
      '&organization_key_id=key-1&organization_key_id[connector]=OR',
    ])
      expect((await call('GET', `${LIST}${query}`, { key: 'query.key' })).body.results).toEqual(
        query.includes('key-1') ? [] : [expect.objectContaining({ id: 'mine' })],
      )
    const filters = { model: { value: ['x'] }, failed: { value: [false], connector: 'OR' } }
    const own = await call('POST', `${LIST}&operator=OR`, { key: 'query.key', body: { filters } })
    expect(idsOf(own)).toEqual(['mine'])
    const { body } = await call('GET', `/api/request-logs/summary/?${SPAN}`, { key: 'query.key' })
    expect(body.number_of_requests).toBe(1)
    await env.LOGS.exec("delete from request_logs where id = 'mine'")
  })

  test.each([
    ['sort_by=colour', 400, 'cost'],
    ['page_size=1001', 422, ''],
    ['page=0', 422, ''],
    ['start_time=noon', 422, ''],
    ['operator=XOR', 400, 'AND or OR'],
    ['cursor=abc', 400, 'cursor'],
  ])('%s is refused', async (query, wanted, said) => {
    const { status, body } = await call('GET', `/api/request-logs/list/?${query}`)
    expect(status).toBe(wanted)
    expect(JSON.stringify(body)).toContain(said)
  })
})

test('a summary has the sums of what is filtered', async () => {
  const { body } = await call('POST', `/api/request-logs/summary/?${SPAN}`, {
    body: { filters: { customer_identifier: { value: ['user_123', 'user_456'] } } },
  })
  expect(body).toMatchObject({
    ...{ number_of_requests: 3, errors: 1, total_cost: 0.00125, total_prompt_tokens: 1_010 },
    ...{ total_completion_tokens: 120, total_tokens: 1_130, scores: {} },
  })
})

describe('pages', () => {
  const PAGES = '/api/request-logs/list/?start_time=2026-11-10T00:00:00Z&end_time=2026-11-11T00:00:00Z'
  const BEGIN = Date.parse('2026-11-10T12:00:00Z')
  const record = (number: number) =>
    // Four of them begin at the same time.
    logRecord(`page-${String(number).padStart(4, '0')}`, {
      startedAtMs: BEGIN + Math.floor(number / 4) * 1_000,
      endedAtMs: BEGIN + Math.floor(number / 4) * 1_000 + (number % 7),
      ...{ requestBody: undefined, responseBody: undefined },
    })

  beforeAll(async () => {
    for (let start = 0; start < 300; start += 100)
      await deliver(Array.from({ length: 100 }, (_, index) => record(start + index)))
  })

  test.each([
    ['by cursor', '', (body: Answered['body'], _: number) => String(body.next)],
    ['by number', '', (_: Answered['body'], page: number) => `${PAGES}&page_size=30&page=${page + 1}`],
    [
      'by cursor in another order',
      '&sort_by=latency',
      (body: Answered['body'], _: number) => String(body.next),
    ],
  ])('%s neither repeat nor leave out a row while rows arrive', async (_, order, nextOf) => {
    const seen: unknown[] = []
    let path = `${PAGES}&page_size=30${order}`
    for (let page = 1; page <= 10; page++) {
      const answer = await call('GET', path)
      expect(answer.status).toBe(200)
      seen.push(...idsOf(answer))
      path = nextOf(answer.body, page)
      await deliver([record(1_000 + seen.length + order.length * 100)])
    }
    const before = seen.filter((id) => String(id) < 'page-1000')
    expect(new Set(seen).size).toBe(seen.length)
    expect(before.length).toBeGreaterThanOrEqual(order === '' ? 300 - 10 : 280)
    if (order === '') expect(before).toEqual(before.toSorted().toReversed())
    await env.LOGS.exec("delete from request_logs where id >= 'page-1000'")
  })

  test('lead back as well', async () => {
    const first = await call('GET', `${PAGES}&page_size=40`)
    const second = await call('GET', String(first.body.next))
    const third = await call('GET', String(second.body.next))
    const back = await call('GET', String(third.body.previous))
    expect(idsOf(back)).toEqual(idsOf(second))
    expect(idsOf(await call('GET', String(back.body.next)))).toEqual(idsOf(third))
    const start = await call('GET', String(back.body.previous))
    expect(idsOf(start)).toEqual(idsOf(first))
    expect(start.body.previous).toBeNull()
    expect(first.body).toMatchObject({ count: 300, previous: null })
    expect(third.body.count).toBe(300)
  })

  test('end', async () => {
    const last = await call('GET', `${PAGES}&page_size=100&page=3`)
    expect(idsOf(last)).toHaveLength(100)
    expect(last.body.next).toBeNull()
    expect(idsOf(await call('GET', `${PAGES}&page_size=100&page=4`))).toEqual([])
  })

  test('of a POST are reached by the same body', async () => {
    const body = { filters: { model: { value: ['demo/echo'] } }, page_size: 200 }
    const first = await call('POST', PAGES, { body })
    const second = await call('POST', String(first.body.next), { body })
    expect(new Set([...idsOf(first), ...idsOf(second)]).size).toBe(300)
  })
})

describe('a change', () => {
  const one = (id: string) => `/api/request-logs/${id}/`

  test('of one log', async () => {
    const first = {
      note: 'checked',
      positive_feedback: true,
      is_pinned: true,
      metadata: { tier: 4, new: 'x' },
    }
    const { status, body } = await call('PATCH', one('a'), { body: first })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...{ id: 'a', note: 'checked', positive_feedback: true, is_pinned: true },
      metadata: { feature: 'search', tier: 4, beta: true, where: { city: 'Rome' }, new: 'x' },
    })
    expect(idsOf(await filtered({ metadata__new: { value: ['x'] } }))).toEqual(['a'])
    expect(idsOf(await filtered({ metadata__tier: { value: ['3'] } }))).toEqual([])
    expect(idsOf(await filtered({ is_pinned: { value: [true] } }))).toEqual(['a'])
    const undo = { note: null, positive_feedback: null, is_pinned: false, metadata: { new: null, tier: 3 } }
    expect((await call('PATCH', one('a'), { body: undo })).body).toMatchObject({
      ...{ note: null, positive_feedback: null, is_pinned: false },
      metadata: { feature: 'search', tier: 3 },
    })
    expect(idsOf(await filtered({ metadata__new: { operator: 'isnull', value: [false] } }))).toEqual([])
    expect((await call('PATCH', one('nobody'), { body: first })).status).toBe(404)
    expect((await call('PATCH', one('a'), { body: { model: 'other' } })).status).toBe(422)
  })

  test('of many', async () => {
    const logs = [
      { unique_id: 'b', note: 'one', metadata: { batch: 1 } },
      { unique_id: 'c', custom_identifier: 7, positive_feedback: false },
      { unique_id: 'nobody', note: 'x' },
    ]
    const { body } = await call('PATCH', '/api/request-logs/batch-update/', { body: { logs } })
    expect(body).toMatchObject({ updated_count: 2, not_found: ['nobody'] })
    expect(idsOf(await filtered({ metadata__batch: { value: ['1'] } }))).toEqual(['b'])
    expect(idsOf(await filtered({ custom_identifier: { value: ['7'] } }))).toEqual(['c'])
    expect(await rowsOf('b')).toMatchObject([
      { note: 'one', metadata: '{"feature":"chat","tier":12,"batch":1}' },
    ])
  })

  test('is of its own logs for a key that is no admin', async () => {
    const change = { body: { note: 'mine' }, key: 'edit.key' }
    expect((await call('PATCH', one('b'), change)).status).toBe(404)
    const logs = [{ unique_id: 'b', note: 'x' }]
    const many = await call('PATCH', '/api/request-logs/batch-update/', { body: { logs }, key: 'edit.key' })
    expect(many.body).toMatchObject({ updated_count: 0, not_found: ['b'] })
    expect((await call('DELETE', one('b'), { key: 'edit.key' })).status).toBe(403)
    expect(await rowsOf('b')).toMatchObject([{ note: 'one' }])
  })
})

test('a deleted log leaves nothing that tells of it, and its neighbours as they were', async () => {
  const tags = { metadata: { secretive: 'yes' } }
  await deliver([
    logRecord('keep-1', chat('first neighbour', 'one')),
    logRecord('gone', { ...chat('xylophone', 'answer'), tags }),
    logRecord('keep-2', chat('second neighbour', 'two')),
  ])
  const [row] = await rowsOf('gone')
  const { packed } = JSON.parse(String(row?.bodies))
  expect((await call('DELETE', '/api/request-logs/gone/')).status).toBe(204)
  expect((await call('GET', '/api/request-logs/gone/')).status).toBe(404)
  expect((await call('DELETE', '/api/request-logs/gone/')).status).toBe(404)
  expect(await rowsOf('gone')).toEqual([])
  expect(
    idsOf(await filtered({ full_text: { operator: 'full_text_search', value: ['xylophone'] } })),
  ).toEqual([])
  expect(
    await env.LOGS.prepare("select count(*) as n from log_metadata where key = 'secretive'").first('n'),
  ).toBe(0)
  const { key, offset, length } = packed
  const member = await env.BODIES.get(key, { range: { offset, length } })
  const inflated = new Response(member?.body.pipeThrough(new DecompressionStream('gzip')))
  expect(await inflated.text()).toBe('')
  for (const [id, question] of [
    ['keep-1', 'first neighbour'],
    ['keep-2', 'second neighbour'],
  ])
    expect((await call('GET', `/api/request-logs/${id}/`)).body.prompt_messages).toMatchObject([
      { content: question },
    ])
  // What comes again does not come back.
  await deliver([logRecord('gone', chat('xylophone', 'answer'))])
  expect(await rowsOf('gone')).toEqual([])
})

test('reading one log fetches one range of bytes', async () => {
  const reads: unknown[] = []
  const BODIES = new Proxy(env.BODIES, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (name === 'get')
        return (...given: Parameters<R2Bucket['get']>) => {
          reads.push(given)
          return target.get(...given)
        }
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const { body } = await call('GET', '/api/request-logs/b/', { consumer: { BODIES } })
  expect(body.prompt_messages).toMatchObject([{ content: 'Tell me a joke' }])
  const [row] = await rowsOf('b')
  const { key, offset, length } = JSON.parse(String(row?.bodies)).packed
  expect(reads).toEqual([[key, { range: { offset, length } }]])
})
