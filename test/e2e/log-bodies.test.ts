import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, hugeReply, raw, status } from '../fakes'
import { type Gateway, type LogRow, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

async function logged(body: object | string): Promise<{ text: string; log: LogRow }> {
  const { text, logId } = await gateway.chat(body)
  return { text, log: await gateway.logOf(logId) }
}

/** The keys of the objects that hold one large body each. */
async function largeObjects(logId: string): Promise<string[]> {
  const { objects } = await gateway.env.BODIES.list({ prefix: 'bodies/large/' })
  return objects.map(({ key }) => key).filter((key) => key.includes(logId))
}

async function textOf(key: string | undefined): Promise<string | undefined> {
  return (await gateway.env.BODIES.get(key ?? ''))?.text()
}

/** Text that does not shrink to nothing in gzip, with characters of all widths. */
function longText(bytes: number): string {
  let text = ''
  for (let index = 0; text.length < bytes; index++)
    text += `${(index * 2_654_435_761) % 4_294_967_296} é世😀 `
  return text.slice(0, bytes)
}

describe.concurrent('the bodies of a request', () => {
  test('are in its log, whole and in the parts that people look for', async () => {
    const calls = [{ name: 'weather', arguments: { city: 'Bern' } }]
    gateway.upstream.script('parts', answer({ content: 'Let me see. ', toolCalls: calls }))
    const tools = [{ type: 'function', function: { name: 'weather' } }]
    const body = { model: 'fake/parts', messages: user('Grüezi 😀'), tools, tool_choice: 'auto' }
    for (const stream of [false, true]) {
      const { log, text } = await logged({ ...body, stream })
      expect(log.full_request).toEqual({ ...body, stream })
      expect(log.prompt_messages).toEqual(body.messages)
      expect(log).toMatchObject({ tools, tool_choice: 'auto', input: JSON.stringify(body.messages) })
      expect(log.completion_message).toMatchObject({
        role: 'assistant',
        content: 'Let me see. ',
        tool_calls: [{ function: { name: 'weather', arguments: '{"city":"Bern"}' } }],
      })
      if (stream) expect(log.response_stream).toContain('data: [DONE]')
      else expect(log.full_response).toEqual(JSON.parse(text))
    }
  })

  test('are kept when the provider refuses, and when it sends something else', async () => {
    const refusal = { error: { message: 'no', type: 't', code: 'c' } }
    gateway.upstream.script('refuses', status(400, refusal))
    const { log } = await logged({ model: 'fake/refuses', messages: user('hi') })
    expect(log).toMatchObject({ full_request: { model: 'fake/refuses' }, full_response: refusal })
  })

  test('that are not text come back as the bytes they were', async () => {
    const body = Buffer.concat([
      Buffer.from('{"choices":[],"x":"'),
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from('"}'),
    ])
    gateway.upstream.script('bytes', raw({ headers: { 'content-type': 'application/json' }, chunks: [body] }))
    const request = JSON.stringify({ model: 'fake/bytes', messages: user('hi') })
    const response = await gateway.fetch('/v1/chat/completions', { method: 'POST', body: request })
    expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true)
    const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({
      ending: 'completed',
      full_response: { choices: [], x: '\uFFFD\uFFFD\uFFFD' },
    })
  })

  test('are stored apart when they are large, and read back as they were', async () => {
    const messages = user(longText(1_000_000))
    gateway.upstream.script('large', hugeReply(600_000))
    const body = JSON.stringify({ model: 'fake/large', messages, custom_identifier: 'large' })
    expect(Buffer.byteLength(body)).toBeGreaterThan(1_000_000)
    const { text, log } = await logged(body)
    expect(text.length).toBeGreaterThan(600_000)
    expect(log).toMatchObject({ ending: 'completed', usage_source: 'provider' })
    expect(log.full_request).toEqual(JSON.parse(body))
    expect(log.full_response).toEqual(JSON.parse(text))
    const keys = (await largeObjects(log.id)).sort()
    expect(keys).toHaveLength(2)
    expect(await textOf(keys[0])).toBe(body)
    expect(await textOf(keys[1])).toBe(text)
  })

  test('of a large stream are read back as they were', async () => {
    gateway.upstream.script('large-stream', hugeReply(600_000))
    const body = { model: 'fake/large-stream', messages: user('hi'), stream: true }
    const { text, log } = await logged({ ...body, stream_options: { include_usage: true } })
    expect(text.length).toBeGreaterThan(600_000)
    expect(log.response_stream).toBe(text)
    expect(log.completion_message).toMatchObject({ content: 'x'.repeat(600_000) })
    expect(await largeObjects(log.id)).toHaveLength(1)
  })

  test('are not kept when the request says so, and its numbers are', async () => {
    for (const stream of [false, true]) {
      const secret = `not-for-the-log-${stream}`
      const body = { model: 'fake/private', messages: user(secret), stream, disable_log: true }
      const { text, log } = await logged(body)
      expect(text).toContain(secret.slice(0, 12))
      expect(log).toMatchObject({
        ...{ ending: 'completed', usage_source: 'provider', model: 'fake/private', stream },
        ...{ full_request: null, full_response: null, response_stream: null, prompt_messages: [] },
        ...{ completion_message: null, input: null, output: null, tools: null },
      })
      expect(log.usage?.input_tokens).toBeGreaterThan(0)
      expect(JSON.stringify(log)).not.toContain(secret)
    }
    const large = { model: 'fake/private', messages: user('x'.repeat(300_000)), disable_log: true }
    const { log } = await logged(large)
    expect(log.full_request).toBeNull()
    expect(await largeObjects(log.id)).toEqual([])
  })
})

describe('a key that keeps bodies of errors only', () => {
  test('keeps those, and no other', async () => {
    const made = await gateway.manage('POST', '/api/api-keys/', { name: 'errors', log_bodies: 'errors' })
    expect(made.body).toMatchObject({ log_bodies: 'errors' })
    const headers = { authorization: `Bearer ${made.body.api_key}` }
    const good = await gateway.chat({ model: 'fake/good', messages: user('kept by nobody') }, { headers })
    const bad = await gateway.chat(
      { model: 'nothing/at-all', messages: user('kept for its error') },
      { headers },
    )
    expect(await gateway.logOf(good.logId)).toMatchObject({ full_request: null, full_response: null })
    expect(await gateway.logOf(bad.logId)).toMatchObject({
      prompt_messages: [{ content: 'kept for its error' }],
    })
    await gateway.manage('PATCH', `/api/api-keys/${made.body.id}/`, { log_bodies: 'none' })
    const none = await gateway.chat(
      { model: 'nothing/at-all', messages: user('kept by nobody') },
      { headers },
    )
    expect(await gateway.logOf(none.logId)).toMatchObject({ full_request: null, status_code: 404 })
  })
})

test('metadata and the end user may come as headers, and logs are found by them', async () => {
  const { logId } = await gateway.chat(
    { model: 'fake/good', messages: user('hi'), metadata: { team: 'body' } },
    {
      headers: {
        'X-Gateway-Team': 'header',
        'X-Gateway-Cost-Center': 'c-7',
        'X-LLMGateway-Feature': 'search',
        'X-Gateway-Metadata': '{"release":"r1"}',
        'X-Respan-Customer-Identifier': 'header-user',
      },
    },
  )
  expect(await gateway.logOf(logId)).toMatchObject({
    customer_identifier: 'header-user',
    metadata: { team: 'body', cost_center: 'c-7', feature: 'search', release: 'r1' },
  })
  const found = await gateway.manage(
    'GET',
    '/api/request-logs/list/?cost_center=c-7&feature=search&customer_identifier=header-user',
  )
  expect(found.body).toMatchObject({ count: 1, results: [{ id: logId }] })
  expect((await gateway.manage('GET', '/api/users/header-user/')).body).toMatchObject({ total_requests: 1 })
})

describe('who may read a log', () => {
  test('is the key that made it and any admin, and nobody else', async () => {
    const { logId } = await gateway.chat({ model: 'fake/mine', messages: user('hi') })
    await gateway.logOf(logId)
    const { body } = await gateway.manage('POST', '/api/api-keys/', { name: 'other' })
    const path = `/api/request-logs/${logId}/`
    expect(await gateway.manage('GET', path, undefined, gateway.key)).toMatchObject({ status: 200 })
    const others = await gateway.manage('GET', path, undefined, String(body.api_key))
    expect(others).toEqual({ status: 404, body: { detail: 'Not found.' } })
    const list = await gateway.manage('GET', '/api/request-logs/list/', undefined, String(body.api_key))
    expect(list.body).toEqual({ count: 0, next: null, previous: null, results: [] })
  })

  test('and the list has them by page, newest first', async () => {
    const page = async (query: string) =>
      (await gateway.manage('GET', `/api/request-logs/list/${query}`, undefined, gateway.key)).body
    const all = await page('')
    expect(all.count).toBeGreaterThan(5)
    const first = await page('?page=1&page_size=2')
    expect(first).toMatchObject({ count: all.count, previous: null, results: [{}, {}] })
    expect(String(first.next)).toContain('page=2')
    const wrong = await gateway.manage('GET', '/api/request-logs/list/?page=0')
    expect(wrong).toMatchObject({ status: 422, body: { errors: { page: [expect.any(String)] } } })
  })
})
