import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { AzureOpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

const SECRETS = {
  anthropic: 'sk-ant-of-the-gateway',
  gemini: 'gemini-key-of-the-gateway',
  openai: 'sk-openai-of-the-gateway',
  azure: 'azure-key-of-the-gateway',
  vertex: 'vertex-token-of-the-gateway',
}

let provider: fakes.FakeUpstream
let gateway: Gateway
let restrictedKey: string

beforeAll(async () => {
  provider = await fakes.startFakeUpstream()
  const { origin } = provider
  gateway = await startGateway({
    ...{ ANTHROPIC_API_KEY: SECRETS.anthropic, ANTHROPIC_BASE_URL: origin },
    ...{ GEMINI_API_KEY: SECRETS.gemini, GEMINI_BASE_URL: origin },
    ...{ OPENAI_API_KEY: SECRETS.openai, OPENAI_BASE_URL: origin },
    ...{ AZURE_OPENAI_API_KEY: SECRETS.azure, AZURE_BASE_URL: origin, AZURE_API_VERSION: '2024-10-21' },
    ...{ VERTEX_SERVICE_ACCOUNT_JSON: SECRETS.vertex, VERTEX_AI_BASE_URL: origin, VERTEX_PROJECT: 'proj' },
  })
  const key = { name: 'restricted', allowed_models: ['anthropic/claude-a'] }
  restrictedKey = String((await gateway.manage('POST', '/api/api-keys/', key)).body.api_key)
})
afterAll(async () => {
  await gateway.close()
  await provider.close()
})

/** The one call whose body or path has this text in it; the Sluice key is nowhere in it. */
async function received(text: string): Promise<fakes.RecordedCall> {
  const call = await provider.waitFor(
    ({ bodyBytes, path }) => bodyBytes.includes(text) || path.includes(text),
  )
  expect(JSON.stringify([call.path, call.headers])).not.toContain(gateway.key)
  return call
}

async function logOf(response: Response) {
  return gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
}

function claude(base: string, options: object = {}) {
  return new Anthropic({ apiKey: gateway.key, baseURL: gateway.url + base, maxRetries: 0, ...options })
}

function genai(base: string) {
  return new GoogleGenAI({ apiKey: gateway.key, httpOptions: { baseUrl: gateway.url + base } })
}

describe.concurrent("a provider's own SDK gets answers", () => {
  test.for(['/api/anthropic', '/anthropic'])('messages at %s', async (base) => {
    const content = `hello at ${base}`
    const metadata = { respan_params: { custom_identifier: base } } as object
    const { data, response } = await claude(base)
      .messages.create({ model: 'claude-a', max_tokens: 50, metadata, messages: [{ role: 'user', content }] })
      .withResponse()
    expect(data.content).toEqual([expect.objectContaining({ type: 'text', text: `echo: ${content}` })])
    const call = await received(content)
    expect(call).toMatchObject({ path: '/v1/messages', model: 'claude-a' })
    expect(call.headers['x-api-key']).toBe(SECRETS.anthropic)
    expect(call.json()).not.toHaveProperty('metadata')
    const log = await logOf(response)
    expect(log).toMatchObject({
      log_type: 'chat',
      model: 'anthropic/claude-a',
      custom_identifier: base,
      usage_source: 'provider',
    })
  })

  test('messages, streamed', async () => {
    const stream = claude('/api/anthropic').messages.stream({
      model: 'claude-a',
      max_tokens: 50,
      messages: [{ role: 'user', content: 'stream it' }],
    })
    expect(await stream.finalText()).toBe('echo: stream it')
  })

  test('a count of tokens', async () => {
    const messages = [{ role: 'user' as const, content: 'count these' }]
    const count = await claude('/api/anthropic').messages.countTokens({ model: 'claude-a', messages })
    expect(count.input_tokens).toBeGreaterThan(0)
    expect((await received('count these')).path).toBe('/v1/messages/count_tokens')
  })

  test.for(['/api/google/gemini', '/gemini'])('contents at %s', async (base) => {
    const contents = `contents at ${base}`
    const { models } = genai(base)
    const reply = await models.generateContent({ model: 'gemini-a', contents })
    expect(reply.text).toBe(`echo: ${contents}`)
    let text = ''
    for await (const part of await models.generateContentStream({ model: 'gemini-a', contents }))
      text += part.text
    expect(text).toBe(`echo: ${contents}`)
    const call = await received(contents)
    expect(call.path).toBe('/v1beta/models/gemini-a:generateContent')
    expect(call.headers['x-goog-api-key']).toBe(SECRETS.gemini)
  })

  test.for(['/api/openai/v1', '/api/openai', '/openai/v1'])(
    'chat, responses, embeddings at %s',
    async (base) => {
      const client = gateway.client({ baseURL: gateway.url + base })
      const chat = await client.chat.completions.create({ model: 'gpt-a', messages: user(`chat ${base}`) })
      expect(chat.choices[0]?.message.content).toBe(`echo: chat ${base}`)
      const response = await client.responses.create({ model: 'gpt-a', input: `respond ${base}` })
      expect(response.output_text).toBe(`echo: respond ${base}`)
      await client.embeddings.create({ model: 'embed-a', input: `embed ${base}` })
      for (const [text, path] of [
        ['chat', 'chat/completions'],
        ['respond', 'responses'],
        ['embed', 'embeddings'],
      ]) {
        const call = await received(`${text} ${base}"`)
        expect([call.path, call.headers.authorization]).toEqual([`/v1/${path}`, `Bearer ${SECRETS.openai}`])
      }
    },
  )

  test("a deployment, with the key in the cloud's own header", async () => {
    const client = new AzureOpenAI({
      endpoint: `${gateway.url}/api/azure`,
      apiKey: gateway.key,
      apiVersion: '2024-10-21',
      deployment: 'dep-2',
      maxRetries: 0,
    })
    const reply = await client.chat.completions.create({ model: 'dep-2', messages: user('by its SDK') })
    expect(reply.choices[0]?.message.content).toBe('echo: by its SDK')
    expect((await received('by its SDK')).headers['api-key']).toBe(SECRETS.azure)
  })

  test('a deployment that only the path names', async () => {
    const body = JSON.stringify({ messages: user('deployed') })
    const path = '/api/azure/openai/deployments/dep-1/chat/completions?api-version=2024-10-21'
    const response = await gateway.fetch(path, { method: 'POST', body })
    expect(response.status).toBe(200)
    const call = await received('deployed')
    expect(call.path).toBe('/openai/deployments/dep-1/chat/completions?api-version=2024-10-21')
    expect(call.headers['api-key']).toBe(SECRETS.azure)
    expect(await logOf(response)).toMatchObject({ model: 'azure/dep-1', provider_id: 'azure' })
  })

  test.for<[string, string, object]>([
    ['google', 'gemini-v:generateContent', { contents: [{ role: 'user', parts: [{ text: 'on vertex' }] }] }],
    [
      'anthropic',
      'claude-v@20250101:rawPredict',
      { anthropic_version: 'vertex-2023-10-16', max_tokens: 9, messages: user('on vertex') },
    ],
  ])('a project path of %s', async ([publisher, call, body]) => {
    const path = `projects/other/locations/eu/publishers/${publisher}/models/${call}`
    const init = { method: 'POST', body: JSON.stringify(body) }
    const response = await gateway.fetch(`/api/google/vertexai/v1/${path}`, init)
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringContaining('echo: on vertex'),
    ])
    const sent = await received(call)
    expect(sent.path).toBe(`/v1/projects/proj/locations/global/publishers/${publisher}/models/${call}`)
    expect(sent.headers.authorization).toBe(`Bearer ${SECRETS.vertex}`)
    expect((await logOf(response)).usage).not.toBeNull()
  })
})

describe.concurrent('the header that names a provider', () => {
  test('sends the messages of one base elsewhere, unchanged', async () => {
    const defaultHeaders = { 'X-Respan-Route-Provider': 'vertex_ai' }
    const messages = [{ role: 'user' as const, content: 'routed elsewhere' }]
    const client = claude('/api/anthropic', { defaultHeaders })
    await client.messages.create({ model: 'claude-b', max_tokens: 50, messages })
    expect((await received('routed elsewhere')).path).toContain(
      '/publishers/anthropic/models/claude-b:rawPredict',
    )
  })

  test('pins a provider at the other routes too', async () => {
    const headers = { 'x-respan-route-provider': 'fake' }
    const { status, logId } = await gateway.chat({ model: 'gpt-4o', messages: user('pinned') }, { headers })
    expect(status).toBe(200)
    expect(await gateway.logOf(logId)).toMatchObject({ provider_id: 'fake', deployment_name: 'gpt-4o' })
  })

  test.for<[string, string, number, string]>([
    ['POST', '/v1/messages', 404, 'There is no model or provider named'],
    ['GET', '/v1/models', 404, 'There is no provider named'],
  ])('%s %s for a provider that does not exist is told', async ([method, path, status, message]) => {
    const headers = { 'x-respan-route-provider': 'nobody' }
    const body = JSON.stringify({ model: 'x', max_tokens: 1, messages: user('x') })
    const init = method === 'GET' ? { method, headers } : { method, headers, body }
    const response = await gateway.fetch(`/api/anthropic${path}`, init)
    expect([response.status, await response.json()]).toEqual([
      status,
      expect.objectContaining({
        type: 'error',
        error: expect.objectContaining({ message: expect.stringContaining(message) }),
      }),
    ])
  })

  test('does not send what is passed through to another API', async () => {
    const headers = { 'x-respan-route-provider': 'openai' }
    const response = await gateway.fetch('/api/anthropic/v1/files', { headers })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('Only calls for an answer can go to another provider')
  })
})

describe.concurrent('everything else is passed through', () => {
  test('a list, by the SDK', async () => {
    const { data, response } = await claude('/api/anthropic').models.list({ limit: 7 }).withResponse()
    expect(data.data.map(({ id }) => id)).toContain('claude-haiku-4-5-20251001')
    const call = await received('limit=7')
    expect(call).toMatchObject({ method: 'GET', path: '/v1/models?limit=7' })
    expect(call.headers['x-api-key']).toBe(SECRETS.anthropic)
    expect(call.headers['anthropic-version']).toMatch(/^\d{4}-/)
    expect(await logOf(response)).toMatchObject({
      log_type: 'pass_through',
      request_url_path: '/api/anthropic/v1/models',
      provider_id: 'anthropic',
      status_code: 200,
      ending: 'completed',
      usage: null,
      cost: null,
      full_request: null,
      full_response: { data: expect.any(Array) },
    })
  })

  test('bytes both ways, and only harmless headers', async () => {
    const sent = new Uint8Array(3_000_000).map((_, index) => (index * 7) % 251)
    const answer = new Uint8Array(2_000_000).map((_, index) => (index * 3) % 253)
    provider.script(
      'PUT /v1/blobs/a%2Fb',
      fakes.raw({
        status: 201,
        headers: {
          'content-type': 'application/x-thing',
          'content-disposition': 'attachment; filename="a.bin"',
          etag: '"v1"',
          'set-cookie': 'session=1',
          server: 'secret-server',
        },
        chunks: [answer.slice(0, 777), answer.slice(777)],
      }),
    )
    const response = await gateway.fetch('/api/openai/v1/blobs/a%2Fb?x=1&key=nothing&y=%20', {
      method: 'PUT',
      headers: {
        'content-type': 'application/octet-stream',
        range: 'bytes=0-',
        'openai-beta': 'assistants=v2',
        cookie: 'a=b',
        'x-forwarded-for': '1.2.3.4',
      },
      body: sent,
    })
    expect(response.status).toBe(201)
    const shown = ['content-type', 'content-disposition', 'etag', 'set-cookie', 'server', 'x-sluice-provider']
    expect(shown.map((name) => response.headers.get(name))).toEqual([
      ...['application/x-thing', 'attachment; filename="a.bin"', '"v1"', null, null, 'openai'],
    ])
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(answer))).toBe(true)
    const call = await received('/v1/blobs/a%2Fb')
    expect(call.path).toBe('/v1/blobs/a%2Fb?x=1&y=%20')
    expect(call.bodyBytes.equals(Buffer.from(sent))).toBe(true)
    expect(call.headers).toMatchObject({ range: 'bytes=0-', 'openai-beta': 'assistants=v2' })
    expect(call.headers['content-length']).toBe('3000000')
    expect(call.headers.cookie).toBeUndefined()
    expect(call.headers['x-forwarded-for']).toBeUndefined()
    const log = await logOf(response)
    expect(log).toMatchObject({ status_code: 201, full_request: null, full_response: null })
  })

  test('an upload in parts comes back through the gateway', async () => {
    provider.script(
      'POST /upload/v1/files',
      fakes.raw({ headers: { 'x-goog-upload-url': `${provider.origin}/upload/v1/files?upload_id=u1` } }),
      fakes.json({ file: { name: 'files/f1', uri: 'x' } }, 200, { 'x-goog-upload-status': 'final' }),
    )
    const file = new Blob(['the whole file'], { type: 'text/plain' })
    const uploaded = await genai('/api/google/gemini').files.upload({ file })
    expect(uploaded.name).toBe('files/f1')
    const part = await received('upload_id=u1')
    expect(part.bodyBytes.toString()).toBe('the whole file')
    expect(part.headers).toMatchObject({
      'x-goog-api-key': SECRETS.gemini,
      'x-goog-upload-command': 'upload, finalize',
    })
  })

  test('a key in the query stays here', async () => {
    const response = await gateway.fetch(`/gemini/v1beta/models?key=${gateway.key}&pageSize=3`, {
      headers: { authorization: null },
    })
    expect(response.status).toBe(200)
    expect((await received('pageSize=3')).path).toBe('/v1beta/models?pageSize=3')
  })

  test('small JSON is logged, and its tags come by header', async () => {
    provider.script('POST /v1/vector_stores', fakes.json({ id: 'vs_1' }))
    const headers = { 'x-data-respan-params': '{"customer_identifier":"ann","metadata":{"a":1}}' }
    const body = '{ "name": "store", "metadata": {"mine": "yes"} }'
    const response = await gateway.fetch('/api/openai/vector_stores', { method: 'POST', headers, body })
    expect(await response.json()).toEqual({ id: 'vs_1' })
    expect((await received('"store"')).bodyBytes.toString()).toBe(body)
    expect(await logOf(response)).toMatchObject({
      customer_identifier: 'ann',
      metadata: { a: 1 },
      full_request: { name: 'store', metadata: { mine: 'yes' } },
      full_response: { id: 'vs_1' },
    })
  })

  test("an error is the provider's own, without the key in it", async () => {
    provider.script(
      'GET /v1/odd',
      fakes.byCall(({ headers }) =>
        fakes.status(418, { error: { message: `You sent ${headers['x-api-key']}` } }),
      ),
    )
    const response = await gateway.fetch('/api/anthropic/v1/odd')
    expect([response.status, await response.json()]).toEqual([
      418,
      { error: { message: 'You sent [redacted]' } },
    ])
    expect(await logOf(response)).toMatchObject({
      ending: 'failed',
      status_code: 418,
      error_code: 'upstream_status',
    })
  })

  test.for<[string, fakes.Step, number, string | null]>([
    ['an answer that has not changed', fakes.raw({ status: 304, headers: { etag: '"e"' } }), 304, null],
    ['an empty answer', fakes.raw({ status: 204 }), 204, null],
    [
      'a redirect within the API',
      fakes.raw({ status: 302, headers: { location: '/v1/elsewhere?a=1' } }),
      302,
      '/api/openai/v1/elsewhere?a=1',
    ],
    [
      'a redirect to a stranger',
      fakes.raw({ status: 302, headers: { location: 'https://stranger.example/v1' } }),
      502,
      null,
    ],
  ])('%s', async ([name, step, status, location]) => {
    const path = `/v1/things/${encodeURIComponent(name)}`
    provider.script(`GET ${path}`, step)
    const response = await fetch(`${gateway.url}/api/openai${path}`, {
      redirect: 'manual',
      headers: { authorization: `Bearer ${gateway.key}` },
    })
    expect(response.status).toBe(status)
    expect(response.headers.get('location')).toBe(location === null ? null : gateway.url + location)
  })

  test.for(['text/event-stream', 'video/mp4'])('a client that leaves a %s ends the call', async (type) => {
    const path = `/v1/slow/${encodeURIComponent(type)}`
    const chunks = Array.from({ length: 500 }, () => ({ bytes: 'data: 1\n\n', delayMs: 20 }))
    provider.script(`GET ${path}`, fakes.raw({ headers: { 'content-type': type }, chunks }))
    const leaving = new AbortController()
    const response = await gateway.fetch(`/api/openai${path}`, { signal: leaving.signal })
    await response.body?.getReader().read()
    leaving.abort()
    const isClosed = (call: fakes.RecordedCall) => call.path === path && call.closedByClientAt !== undefined
    await provider.waitFor(isClosed, 5_000)
    expect(await logOf(response)).toMatchObject({ ending: 'cancelled', log_type: 'pass_through' })
  })

  test('a deadline ends it too', async () => {
    provider.script('GET /v1/silent', fakes.hangBeforeHeaders())
    const headers = { 'x-data-respan-params': '{"timeout":0.3}' }
    const response = await gateway.fetch('/api/openai/v1/silent', { headers })
    expect(response.status).toBe(504)
    expect(await logOf(response)).toMatchObject({ error_code: 'upstream_timeout' })
  })

  test('an answer that breaks off breaks off', async () => {
    provider.script(
      'GET /v1/half',
      fakes.raw({ headers: { 'content-type': 'application/zip' }, chunks: ['half'], ending: 'reset' }),
    )
    const response = await gateway.fetch('/api/openai/v1/half')
    await expect(response.arrayBuffer()).rejects.toThrow()
    expect(await logOf(response)).toMatchObject({ ending: 'failed', error_code: 'upstream_incomplete' })
  })
})

describe.concurrent('who may', () => {
  test('a key with a list of models only asks for those', async () => {
    const headers = { authorization: `Bearer ${restrictedKey}` }
    expect((await gateway.fetch('/api/anthropic/v1/models', { headers })).status).toBe(403)
    for (const [model, status] of [
      ['claude-a', 200],
      ['claude-z', 403],
    ] as const) {
      const body = JSON.stringify({ model, max_tokens: 9, messages: user('may I') })
      const response = await gateway.fetch('/api/anthropic/v1/messages', { method: 'POST', headers, body })
      expect(response.status).toBe(status)
    }
  })

  test('nobody without a key, and the refusal is logged', async () => {
    const response = await gateway.fetch('/api/google/gemini/v1beta/files', {
      headers: { authorization: null },
    })
    expect(response.status).toBe(401)
    expect(await logOf(response)).toMatchObject({ log_type: 'pass_through', error_code: 'invalid_api_key' })
  })

  test('a base that nobody knows is nothing', async () => {
    expect((await gateway.fetch('/api/nobody/v1/models')).status).toBe(404)
  })

  test('requests are limited and counted', async () => {
    const made = await gateway.manage('POST', '/api/api-keys/', { name: 'limited' })
    const { api_key: key, id: subject } = made.body
    const limit = { name: 'two', scope: 'api_key', subject, metric: 'requests', window: 'day', value: 2 }
    expect((await gateway.manage('POST', '/api/limits/', limit)).status).toBe(201)
    const headers = { authorization: `Bearer ${key}` }
    const statuses: number[] = []
    for (let i = 0; i < 3; i++)
      statuses.push((await gateway.fetch('/api/openai/v1/models', { headers })).status)
    expect(statuses).toEqual([200, 200, 429])
  })
})
