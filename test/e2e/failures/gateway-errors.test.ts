import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Surface, surfaces } from './surfaces'
import { pairs, startWorld, told, type World } from './world'

const MAX_BODY_BYTES = 20_000

let world: World

beforeAll(async () => {
  world = await startWorld({ MAX_BODY_BYTES: String(MAX_BODY_BYTES) })
})
afterAll(() => world.close())

const named = surfaces.map((surface): [string, Surface] => [surface.name, surface])

async function newKey(more: object = {}): Promise<{ id: string; key: string }> {
  const { status, body } = await world.manage('POST', '/api/api-keys/', { name: 'of one test', ...more })
  expect(status).toBe(201)
  return { id: String(body['id']), key: String(body['api_key']) }
}

/** A refusal in the surface's own shape, and in a log of its own: no provider was asked. */
async function expectRefused(surface: Surface, response: Response, status: number, words: string | RegExp) {
  const { text, log, ...answer } = await told(world, response)
  expect([answer.status, text]).toEqual([status, expect.any(String)])
  expect(answer.headers.get('content-type')).toContain('application/json')
  expect(surface.error(JSON.parse(text), status).message).toMatch(words)
  expect(log).toMatchObject({ ending: 'failed', status_code: status, attempts: [], usage: null })
  expect(log.error_message).toMatch(words)
  return { log, headers: answer.headers, body: JSON.parse(text) }
}

async function expectAnswered(surface: Surface, headers: Record<string, string>) {
  const response = await world.ask(surface, 'demo/echo', { headers })
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
}

const NO_KEY = { authorization: null }

describe.concurrent.for(named)('%s', ([, surface]) => {
  test.for<[string, Record<string, string | null>, string]>([
    ['no key', NO_KEY, 'were not provided'],
    ['a wrong key', { authorization: 'Bearer abcdefgh.0123456789' }, 'invalid or expired'],
    ['a wrong x-api-key', { ...NO_KEY, 'x-api-key': 'abcdefgh.01234' }, 'invalid or expired'],
    ['a wrong x-goog-api-key', { ...NO_KEY, 'x-goog-api-key': 'abcdefgh.01' }, 'invalid or expired'],
  ])('%s is a 401', async ([, headers, words]) => {
    for (const stream of [false, true]) {
      const response = await world.ask(surface, 'demo/echo', { headers, stream })
      await expectRefused(surface, response, 401, words)
    }
  })

  test('a wrong key makes the SDK throw', async () => {
    for (const stream of [false, true]) {
      const thrown = await surface.thrown(world, 'demo/echo', { key: 'abcdefgh.wrong', stream })
      expect(thrown?.error).toBeInstanceOf(thrown?.classFor(401))
      expect(thrown?.status).toBe(401)
    }
  })

  test('a revoked key is a 401', async () => {
    const { id, key } = await newKey()
    const headers = { authorization: `Bearer ${key}` }
    await expectAnswered(surface, headers)
    expect((await world.manage('DELETE', `/api/api-keys/${id}/`)).status).toBe(204)
    await expectRefused(surface, await world.ask(surface, 'demo/echo', { headers }), 401, 'has been revoked')
    const thrown = await surface.thrown(world, 'demo/echo', { key, stream: false })
    expect(thrown?.error).toBeInstanceOf(thrown?.classFor(401))
  })

  test.for<[string, (key: string) => { query: string; headers: Record<string, string | null> }]>([
    ['Bearer', (key) => ({ query: '', headers: { authorization: `Bearer ${key}` } })],
    ['x-api-key', (key) => ({ query: '', headers: { ...NO_KEY, 'x-api-key': key } })],
    ['x-goog-api-key', (key) => ({ query: '', headers: { ...NO_KEY, 'x-goog-api-key': key } })],
    ['?key=', (key) => ({ query: `key=${key}`, headers: NO_KEY })],
  ])('a key given as %s is taken, and a wrong one there is not', async ([, how]) => {
    const statuses: number[] = []
    for (const key of [world.key, 'abcdefgh.wrong']) {
      const { query, headers } = how(key)
      const path = surface.path('demo/echo', true)
      const body = JSON.stringify(surface.body('demo/echo', true))
      const url = `${path}${query === '' ? '' : `${path.includes('?') ? '&' : '?'}${query}`}`
      const response = await world.fetch(url, { method: 'POST', headers, body })
      statuses.push(response.status)
      const { text, log } = await told(world, response)
      expect(text + JSON.stringify({ ...log, id: '' })).not.toContain(key)
    }
    expect(statuses).toEqual([200, 401])
  })

  test('an unknown model is a 404 that tells near names', async () => {
    const unknown = await world.ask(surface, 'demo/ecco')
    const { log } = await expectRefused(surface, unknown, 404, "Did you mean 'demo/echo'?")
    expect(log).toMatchObject({ model: 'demo/ecco', organization_key_id: world.keyId })
    const thrown = await surface.thrown(world, 'demo/ecco', { stream: true })
    expect(thrown?.error).toBeInstanceOf(thrown?.classFor(404))
  })

  test('a model that the key may not call is a 403', async () => {
    const { key } = await newKey({ allowed_models: ['fake/*'] })
    const headers = { authorization: `Bearer ${key}` }
    await expectRefused(surface, await world.ask(surface, 'demo/echo', { headers }), 403, /fake\/\*/)
  })

  test.for([
    ['(line 2, column 16)', '{"model": "m",\n  "messages": [}'],
    ['(line 1, column 2)', "{'model': 'm'}"],
    ['expected a JSON object', '[]'],
    ['is empty', ''],
  ])('a body that is no JSON is a 400 that says %s', async ([words, body]) => {
    const response = await world.fetch(surface.path('demo/echo', false), { method: 'POST', body: body ?? '' })
    const told = await expectRefused(surface, response, 400, '')
    expect(told.log.error_message).toContain(words)
  })

  test('a body over the limit is a 413', async () => {
    const more = { padding: 'x'.repeat(MAX_BODY_BYTES) }
    await expectRefused(
      surface,
      await world.ask(surface, 'demo/echo', { more }),
      413,
      `${MAX_BODY_BYTES} bytes`,
    )
  })

  test.for(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'a body announced as %s is a 415',
    async (type) => {
      const response = await world.ask(surface, 'demo/echo', { headers: { 'content-type': type } })
      await expectRefused(surface, response, 415, 'is not supported')
    },
  )

  test('a limit that is exceeded is a 429 that says when to come again', async () => {
    const { id, key } = await newKey()
    const limit = { name: `one of ${surface.name}`, scope: 'api_key', subject: id, metric: 'requests' }
    await world.manage('POST', '/api/limits/', { ...limit, window: 'hour', value: 1 })
    const headers = { authorization: `Bearer ${key}` }
    await expectAnswered(surface, headers)
    for (const stream of [false, true]) {
      const response = await world.ask(surface, 'demo/echo', { headers, stream })
      const refused = await expectRefused(surface, response, 429, /limit/i)
      expect(refused.log.error_code).toBe('limit_exceeded')
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const thrown = await surface.thrown(world, 'demo/echo', { key, stream: true })
    expect(thrown?.error).toBeInstanceOf(thrown?.classFor(429))
    expect(thrown?.status).toBe(429)
  })
})

/** Fields of the wrong type or without a value, by surface; the words are those that name the field. */
const wrong: Record<string, [object, string][]> = {
  chat: [
    [{ messages: 'hi' }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: null }, 'messages'],
    [{ messages: [1] }, 'messages'],
    [{ model: 5 }, 'model'],
    [{ stream: 'yes' }, 'stream'],
    [{ tools: {} }, 'tools'],
    [{ temperature: 'hot' }, 'temperature'],
  ],
  responses: [
    [{ input: 5 }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: null }, 'input'],
    [{ model: 5 }, 'model'],
    [{ stream: 'yes' }, 'stream'],
    [{ tools: {} }, 'tools'],
    [{ temperature: 'hot' }, 'temperature'],
  ],
  messages: [
    [{ messages: 'hi' }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: null }, 'messages'],
    [{ messages: [1] }, 'messages'],
    [{ model: 5 }, 'model'],
    [{ stream: 'yes' }, 'stream'],
    [{ max_tokens: 'many' }, 'max_tokens'],
    [{ tools: {} }, 'tools'],
    [{ temperature: 'hot' }, 'temperature'],
  ],
  contents: [
    [{ contents: 'hi' }, 'contents'],
    [{ contents: [] }, 'contents'],
    [{ contents: null }, 'contents'],
    [{ contents: [1] }, 'contents'],
    [{ generationConfig: 'hot' }, 'generationConfig'],
    [{ tools: 'all' }, 'tools'],
  ],
}

// Who speaks the model matters no further than that: these are found before any lane, those below by each translation.
const foreign = pairs.filter(([, , upstream]) => upstream === 'bedrock-converse')
const either = [...pairs.filter(([, { protocol }, upstream]) => protocol === upstream), ...foreign]

describe.concurrent.for(either)('%s, whatever speaks the model:', ([, surface, upstream]) => {
  test.for(wrong[surface.name] ?? [])('%j is a 400 that names the field', async ([more, field]) => {
    const model = world.model(upstream)
    const refused = await expectRefused(surface, await world.ask(surface, model, { more }), 400, field)
    if (surface.error === surfaces[0]?.error)
      expect(refused.body.error.param).toMatch(new RegExp(`^${field}`))
  })
})

/** What only a translation reads: the same mistakes are the provider's to find where bytes go through. */
const deep: Record<string, [object, string][]> = {
  chat: [
    [{ messages: [{ role: 'wizard', content: 'hi' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user', content: [{ type: 'text', text: 5 }] }] }, 'messages[0].content[0].text'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
  ],
  responses: [
    [{ input: [{ role: 'wizard', content: 'hi' }] }, 'input[0].role'],
    [{ input: [{ role: 'user', content: [{ type: 'input_text', text: 5 }] }] }, 'input[0].content[0].text'],
    [{ input: [{ role: 'user', content: 5 }] }, 'input[0].content'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].name'],
  ],
  messages: [
    [{ messages: [{ role: 'wizard', content: 'hi' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user', content: [{ type: 'text', text: 5 }] }] }, 'messages[0].content[0].text'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    [{ tools: [{ input_schema: {} }] }, 'tools[0].name'],
  ],
  contents: [
    [{ contents: [{ role: 'wizard', parts: [{ text: 'hi' }] }] }, 'contents[0].role'],
    [{ contents: [{ role: 'user', parts: [{ text: 5 }] }] }, 'contents[0].parts[0].text'],
    [{ contents: [{ role: 'user', parts: 5 }] }, 'contents[0].parts'],
    [{ tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
  ],
}

describe.concurrent.for(foreign)('%s, translated:', ([, surface, upstream]) => {
  test.for(deep[surface.name] ?? [])('%j is a 400 that names the place', async ([more, place]) => {
    const response = await world.ask(surface, world.model(upstream), { more })
    const { text, log, status } = await told(world, response)
    expect([status, text]).toEqual([400, expect.any(String)])
    expect(JSON.stringify(JSON.parse(text))).toContain(place)
    surface.error(JSON.parse(text), 400)
    expect(log).toMatchObject({ ending: 'failed', status_code: 400, usage: null })
  })
})

describe('the logs', () => {
  test('have exactly one row for each request that told of its log', async () => {
    const ids = await world.loggedIds(world.logIds.length)
    expect(new Set(world.logIds).size).toBe(world.logIds.length)
    expect(ids).toEqual(expect.arrayContaining(world.logIds))
    expect(new Set(ids).size).toBe(ids.length)
  })
})
