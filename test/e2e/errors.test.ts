import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway, user } from './gateway'

const MAX_BODY_BYTES = 20_000
const hello = { model: 'demo/echo', messages: user('hi') }

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway({ MAX_BODY_BYTES: String(MAX_BODY_BYTES) })
  await gateway.manage('POST', '/api/models/', { model_name: 'team/chat', provider_id: 'fake' })
})
afterAll(() => gateway.close())

async function newKey(more: object = {}): Promise<{ id: string; key: string }> {
  const { status, body } = await gateway.manage('POST', '/api/api-keys/', { name: 'one of many', ...more })
  expect(status).toBe(201)
  return { id: String(body.id), key: String(body.api_key) }
}

/** What the SDK throws for a request. */
async function thrown(
  apiKey: string,
  request: object = hello,
): Promise<InstanceType<typeof OpenAI.APIError>> {
  const asked = { ...hello, ...request }
  const error: unknown = await gateway
    .client({ apiKey })
    .chat.completions.create(asked)
    .then(
      () => undefined,
      (cause: unknown) => cause,
    )
  if (error instanceof OpenAI.APIError) return error
  throw new Error(`The SDK threw ${String(error)}.`)
}

/** The log of a refused request: it failed before any provider was asked. */
async function expectRefusedLog(logId: string | null | undefined, status: number, code: string) {
  const log = await gateway.logOf(logId ?? '')
  expect(log).toMatchObject({ ending: 'failed', status_code: status, error_code: code, attempts: [] })
  return log
}

const logIdOf = (error: { headers: Headers | undefined }) => error.headers?.get('x-respan-log-id')

describe.concurrent('a key', () => {
  test.for<[string, Record<string, string | null>, string]>([
    ['that is missing', { authorization: null }, 'were not provided'],
    ['that is empty', { authorization: 'Bearer ' }, 'were not provided'],
    ['that is no Bearer', { authorization: 'Basic eDp5' }, 'were not provided'],
    ['that nobody made', { authorization: 'Bearer abcdefgh.0123456789' }, 'invalid or expired'],
    ['that is absurdly long', { authorization: `Bearer ${'x'.repeat(600)}` }, 'longer than any key'],
  ])('%s is refused with 401', async ([, headers, words]) => {
    const { status, text, logId } = await gateway.chat(hello, { headers })
    expect(status).toBe(401)
    const { error, detail } = JSON.parse(text)
    expect(error).toMatchObject({ type: 'invalid_request_error', code: 'invalid_api_key', param: null })
    expect(error.message).toContain(words)
    expect(detail).toBe(error.message)
    await expectRefusedLog(logId, 401, 'invalid_api_key')
  })

  test('that is wrong makes the SDK throw an AuthenticationError', async () => {
    const error = await thrown('abcdefgh.wrong')
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key' })
    const log = await expectRefusedLog(logIdOf(error), 401, 'invalid_api_key')
    expect(log).toMatchObject({ organization_key_id: null, model: null, usage: null })
  })

  test('stops working at once when it is revoked', async () => {
    const { id, key } = await newKey()
    const client = gateway.client({ apiKey: key })
    await client.chat.completions.create(hello)
    expect((await gateway.manage('DELETE', `/api/api-keys/${id}/`)).status).toBe(204)
    const error = await thrown(key)
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error.message).toContain('has been revoked')
    await expectRefusedLog(logIdOf(error), 401, 'invalid_api_key')
  })

  test('works until it expires', async () => {
    const { key } = await newKey({ expires_at: new Date(Date.now() + 3_600_000).toISOString() })
    await gateway.client({ apiKey: key }).chat.completions.create(hello)
    const past = await newKey({ expires_at: '2026-01-31T12:00:00+01:00' })
    const error = await thrown(past.key)
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error.message).toContain('expired at 2026-01-31T11:00:00.000Z')
  })

  test('may call only the models it is allowed', async () => {
    const { key } = await newKey({ allowed_models: ['fake/*', 'team/chat'] })
    await gateway.client({ apiKey: key }).chat.completions.create({ ...hello, model: 'fake/anything' })
    const error = await thrown(key, { model: 'demo/echo' })
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError)
    expect(error.message).toContain('fake/*, team/chat')
    await expectRefusedLog(logIdOf(error), 403, 'forbidden')
  })

  test.for<[string, (key: string) => { path: string; headers: Record<string, string | null> }]>([
    ['x-api-key', (key) => ({ path: '', headers: { 'x-api-key': key } })],
    ['x-goog-api-key', (key) => ({ path: '', headers: { 'x-goog-api-key': key } })],
    ['?key=', (key) => ({ path: `?key=${key}`, headers: {} })],
  ])('is also taken from %s', async ([, how]) => {
    const answers = []
    for (const key of [gateway.key, 'abcdefgh.wrong']) {
      const { path, headers } = how(key)
      const init = { headers: { authorization: null, ...headers }, body: JSON.stringify(hello) }
      const response = await gateway.fetch(`/v1/chat/completions${path}`, { method: 'POST', ...init })
      answers.push([response.status, (await response.text()).includes(key)])
    }
    expect(answers).toEqual([
      [200, false],
      [401, false],
    ])
  })
})

describe.concurrent('a model that nobody knows', () => {
  test.for<[string, string]>([
    ['team/chta', "Did you mean 'team/chat'?"],
    ['demo/ecco', "Did you mean 'demo/echo'?"],
    ['chat', "Did you mean 'team/chat'?"],
    ['zzzzzzzzzzzz', 'GET /v1/models lists what there is.'],
  ])('%s is a 404 that says: %s', async ([model, hint]) => {
    const error = await thrown(gateway.key, { model })
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
    expect(error.message).toContain(`'${model}' is not available`)
    expect(error.message).toContain(hint)
    const log = await expectRefusedLog(logIdOf(error), 404, 'model_not_found')
    expect(log).toMatchObject({ model, organization_key_id: gateway.keyId })
  })
})

describe.concurrent('a body that is not what it should be', () => {
  const good = '"messages":[{"role":"user","content":"hi"}]'

  test.for<[string, string]>([
    ['(line 2, column 16)', '{"model": "m",\n  "messages": [}'],
    ['(line 3, column 21)', '{"model": "é😀",\r\n\r\n "messages": [{"a":1]}'],
    ['inside a string (line 1, column 54)', '{"model": "m", "messages": [{"content": "never closed'],
    ['(line 1, column 2)', "{'model': 'm'}"],
    ['(line 1, column 15)', '{"model": "m",}'],
    ['"01" is not a JSON value (line 1, column 62)', `{"model":"m",${good},"n":01}`],
    ['(line 1, column 59)', `{"model":"m",${good}} {}`],
    ['the key "model" is given twice (line 2, column 1)', `{"model":"m",${good},\n"model":"x"}`],
    ['the key "model" is given twice (line 1, column 58)', `{"model":"m",${good},"mod\\u0065l":"x"}`],
    ['nested deeper than 500', `{"model":"m","messages":${'['.repeat(600)}`],
    ['expected a JSON object (line 1, column 1)', `[{"model":"m",${good}}]`],
    ['expected a JSON object', 'null'],
    ['expected a JSON object', 'model=m&messages=hi'],
    ['The request body is empty', ''],
    ['not valid JSON', `{"model":"a bad \\q escape",${good}}`],
    ['not valid JSON', `{"model":"demo/echo",${good},"metadata":{"k":"${'x'.repeat(60)}\\q"}}`],
    ['not valid JSON', `{"model":"demo/echo",${good},"respan_params":{"note":"${'x'.repeat(60)}\n"}}`],
  ])('is a 400 that says: %s', async ([words, body]) => {
    const { status, text, logId } = await gateway.chat(body)
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'invalid_json' } })
    expect(JSON.parse(text).error.message).toContain(words)
    expect(status).toBe(400)
    await expectRefusedLog(logId, 400, 'invalid_json')
  })

  test.for<[object, string, string]>([
    [{ messages: 'x' }, 'messages', 'invalid_type'],
    [{ messages: [1] }, 'messages', 'invalid_type'],
    [{ messages: {} }, 'messages', 'invalid_type'],
    [{ messages: [] }, 'messages', 'empty_array'],
    [{ messages: null }, 'messages', 'missing_required_parameter'],
    [{ messages: undefined }, 'messages', 'missing_required_parameter'],
    [{ model: 5 }, 'model', 'invalid_type'],
    [{ model: undefined }, 'model', 'missing_required_parameter'],
    [{ model: '' }, 'model', 'missing_required_parameter'],
    [{ stream: 'yes' }, 'stream', 'invalid_type'],
    [{ stream: 1 }, 'stream', 'invalid_type'],
    [{ temperature: '0.5' }, 'temperature', 'invalid_type'],
    [{ tools: {} }, 'tools', 'invalid_type'],
    [{ stream: true, stream_options: [] }, 'stream_options', 'invalid_type'],
  ])('%j is a 400 for the SDK that names the field', async ([fields, param, code]) => {
    const error = await thrown(gateway.key, fields)
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error).toMatchObject({ status: 400, param, code, type: 'invalid_request_error' })
    expect(error.message).toContain(`'${param}`)
    await expectRefusedLog(logIdOf(error), 400, code)
  })

  test('null stands for absent', async () => {
    const nothing = { stream: null, tools: null, temperature: null, stop: null, stream_options: null }
    expect((await gateway.chat({ ...hello, model: 'fake/nulls', ...nothing })).status).toBe(200)
  })

  test('too large is a 413, announced or not, and the largest that fits is answered', async () => {
    const sized = (bytes: number) => {
      const [front, back] = ['{"model":"demo/echo","messages":[{"role":"user","content":"', '"}]}']
      return front + 'x'.repeat(bytes - front.length - back.length) + back
    }
    expect((await gateway.chat(sized(MAX_BODY_BYTES))).status).toBe(200)
    const announced = await gateway.chat(sized(MAX_BODY_BYTES + 1))
    expect(announced.status).toBe(413)
    expect(JSON.parse(announced.text)).toMatchObject({ error: { code: 'request_too_large' } })
    expect(announced.text).toContain(`${MAX_BODY_BYTES} bytes`)
    await expectRefusedLog(announced.logId, 413, 'request_too_large')
    const init = { method: 'POST', body: new Blob([sized(MAX_BODY_BYTES + 1)]).stream(), duplex: 'half' }
    const headers = { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' }
    const chunked = await fetch(`${gateway.url}/v1/chat/completions`, { ...init, headers })
    gateway.logIds.push(chunked.headers.get('x-respan-log-id') ?? '')
    expect(chunked.status).toBe(413)
    const error = await thrown(gateway.key, { messages: user('x'.repeat(MAX_BODY_BYTES)) })
    expect(error.status).toBe(413)
  })

  test.for<[string, Record<string, string>]>([
    ['text', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['an upload', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['gzip', { 'content-encoding': 'gzip' }],
  ])('announced as %s is a 415', async ([, headers]) => {
    const { status, text, logId } = await gateway.chat(hello, { headers })
    expect(status).toBe(415)
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'unsupported_media_type' } })
    await expectRefusedLog(logId, 415, 'unsupported_media_type')
  })

  test('but JSON by any of its names is not refused', async () => {
    for (const type of ['application/json; charset=utf-8', 'text/json', 'application/vnd.api+json'])
      expect((await gateway.chat(hello, { headers: { 'content-type': type } })).status).toBe(200)
  })
})

describe('the logs', () => {
  test('have exactly one row for each request that was answered or refused', async () => {
    const ids = await gateway.loggedIds(gateway.logIds.length)
    expect(gateway.logIds.length).toBeGreaterThan(60)
    expect(ids.sort()).toEqual([...gateway.logIds].sort())
  })
})
