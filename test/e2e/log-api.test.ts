import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, type LogRow, startGateway } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
  const prices = { input_cost: 2, output_cost: 10, cache_hit_input_cost: 0.5 }
  const model = { model_name: 'MY_CUSTOM_MODEL_ID', provider_id: 'fake', ...prices }
  expect((await gateway.manage('POST', '/api/models/', model)).status).toBe(201)
})
afterAll(() => gateway.close())

async function post(body: unknown, path = '/api/request-logs/', headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await gateway.fetch(path, { method: 'POST', body: text, headers })
  return { status: response.status, body: await response.json<Record<string, unknown>>() }
}

async function created(body: unknown): Promise<LogRow> {
  const answer = await post(body)
  expect(answer).toMatchObject({ status: 201, body: { unique_id: expect.stringMatching(/^[0-9a-f]{32}$/) } })
  return gateway.logOf(String(answer.body.unique_id))
}

test('the call of the hosted gateway’s guide, as Python’s requests sends it', async () => {
  const text =
    '{"model": "MY_CUSTOM_MODEL_ID", "prompt_messages": [{"role": "user", "content": "Hello!"}], "completion_message": {"role": "assistant", "content": "Hello from my custom provider."}, "cost": 0.001, "generation_time": 1.2, "customer_params": {"customer_identifier": "user_123"}}'
  const answer = await post(text, '/api/request-logs/create/', {
    'user-agent': 'python-requests/2.32.3',
    'accept-encoding': 'gzip, deflate',
    accept: '*/*',
  })
  expect(answer.status).toBe(201)
  const log = await gateway.logOf(String(answer.body.unique_id))
  expect(log).toMatchObject({
    unique_id: answer.body.unique_id,
    log_method: 'api',
    log_type: 'chat',
    model: 'MY_CUSTOM_MODEL_ID',
    prompt_messages: [{ role: 'user', content: 'Hello!' }],
    completion_message: { role: 'assistant', content: 'Hello from my custom provider.' },
    input: '[{"role":"user","content":"Hello!"}]',
    output: '{"role":"assistant","content":"Hello from my custom provider."}',
    cost: 0.001,
    price_status: 'given',
    latency: 1.2,
    customer_identifier: 'user_123',
    status: 'success',
    status_code: 200,
    organization_key_id: gateway.keyId,
    user_agent: 'python-requests/2.32.3',
    request_url_path: '/api/request-logs/create/',
  })
})

describe('what is given reads back under its own name', () => {
  const times = { start_time: '2026-11-20T10:00:00.000Z', timestamp: '2026-11-20T10:00:02.500Z' }
  const told: [string, Record<string, unknown>, Record<string, unknown>?][] = [
    ['times', times, { ...times, latency: 2.5 }],
    [
      'a time without a zone, and the older names of times',
      { timestamp: '2026-11-20T10:00:03.250000', generation_time: 0.25, ttft: 0.125 },
      { start_time: '2026-11-20T10:00:03.000Z', latency: 0.25, time_to_first_token: 0.125 },
    ],
    [
      'an input and an output of any shape',
      { input: { a: [1] }, output: 'done', log_type: 'tool' },
      { input: '{"a":[1]}', output: 'done', log_type: 'tool' },
    ],
    [
      'model parameters',
      { temperature: 0.2, top_p: 0.9, max_tokens: 10, stop: ['x'], response_format: { type: 'text' }, n: 2 },
    ],
    [
      'whole bodies',
      { full_request: { a: 1 }, full_response: { id: 'r-1', choices: [] } },
      { full_request: { a: 1 }, full_response: { id: 'r-1', choices: [] }, response_id: 'r-1' },
    ],
    [
      'several completions',
      {
        completion_messages: [
          { role: 'assistant', content: 'a' },
          { role: 'assistant', content: 'b' },
        ],
      },
      { completion_message: { role: 'assistant', content: 'a' } },
    ],
    ['tools', { tools: [{ type: 'function' }], tool_choice: 'auto', tool_calls: [{ id: 'c' }] }],
    [
      'identity',
      {
        customer_identifier: 7,
        customer_email: 'a@b.c',
        customer_name: 'A',
        thread_identifier: 't',
        custom_identifier: 'c',
        group_identifier: 'g',
        metadata: { k: 'v' },
        properties: { n: 1 },
      },
      {
        customer_identifier: '7',
        customer_email: 'a@b.c',
        metadata: { k: 'v' },
        properties: { n: 1 },
        thread_identifier: 't',
      },
    ],
    [
      'a span',
      {
        trace_unique_id: 'trace-1',
        span_unique_id: 's-1',
        span_parent_id: 's-0',
        span_name: 'step',
        span_path: 'a.b',
        span_workflow_name: 'w',
        trace_name: 'n',
        session_identifier: 'ses',
        trace_group_identifier: 'tg',
        span_tools: ['x'],
        span_handoffs: ['y'],
      },
    ],
    ['a prompt', { prompt_id: 'p-1', prompt_name: 'greet', variables: { name: 'Ann' } }],
    ['variables without a prompt', { variables: { name: 'Ann' } }],
    [
      'a judgement',
      { positive_feedback: false, note: 'bad', category: 'x', ideal_output: 'good', warnings: 'w' },
    ],
    [
      'an error',
      { status_code: 429, error_message: 'slow down' },
      { status: 'error', failed: true, status_code: 429, error_message: 'slow down' },
    ],
    ['an error without a status', { status: 'error' }, { status: 'error', status_code: 500 }],
    ['a client that left', { status_code: 499 }, { ending: 'cancelled' }],
    ['a field that nobody here knows', { my_own_field: { deep: true } }],
  ]
  test.concurrent.each(told)('%s', async (_, given, expected = given) => {
    expect(await created({ model: 'some-model', ...given })).toMatchObject(expected)
  })

  test.concurrent('a row’s own fields are not overwritten by fields of their name', async () => {
    const log = await created({
      model: 'm',
      organization_key_id: 'another',
      id: 'x',
      unique_id: 'y',
      environment: 'test',
    })
    expect(log).toMatchObject({ organization_key_id: gateway.keyId, environment: 'prod' })
    expect(log.id).toMatch(/^[0-9a-f]{32}$/)
  })

  test.concurrent('credentials are not kept, wherever they are', async () => {
    const secret = 'sk-canary-0123456789'
    const credentials = {
      customer_credentials: { openai: { api_key: secret } },
      extra_headers: { a: secret },
    }
    const log = await created({ model: 'm', ...credentials, full_request: { b: 1, ...credentials } })
    expect(JSON.stringify(log)).not.toContain(secret)
    expect(log.full_request).toEqual({ b: 1 })
  })

  test.concurrent('disable_log keeps the numbers and no text', async () => {
    const log = await created({
      model: 'm',
      disable_log: true,
      prompt_messages: [{ role: 'user', content: 'private' }],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    })
    expect(log).toMatchObject({ prompt_tokens: 3, completion_tokens: 4 })
    expect(JSON.stringify(log)).not.toContain('private')
  })
})

describe('tokens and cost', () => {
  const custom = { model: 'MY_CUSTOM_MODEL_ID' }
  test.concurrent.each([
    [
      'OpenAI’s usage, at the custom model’s prices',
      {
        ...custom,
        usage: {
          prompt_tokens: 100,
          completion_tokens: 20,
          total_tokens: 120,
          prompt_tokens_details: { cached_tokens: 40 },
        },
      },
      {
        prompt_tokens: 100,
        completion_tokens: 20,
        cost_nano_usd: 60 * 2_000 + 40 * 500 + 20 * 10_000,
        price_status: 'custom_model',
        usage_source: 'provider',
      },
    ],
    [
      'Anthropic’s usage',
      {
        model: 'claude-sonnet-4-5',
        usage: {
          input_tokens: 10,
          output_tokens: 5,
          cache_read_input_tokens: 100,
          cache_creation_input_tokens: 7,
        },
      },
      {
        prompt_tokens: 117,
        completion_tokens: 5,
        price_status: 'price_list',
        cost_nano_usd: 10 * 3_000 + 100 * 300 + 7 * 3_750 + 5 * 15_000,
      },
    ],
    [
      'the usage of Responses',
      {
        ...custom,
        usage: { input_tokens: 100, output_tokens: 5, input_tokens_details: { cached_tokens: 90 } },
      },
      { prompt_tokens: 100, completion_tokens: 5, cost_nano_usd: 10 * 2_000 + 90 * 500 + 5 * 10_000 },
    ],
    [
      'plain counts',
      { ...custom, prompt_tokens: 10, completion_tokens: 2, prompt_cache_hit_tokens: 4 },
      { prompt_tokens: 10, usage: { input_tokens: 6, cache_read_tokens: 4 } },
    ],
    [
      'the usage in a whole response',
      { ...custom, full_response: { usage: { prompt_tokens: 10, completion_tokens: 2 } } },
      { prompt_tokens: 10, completion_tokens: 2 },
    ],
    [
      'its sender’s own prices',
      {
        model: 'unheard-of',
        prompt_tokens: 1_000,
        completion_tokens: 100,
        prompt_unit_price: 1,
        completion_unit_price: 2,
      },
      { cost: 0.0012, price_status: 'custom_model' },
    ],
    [
      'a given cost of nothing',
      { ...custom, prompt_tokens: 10, completion_tokens: 1, cost: 0 },
      { cost: 0, price_status: 'given' },
    ],
    [
      'no price for the model',
      { model: 'unheard-of', prompt_tokens: 1, completion_tokens: 1 },
      { cost: null, price_status: 'unknown_price' },
    ],
    [
      'no usage at all',
      { ...custom, log_type: 'tool' },
      { usage: null, cost: null, price_status: 'no_usage' },
    ],
    [
      'texts only',
      {
        ...custom,
        prompt_messages: [{ role: 'user', content: '12345678' }],
        completion_message: { role: 'assistant', content: '1234' },
      },
      { usage_source: 'estimated', prompt_tokens: 5, completion_tokens: 1 },
    ],
    [
      'a model by its provider',
      { model: 'gpt-4o-mini', provider_id: 'openai', prompt_tokens: 1_000, completion_tokens: 0 },
      { provider_id: 'openai', cost_nano_usd: 150_000 },
    ],
  ])('%s', async (_, given, expected) => {
    expect(await created(given)).toMatchObject(expected)
  })
})

describe('more than one', () => {
  test.each([
    ['as a list', (logs: object[]) => logs],
    ['as logs of an object', (logs: object[]) => ({ logs })],
  ])('%s', async (_, shape) => {
    const logs = Array.from({ length: 250 }, (_, index) => ({ model: `m-${index}`, metadata: { index } }))
    const { status, body } = await post(shape(logs))
    expect(status).toBe(201)
    expect(body).toMatchObject({ count: 250 })
    const ids = (body.logs as { unique_id: string }[]).map(({ unique_id }) => unique_id)
    expect(new Set(ids).size).toBe(250)
    for (const index of [0, 99, 249])
      expect(await gateway.logOf(ids[index] ?? '')).toMatchObject({
        model: `m-${index}`,
        metadata: { index },
      })
  })

  test('one that is wrong refuses them all, and is named', async () => {
    expect(await post([{ model: 'a' }, { model: 1 }])).toEqual({
      status: 422,
      body: { detail: 'Validation error', errors: { '1.model': ['must be a text'] } },
    })
    expect(await post({ logs: [{ cost: -1 }] })).toMatchObject({
      body: { errors: { 'logs.0.cost': ['must not be negative'] } },
    })
  })
})

test('a large log goes another way and reads back whole', async () => {
  const content = 'long text '.repeat(700_000)
  const log = await created({
    model: 'm',
    prompt_messages: [{ role: 'user', content }],
    full_response: { content },
  })
  expect(log.prompt_messages).toEqual([{ role: 'user', content }])
  expect(log.full_response).toEqual({ content })
})

test('without block the answer does not wait, and the log comes all the same', async () => {
  const log = await created({ model: 'm', respan_api_controls: { block: false } })
  expect(log.model).toBe('m')
})

describe('what is refused', () => {
  test.each([
    ['no JSON', '{"model":', 400, { detail: expect.stringContaining('not valid JSON') }],
    ['no object', '3', 422, { errors: { body: ['must be an object with the fields of a log'] } }],
    ['an empty list', '[]', 422, { errors: { body: ['must have at least one log'] } }],
    [
      'a type that is none',
      { log_type: 'chatter' },
      422,
      { errors: { log_type: [expect.stringContaining('must be one of chat')] } },
    ],
    [
      'a time that is none',
      { timestamp: 'yesterday' },
      422,
      { errors: { timestamp: [expect.stringContaining('ISO 8601')] } },
    ],
    [
      'several fields at once',
      {
        prompt_messages: 'hi',
        completion_message: 'ho',
        latency: '1',
        status: 'fine',
        customer_params: { customer_identifier: [] },
      },
      422,
      {
        detail: 'Validation error',
        errors: {
          prompt_messages: ['must be a list of messages'],
          completion_message: ['must be an object'],
          latency: ['must be a number'],
          status: ['must be success or error'],
          'customer_params.customer_identifier': ['must be a text or a number'],
        },
      },
    ],
  ])('%s', async (_, body, status, expected) => {
    expect(await post(body)).toMatchObject({ status, body: expected })
  })

  test('more than 20 MB', async () => {
    expect((await post({ model: 'm', note: 'x'.repeat(20 * 1024 * 1024) })).status).toBe(413)
  })
})

test('a log is shown to its own key only', async () => {
  const { body: other } = await gateway.manage('POST', '/api/api-keys/', { name: 'other' })
  const { body } = await post({ model: 'm' })
  await gateway.logOf(String(body.unique_id))
  const read = await gateway.manage(
    'GET',
    `/api/request-logs/${body.unique_id}/`,
    undefined,
    String(other.api_key),
  )
  expect(read.status).toBe(404)
})
