import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { type Gateway, type LogRow, startGateway, user } from './gateway'

const KEEP_ALIVE_MS = 300
const FIRST_CONTENT_TIMEOUT_MS = 2_000
const COMMENT = ': keep-alive\n\n'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway({
    KEEP_ALIVE_MS: String(KEEP_ALIVE_MS),
    FIRST_CONTENT_TIMEOUT_MS: String(FIRST_CONTENT_TIMEOUT_MS),
    HEADERS_TIMEOUT_MS: '10000',
  })
})
afterAll(() => gateway.close())

const relays: [string, object][] = [
  ['with', { stream: true, stream_options: { include_usage: true } }],
  ['without', { stream: true }],
]

/** A stream through bare fetch: what came, and how often the connection was kept alive before that. */
async function streamed(model: string, step: fakes.Step, options: object) {
  gateway.upstream.script(model, step)
  const reply = await gateway.chat({ model: `fake/${model}`, messages: user('ask me'), ...options })
  const comments = reply.text.split(COMMENT).length - 1
  const rest = reply.text.slice(comments * COMMENT.length)
  expect(reply.text).toBe(COMMENT.repeat(comments) + rest)
  return { ...reply, comments, rest, log: await gateway.logOf(reply.logId) }
}

function errorOf(rest: string): unknown {
  return JSON.parse(rest.trim().replace(/^data: /, ''))
}

describe.concurrent.for(relays)('a stream asked for %s usage', ([asked, options]) => {
  test('whose first token is late is kept alive and then goes on', async () => {
    const step = fakes.stream({ content: 'late but whole', firstGapMs: 1_200 })
    const { status, comments, rest, headers, log } = await streamed(`late-${asked}`, step, options)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    // One each 300 ms; a busy machine may lose some, or wait for longer.
    expect(comments).toBeGreaterThanOrEqual(2)
    expect(comments).toBeLessThan(20)
    expect(rest).toMatch(/^data: \{.*"role":"assistant"/)
    expect(rest.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(rest.includes('"usage"')).toBe(asked === 'with')
    expect(log).toMatchObject({ ending: 'completed', usage_source: 'provider', completion_tokens: 3 })
    expect(log.time_to_first_token).toBeGreaterThan(1)
  })

  test('whose headers are late is kept alive as well, and the SDK reads it', async () => {
    const model = `headers-${asked}`
    gateway.upstream.script(model, fakes.stream({ content: 'late but whole', delayMs: 900 }))
    const request = { model: `fake/${model}`, messages: user('hi'), stream: true as const, ...options }
    const { data, response } = await gateway.client().chat.completions.create(request).withResponse()
    let text = ''
    for await (const chunk of data) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe('late but whole')
    const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({ ending: 'completed', attempts: [{ status_code: 200 }] })
  })

  test.for<[string, fakes.Step, number, string]>([
    ['an error status', fakes.after(900, fakes.status(429)), 429, 'upstream_status'],
    ['a reset', fakes.after(900, fakes.resetBeforeHeaders()), 502, 'upstream_unreachable'],
    ['an error event', fakes.errorEventFirst({ firstGapMs: 900 }), 500, 'upstream_error_event'],
    ['nothing at all', fakes.hangBeforeFirstEvent(), 504, 'upstream_timeout'],
  ])('that was kept alive and then gets %s ends with an error event', async ([what, step, status, code]) => {
    const model = `${what.replaceAll(' ', '-')}-${asked}`
    const startedAt = Date.now()
    const { comments, rest, log, ...reply } = await streamed(model, step, options)
    expect(reply.status).toBe(200)
    expect(comments).toBeGreaterThanOrEqual(1)
    expect(errorOf(rest)).toMatchObject({ error: { type: 'upstream_error', code } })
    expect(log).toMatchObject({ ending: 'failed', status_code: status, error_code: code, usage: null })
    expect(log.attempts).toMatchObject([{ status_code: status, error_code: code }])
    // Comments do not move the deadline of the first token.
    expect(Date.now() - startedAt).toBeLessThan(FIRST_CONTENT_TIMEOUT_MS + 4_000)
    const asking = { model: `fake/${model}`, messages: user('hi'), stream: true as const, ...options }
    const events = await gateway.client().chat.completions.create(asking)
    await expect(events[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(OpenAI.APIError)
  })

  test('that was kept alive is answered by the second model after all', async () => {
    const fallback = { ...options, fallback_models: [`fake/second-${asked}`] }
    const step = fakes.after(900, fakes.status(500))
    const { comments, rest, log } = await streamed(`first-${asked}`, step, fallback)
    expect(comments).toBeGreaterThanOrEqual(1)
    expect(rest).toContain(`second-${asked}`)
    expect(rest).not.toContain('error')
    expect(log).toMatchObject({ ending: 'completed', model: `fake/second-${asked}` })
    expect(log.attempts).toMatchObject([{ status_code: 500 }, { status_code: 200 }])
  })

  test('whose client leaves while it is kept alive is stopped within a second', async () => {
    const model = `leaves-${asked}`
    gateway.upstream.script(model, fakes.hangBeforeHeaders())
    const leaving = new AbortController()
    const body = JSON.stringify({ model: `fake/${model}`, messages: user('hi'), ...options })
    const init = { method: 'POST', body, signal: leaving.signal }
    const response = await gateway.fetch('/v1/chat/completions', init)
    await sleep(KEEP_ALIVE_MS * 2)
    const leftAt = Date.now()
    leaving.abort()
    const isClosed = (call: fakes.RecordedCall) => call.model === model && call.closedByClientAt !== undefined
    const { closedByClientAt = Number.NaN } = await gateway.upstream.waitFor(isClosed, 5_000)
    expect(closedByClientAt - leftAt).toBeLessThan(1_000)
    const log: LogRow = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({ ending: 'cancelled', status_code: 499, usage: null })
    expect(log.attempts).toMatchObject([{ error_code: 'cancelled' }])
  })
})

// Not beside others, so that the machine is free to be in time.
describe.for(relays)('a stream asked for %s usage', ([asked, options]) => {
  test('whose first token is in time gets no comment', async () => {
    const step = fakes.stream({ content: 'a b c d e f g h', gapMs: 60 })
    const { comments, log } = await streamed(`steady-${asked}`, step, options)
    expect(comments).toBe(0)
    expect(log).toMatchObject({ ending: 'completed' })
  })
})
