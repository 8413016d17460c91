import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { clauseOf } from '../../src/logs/filters/clause'
import { parseFilters } from '../../src/logs/filters/parse-filters'
import { countStatement, type LogQuery, pageStatement } from '../../src/logs/query'

const ROWS = 200_000
const BEGIN = Date.parse('2026-11-01T00:00:00Z')
const STEP_MS = 10_000
const SPAN = { startMs: BEGIN, endMs: BEGIN + ROWS * STEP_MS }

/** 200,000 requests, one each ten seconds: 50 models, 5,000 customers, one of 100 failed, one of 50 a test. */
const SEED = `with recursive numbers (n) as (select ?1 union all select n + 1 from numbers where n < ?2)
  insert into request_logs (id, started_at_ms, ended_at_ms, environment, api_key_id, method, path, log_type, stream,
    model, provider_id, ending, status_code, price_status, latency_ms, routing_ms, attempts, cost_nano_usd, output_tokens,
    customer_identifier, thread_identifier, custom_identifier, group_identifier, trace_id, prompt_id, metadata)
  select printf('%032x', n), ${BEGIN} + n * ${STEP_MS}, ${BEGIN} + n * ${STEP_MS} + n % 3000,
    iif(n % 50 = 0, 'test', 'prod'), 'key-' || (n % 10), 'POST', '/v1/chat/completions', 'chat', n % 2,
    'model-' || (n % 50), 'provider-' || (n % 5), iif(n % 100 = 0, 'failed', 'completed'), iif(n % 100 = 0, 500, 200),
    'price_list', n % 3000, 1, '[]', n * 7919 % 1000000, n % 500,
    'customer-' || (n % 5000), iif(n % 4 = 0, 'thread-' || (n / 8), null), iif(n % 10 = 0, 'custom-' || n, null),
    iif(n % 10 = 1, 'group-' || (n % 100), null), iif(n % 10 = 2, 'trace-' || (n / 20), null),
    iif(n % 10 = 3, 'prompt-' || (n % 7), null), json_object('team', 'team-' || (n % 40))
  from numbers`

beforeAll(async () => {
  for (let first = 0; first < ROWS; first += 20_000)
    await env.LOGS.prepare(SEED)
      .bind(first, first + 19_999)
      .run()
  await env.LOGS.prepare(
    `insert into log_metadata select 'team', metadata ->> 'team', started_at_ms, id from request_logs`,
  ).run()
  await env.LOGS.prepare(
    "insert into log_search (rowid, input, output) select rowid, 'question ' || id, 'answer ' || model from request_logs",
  ).run()
}, 120_000)

function queryOf(filters: unknown, given: Partial<LogQuery> = {}): LogQuery {
  const where = clauseOf(parseFilters(filters), SPAN)
  return { where, sort: 'id', isDescending: true, pageSize: 100, offset: 0, isCounted: true, ...given }
}

async function planOf({ sql, values }: { sql: string; values: readonly unknown[] }): Promise<string> {
  const { results } = await env.LOGS.prepare(`explain query plan ${sql}`)
    .bind(...values)
    .all<{ detail: string }>()
  return results.map(({ detail }) => detail).join('\n')
}

/** The rows that a statement reads, as D1 bills them. */
async function readBy({ sql, values }: { sql: string; values: readonly unknown[] }): Promise<number> {
  const { meta } = await env.LOGS.prepare(sql)
    .bind(...values)
    .all()
  return meta.rows_read
}

const CASES: [string, unknown, string][] = [
  ['nothing', {}, 'request_logs_by_start'],
  ['model', { model: { value: ['model-7'] } }, 'request_logs_by_model'],
  ['key', { organization_key_id: { value: ['key-3'] } }, 'request_logs_by_key'],
  ['customer', { customer_identifier: { value: ['customer-77'] } }, 'request_logs_by_customer'],
  ['thread', { thread_identifier: { value: ['thread-77'] } }, 'request_logs_by_thread'],
  ['custom identifier', { custom_identifier: { value: ['custom-770'] } }, 'request_logs_by_custom'],
  ['group', { group_identifier: { value: ['group-11'] } }, 'request_logs_by_group'],
  ['trace', { trace_unique_id: { value: ['trace-77'] } }, 'request_logs_by_trace'],
  ['prompt', { prompt_id: { value: ['prompt-3'] } }, 'request_logs_by_prompt'],
  ['errors', { status: { value: ['error'] } }, 'request_logs_unfinished'],
  ['failures', { failed: { value: [true] } }, 'request_logs_unfinished'],
  ['tests', { environment: { value: ['test'] } }, 'request_logs_of_tests'],
  ['status code', { status_code: { operator: 'gte', value: [500] } }, 'request_logs_by_start'],
  ['provider', { provider_id: { value: ['provider-1'] } }, 'request_logs_by_start'],
  [
    'the customer when the model is asked for too',
    { model: { value: ['model-7'] }, customer_identifier: { value: ['customer-7'] } },
    'request_logs_by_customer',
  ],
  [
    'the key when the model is asked for too',
    {
      model: { value: ['model-7'] },
      organization_key_id: { value: ['key-7'] },
      provider_id: { value: ['x'] },
    },
    'request_logs_by_key',
  ],
]

describe('200,000 logs', () => {
  test.each(CASES)('filtered by %s are found and sorted by an index', async (_, filters, index) => {
    const plan = await planOf(pageStatement(queryOf(filters)))
    expect(plan).toContain(`USING INDEX ${index} `)
    expect(plan).not.toContain('SCAN request_logs')
    expect(plan).not.toContain('TEMP B-TREE')
    expect(
      await planOf({ sql: countStatement(queryOf(filters).where), values: queryOf(filters).where.values }),
    ).toContain(index)
  })

  test.each([
    [
      'one id',
      { unique_id: { value: ['0000000000000000000000000000004d'] } },
      'sqlite_autoindex_request_logs_1',
      5,
    ],
    [
      'metadata',
      { metadata__team: { value: ['team-7'] } },
      'SEARCH log_metadata USING PRIMARY KEY (key=? AND value=?',
      11_000,
    ],
    [
      'words',
      { full_text: { operator: 'full_text_search', value: ['0000000000000000000000000000004d'] } },
      'log_search VIRTUAL TABLE INDEX',
      10,
    ],
    ['ids', { unique_id: { operator: 'in', value: ['a', 'b', 'c'] } }, 'sqlite_autoindex_request_logs_1', 10],
  ])('filtered by %s are not looked through', async (_, filters, index, mostRows) => {
    const statement = pageStatement(queryOf(filters))
    const plan = await planOf(statement)
    expect(plan).toContain(index)
    expect(plan).not.toContain('SCAN request_logs')
    expect(await readBy(statement)).toBeLessThanOrEqual(mostRows)
  })

  test.each([
    ['cost', true],
    ['latency', false],
    ['all_tokens', true],
  ])('sorted by %s are taken from the span by its index', async (sort, isDescending) => {
    const plan = await planOf(pageStatement(queryOf({}, { sort, isDescending })))
    expect(plan).toContain('USING INDEX request_logs_by_start')
    expect(plan).not.toContain('SCAN request_logs')
  })

  test.each(['-id', 'id'])(
    'page 1,000 by %s reads as much as page 1, once it is known where it begins',
    async (sort) => {
      const isDescending = sort.startsWith('-')
      const first = await readBy(pageStatement(queryOf({}, { isDescending })))
      const rowNumber = isDescending ? ROWS - 99_900 : 99_901
      const anchor = { value: BEGIN + (rowNumber - 1) * STEP_MS, rowNumber }
      const from = { anchor, direction: 'after' as const }
      const statement = pageStatement(queryOf({}, { isDescending, from }))
      expect(await planOf(statement)).toContain('USING INDEX request_logs_by_start')
      expect(await readBy(statement)).toBeLessThanOrEqual(first + 2)
    },
  )

  test('a page that is jumped to walks over index entries, not rows', async () => {
    const read = await readBy(pageStatement(queryOf({}, { offset: 99_900 })))
    expect(read).toBeLessThanOrEqual(99_900 + 110)
  })

  test('are counted up to 100,000', async () => {
    const { where } = queryOf({})
    const count = await env.LOGS.prepare(countStatement(where))
      .bind(...where.values)
      .first('n')
    expect(count).toBe(100_001)
    expect(await planOf({ sql: countStatement(where), values: where.values })).toContain('COVERING INDEX')
  })
})
