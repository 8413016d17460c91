import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway({ OPENAI_API_KEY: 'sk-of-the-worker', ANTHROPIC_API_KEY: 'sk-of-the-worker' })
})
afterAll(() => gateway.close())

describe('a model', () => {
  test('is made, listed for SDKs, called, changed, replaced and removed, also with slashes in its name', async () => {
    for (const name of ['plain', 'team/a', 'org/team/b c:free']) {
      const prices = { input_cost: 1.5, output_cost: 6, cache_hit_input_cost: 0.1 }
      const given = {
        model_name: name,
        provider_id: 'fake',
        display_name: 'D',
        ...prices,
        max_context_window: 8,
      }
      const made = await gateway.manage('POST', '/api/models/', given)
      expect(made).toMatchObject({
        status: 201,
        body: { id: name, ...given, upstream_model: name, source: 'db' },
      })
      expect((await gateway.manage('POST', '/api/models/', given)).status).toBe(200)
      const ids = (await gateway.client().models.list()).data.map(({ id }) => id)
      expect(ids.filter((id) => id === name)).toEqual([name])
      const path = `/api/models/${name.split('/').map(encodeURIComponent).join('/')}/`
      const patched = await gateway.manage('PATCH', path, { upstream_model: 'gpt-4o', output_cost: null })
      expect(patched).toMatchObject({
        status: 200,
        body: { upstream_model: 'gpt-4o', output_cost: null, input_cost: 1.5 },
      })
      const reply = await gateway.chat({ model: name, messages: user('hi') })
      expect([reply.status, reply.headers.get('x-sluice-model')]).toEqual([200, 'gpt-4o'])
      const replaced = await gateway.manage('PUT', path, { provider_id: 'fake' })
      expect(replaced).toMatchObject({
        status: 200,
        body: { upstream_model: name, input_cost: null, display_name: name },
      })
      expect((await gateway.manage('DELETE', path)).status).toBe(204)
      expect((await gateway.manage('GET', path)).status).toBe(404)
      expect((await gateway.chat({ model: name, messages: user('hi') })).status).toBe(404)
    }
  })

  test('has deadlines and retries, which are changed one by one and taken back', async () => {
    const path = '/api/models/bounded/'
    const made = { model_name: 'bounded', provider_id: 'fake', timeouts: { total: 30.5, idle: 5 } }
    const steps: [string, string, object, number, object][] = [
      ['POST', '/api/models/', made, 201, { timeouts: made.timeouts, retry_params: {} }],
      ['PATCH', path, { timeouts: { headers: 2 } }, 200, { timeouts: { ...made.timeouts, headers: 2 } }],
      ['PATCH', path, { timeouts: { idle: null } }, 200, { timeouts: { total: 30.5, headers: 2 } }],
      ['PATCH', path, { retry_params: { num_retries: 2 } }, 200, { retry_params: { num_retries: 2 } }],
      ['PATCH', path, { input_cost: 1 }, 200, { timeouts: { total: 30.5, headers: 2 } }],
      ['PATCH', path, { timeouts: null }, 200, { timeouts: {}, retry_params: { num_retries: 2 } }],
      ['PUT', path, { provider_id: 'fake' }, 200, { timeouts: {}, retry_params: {} }],
    ]
    for (const [method, at, body, status, shown] of steps) {
      const answer = await gateway.manage(method, at, body)
      expect([answer.status, body]).toEqual([status, body])
      expect(answer.body).toEqual(expect.objectContaining(shown))
    }
    const wrong: [object, string][] = [
      [{ timeouts: { total: 0 } }, 'timeouts.total'],
      [{ timeouts: { total: 86_401 } }, 'timeouts.total'],
      [{ timeouts: { connect: 1 } }, 'timeouts'],
      [{ retry_params: { num_retries: 0 } }, 'retry_params.num_retries'],
      [{ retry_params: { retry_count: 1 } }, 'retry_params'],
    ]
    for (const [body, field] of wrong) {
      const answer = await gateway.manage('PATCH', path, body)
      expect([answer.status, JSON.stringify(answer.body)]).toEqual([
        422,
        expect.stringContaining(`"${field}"`),
      ])
    }
  })

  test('is in the list with the slash as an array, and there is one for SDKs without', async () => {
    await gateway.manage('POST', '/api/models/', { model_name: 'b', provider_id: 'fake' })
    await gateway.manage('POST', '/api/models/', { model_name: 'a', custom_provider_id: 'fake' })
    const list = await gateway.manage('GET', '/api/models/?sort_by=model_name&all=true')
    expect(Array.isArray(list.body)).toBe(true)
    const names = Object.values(list.body).map((model) => String(Object(model).model_name))
    expect(names).toEqual(expect.arrayContaining(['a', 'b', 'demo/echo']))
    expect(names).toEqual([...names].sort((one, other) => one.localeCompare(other)))
    const sdk = await gateway.manage('GET', '/api/models')
    const entry = { id: 'a', object: 'model', created: 0, owned_by: 'custom' }
    expect(sdk.body).toMatchObject({ object: 'list', data: expect.arrayContaining([entry]) })
  })

  test('stands for another with its own name and prices', async () => {
    await gateway.manage('POST', '/api/models/', {
      model_name: 'base',
      provider_id: 'fake',
      upstream_model: 'gpt-4o',
    })
    const alias = { model_name: 'alias', base_model_name: 'base', input_cost: 1, output_cost: 2 }
    expect((await gateway.manage('POST', '/api/models/', alias)).status).toBe(201)
    const reply = await gateway.chat({ model: 'alias', messages: user('hi') })
    expect(reply.headers.get('x-sluice-model')).toBe('gpt-4o')
    expect(await gateway.logOf(reply.logId)).toMatchObject({
      model: 'alias',
      cost_nano_usd: 8 * 1_000 + 2 * 2_000,
    })
  })

  test('without a base is a 400 in the words of Respan', async () => {
    const answer = await gateway.manage('POST', '/api/models/', {
      model_name: 'x',
      base_model_name: 'nothing',
    })
    expect(answer.status).toBe(400)
    expect(Object.values(answer.body)).toContain('Base model not found')
  })

  test.for<[object, string]>([
    [{ provider_id: 'fake' }, 'model_name'],
    [{ model_name: ' ', provider_id: 'fake' }, 'model_name'],
    [{ model_name: 'x' }, 'provider_id'],
    [{ model_name: 'x', provider_id: 'nobody' }, 'provider_id'],
    [{ model_name: 'x', provider_id: 'fake', input_cost: -1 }, 'input_cost'],
    [{ model_name: 'x', provider_id: 'fake', streaming_support: true }, 'streaming_support'],
    [{ model_name: 'x', provider_id: 'fake', fallback_models: ['a', 5] }, 'fallback_models.1'],
  ])('like %j is refused, naming %s', async ([body, field]) => {
    const answer = await gateway.manage('POST', '/api/models/', body)
    expect(answer).toMatchObject({ status: 422, body: { detail: 'Validation error' } })
    expect(Object.keys(Object(answer.body.errors))).toEqual([field])
  })

  test('that is built in cannot be changed', async () => {
    expect((await gateway.manage('DELETE', '/api/models/demo/echo/')).status).toBe(403)
  })
})

describe('what is known of a model', () => {
  const gpt4o = { context_window: 128_000, input_cost: 2.5, output_cost: 10 }

  test('is told to SDKs, one by one and in the list', async () => {
    const one = await gateway.fetch('/v1/models/openai/gpt-4o')
    expect(await one.json()).toMatchObject({ id: 'openai/gpt-4o', owned_by: 'openai', ...gpt4o })
    const list: unknown = await (await gateway.fetch('/v1/models')).json()
    expect(Object(list).data).toContainEqual(expect.objectContaining({ id: 'openai/gpt-4o', ...gpt4o }))
    const sonnet = await gateway.fetch('/v1/models/claude-sonnet-4-5-20250929')
    expect(await sonnet.json()).toMatchObject({
      ...{ context_window: 200_000, max_output_tokens: 64_000 },
      capabilities: { reasoning: true, structured_output: true, prompt_caching: true },
    })
    const unknown = await gateway.fetch('/v1/models/fake/anything')
    expect(await unknown.json()).toEqual({
      id: 'fake/anything',
      object: 'model',
      created: 0,
      owned_by: 'fake',
    })
  })

  test("is in the words of the other protocols' lists", async () => {
    const messages = await gateway.fetch('/v1/models', { headers: { 'anthropic-version': '2023-06-01' } })
    expect(Object(await messages.json()).data).toContainEqual(
      expect.objectContaining({
        id: 'anthropic/claude-sonnet-4-5',
        max_input_tokens: 200_000,
        max_tokens: 64_000,
      }),
    )
    const contents = await gateway.fetch('/v1beta/models')
    expect(Object(await contents.json()).models).toContainEqual(
      expect.objectContaining({ name: 'models/openai/gpt-4o', inputTokenLimit: 128_000 }),
    )
  })

  test('is what its owner says where it is a custom one', async () => {
    const narrow = {
      model_name: 'narrow',
      base_model_name: 'openai/gpt-4o',
      max_context_window: 1_000,
      input_cost: 7,
    }
    await gateway.manage('POST', '/api/models/', narrow)
    const answer: unknown = await (await gateway.fetch('/v1/models/narrow')).json()
    expect(answer).toMatchObject({ context_window: 1_000, input_cost: 7 })
    expect(answer).not.toHaveProperty('output_cost')
  })

  test("is in Respan's list of all", async () => {
    const { body } = await gateway.manage('GET', '/api/models/?sort_by=model_name&all=true')
    const known = {
      model_name: 'openai/gpt-4o',
      max_context_window: 128_000,
      input_cost: 2.5,
      output_cost: 10,
    }
    expect(body).toContainEqual(expect.objectContaining(known))
  })

  test.for(['/api/models/public', '/api/models/public/'])(
    'is public at %s, without what is set up here',
    async (path) => {
      const response = await fetch(gateway.url + path)
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'public, max-age=3600'])
      const { models } = Object(await response.json())
      expect(models.length).toBeGreaterThan(1_000)
      expect(models).toContainEqual({
        ...{ model_name: 'openai/gpt-4o', max_context_window: 128_000, input_cost: 2.5, output_cost: 10 },
        rate_limit: null,
        provider: {
          ...{ provider_name: 'OpenAI', provider_id: 'openai', moderation: null },
          credential_fields: ['api_key'],
        },
      })
      const names = models.map((model: unknown) => String(Object(model).model_name))
      expect(names.filter((name: string) => !name.includes('/') || name.startsWith('fake/'))).toEqual([])
      expect(names.some((name: string) => name.startsWith('groq/'))).toBe(true)
    },
  )
})
