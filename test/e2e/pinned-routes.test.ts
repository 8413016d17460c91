import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
  const provider = { api_key: 'sk-other-provider', base_url: gateway.upstream.url }
  await gateway.manage('POST', '/api/providers/', { provider_id: 'single', ...provider })
  await gateway.manage('POST', '/api/providers/', { provider_id: 'bare', ...provider })
  const models = [
    { model_name: 'acme/big model', provider_id: 'fake', upstream_model: 'big-1' },
    { model_name: 'small', provider_id: 'fake', upstream_model: 'small-1' },
    { model_name: 'only', provider_id: 'single', upstream_model: 'only-1' },
  ]
  for (const model of models) await gateway.manage('POST', '/api/models/', model)
})
afterAll(() => gateway.close())

/** Asks at a base path; tells which upstream model answered, and what the log says it was. */
async function asked(base: string, model: string | undefined) {
  const content = `${base} ${model}`
  const body = JSON.stringify({ ...(model === undefined ? {} : { model }), messages: user(content) })
  const response = await gateway.fetch(`${base}/chat/completions`, { method: 'POST', body })
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
  expect(choices[0]?.message.content).toBe(`echo: ${content}`)
  const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
  return [response.headers.get('x-sluice-provider'), log.deployment_name, log.model]
}

describe.concurrent('a model is found', () => {
  test.for<[string, string, string, (string | undefined)[]]>([
    ['by its own name', '/v1', 'small', ['fake', 'small-1', 'small']],
    ['by a name with a slash', '/v1', 'acme/big model', ['fake', 'big-1', 'acme/big model']],
    ['by provider and model', '/v1', 'fake/any-thing', ['fake', 'any-thing', 'fake/any-thing']],
    [
      'by provider and a model with slashes',
      '/v1',
      'fake/org/m:free',
      ['fake', 'org/m:free', 'fake/org/m:free'],
    ],
    ['at the route of the model', '/providers/small/v1', 'whatever', ['fake', 'small-1', 'small']],
    [
      'at the route of the model with a slash in it',
      '/providers/acme%2Fbig%20model/v1',
      'small',
      ['fake', 'big-1', 'acme/big model'],
    ],
    ['at the route below /api', '/api/providers/small/v1', 'x', ['fake', 'small-1', 'small']],
    ['at the route of a provider with one model', '/providers/single/v1', 'x', ['single', 'only-1', 'only']],
    [
      "by the body's name at the route of its provider",
      '/providers/fake/v1',
      'small',
      ['fake', 'small-1', 'small'],
    ],
    ["by the body's other name there", '/providers/fake/v1', 'fake/free', ['fake', 'free', 'fake/free']],
    ["by the provider's own name there", '/providers/fake/v1', 'gpt-4o', ['fake', 'gpt-4o', 'fake/gpt-4o']],
    [
      'at a provider without stored models',
      '/providers/bare/v1',
      'gpt-4o',
      ['bare', 'gpt-4o', 'bare/gpt-4o'],
    ],
  ])('%s', async ([, base, model, found]) => {
    expect(await asked(base, model)).toEqual(found)
  })

  test('without any model in the body where the route says it all', async () => {
    expect(await asked('/providers/only/v1', undefined)).toEqual(['single', 'only-1', 'only'])
  })

  test("by the SDK at a pinned base URL, with the provider's own key", async () => {
    const client = gateway.client({ baseURL: `${gateway.url}/providers/single/v1` })
    const reply = await client.chat.completions.create({ model: 'sdk', messages: user('through the SDK') })
    expect(reply.choices[0]?.message.content).toBe('echo: through the SDK')
    const call = await gateway.upstream.waitFor(({ bodyBytes }) => bodyBytes.includes('through the SDK'))
    expect(call.headers.authorization).toBe('Bearer sk-other-provider')
    expect(call.model).toBe('only-1')
  })
})

describe.concurrent('below a pinned provider', () => {
  test.for<[string, string[]]>([
    ['/providers/fake/v1', ['acme/big model', 'small']],
    ['/api/providers/fake/v1', ['acme/big model', 'small']],
    ['/providers/acme%2Fbig%20model/v1', ['acme/big model']],
    ['/providers/single/v1', ['only']],
    ['/providers/bare/v1', ['gpt-4o', 'gpt-4o-mini']],
  ])('%s/models lists what can be called there', async ([base, names]) => {
    const models = await gateway.client({ baseURL: gateway.url + base }).models.list()
    expect(models.data.map(({ id }) => id).sort()).toEqual(names)
  })

  test.for<[string, string]>([
    ['POST', '/providers/fake/v1/embeddings'],
    ['POST', '/providers/fake/v1/messages'],
    ['GET', '/providers/fake/v1/responses/resp_1'],
    ['POST', '/api/providers/fake/v1/images/generations'],
    ['GET', '/providers/fake/v1/files'],
    ['DELETE', '/providers/fake/v1/files/file-1'],
    ['POST', '/providers/fake/v1/chat/completions/more'],
    ['PUT', '/providers/fake/v1/chat/completions'],
    ['PATCH', '/providers/acme%2Fbig%20model/v1/models'],
  ])('%s %s is not implemented', async ([method, path]) => {
    const response = await gateway.fetch(path, { method, ...(method === 'GET' ? {} : { body: '{}' }) })
    expect(response.status).toBe(501)
    expect(await response.json()).toMatchObject({ error: { code: 'not_implemented' } })
  })

  test('responses are answered too, by a model that the path names, whatever the body says', async () => {
    const client = gateway.client({ baseURL: `${gateway.url}/providers/acme%2Fbig%20model/v1` })
    const { output_text } = await client.responses.create({ model: 'anything', input: 'pinned' })
    expect(output_text).toBe('echo: pinned')
    expect(gateway.upstream.calls.at(-1)).toMatchObject({ model: 'big-1' })
  })

  test.for<[string, string | undefined, number, string]>([
    ['/providers/nobody/v1', 'x', 404, 'provider_not_found'],
    ['/providers/bare/v1', undefined, 400, 'missing_required_parameter'],
  ])('%s with the model %s is refused with %i', async ([base, model, status, code]) => {
    const body = JSON.stringify({ model, messages: user('x') })
    const response = await gateway.fetch(`${base}/chat/completions`, { method: 'POST', body })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code } })
  })

  test('nothing is told without a key', async () => {
    for (const path of ['/providers/fake/v1/models', '/providers/fake/v1/files', '/v1/models']) {
      expect((await gateway.fetch(path, { headers: { authorization: null } })).status).toBe(401)
    }
  })
})
