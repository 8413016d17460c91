import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { type Gateway, startGateway, UPSTREAM_KEY, user } from './gateway'

/** The default for files; the provider `fake` of the gateway's own upstream is another one. */
let first: fakes.FakeUpstream
let gateway: Gateway
let restricted: string

beforeAll(async () => {
  first = await fakes.startFakeUpstream()
  gateway = await startGateway({ OPENAI_API_KEY: 'sk-first', OPENAI_BASE_URL: first.origin })
  const other = {
    provider_id: 'other',
    api_key: UPSTREAM_KEY,
    base_url: gateway.upstream.url,
    protocols: ['openai-responses', 'openai-chat'],
  }
  expect((await gateway.manage('POST', '/api/providers/', other)).status).toBe(201)
  const key = { name: 'restricted', allowed_models: ['other/m1'] }
  restricted = String((await gateway.manage('POST', '/api/api-keys/', key)).body.api_key)
})
afterAll(async () => {
  await gateway.close()
  await first.close()
})

async function logOf(response: Response) {
  return gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
}

/** What the provider was asked, beside the calls of other tests. */
async function asked(upstream: fakes.FakeUpstream, method: string, path: string) {
  const call = await upstream.waitFor((one) => one.method === method && one.path === path)
  expect(JSON.stringify([call.path, call.headers])).not.toContain(gateway.key)
  return call
}

describe.concurrent('a stored response', () => {
  test.for([false, true])('is found at the provider that made it (streamed: %s)', async (stream) => {
    const client = gateway.client()
    const input = `keep this ${stream}`
    let id = ''
    if (stream)
      for await (const event of await client.responses.create({ model: 'other/m1', input, stream }))
        id = event.type === 'response.completed' ? event.response.id : id
    else id = (await client.responses.create({ model: 'other/m1', input })).id
    const { data, response } = await client.responses.retrieve(id).withResponse()
    expect(data).toMatchObject({ id, output_text: `echo: ${input}` })
    const call = await asked(gateway.upstream, 'GET', `/v1/responses/${id}`)
    expect(call.headers.authorization).toBe(`Bearer ${UPSTREAM_KEY}`)
    expect(await logOf(response)).toMatchObject({
      log_type: 'response',
      model: 'other/m1',
      provider_id: 'other',
      usage: null,
      full_response: { id },
    })
    const items = await client.responses.inputItems.list(id, { limit: 5 })
    expect(JSON.stringify(items.data)).toContain(input)
    await asked(gateway.upstream, 'GET', `/v1/responses/${id}/input_items?limit=5`)
    await expect(client.responses.cancel(id)).rejects.toThrow('Cannot cancel a synchronous response')
    await client.responses.delete(id)
    await expect(client.responses.retrieve(id)).rejects.toMatchObject({ status: 404 })
  })

  test('is streamed again from where the client was', async () => {
    const { id } = await gateway.client().responses.create({ model: 'other/m1', input: 'again' })
    const event = { type: 'response.completed', sequence_number: 9, response: { id } }
    gateway.upstream.script(`GET /v1/responses/${id}`, fakes.stream({ events: [event], done: false }))
    const events: unknown[] = []
    for await (const one of await gateway
      .client()
      .responses.retrieve(id, { stream: true, starting_after: 8 }))
      events.push(one)
    expect(events).toMatchObject([event])
    await asked(gateway.upstream, 'GET', `/v1/responses/${id}?stream=true&starting_after=8`)
  })

  test.for(['', '/v1', '/api', '/api/v1'])('is found below %s, with a slash or without', async (base) => {
    const { id } = await gateway.client().responses.create({ model: 'other/m1', input: 'base' })
    for (const end of ['', '/'])
      expect((await gateway.fetch(`${base}/responses/${id}${end}`)).status).toBe(200)
  })

  test.for<[string, object]>([
    ['that nobody keeps', { model: 'other/m1', store: false }],
    ['of a translated answer', { model: 'fake/m1' }],
  ])('%s is not found', async ([, options]) => {
    const body = JSON.stringify({ input: 'forget this', ...options })
    const made = await gateway.fetch('/v1/responses', { method: 'POST', body })
    const { id } = (await made.json()) as { id: string }
    expect(id).toMatch(/^resp_/)
    const response = await gateway.fetch(`/v1/responses/${id}`)
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({
        error: expect.objectContaining({ param: 'response_id', message: expect.stringContaining(id) }),
      }),
    ])
  })

  test('of another gateway is found where the header says', async () => {
    const headers = { 'x-respan-route-provider': 'openai' }
    const response = await gateway.fetch('/v1/responses/resp_elsewhere', { headers })
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('not found') } })
    await asked(first, 'GET', '/v1/responses/resp_elsewhere')
  })

  test('is there for keys that may call its model', async () => {
    const statuses: number[] = []
    for (const model of ['other/m1', 'other/m2']) {
      const { id } = await gateway.client().responses.create({ model, input: 'whose' })
      const headers = { authorization: `Bearer ${restricted}` }
      statuses.push((await gateway.fetch(`/v1/responses/${id}`, { headers })).status)
    }
    expect(statuses).toEqual([200, 403])
  })
})

describe.concurrent('what goes on from a stored response', () => {
  test('goes to the provider that keeps it, past the others', async () => {
    const client = gateway.client()
    const { id } = await client.responses.create({ model: 'other/m1', input: 'begin' })
    const more = { fallback_models: ['other/m1'] } as object
    const { data, response } = await client.responses
      .create({ model: 'openai/gpt-a', input: 'go on', previous_response_id: id, ...more })
      .withResponse()
    expect(data.previous_response_id).toBe(id)
    expect(response.headers.get('x-sluice-provider')).toBe('other')
    expect((await logOf(response)).attempts).toHaveLength(1)
  })

  test('is refused where only other providers may answer', async () => {
    const client = gateway.client()
    const { id } = await client.responses.create({ model: 'other/m1', input: 'begin elsewhere' })
    const went = client.responses.create({ model: 'gpt-a', input: 'go on', previous_response_id: id })
    await expect(went).rejects.toMatchObject({
      status: 400,
      param: 'previous_response_id',
      code: 'response_elsewhere',
      message: expect.stringContaining("kept at the provider 'other', and 'gpt-a' is at 'openai'"),
    })
  })

  test('goes where its model is when nobody knows the response', async () => {
    const input = 'an unknown past'
    const body = { model: 'openai/gpt-a', input, previous_response_id: 'resp_unknown' }
    await gateway.fetch('/v1/responses', { method: 'POST', body: JSON.stringify(body) })
    const call = await first.waitFor(({ bodyBytes }) => bodyBytes.includes(input))
    expect(call.json()).toMatchObject({ previous_response_id: 'resp_unknown' })
  })
})

describe.concurrent('files and batches', () => {
  const line = JSON.stringify({
    custom_id: '1',
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-a', messages: user('in a batch') },
  })

  test('go to the first provider that is set up, by the SDK', async () => {
    const client = gateway.client()
    const content = Array.from({ length: 2_000 }, () => line).join('\n')
    const file = await toFile(Buffer.from(content), 'batch.jsonl')
    const { data: made, response } = await client.files.create({ file, purpose: 'batch' }).withResponse()
    const upload = await asked(first, 'POST', '/v1/files')
    expect(upload.headers.authorization).toBe('Bearer sk-first')
    expect(upload.bodyBytes.includes(content)).toBe(true)
    expect(upload.form?.get('purpose')).toBe('batch')
    expect(await logOf(response)).toMatchObject({
      log_type: 'file',
      provider_id: 'openai',
      full_request: null,
      full_response: { id: made.id },
    })
    expect((await client.files.retrieve(made.id)).filename).toBe('batch.jsonl')
    expect(await (await client.files.content(made.id)).text()).toBe(content)
    expect((await client.files.list()).data.map(({ id }) => id)).toContain(made.id)
    const batch = await client.batches.create({
      input_file_id: made.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { mine: 'yes' },
      ...({ customer_identifier: 'ann' } as object),
    })
    const call = await asked(first, 'POST', '/v1/batches')
    expect(call.json()).toEqual({
      input_file_id: made.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { mine: 'yes' },
    })
    expect((await client.batches.retrieve(batch.id)).id).toBe(batch.id)
    expect((await client.batches.cancel(batch.id)).status).toBe('cancelling')
    expect((await client.batches.list({ limit: 2 })).data.map(({ id }) => id)).toContain(batch.id)
    expect((await client.files.delete(made.id)).deleted).toBe(true)
  })

  test.for<[string, string, Record<string, string>]>([
    ['header', '/api/files/', { 'x-respan-route-provider': 'other' }],
    ['query', '/v1/files?provider=other', {}],
  ])('go where the %s says, and what is done with them later too', async ([how, path, headers]) => {
    const form = new FormData()
    form.set('purpose', 'batch')
    form.set('file', new Blob([line]), `${how}.jsonl`)
    const sent = { method: 'POST', headers: { 'content-type': null, ...headers }, body: form }
    const { id } = (await (await gateway.fetch(path, sent)).json()) as { id: string }
    const isUpload = (call: fakes.RecordedCall) =>
      call.method === 'POST' && call.bodyBytes.includes(`${how}.jsonl`)
    expect((await gateway.upstream.waitFor(isUpload)).path).toBe('/v1/files')
    const body = JSON.stringify({
      input_file_id: id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })
    const made = await gateway.fetch('/api/v1/batches/', { method: 'POST', body })
    const batch = (await made.json()) as { id: string }
    expect(await logOf(made)).toMatchObject({ log_type: 'batch', provider_id: 'other' })
    const done = await gateway.fetch(`/api/v1/batches/${batch.id}/`)
    const { output_file_id } = (await done.json()) as { output_file_id: string }
    expect(output_file_id).toMatch(/^file-/)
    const output = await gateway.fetch(`/api/files/${output_file_id}/content/`)
    expect(output.status).toBe(200)
    await asked(gateway.upstream, 'GET', `/v1/files/${output_file_id}/content`)
  })

  test('stream through: the provider has the beginning before the client has sent the rest', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const server = createServer(async (request, response) => {
      let text = ''
      for await (const bytes of request) {
        text += bytes
        begin()
      }
      response.end(text)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const provider = { provider_id: 'patient', api_key: 'k', base_url: `http://127.0.0.1:${port}/v1` }
    expect((await gateway.manage('POST', '/api/providers/', provider)).status).toBe(201)
    async function* halves() {
      yield Buffer.from('the beginning, ')
      await begun
      yield Buffer.from('the rest')
    }
    const response = await fetch(`${gateway.url}/v1/files?provider=patient`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/octet-stream' },
      body: Readable.toWeb(Readable.from(halves())),
      duplex: 'half',
    } as unknown as RequestInit)
    expect(await response.text()).toBe('the beginning, the rest')
    server.close()
  })

  test.for<[string, string, Record<string, string>, number, string]>([
    ['GET', '/v1/files?provider=nobody', {}, 404, "There is no provider named 'nobody'"],
    ['GET', '/v1/files?provider=demo', {}, 501, 'is built in'],
    ['GET', '/v1/files/file-nowhere', {}, 404, 'No such File object'],
    ['GET', '/v1/batches', { authorization: 'Bearer wrong.key' }, 401, 'API key is invalid'],
  ])('%s %s is refused', async ([method, path, headers, status, message]) => {
    const response = await gateway.fetch(path, { method, headers })
    expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(message)])
  })

  test('are not for keys with a list of models', async () => {
    const headers = { authorization: `Bearer ${restricted}` }
    for (const path of ['/v1/files', '/v1/batches'])
      expect((await gateway.fetch(path, { headers })).status).toBe(403)
  })
})
