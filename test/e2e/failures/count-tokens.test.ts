import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import { anthropic, contents, google, messages, type Surface } from './surfaces'
import { logIdOf, startWorld, told, UPSTREAMS, type Upstream, type World } from './world'

let world: World

beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

const counters: [string, Surface, (model: string) => string, string][] = [
  ['count_tokens of messages', messages, () => '/v1/messages/count_tokens', 'input_tokens'],
  ['countTokens of contents', contents, (model) => `/v1beta/models/${model}:countTokens`, 'totalTokens'],
]

function count(path: string, body: object): Promise<Response> {
  return world.fetch(path, { method: 'POST', body: JSON.stringify(body) })
}

describe.concurrent.for(counters)('%s', ([, surface, pathOf, field]) => {
  test.for(UPSTREAMS)('is asked of %s where it can tell, and estimated where not', async (upstream) => {
    const model = world.model(upstream)
    const body = surface.body(model, false, 'Count the tokens of this sentence, please.')
    const response = await count(pathOf(model), body)
    const { status, text, headers, log } = await told(world, response)
    expect([status, text]).toEqual([200, expect.any(String)])
    const counted = Object(JSON.parse(text))[field]
    expect(counted).toBeGreaterThan(5)
    expect(counted).toBeLessThan(60)
    const isOwn = surface.protocol === upstream
    expect(headers.get('x-sluice-estimated')).toBe(isOwn ? null : 'true')
    expect(log).toMatchObject({ ending: 'completed', log_type: 'count_tokens', status_code: 200 })
    expect(log['cost'] ?? 0).toBe(0)
    expect(log.usage).toMatchObject({ input_tokens: 0, output_tokens: 0 })
    const { fake, name } = world.behind(model)
    expect(fake.calls.filter((call) => call.model === name)).toHaveLength(isOwn ? 1 : 0)
  })

  test.for([401, 404, 429, 500])("keeps the provider's %i", async (code) => {
    const model = world.model(surface.protocol === 'anthropic' ? 'anthropic' : 'gemini', fakes.status(code))
    const { status, text, log } = await told(world, await count(pathOf(model), surface.body(model, false)))
    expect([status, text]).toEqual([code, expect.any(String)])
    surface.error(JSON.parse(text), code)
    expect(log).toMatchObject({ ending: 'failed', log_type: 'count_tokens', status_code: code })
  })

  test('of nothing is a 400 in its own shape', async () => {
    const model = world.model('openai-chat')
    const body = { ...surface.body(model, false), [surface.conversation]: 'hi' }
    const { status, text } = await told(world, await count(pathOf(model), body))
    if (surface === contents) return expect(status).toBe(200)
    expect(status).toBe(400)
    expect(surface.error(JSON.parse(text), 400).message).toContain(surface.conversation)
  })

  test('of an unknown model is a 404 in its own shape', async () => {
    const { status, text, log } = await told(
      world,
      await count(pathOf('demo/ecco'), surface.body('demo/ecco', false)),
    )
    expect(status).toBe(404)
    expect(surface.error(JSON.parse(text), 404).message).toContain("'demo/echo'")
    expect(log).toMatchObject({ ending: 'failed', log_type: 'count_tokens' })
  })
})

describe.concurrent('the SDKs count', () => {
  test.for<[string, Upstream]>([
    ['where the provider tells', 'anthropic'],
    ['where it is estimated', 'openai-chat'],
  ])("Anthropic's, %s", async ([, upstream]) => {
    const counted = anthropic(world).messages.countTokens({
      model: world.model(upstream),
      messages: [{ role: 'user', content: 'How many tokens are these?' }],
    })
    const { data, response } = await counted.withResponse()
    expect(data.input_tokens).toBeGreaterThan(3)
    expect(await world.logOf(logIdOf(response))).toMatchObject({ log_type: 'count_tokens' })
  })

  test.for<[string, Upstream]>([
    ['where the provider tells', 'gemini'],
    ['where it is estimated', 'anthropic'],
  ])("Google's, %s", async ([, upstream]) => {
    const asked = { model: world.model(upstream), contents: 'How many tokens are these?' }
    expect((await google(world).models.countTokens(asked)).totalTokens).toBeGreaterThan(3)
  })
})

describe.concurrent('the SDKs list the models', () => {
  test("Anthropic's", async () => {
    const names: string[] = []
    for await (const model of anthropic(world).models.list()) names.push(model.id)
    expect(names).toContain('demo/echo')
    expect(new Set(names).size).toBe(names.length)
    await expect(anthropic(world).models.retrieve('demo/echo')).resolves.toMatchObject({ id: 'demo/echo' })
  })

  test("Google's", async () => {
    const names: string[] = []
    for await (const model of await google(world).models.list()) names.push(model.name ?? '')
    expect(names).toContain('models/demo/echo')
    await expect(google(world).models.get({ model: 'demo/echo' })).resolves.toMatchObject({
      name: 'models/demo/echo',
    })
  })

  test("OpenAI's", async () => {
    const names = (await world.client().models.list()).data.map(({ id }) => id)
    expect(names).toContain('demo/echo')
  })

  test('a wrong key is told in the words of each', async () => {
    await expect(anthropic(world, 'abcdefgh.wrong').models.list()).rejects.toMatchObject({
      status: 401,
      error: { type: 'error', error: { type: 'authentication_error' } },
    })
    await expect(google(world, 'abcdefgh.wrong').models.list()).rejects.toMatchObject({ status: 401 })
  })
})
