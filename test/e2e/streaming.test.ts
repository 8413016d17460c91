import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byCall, type RecordedCall, raw, status, stream } from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

const withUsage = { stream: true, stream_options: { include_usage: true } }
const withoutUsage = { stream: true }
/** The client that asks for the usage gets the bytes natively; for the other one events are changed. */
const relays: [string, object][] = [
  ['with', withUsage],
  ['without', withoutUsage],
]

describe.for(relays)('a stream asked for %s usage', ([asked, options]) => {
  test('arrives as it is sent, event by event', async () => {
    const model = `paced-${asked}`
    const words = Array.from({ length: 24 }, (_, index) => `word${index} `)
    gateway.upstream.script(model, stream({ content: words, gapMs: 30 }))
    const body = JSON.stringify({ model: `fake/${model}`, messages: user('hi'), ...options })
    const response = await gateway.fetch('/v1/chat/completions', { method: 'POST', body })
    const call: RecordedCall = await gateway.upstream.waitFor((made) => made.model === model)
    const lags: number[] = []
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += Buffer.from(bytes).toString()
      lags.push(call.eventsSent - text.split('\n\n').length + 1)
    }
    expect(words.every((word) => text.includes(word))).toBe(true)
    // Half of the events are a third of a second: no relay may hold that back, and a busy machine may take it.
    expect(Math.max(...lags)).toBeLessThan(words.length / 2)
    expect(lags.length).toBeGreaterThan(words.length / 4)
  })
})

const parts = ['Grüße, ', '世界! ', '😀👩‍👩‍👧 ', 'quote " and \\ and \n', '\u2028', 'end']
const told = { prompt_tokens: 11, completion_tokens: 17, total_tokens: 28 }

interface Style {
  newline?: string
  bom?: boolean
  comments?: boolean
  done?: boolean
  finalBlankLine?: boolean
}

/** A whole stream as text; `isAsked` as a provider sends it that was asked for the usage. */
function streamText(isAsked: boolean, style: Style): string {
  const { newline = '\n', bom, comments, done = true, finalBlankLine = true } = style
  const choice = (delta: object, finish_reason: string | null = null) => [{ index: 0, delta, finish_reason }]
  const choices = [
    choice({ role: 'assistant', content: '' }),
    ...parts.map((content) => choice({ content })),
    choice({}, 'stop'),
  ]
  const usage = isAsked ? { usage: null } : {}
  const data = choices.map((own) => JSON.stringify({ id: 'chatcmpl-1', choices: own, ...usage }))
  data.push(isAsked ? JSON.stringify({ id: 'chatcmpl-1', choices: [], usage: told }) : '')
  if (done) data.push('[DONE]')
  const comment = comments === true ? `: PROCESSING${newline}${newline}` : ''
  // The event of the usage goes, and a comment before it is no part of it.
  const frames = data.map((text) => comment + (text === '' ? '' : `data: ${text}${newline}${newline}`))
  const whole = (bom === true ? '\uFEFF' : '') + frames.join('')
  return finalBlankLine ? whole : whole.slice(0, -newline.length)
}

function cutAt(text: string, size: number): Uint8Array[] {
  const bytes = Buffer.from(text)
  const count = Math.ceil(bytes.length / size)
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
}

/** What the client gets of a stream that is sent in writes of this size, and the usage in its log. */
async function relayed(model: string, style: Style, size: number, options: object) {
  const headers = { 'content-type': 'text/event-stream' }
  gateway.upstream.script(model, raw({ headers, chunks: cutAt(streamText(true, style), size) }))
  const body = JSON.stringify({ model: `fake/${model}`, messages: user('hi'), ...options })
  const response = await gateway.fetch('/v1/chat/completions', { method: 'POST', body })
  const bytes = Buffer.from(await response.arrayBuffer())
  const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
  return { text: bytes.toString(), log }
}

const completed = {
  ...{ ending: 'completed', finish_reason: 'stop', usage_source: 'provider', error_code: null },
  ...{ prompt_tokens: told.prompt_tokens, completion_tokens: told.completion_tokens },
  full_response: { choices: [{ message: { content: parts.join('') }, finish_reason: 'stop' }], usage: told },
}

describe.concurrent.for(relays)('a stream asked for %s usage', ([asked, options]) => {
  const isAsked = asked === 'with'

  test.for([...Array.from({ length: 24 }, (_, index) => index + 1), 31, 64, 127, 511, 4096])(
    'cut every %i bytes comes through whole',
    async (size) => {
      const { text, log } = await relayed(`cut-${asked}-${size}`, {}, size, options)
      expect(text).toBe(streamText(isAsked, {}))
      expect(log).toMatchObject(completed)
    },
  )

  test.for<[string, Style]>([
    ['CRLF', { newline: '\r\n' }],
    ['CR', { newline: '\r' }],
    ['comments', { comments: true }],
    ['a byte order mark', { bom: true }],
    ['no blank line at its end', { finalBlankLine: false }],
    ['CRLF and no blank line at its end', { newline: '\r\n', finalBlankLine: false }],
    ['no [DONE]', { done: false }],
    ['CR, comments and a byte order mark', { newline: '\r', comments: true, bom: true }],
    ['CRLF, comments and a byte order mark', { newline: '\r\n', comments: true, bom: true }],
  ])('with %s comes through whole', async ([name, style]) => {
    const sizes = [1, 2, 7, 100_000]
    const slug = name.replaceAll(/\W/g, '-')
    const all = sizes.map((size) => relayed(`${slug}-${asked}-${size}`, style, size, options))
    for (const { text, log } of await Promise.all(all)) {
      expect(text).toBe(streamText(isAsked, style))
      expect(log).toMatchObject(completed)
    }
  })

  test.for([1, 13, 100_000])('sent as gzip in writes of %i bytes arrives plain', async (size) => {
    const model = `gzip-${asked}-${size}`
    gateway.upstream.script(model, stream({ content: parts, gzip: 'always', writeSizes: [size], gapMs: 2 }))
    const { text, logId } = await gateway.chat({ model: `fake/${model}`, messages: user('hi'), ...options })
    expect(text).toContain(JSON.stringify(parts[2]))
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(text.includes('"usage"')).toBe(isAsked)
    const usage = { prompt_tokens: 8, completion_tokens: parts.length, usage_source: 'provider' }
    expect(await gateway.logOf(logId)).toMatchObject({ ending: 'completed', ...usage })
  })
})

test('a provider that does not know the question for the usage is asked without it', async () => {
  const { upstream } = gateway
  const provider = { provider_id: 'plain', api_key: 'sk-plain', base_url: `${upstream.url}/compatible/v1` }
  await gateway.manage('POST', '/api/providers/', provider)
  const refusal = { error: { message: 'Unrecognized request argument supplied: stream_options' } }
  const isAsked = (call: RecordedCall) => call.bodyBytes.includes('stream_options')
  const script = byCall((call) => (isAsked(call) ? status(400, refusal) : stream({ usage: 'never' })))
  upstream.script('unasked', script)
  const request = { model: 'plain/unasked', messages: user('hello there'), stream: true }
  const first = await gateway.chat(request)
  const second = await gateway.chat(request)
  for (const { text } of [first, second]) expect(text).toMatch(/hello.* there.*\[DONE\]/s)
  const attempts = async ({ logId }: { logId: string }) =>
    (await gateway.logOf(logId)).attempts.map(({ status_code }) => status_code)
  expect([await attempts(first), await attempts(second)]).toEqual([[400, 200], [200]])
  expect(await gateway.logOf(first.logId)).toMatchObject({ ending: 'completed', usage_source: 'estimated' })
})
