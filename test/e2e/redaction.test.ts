import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { status, stream } from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

const EMAIL = 'ann.smith@acme-corp.example'
const PHONE = '415-555-2671'
const CARD = '4111 1111 1111 1111'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

async function set(redaction: object | null) {
  const { status: code, body } = await gateway.manage('PATCH', '/api/settings/', { redaction })
  expect(code, JSON.stringify(body)).toBe(200)
  return body.redaction
}

/** Everything that is stored of a log: its row, and the objects with bodies as they lie there. */
async function storedOf(logId: string): Promise<string> {
  await gateway.logOf(logId)
  const row = await gateway.env.LOGS.prepare('select * from request_logs where id = ?').bind(logId).first()
  const { packed } = JSON.parse(String(row?.bodies ?? '{}'))
  const object = packed === undefined ? null : await gateway.env.BODIES.get(packed.key, { range: packed })
  const unpacked = object?.body.pipeThrough(new DecompressionStream('gzip'))
  const line = unpacked === undefined ? '' : await new Response(unpacked).text()
  return `${JSON.stringify(row)}\n${line.split('\n').find((one) => one.includes(logId)) ?? ''}`
}

test('by default nothing is masked', async () => {
  const { logId } = await gateway.chat({ model: 'fake/good', messages: user(`I am ${EMAIL}`) })
  expect(await storedOf(logId)).toContain(EMAIL)
})

describe('what is masked in logs', () => {
  beforeAll(async () => {
    expect(await set({ enabled: true })).toMatchObject({
      enabled: true,
      patterns: ['email', 'phone', 'credit_card', 'us_ssn', 'secrets'],
      replacement: '[REDACTED]',
      apply_to: ['logs'],
    })
  })

  test('requests, metadata and variables, while the provider gets what was sent', async () => {
    const { logId } = await gateway.chat({
      model: 'fake/good',
      messages: user(`I am ${EMAIL}, ${PHONE}`),
      metadata: { card: CARD, plain: 'kept' },
      note: `of ${EMAIL}`,
    })
    const stored = await storedOf(logId)
    for (const secret of [EMAIL, PHONE, CARD]) expect(stored).not.toContain(secret)
    const log = await gateway.logOf(logId)
    expect(log).toMatchObject({
      prompt_messages: [{ role: 'user', content: 'I am [REDACTED], [REDACTED]' }],
      metadata: { card: '[REDACTED]', plain: 'kept' },
      note: 'of [REDACTED]',
      full_request: { messages: [{ content: 'I am [REDACTED], [REDACTED]' }] },
    })
    const call = await gateway.upstream.waitFor((one) => one.bodyBytes.toString().includes(PHONE))
    expect(call.bodyBytes.toString()).toContain(EMAIL)
  })

  test('an address written with escapes', async () => {
    const text = `{"model":"fake/good","messages":[{"role":"user","content":"I am bob\\u0040acme.example \\n"}]}`
    const { logId } = await gateway.chat(text)
    expect(await gateway.logOf(logId)).toMatchObject({ prompt_messages: [{ content: 'I am [REDACTED] \n' }] })
  })

  test('errors of a provider that repeats what it was told', async () => {
    const error = { error: { message: `no such user: ${EMAIL}`, type: 'x', code: null, param: null } }
    gateway.upstream.script('repeats', status(400, error))
    const { logId, text } = await gateway.chat({ model: 'fake/repeats', messages: user('x') })
    expect(text).toContain(EMAIL)
    expect(await storedOf(logId)).not.toContain(EMAIL)
    expect(await gateway.logOf(logId)).toMatchObject({ error_message: expect.stringContaining('[REDACTED]') })
  })

  test('a log that was sent in', async () => {
    const body = {
      model: 'm',
      input: `by ${EMAIL}`,
      output: { deep: [CARD] },
      my_field: PHONE,
      error_message: EMAIL,
    }
    const response = await gateway.fetch('/api/request-logs/', { method: 'POST', body: JSON.stringify(body) })
    const { unique_id } = await response.json<{ unique_id: string }>()
    const stored = await storedOf(unique_id)
    for (const secret of [EMAIL, PHONE, CARD]) expect(stored).not.toContain(secret)
    expect(await gateway.logOf(unique_id)).toMatchObject({ input: 'by [REDACTED]', my_field: '[REDACTED]' })
  })

  // Pieces of one character are the worst: none of them says anything.
  test.each([1, 3, 7, 100])(
    'a stream that cuts a value into pieces of %i, in no piece of what is stored',
    async (size) => {
      const said = `Call me: ${EMAIL} or ${PHONE}. Bye.`
      const pieces = said.match(new RegExp(`.{1,${size}}`, 'g')) ?? []
      gateway.upstream.script(`cut-${size}`, stream({ content: pieces }))
      const { logId, text } = await gateway.chat({
        model: `fake/cut-${size}`,
        messages: user('x'),
        stream: true,
      })
      const stored = await storedOf(logId)
      expect(stored).toContain('Call me: [REDACTED] or [REDACTED]. Bye.')
      expect(stored).not.toContain(EMAIL)
      expect(await gateway.logOf(logId)).toMatchObject({
        stream: true,
        completion_message: { content: 'Call me: [REDACTED] or [REDACTED]. Bye.' },
        response_stream: null,
      })
      // Nobody can put it together again from the events.
      expect(stored).not.toContain('chat.completion.chunk')
      expect(text).toContain('chat.completion.chunk')
    },
  )

  test('a stream of another protocol', async () => {
    const pieces = `mail ${EMAIL} please`.match(/.{1,4}/g) ?? []
    gateway.upstream.script('translated', stream({ content: pieces }))
    const body = { model: 'fake/translated', max_tokens: 50, stream: true, messages: user('x') }
    const response = await gateway.fetch('/v1/messages', { method: 'POST', body: JSON.stringify(body) })
    await response.text()
    const logId = response.headers.get('x-respan-log-id') ?? ''
    expect(await storedOf(logId)).toContain('mail [REDACTED] please')
    expect(await gateway.logOf(logId)).toMatchObject({
      completion_message: { content: 'mail [REDACTED] please' },
    })
  })

  test('a stream with nothing in it is kept as it came', async () => {
    const { logId, text } = await gateway.chat({ model: 'fake/good', messages: user('hello'), stream: true })
    const log = await gateway.logOf(logId)
    expect(text.startsWith(String(log.response_stream).slice(0, 40))).toBe(true)
    expect(log.response_stream).toContain('chat.completion.chunk')
  })
})

describe('settings', () => {
  test('a replacement with the category, and patterns of one’s own', async () => {
    await set({
      enabled: true,
      patterns: ['email'],
      custom_patterns: [{ name: 'employee', pattern: String.raw`EMP-\d{6}` }],
      replacement: '[{category}_REDACTED]',
    })
    const { logId } = await gateway.chat({
      model: 'fake/good',
      messages: user(`${EMAIL} EMP-123456 ${PHONE}`),
    })
    expect(await gateway.logOf(logId)).toMatchObject({
      prompt_messages: [{ content: `[EMAIL_REDACTED] [EMPLOYEE_REDACTED] ${PHONE}` }],
    })
  })

  test('in requests, the provider and its answer know the mask only', async () => {
    await set(null)
    await set({ enabled: true, apply_to: ['logs', 'requests'] })
    const question = { model: 'demo/echo', messages: user(`I am ${EMAIL}, at ${PHONE}`) }
    const { logId, text } = await gateway.chat(question)
    expect(text).toContain('[REDACTED]')
    expect(text).not.toContain(EMAIL)
    expect(await storedOf(logId)).not.toContain(PHONE)
    await gateway.chat({ ...question, model: 'fake/good', messages: user(`masked ${EMAIL}`) })
    const call = await gateway.upstream.waitFor((one) => one.bodyBytes.toString().includes('masked'))
    expect(call.json()).toMatchObject({ messages: [{ content: 'masked [REDACTED]' }] })
  })

  test.each([
    [{ custom_patterns: [{ name: 'a', pattern: '(a*)*' }] }, 'redaction.custom_patterns.0.pattern'],
    [{ custom_patterns: [{ name: 'A B', pattern: 'a' }] }, 'redaction.custom_patterns.0.name'],
    [{ patterns: ['names'] }, 'redaction.patterns.0'],
    [{ replacement: '' }, 'redaction.replacement'],
  ])('%j is refused', async (redaction, field) => {
    const { status: code, body } = await gateway.manage('PATCH', '/api/settings/', { redaction })
    expect({ code, fields: Object.keys(Object(body.errors)) }).toEqual({ code: 422, fields: [field] })
  })

  test('null takes it back', async () => {
    expect(await set(null)).toMatchObject({ enabled: false })
    const { logId } = await gateway.chat({ model: 'fake/good', messages: user(`again ${EMAIL}`) })
    expect(await storedOf(logId)).toContain(EMAIL)
  })
})
