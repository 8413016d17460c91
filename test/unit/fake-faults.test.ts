import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { fieldsOf, stringOf } from '../fakes/fields'

const model = 'm-1'
const messages = [{ role: 'user', content: 'hello there' }]
const parts = [{ text: 'hello there' }]

/** One way to ask a protocol for an answer, and what its replies look like. */
interface Asking {
  path(isStream: boolean): string
  body: object
  /** How a stream that has ended is told from one that has not. */
  terminal: RegExp
  /** The word for a rate limit in the body of a 429. */
  rateLimit: string
  tooLong: RegExp
  errorEvent: RegExp
}

const protocols: Record<string, Asking> = {
  chat: {
    path: () => '/v1/chat/completions',
    body: { model, messages },
    terminal: /"finish_reason":"|\[DONE\]/,
    rateLimit: 'rate_limit_exceeded',
    tooLong: /context_length_exceeded/,
    errorEvent: /data: {"error":.*\n\ndata: \[DONE\]\n\n$/,
  },
  responses: {
    path: () => '/v1/responses',
    body: { model, input: 'hello there' },
    terminal: /response\.(?:completed|incomplete)/,
    rateLimit: 'rate_limit_exceeded',
    tooLong: /context_length_exceeded/,
    errorEvent: /event: error\ndata: {"type":"error".*\n\n$/,
  },
  anthropic: {
    path: () => '/v1/messages',
    body: { model, messages, max_tokens: 100 },
    terminal: /message_delta|message_stop/,
    rateLimit: 'rate_limit_error',
    tooLong: /prompt is too long: 204308 tokens > 128000 maximum/,
    errorEvent: /event: error\ndata: {"type":"error","error":{"type":"overloaded_error".*\n\n$/,
  },
  gemini: {
    path: (isStream) =>
      `/v1beta/models/${model}:${isStream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: { contents: [{ role: 'user', parts }] },
    terminal: /finishReason/,
    rateLimit: 'RESOURCE_EXHAUSTED',
    tooLong: /input token count \(204308\) exceeds/,
    errorEvent: /data: {"error":{"code":503.*\n\n$/,
  },
  bedrock: {
    path: (isStream) => `/model/${model}/converse${isStream ? '-stream' : ''}`,
    body: { messages: [{ role: 'user', content: parts }] },
    terminal: /messageStop|metadata/,
    rateLimit: 'Too many requests',
    tooLong: /prompt is too long: 204308/,
    errorEvent: /modelStreamErrorException/,
  },
}
const names = Object.keys(protocols)

let upstream: fakes.FakeUpstream
beforeAll(async () => {
  upstream = await fakes.startFakeUpstream()
})
afterEach(() => upstream.reset())
afterAll(() => upstream.close())

function askingOf(name: string): Asking {
  const asking = protocols[name]
  if (asking === undefined) throw new Error(`No protocol ${name}.`)
  return asking
}

function bodyOf(name: string, isStream: boolean): object {
  const { body, path } = askingOf(name)
  return isStream && path(true) === path(false) ? { ...body, stream: true } : body
}

function ask(name: string, isStream = false, init: RequestInit = {}): Promise<Response> {
  const { path } = askingOf(name)
  const headers = { 'x-api-key': 'secret-k', 'anthropic-version': '2023-06-01', 'x-goog-api-key': 'secret-k' }
  return fetch(upstream.origin + path(isStream), {
    method: 'POST',
    headers: { ...headers, authorization: 'Bearer secret-k' },
    body: JSON.stringify(bodyOf(name, isStream)),
    ...init,
  })
}

/** The text of an error: AWS has it at the top, the others within `error`. */
function messageIn(body: unknown): string {
  const { error, message } = fieldsOf(body)
  return stringOf(message ?? fieldsOf(error)['message'])
}

describe.each(names)('%s', (name) => {
  const { path, terminal, rateLimit, tooLong, errorEvent } = askingOf(name)

  test.each([400, 401, 403, 404, 429, 500, 503])('says %i in its own words', async (code) => {
    upstream.script(model, fakes.status(code))
    const response = await ask(name)
    expect(response.status).toBe(code)
    const body = await response.json()
    expect(messageIn(body)).toMatch(/\w{3}/)
    if (code === 429) expect(JSON.stringify(body)).toContain(rateLimit)
  })

  test('a rate limit says when to come back', async () => {
    upstream.script(model, fakes.rateLimited({ seconds: 3 }))
    expect((await ask(name)).headers.get('retry-after')).toBe('3')
  })

  test('errors that need their own treatment', async () => {
    upstream.script(model, fakes.contextTooLong(), fakes.echoAuthInError(), fakes.quotaExhausted())
    const long = await ask(name)
    expect([long.status, await long.text()]).toEqual([400, expect.stringMatching(tooLong)])
    expect(await (await ask(name)).text()).toContain('secret-k')
    expect([400, 429]).toContain((await ask(name)).status)
  })

  test('a blocked prompt is a 400 or an answer without content', async () => {
    upstream.script(model, fakes.contentBlocked())
    const response = await ask(name)
    const text = await response.text()
    expect(response.status === 400 || /PROHIBITED_CONTENT|guardrail_intervened/.test(text)).toBe(true)
  })

  test('a stream can end without its terminal marker, and a whole one has it', async () => {
    upstream.script(model, fakes.endWithoutTerminal(100, { content: 'one two' }), fakes.answer())
    const broken = await (await ask(name, true)).text()
    expect(broken).toContain(' two')
    expect(broken).not.toMatch(terminal)
    expect(await (await ask(name, true)).text()).toMatch(terminal)
  })

  test('an error event may be the first or come later', async () => {
    upstream.script(model, fakes.errorEventFirst(), fakes.errorEventAfter(6))
    const first = await (await ask(name, true)).text()
    expect(first).toMatch(errorEvent)
    expect(first).not.toContain('word0')
    const later = await (await ask(name, true)).text()
    expect(later).toMatch(errorEvent)
    expect(later).toContain('word0')
    expect(later).not.toMatch(terminal.source.includes('DONE') ? /"finish_reason":"/ : terminal)
  })

  test.each<[string, fakes.Step, string, RegExp]>([
    ['refuse', fakes.refuse(), 'FIN', /^$/],
    ['resetBeforeHeaders', fakes.resetBeforeHeaders(), 'RST', /^$/],
    ['resetMidStream', fakes.resetMidStream(7), 'RST', /word0/],
    ['cutMidStream', fakes.cutMidStream(7), 'FIN', /word0/],
    ['cutMidStream inside an event', fakes.cutMidStream(7, { insideEvent: true }), 'FIN', /word0/],
  ])('%s on the network', async (_, step, ending, bytes) => {
    upstream.script(model, step)
    const seen = await fakes.rawCall(upstream.origin + path(true), bodyOf(name, true), 5_000)
    expect(seen.ending).toBe(ending)
    expect(seen.bytes.toString()).toMatch(bytes)
    expect(seen.bytes.toString()).not.toMatch(terminal)
  })

  test.each<[string, fakes.Step]>([
    ['truncatedJson', fakes.truncatedJson()],
    ['htmlWith200', fakes.htmlWith200()],
    ['emptyBody200', fakes.emptyBody200()],
  ])('%s is a 200 that is no JSON', async (_, step) => {
    upstream.script(model, step)
    const response = await ask(name)
    expect(response.status).toBe(200)
    await expect(response.json()).rejects.toThrow(SyntaxError)
  })

  test('an error in a 200', async () => {
    upstream.script(model, fakes.jsonErrorWith200())
    const response = await ask(name)
    const body = await response.json()
    expect([response.status, messageIn(body)]).toEqual([200, expect.stringMatching(/\w/)])
  })

  test.each<[string, fakes.Step]>([
    ['hangMidStream', fakes.hangMidStream(3)],
    ['endlessDrip', fakes.endlessDrip(2)],
  ])('%s lasts until the client leaves', async (_, step) => {
    upstream.script(model, step)
    const abort = new AbortController()
    const response = await ask(name, true, { signal: abort.signal })
    expect(response.status).toBe(200)
    const call = await upstream.waitFor(({ eventsSent }) => eventsSent >= 3)
    if (step.kind === 'drip') await upstream.waitFor(({ eventsSent }) => eventsSent >= 12)
    abort.abort()
    await upstream.waitFor(({ closedByClientAt }) => closedByClientAt !== undefined)
    expect(call.finishedAt).toBeUndefined()
  })

  test('a drip has the beginning of a stream and then one word', async () => {
    upstream.script(model, fakes.endlessDrip(1))
    const { bytes } = await fakes.rawCall(upstream.origin + path(true), bodyOf(name, true), 150)
    expect(bytes.toString().match(/drip /g)?.length).toBeGreaterThan(5)
    expect(bytes.toString()).not.toMatch(terminal)
  })

  test('a stream cut into single bytes is the same stream', async () => {
    upstream.script(
      model,
      fakes.answer({ content: 'naïve 😀' }),
      fakes.answer({ content: 'naïve 😀', cutEvery: 1 }),
    )
    const whole = await (await ask(name, true)).text()
    const cut = await (await ask(name, true)).text()
    expect(cut).toHaveLength(whole.length)
    expect(cut).toContain('😀')
  })

  test('a huge reply arrives whole', async () => {
    upstream.script(model, fakes.hugeReply(300_001))
    expect((await (await ask(name, true)).text()).match(/x/g)?.length).toBeGreaterThanOrEqual(300_001)
  })
})
