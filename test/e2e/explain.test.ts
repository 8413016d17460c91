import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { type Gateway, startGateway, UPSTREAM_KEY, user } from './gateway'

const SECRETS = ['sk-openai-of-the-worker', 'sk-ant-of-the-worker', 'sk-of-the-request', UPSTREAM_KEY]

let provider: fakes.FakeUpstream
let gateway: Gateway
let restrictedKey: string

beforeAll(async () => {
  provider = await fakes.startFakeUpstream()
  gateway = await startGateway({
    ...{
      OPENAI_API_KEY: 'sk-openai-of-the-worker',
      OPENAI_BASE_URL: `${provider.origin}/v1?token=in-the-url`,
    },
    ...{ ANTHROPIC_API_KEY: 'sk-ant-of-the-worker', ANTHROPIC_BASE_URL: provider.origin },
  })
  const restricted = { name: 'restricted', allowed_models: ['fake/allowed'] }
  restrictedKey = String((await gateway.manage('POST', '/api/api-keys/', restricted)).body.api_key)
  const own = { model_name: 'priced', provider_id: 'fake', input_cost: 1, output_cost: 2 }
  const patient = {
    ...{ model_name: 'patient', provider_id: 'fake' },
    ...{ timeouts: { first_content: 300, total: 900 }, retry_params: { num_retries: 2 } },
  }
  for (const model of [own, patient])
    expect((await gateway.manage('POST', '/api/models/', model)).status).toBe(201)
})

afterAll(async () => {
  await gateway.close()
  await provider.close()
})

interface Asked {
  query?: string
  headers?: Record<string, string>
  key?: string
}

async function ask(body: object | string, { query = '', headers = {}, key = gateway.key }: Asked = {}) {
  const response = await gateway.fetch(`/api/explain${query}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { authorization: `Bearer ${key}`, ...headers },
  })
  const text = await response.text()
  for (const secret of SECRETS) expect(text).not.toContain(secret)
  return { status: response.status, body: JSON.parse(text) }
}

const hi = { messages: user('hi') }
const gemini = { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }

describe('a request is explained', () => {
  test.for<[string, object, Asked, object]>([
    [
      'plain',
      { model: 'fake/a', ...hi },
      {},
      {
        ...{
          object: 'explanation',
          protocol: 'openai-chat',
          model: 'fake/a',
          stream: false,
          cache_key: null,
        },
        ...{ limits: [], parameters: { read: [], ignored: [] } },
        ...{
          retry: { num_retries: 0 },
          deadlines: { headers: 60, first_content: 180, idle: 120, total: 600 },
        },
        targets: [
          {
            ...{ provider_id: 'fake', model: 'fake/a', upstream_model: 'a', protocol: 'openai-chat' },
            ...{ lane: 'raw', reason: 'requested', credential: 'stored', is_cooling: false },
            deadlines: { attempt: null, headers: null, first_content: null, idle: null, total: 600 },
            ...{ problem: null, untranslatable: null, dropped: [] },
            price: { usd: null, reason: 'no_output_limit', output_tokens: null },
          },
        ],
      },
    ],
    [
      'a fallback list, with one that cannot be called',
      { model: 'fake/a', fallback_models: ['groq/b', 'fake/c'], ...hi },
      {},
      {
        targets: [
          { model: 'fake/a', reason: 'requested', problem: null },
          {
            ...{ model: 'groq/b', reason: 'fallback:request', url: expect.any(String) },
            problem: { code: 'provider_not_configured', message: expect.stringContaining('GROQ_API_KEY') },
          },
          { model: 'fake/c', reason: 'fallback:request', problem: null },
        ],
      },
    ],
    [
      'the only target without a key',
      { model: 'groq/b', ...hi },
      {},
      { targets: [{ problem: { code: 'provider_not_configured', param: null } }] },
    ],
    [
      'translated, with what the target is not told',
      { model: 'claude-sonnet-4-5', max_tokens: 10, seed: 7, logprobs: true, ...hi },
      {},
      {
        targets: [
          {
            ...{ provider_id: 'anthropic', protocol: 'anthropic', lane: 'translated', credential: 'secret' },
            dropped: ['seed', 'logprobs'],
          },
        ],
      },
    ],
    [
      'with losses that are not allowed',
      { model: 'claude-sonnet-4-5', seed: 7, require_parameters: true, ...hi },
      {},
      { targets: [{ dropped: [], untranslatable: { code: 'untranslatable', param: 'seed' } }] },
    ],
    [
      'what the target has no words for, and the fallback has',
      {
        ...{ model: 'claude-sonnet-4-5', fallback_models: ['openai/gpt-4o'] },
        ...{ input: 'hi', tools: [{ type: 'computer_use_preview' }] },
      },
      { query: '?protocol=openai-responses' },
      {
        protocol: 'openai-responses',
        targets: [
          {
            lane: 'translated',
            untranslatable: { param: 'tools[0]', message: expect.stringContaining('computer_use_preview') },
          },
          { provider_id: 'openai', lane: 'raw', untranslatable: null },
        ],
      },
    ],
    [
      'pinned to a provider by the header',
      { model: 'a', fallback_models: ['b'], ...hi },
      { headers: { 'x-respan-route-provider': 'fake' } },
      { targets: [{ model: 'fake/a', reason: 'pinned' }, { model: 'fake/b' }] },
    ],
    [
      'with credentials, retries and deadlines of its own, also from a header',
      {
        model: 'openai/gpt-4o',
        credential_override: { 'openai/gpt-4o': { api_key: 'sk-of-the-request' } },
        ...hi,
      },
      {
        headers: {
          'x-data-respan-params': JSON.stringify({
            ...{ timeout: 7, retry_params: { num_retries: 4, retry_after: 0.5 } },
            ...{ customer_identifier: 'ada', mem0_params: {} },
          }),
        },
      },
      {
        retry: { num_retries: 4, retry_after: 0.5 },
        targets: [{ credential: 'override', deadlines: { attempt: 7 } }],
        parameters: {
          read: expect.arrayContaining([
            { name: 'credential_override', given_in: 'the body' },
            { name: 'timeout', given_in: 'the header x-data-respan-params' },
          ]),
          ignored: ['mem0_params'],
        },
      },
    ],
    [
      'a model with deadlines and retries of its own, and one without, streamed',
      { model: 'patient', fallback_models: ['fake/b'], stream: true, ...hi },
      {},
      {
        retry: { num_retries: 2, retry_after: 0.2 },
        deadlines: { headers: 60, first_content: 180, idle: 120, total: 900 },
        targets: [
          { deadlines: { attempt: null, headers: 60, first_content: 300, idle: 120, total: 900 } },
          { deadlines: { attempt: null, headers: 60, first_content: 180, idle: 120, total: 900 } },
        ],
      },
    ],
    [
      'the same in one piece, where the first may take half of the time that the last would have',
      { model: 'fake/b', fallback_models: ['patient'], ...hi },
      {},
      {
        targets: [
          { deadlines: { attempt: expect.closeTo(450, 0), headers: null, total: 900 } },
          { deadlines: { attempt: null, headers: null, total: 900 } },
        ],
      },
    ],
    [
      'Gemini, guessed, streamed',
      gemini,
      { query: '?model=claude-sonnet-4-5&stream=true' },
      { protocol: 'gemini', model: 'claude-sonnet-4-5', stream: true, targets: [{ lane: 'translated' }] },
    ],
    [
      'Responses, guessed',
      { model: 'openai/gpt-4o', input: 'hi' },
      {},
      { protocol: 'openai-responses', targets: [{ protocol: 'openai-responses', lane: 'raw' }] },
    ],
    [
      'Messages, named',
      { model: 'claude-sonnet-4-5', max_tokens: 5, ...hi },
      { query: '?protocol=anthropic' },
      { protocol: 'anthropic', targets: [{ protocol: 'anthropic', lane: 'raw' }] },
    ],
  ])('%s', async ([_, body, asked, expected]) => {
    const answer = await ask(body, asked)
    expect(answer).toMatchObject({ status: 200, body: expected })
  })

  test('by the URL that would be called, without what may be a key in it', async () => {
    const { body } = await ask({
      model: 'openai/gpt-4o',
      fallback_models: ['claude-sonnet-4-5', 'demo/echo'],
      ...hi,
    })
    expect(body.targets.map(({ url }: { url: unknown }) => url)).toEqual([
      `${provider.origin}/v1/chat/completions`,
      `${provider.origin}/v1/messages`,
      null,
    ])
  })

  test('a draw has each of its models, the heaviest first nearly always', async () => {
    const load_balance_models = [
      { model: 'fake/light', weight: 1 },
      { model: 'fake/heavy', weight: 1e12 },
    ]
    const { body } = await ask({ load_balance_models, ...hi })
    expect(body.targets).toMatchObject([
      { model: 'fake/heavy', reason: 'load_balance' },
      { model: 'fake/light', reason: 'load_balance' },
    ])
  })
})

describe('the price', () => {
  // 'hi' is a token of its own, and a message takes three.
  const tokens = { input_tokens: 4, output_tokens: 20 }

  test.for<[string, object]>([
    ['priced', { usd: (4 * 1 + 20 * 2) / 1e6, reason: 'custom_model', ...tokens }],
    ['openai/gpt-4o', { usd: (4 * 2.5 + 20 * 10) / 1e6, reason: 'price_list', ...tokens }],
    ['fake/unknown', { usd: null, reason: 'unknown_price', ...tokens }],
  ])('of %s', async ([model, price]) => {
    const { body } = await ask({ model, max_tokens: 10, n: 2, ...hi })
    expect(body.targets[0].price).toEqual(price)
  })

  test('without a limit of the request is that of all that the model may write', async () => {
    const { body } = await ask({ model: 'claude-sonnet-4-5', ...hi })
    expect(body.targets[0].price).toMatchObject({ output_tokens: 64_000, usd: (4 * 3 + 64_000 * 15) / 1e6 })
  })
})

test('limits that apply are told, with what the call would reserve, and nothing of it is reserved', async () => {
  const each = { metric: 'requests', window: 'minute', value: 1 }
  const made = [
    { name: 'of ada', scope: 'customer', subject: 'ada', ...each },
    { name: 'of others', scope: 'customer', subject: 'bob', ...each },
    { name: 'of the model', scope: 'model', subject: 'priced', ...each, metric: 'tokens', action: 'warn' },
    { name: 'at a time', scope: 'api_key', subject: '*', metric: 'concurrency', value: 1 },
  ]
  const limits = await Promise.all(made.map((limit) => gateway.manage('POST', '/api/limits/', limit)))
  expect(limits.map(({ status }) => status)).toEqual([201, 201, 201, 201])
  const body = { model: 'priced', customer_identifier: 'ada', max_tokens: 50, ...hi }
  const own = { window: 'minute', value: 1 }
  for (const _ of ['once', 'and again']) {
    const answer = await ask(body)
    expect(answer.status).toBe(200)
    expect(answer.body.limits.sort(byName)).toEqual([
      {
        ...{ name: 'at a time', scope: 'api_key', subject: gateway.keyId, metric: 'concurrency' },
        ...{ window: null, value: 1, action: 'block', reserves: 1 },
      },
      {
        ...{ name: 'of ada', scope: 'customer', subject: 'ada', metric: 'requests' },
        ...{ ...own, action: 'block', reserves: 1 },
      },
      {
        ...{ name: 'of the model', scope: 'model', subject: 'priced', metric: 'tokens' },
        ...{ ...own, action: 'warn', reserves: Math.ceil(JSON.stringify(hi.messages).length / 4) + 50 },
      },
    ])
  }
  const ofAda = await gateway.manage('GET', `/api/limits/${limits[0]?.body.id}/`)
  expect(ofAda.body).toMatchObject({ name: 'of ada', used: 0, reserved: 0 })
  for (const { body: limit } of limits) await gateway.manage('DELETE', `/api/limits/${limit.id}/`)
})

function byName(one: { name: string }, other: { name: string }): number {
  return one.name.localeCompare(other.name)
}

describe('a request that would be refused is refused in the same words', () => {
  test.for<[string, object | string, Asked, number, object]>([
    [
      'an unknown model',
      { model: 'nothing-4o', ...hi },
      {},
      404,
      { error: { code: 'model_not_found', param: 'model' } },
    ],
    ['no model', hi, {}, 400, { error: { param: 'model' } }],
    ['no JSON', '{"model": ', {}, 400, { error: { code: 'invalid_json' } }],
    ['nothing', '', {}, 400, { error: { code: 'invalid_json' } }],
    [
      'an unknown model in the list',
      { model: 'fake/a', fallback_models: ['nobody/x'], ...hi },
      {},
      404,
      { error: { param: 'fallback_models', message: expect.stringContaining('was given in the body') } },
    ],
    [
      'a request that is wrong in its own protocol',
      { model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 5 }] },
      {},
      400,
      { error: { param: 'messages[0].content' } },
    ],
    [
      "another protocol's shape",
      { model: 'nothing-4o', max_tokens: 5, ...hi },
      { query: '?protocol=anthropic' },
      404,
      { type: 'error', error: { type: 'not_found_error' } },
    ],
    [
      'Gemini without a model',
      gemini,
      {},
      400,
      { error: { code: 400, message: expect.stringContaining('?model=') } },
    ],
    ['an unknown protocol', hi, { query: '?protocol=bedrock' }, 400, { error: { param: 'protocol' } }],
    [
      'a wrong key',
      { model: 'fake/a', ...hi },
      { key: 'wrong' },
      401,
      { error: { code: 'invalid_api_key' } },
    ],
  ])('%s', async ([_, body, asked, status, expected]) => {
    expect(await ask(body, asked)).toMatchObject({ status, body: expected })
  })

  test("a model that the key may not call, which is left out of others' fallbacks", async () => {
    const key = restrictedKey
    expect(await ask({ model: 'fake/a', ...hi }, { key })).toMatchObject({
      status: 403,
      body: { error: { message: expect.stringContaining('fake/allowed') } },
    })
    const { body } = await ask({ model: 'fake/allowed', fallback_models: ['fake/a'], ...hi }, { key })
    expect(body.targets).toMatchObject([{ model: 'fake/allowed' }])
    expect(body.targets).toHaveLength(1)
  })
})

test('nothing of all that went anywhere, or left a row', async () => {
  expect([...gateway.upstream.calls, ...provider.calls]).toEqual([])
  expect(gateway.logIds).toEqual([])
  expect(await gateway.loggedIds(0)).toEqual([])
})

test('a target that failed a moment ago is told to be cooling, and goes behind the others', async () => {
  gateway.upstream.script('down', fakes.rateLimited({ seconds: 60 }))
  expect((await gateway.chat({ model: 'fake/down', ...hi })).status).toBe(429)
  const { body } = await ask({ model: 'fake/down', fallback_models: ['fake/up'], ...hi })
  expect(body.targets).toMatchObject([
    { model: 'fake/up', reason: 'fallback:request', is_cooling: false },
    { model: 'fake/down', reason: 'requested', is_cooling: true },
  ])
  expect(gateway.upstream.calls).toHaveLength(1)
})

describe('the call itself', () => {
  test('goes where the explanation says, without what that says is dropped', async () => {
    const body = { model: 'claude-sonnet-4-5', max_tokens: 10, seed: 7, logprobs: true, ...hi }
    const [target] = (await ask(body)).body.targets
    const reply = await gateway.chat(body)
    expect([reply.status, reply.headers.get('x-sluice-dropped')]).toEqual([200, target.dropped.join(', ')])
    expect(target.url).toBe(`${provider.origin}${provider.calls.at(-1)?.path}`)
  })

  test.for<object | string>([
    { model: 'nothing-4o', ...hi },
    { model: 'fake/a', load_balance_group: { group_id: 'nobody' }, ...hi },
    { model: 'fake/a', num_retries: 1, retry_params: { num_retries: 0 }, ...hi },
    { model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 5 }] },
    '[]',
  ])('ends with the same error for %j', async (body) => {
    const explained = await ask(body)
    const { status, text } = await gateway.chat(body)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(explained).toEqual({ status, body: JSON.parse(text) })
  })
})
