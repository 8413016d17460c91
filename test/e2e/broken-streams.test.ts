import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

const IDLE_TIMEOUT_MS = 1_000
const TOTAL_TIMEOUT_MS = 5_000

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway({
    IDLE_TIMEOUT_MS: String(IDLE_TIMEOUT_MS),
    TOTAL_TIMEOUT_MS: String(TOTAL_TIMEOUT_MS),
  })
})
afterAll(() => gateway.close())

const relays: [string, object][] = [
  ['with', { stream: true, stream_options: { include_usage: true } }],
  ['without', { stream: true }],
]
const tokens = { prompt_tokens: 40, completion_tokens: 30 }

/** Asks through the SDK until the stream ends or breaks. */
async function streamed(model: string, step: fakes.Step, options: object) {
  gateway.upstream.script(model, step)
  const request = { model: `fake/${model}`, messages: user('hi'), stream: true as const, ...options }
  const { data, response } = await gateway.client().chat.completions.create(request).withResponse()
  let text = ''
  let error: unknown
  try {
    for await (const chunk of data) text += chunk.choices[0]?.delta.content ?? ''
  } catch (cause) {
    error = cause
  }
  const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
  expect(response.status).toBe(200)
  expect(response.headers.get('x-sluice-attempts')).toBe('1')
  expect(log.attempts).toHaveLength(1)
  return { text, error, log }
}

/** The client got the beginning and then an error; the log says the same. */
function expectBroken(broken: Awaited<ReturnType<typeof streamed>>, status: number, code: string) {
  const { text, error, log } = broken
  expect(text).toMatch(/^word0 word1 word2 /)
  expect(error).toBeInstanceOf(OpenAI.APIError)
  expect(log).toMatchObject({ ending: 'failed', status: 'error', failed: true })
  expect(log).toMatchObject({ status_code: status, error_code: code })
  expect(log.attempts).toMatchObject([{ status_code: status, error_code: code }])
  expect(log.full_response).toMatchObject({
    choices: [{ finish_reason: null, message: { content: expect.stringMatching(/^word0 word1 word2/) } }],
  })
}

describe.concurrent.for(relays)('a stream asked for %s usage', ([asked, options]) => {
  test.for<[string, fakes.Step]>([
    ['is reset', fakes.resetMidStream(4)],
    ['is cut off', fakes.cutMidStream(4)],
    ['is cut off, with CRLF,', fakes.cutMidStream(4, { newline: '\r\n' })],
    ['ends in order without its end marker', fakes.endWithoutTerminal(4)],
  ])('that %s ends with an error event', async ([name, step]) => {
    const broken = await streamed(`${name.replaceAll(/\W/g, '-')}-${asked}`, step, options)
    expectBroken(broken, 502, 'upstream_incomplete')
    expect(broken.error).toMatchObject({ code: 'upstream_incomplete', type: 'upstream_error' })
    expect(broken.log).toMatchObject({ usage_source: 'estimated', usage: { input_tokens: 4 } })
    expect(broken.log.usage?.output_tokens).toBeGreaterThan(0)
  })

  test.for<[string, fakes.Step]>([
    ['is reset', fakes.resetMidStream(4, { insideEvent: true })],
    ['is cut off', fakes.cutMidStream(4, { insideEvent: true })],
    ['ends in order', fakes.endWithoutTerminal(4, { insideEvent: true })],
  ])('that %s inside an event has the error event as one of its own', async ([name, step]) => {
    const model = `${name.replaceAll(' ', '-')}-inside-${asked}`
    gateway.upstream.script(model, step)
    const { text, logId } = await gateway.chat({ model: `fake/${model}`, messages: user('hi'), ...options })
    const last = text.trimEnd().split('\n\n').at(-1) ?? ''
    expect(JSON.parse(last.replace('data: ', ''))).toMatchObject({ error: { code: 'upstream_incomplete' } })
    expect(text).not.toContain('[DONE]')
    expect(await gateway.logOf(logId)).toMatchObject({ ending: 'failed', error_code: 'upstream_incomplete' })
  })

  test('that breaks after a usage has come is logged with that, as partial', async () => {
    const step = fakes.resetMidStream(4, { usage: 'in-every-chunk', tokens })
    const broken = await streamed(`partial-${asked}`, step, options)
    expectBroken(broken, 502, 'upstream_incomplete')
    // The fake counts one token for each event that is out, and the first event has none.
    expect(broken.log).toMatchObject({ usage_source: 'partial', prompt_tokens: 40, completion_tokens: 3 })
  })

  test('that falls silent ends with an error event, and the call is given up', async () => {
    const model = `silent-${asked}`
    const broken = await streamed(model, fakes.hangMidStream(4), options)
    expectBroken(broken, 504, 'upstream_timeout')
    expect(broken.error).toMatchObject({ code: 'upstream_timeout' })
    expect(String(broken.error)).toContain(`sent nothing more within ${IDLE_TIMEOUT_MS} ms`)
    await gateway.upstream.waitFor((call) => call.model === model && call.closedByClientAt !== undefined)
  })

  test('that never ends is stopped at the deadline of the whole, however soon its content had to begin', async () => {
    const model = `endless-${asked}`
    const content = ['word0 ', 'word1 ', 'word2 ']
    const step = fakes.endlessDrip(50, { content })
    const broken = await streamed(model, step, { ...options, timeout: 1 })
    expect(broken.error).toMatchObject({ code: 'upstream_timeout' })
    expect(String(broken.error)).toContain(`did not finish within ${TOTAL_TIMEOUT_MS} ms`)
    expect(broken.log).toMatchObject({ ending: 'failed', status_code: 504, usage_source: 'estimated' })
    await gateway.upstream.waitFor((call) => call.model === model && call.closedByClientAt !== undefined)
  })

  test('that reports an error after content is a failure that the client sees once', async () => {
    const model = `reports-${asked}`
    const step = fakes.errorEventAfter(4)
    const broken = await streamed(model, step, options)
    expectBroken(broken, 500, 'upstream_error_event')
    expect(broken.error).toMatchObject({ type: 'server_error' })
    expect(broken.log.error_message).toContain('The server experienced an error')
    const { text, logId } = await gateway.chat({ model: `fake/${model}`, messages: user('hi'), ...options })
    expect(text.match(/"error"/g)).toHaveLength(1)
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(await gateway.logOf(logId)).toMatchObject({ ending: 'failed' })
  })

  test.for<[string, fakes.StreamOptions]>([
    ['no [DONE]', { done: false }],
    ['no [DONE] and no blank line at its end', { done: false, finalBlankLine: false }],
    ['no [DONE] and no usage', { done: false, usage: null }],
  ])('that ends in order after its finish reason with %s is a success', async ([name, how]) => {
    const step = fakes.stream({ content: 'all is well', ...how })
    const { text, error, log } = await streamed(`${name.replaceAll(/\W/g, '-')}-${asked}`, step, options)
    expect([text, error]).toEqual(['all is well', undefined])
    const usage_source = how.usage === null ? 'estimated' : 'provider'
    expect(log).toMatchObject({ ending: 'completed', status_code: 200, finish_reason: 'stop', usage_source })
  })

  test('of two choices of which one never finished is not a success', async () => {
    const finished = { id: 'c', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'stop' }] }
    const cut = { id: 'c', choices: [{ index: 1, delta: { content: 'b' }, finish_reason: null }] }
    const step = fakes.stream({ events: [cut, finished], done: false })
    const { error, log } = await streamed(`choices-${asked}`, step, options)
    expect(error).toMatchObject({ code: 'upstream_incomplete' })
    expect(log).toMatchObject({ ending: 'failed', error_code: 'upstream_incomplete' })
  })
})
