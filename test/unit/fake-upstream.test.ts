import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import OpenAI from 'openai'
import type { ChatCompletionChunk, ChatCompletionCreateParamsStreaming } from 'openai/resources'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'

const user = (content: string) => [{ role: 'user' as const, content }]
const hello = { model: 'gpt-4o', messages: user('hello there') }
const helloStream: ChatCompletionCreateParamsStreaming = { ...hello, stream: true }
const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
  },
}

let upstream: fakes.FakeUpstream
let client: OpenAI

beforeAll(async () => {
  upstream = await fakes.startFakeUpstream()
  client = new OpenAI({ apiKey: 'sk-fake-key-of-the-test-1234', baseURL: upstream.url, maxRetries: 0 })
})
afterEach(() => upstream.reset())
afterAll(() => upstream.close())

async function chunksOf(request: ChatCompletionCreateParamsStreaming): Promise<ChatCompletionChunk[]> {
  const chunks: ChatCompletionChunk[] = []
  for await (const chunk of await client.chat.completions.create(request)) chunks.push(chunk)
  return chunks
}

const contentOf = (chunks: ChatCompletionChunk[]) =>
  chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')

function post(body: object | string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${upstream.url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-fake', 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

describe('without a script', () => {
  test('a reply has the content, the usage and the headers of OpenAI, and the call is recorded', async () => {
    const { data, response, request_id } = await client.chat.completions.create(hello).withResponse()
    expect(data.choices[0]?.message).toMatchObject({
      role: 'assistant',
      content: 'echo: hello there',
      refusal: null,
    })
    expect(data.choices[0]?.finish_reason).toBe('stop')
    expect(data.model).toBe('gpt-4o-2024-08-06')
    expect(data.usage).toEqual(fakes.expectedUsage(hello))
    expect(data.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 })
    expect(request_id).toMatch(/^req_\d{32}$/)
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('499')
    expect(upstream.calls).toHaveLength(1)
    const [call] = upstream.calls
    expect(call).toMatchObject({ method: 'POST', path: '/v1/chat/completions', model: 'gpt-4o' })
    expect(call?.headers).toMatchObject({ authorization: 'Bearer sk-fake-key-of-the-test-1234' })
    expect(call?.json()).toEqual(hello)
    expect(call?.finishedAt).toBeGreaterThanOrEqual(call?.startedAt ?? Number.NaN)
    expect(call?.closedByClientAt).toBeUndefined()
  })

  test('request bytes are kept exactly', async () => {
    const body = '{ "model":"m",\n "seed":1.0, "messages":[{"role":"user","content":"\\u00e9 é 😀"}] }'
    expect((await post(body)).status).toBe(200)
    expect(upstream.calls[0]?.bodyBytes.equals(Buffer.from(body))).toBe(true)
  })

  test('a stream says nothing of usage unless asked', async () => {
    const chunks = await chunksOf(helloStream)
    expect(contentOf(chunks)).toBe('echo: hello there')
    expect(chunks.every((chunk) => !('usage' in chunk) && chunk.choices.length === 1)).toBe(true)
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([null, null, null, null, 'stop'])
    expect(upstream.calls[0]?.eventsSent).toBe(6)
  })

  test('with include_usage a last chunk without choices has it and the others say null', async () => {
    const chunks = await chunksOf({ ...helloStream, stream_options: { include_usage: true } })
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: fakes.expectedUsage(hello) })
  })

  test.each([false, true])(
    'tools lead to a call, and its result to an answer (stream %s)',
    async (streamed) => {
      const request = { ...hello, tools: [weather] }
      const { choices } = streamed
        ? await client.chat.completions.stream(request).finalChatCompletion()
        : await client.chat.completions.create(request)
      expect(choices[0]?.finish_reason).toBe('tool_calls')
      const call = choices[0]?.message.tool_calls?.[0]
      expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather' } })
      expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual({
        city: 'hello there',
        days: 1,
      })
      const result = { role: 'tool' as const, tool_call_id: call?.id ?? '', content: 'sunny' }
      const messages = [
        ...hello.messages,
        { role: 'assistant' as const, tool_calls: [call].flatMap((one) => one ?? []) },
        result,
      ]
      const next = await client.chat.completions.create({ ...request, messages })
      expect(next.choices[0]?.message.content).toBe('echo: hello there')
    },
  )

  test('n, the token limit, logprobs and JSON mode are honoured', async () => {
    const { choices, usage } = await client.chat.completions.create({
      ...hello,
      n: 2,
      max_tokens: 2,
      logprobs: true,
    })
    expect(choices.map(({ finish_reason }) => finish_reason)).toEqual(['length', 'length'])
    expect(choices[0]?.logprobs?.content?.map(({ token }) => token)).toEqual(['echo:', ' hello'])
    expect(usage?.completion_tokens).toBe(4)
    const asJson = await client.chat.completions.create({
      ...hello,
      response_format: { type: 'json_object' },
    })
    expect(JSON.parse(asJson.choices[0]?.message.content ?? '')).toEqual({ echo: 'hello there' })
  })

  test('two models are listed, and bad requests are turned away', async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['gpt-4o', 'gpt-4o-mini'])
    expect((await post(hello, { authorization: '' })).status).toBe(401)
    expect((await post('{"model":')).status).toBe(400)
    expect((await post('null')).status).toBe(400)
    expect(await (await post({ model: 'm' })).json()).toMatchObject({ error: { param: 'messages' } })
    expect((await fetch(`${upstream.url}/nope`, { headers: { authorization: 'Bearer k' } })).status).toBe(404)
  })
})

describe('scripts', () => {
  test('are consumed in order per model, and the last step repeats', async () => {
    upstream.script(
      'gpt-4o',
      fakes.status(500),
      fakes.answer({ content: 'second' }),
      fakes.reply({ content: 'last' }),
    )
    const said: unknown[] = []
    for (let i = 0; i < 4; i++) said.push(await client.chat.completions.create(hello).catch((e) => e.status))
    const texts = said.map((one) =>
      typeof one === 'number' ? one : (one as OpenAI.ChatCompletion).choices[0]?.message.content,
    )
    expect(texts).toEqual([500, 'second', 'last', 'last'])
    const other = await client.chat.completions.create({ ...hello, model: 'gpt-4o-mini' })
    expect(other.choices[0]?.message.content).toBe('echo: hello there')
  })

  test('a step may wait for the test, and may depend on the call', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const isKeyA = (call: fakes.RecordedCall) => call.headers['authorization'] === 'Bearer a'
    const choose = (call: fakes.RecordedCall) => (isKeyA(call) ? fakes.status(401) : fakes.answer())
    upstream.script('gpt-4o', fakes.after(gate, fakes.byCall(choose)))
    const statuses = ['a', 'b'].map(
      async (key) => (await post(hello, { authorization: `Bearer ${key}` })).status,
    )
    await upstream.waitFor(() => upstream.calls.length === 2)
    expect(upstream.calls.every(({ finishedAt }) => finishedAt === undefined)).toBe(true)
    open()
    expect(await Promise.all(statuses)).toEqual([401, 200])
  })

  test('parallel tool calls, reasoning and several choices arrive whole', async () => {
    const toolCalls = [
      { name: 'a', arguments: { text: 'ünï😀cödé', deep: { list: [1, 2] } } },
      { name: 'b', arguments: '{}' },
    ]
    upstream.script('gpt-4o', fakes.stream({ content: 'so:', reasoning: 'let me think', toolCalls, n: 2 }))
    const { choices } = await client.chat.completions.stream({ ...hello, n: 2 }).finalChatCompletion()
    expect(choices.map(({ message }) => message.content)).toEqual(['so:', 'so: #2'])
    const ids = choices.flatMap(({ message }) => message.tool_calls?.map(({ id }) => id) ?? [])
    expect(new Set(ids).size).toBe(4)
    const [call] = choices[1]?.message.tool_calls ?? []
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual(toolCalls[0]?.arguments)
  })

  test.each<[fakes.UsageMode, number[]]>([
    ['when-asked', [5]],
    ['always', [5]],
    ['never', []],
    ['in-last-content-chunk', [4]],
    ['in-every-chunk', [0, 1, 2, 3, 4]],
  ])('usage %s is in the right chunks', async (usage, places) => {
    upstream.script('gpt-4o', fakes.stream({ usage, tokens: { completion_tokens: 7 } }))
    const chunks = await chunksOf({ ...helloStream, stream_options: { include_usage: true } })
    const seen = [...chunks.entries()].filter(([, chunk]) => chunk.usage != null)
    expect(seen.map(([index]) => index)).toEqual(places)
    const expected = fakes.expectedUsage(hello, { tokens: { completion_tokens: 7 } })
    if (seen.length > 0) expect(seen.at(-1)?.[1].usage).toEqual(expected)
  })

  test('Azure begins with an event without choices', async () => {
    upstream.script('gpt-4o', fakes.stream({ azure: true }))
    const [prelude, ...chunks] = await chunksOf(helloStream)
    expect(prelude).toMatchObject({ choices: [], model: '', prompt_filter_results: [{ prompt_index: 0 }] })
    expect(contentOf(chunks)).toBe('echo: hello there')
  })

  test.each<[string, fakes.StreamOptions]>([
    ['CRLF', { newline: '\r\n' }],
    ['CR', { newline: '\r' }],
    ['a BOM and comments', { bom: true, comments: true }],
    ['no last blank line', { finalBlankLine: false }],
    ['one byte per write', { cutEvery: 1 }],
    ['odd writes', { writeSizes: [3, 50, 1, 700] }],
    ['gzip', { gzip: true }],
    ['gzip in odd writes', { gzip: true, cutEvery: 5, gapMs: 1 }],
    ['all at once', { gzip: true, newline: '\r\n', comments: 'ping', bom: true, cutEvery: 3 }],
  ])('a stream written with %s reads the same', async (_, options) => {
    const content = 'naïve 😀 日本語 text, cut anywhere'
    upstream.script('gpt-4o', fakes.stream({ ...options, content }))
    expect(contentOf(await chunksOf(helloStream))).toBe(content)
    expect(upstream.calls[0]?.closedByClientAt).toBeUndefined()
  })

  test('a stream is compressed for those who accept it, or always', async () => {
    upstream.script('gpt-4o', fakes.stream({ gzip: true }), fakes.stream({ gzip: 'always' }))
    const plain = await post(hello, { 'accept-encoding': 'identity' })
    const forced = await post(hello, { 'accept-encoding': 'identity' })
    const encodings = [plain, forced].map(({ headers }) => headers.get('content-encoding'))
    expect(encodings).toEqual([null, 'gzip'])
    expect(await forced.text()).toContain('[DONE]')
  })

  test('a stream comes at its own pace', async () => {
    upstream.script(
      'gpt-4o',
      fakes.stream({ content: ['a', 'b', 'c'], delayMs: 40, firstGapMs: 60, gapMs: 30 }),
    )
    const start = performance.now()
    const response = await post(helloStream)
    const headersMs = performance.now() - start
    expect(headersMs).toBeGreaterThan(38)
    expect(headersMs).toBeLessThan(95)
    const reader = response.body?.getReader()
    await reader?.read()
    expect(performance.now() - start).toBeGreaterThan(96)
    while (!(await reader?.read())?.done);
    expect(performance.now() - start).toBeGreaterThan(240)
  })

  test('explicit events and raw bytes are sent as they are', async () => {
    upstream.script('gpt-4o', fakes.stream({ events: [{ a: 1 }, 'event: x\ndata: y'], done: false }))
    expect(await (await post(hello)).text()).toBe('data: {"a":1}\n\nevent: x\ndata: y\n\n')
    const chunks = [Buffer.from([0xf0, 0x9f]), { bytes: Buffer.from([0x98, 0x80]), delayMs: 20 }, '!']
    upstream.script('gpt-4o', fakes.raw({ status: 418, headers: { 'x-own': 'yes' }, chunks }))
    const response = await post(hello)
    expect([response.status, response.headers.get('x-own'), await response.text()]).toEqual([
      418,
      'yes',
      '😀!',
    ])
  })
})

describe('faults', () => {
  test.each([400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529])(
    'status %i',
    async (code) => {
      upstream.script('gpt-4o', fakes.status(code))
      const error = await client.chat.completions.create(hello).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(OpenAI.APIError)
      expect(error).toMatchObject({ status: code, requestID: expect.stringMatching(/^req_/) })
      expect(JSON.stringify(error)).not.toContain('sk-fake-key-of-the-test-1234')
    },
  )

  test('a 429 says in three ways when to come back', async () => {
    upstream.script(
      'gpt-4o',
      fakes.rateLimited({ seconds: 3, ms: 2500 }),
      fakes.rateLimited({ dateInMs: 5000 }),
    )
    const { headers } = await post(hello)
    expect([headers.get('retry-after'), headers.get('retry-after-ms')]).toEqual(['3', '2500'])
    const until = Date.parse((await post(hello)).headers.get('retry-after') ?? '') - Date.now()
    expect(until).toBeGreaterThan(3000)
    expect(until).toBeLessThanOrEqual(5000)
  })

  test('errors that need their own treatment carry their code', async () => {
    upstream.script('gpt-4o', fakes.quotaExhausted(), fakes.contextTooLong(), fakes.contentBlocked())
    const codes: unknown[] = []
    for (let i = 0; i < 3; i++)
      codes.push(await client.chat.completions.create(hello).catch((e) => [e.status, e.code]))
    expect(codes).toEqual([
      [429, 'insufficient_quota'],
      [400, 'context_length_exceeded'],
      [400, 'content_filter'],
    ])
    upstream.script('gpt-4o', fakes.echoAuthInError())
    expect(await (await post(hello)).text()).toContain('Bearer sk-fake')
  })

  test.each<[string, fakes.Step, string, RegExp]>([
    ['refuse', fakes.refuse(), 'FIN', /^$/],
    ['resetBeforeHeaders', fakes.resetBeforeHeaders(), 'RST', /^$/],
    ['resetMidStream', fakes.resetMidStream(3), 'RST', /word1 .*\n\n\r\n$/],
    ['cutMidStream', fakes.cutMidStream(3), 'FIN', /word1 .*\n\n\r\n$/],
    [
      'cutMidStream inside an event',
      fakes.cutMidStream(3, { insideEvent: true }),
      'FIN',
      /data: .*[^\n]\r\n$/,
    ],
    ['truncatedJson and cut', fakes.truncatedJson('cut'), 'FIN', /"choices": .*[^}]\r\n$/s],
    ['truncatedJson', fakes.truncatedJson(), 'open', /"choices": .*[^}]\r\n0\r\n\r\n$/s],
    ['endWithoutTerminal', fakes.endWithoutTerminal(3), 'open', /word1 .*\n\n\r\n0\r\n\r\n$/],
  ])('%s on the network', async (_, step, ending, bytes) => {
    upstream.script('gpt-4o', step)
    const seen = await fakes.rawCall(
      `${upstream.url}/chat/completions`,
      helloStream,
      ending === 'open' ? 200 : 5_000,
    )
    expect(seen.ending).toBe(ending)
    expect(seen.bytes.toString()).toMatch(bytes)
    const call = await upstream.waitFor(({ finishedAt }) => finishedAt !== undefined)
    expect(call.closedByClientAt).toBeUndefined()
  })

  test('what came before a break is there', async () => {
    upstream.script('gpt-4o', fakes.resetMidStream(3), fakes.cutMidStream(3), fakes.errorEventAfter(3))
    for (let i = 0; i < 3; i++) {
      const chunks: ChatCompletionChunk[] = []
      const read = async () => {
        for await (const chunk of await client.chat.completions.create(helloStream)) chunks.push(chunk)
      }
      await expect(read()).rejects.toThrow()
      expect(contentOf(chunks)).toBe('word0 word1 ')
    }
    expect(upstream.calls.map(({ eventsSent }) => Math.min(4, eventsSent))).toEqual([3, 3, 4])
  })

  test('a stream can end cleanly without a terminal marker', async () => {
    upstream.script('gpt-4o', fakes.endWithoutTerminal(4))
    const text = await (await post(helloStream)).text()
    expect(text).toContain('word2')
    expect(text).not.toMatch(/DONE|"finish_reason":"/)
  })

  test('an error event may be the first of a 200 stream', async () => {
    upstream.script('gpt-4o', fakes.errorEventFirst())
    await expect(chunksOf(helloStream)).rejects.toMatchObject({ type: 'server_error' })
  })

  test.each<[string, fakes.Step]>([
    ['truncatedJson', fakes.truncatedJson()],
    ['htmlWith200', fakes.htmlWith200()],
    ['emptyBody200', fakes.emptyBody200()],
  ])('%s is a 200 that is no JSON', async (_, step) => {
    upstream.script('gpt-4o', step)
    const response = await post(hello)
    expect(response.status).toBe(200)
    await expect(response.json()).rejects.toThrow(SyntaxError)
  })

  test('errors in a 200, redirects and replies of the other kind', async () => {
    upstream.script(
      'gpt-4o',
      fakes.jsonErrorWith200(),
      fakes.jsonToStreamRequest(),
      fakes.streamToJsonRequest(),
    )
    expect(await (await post(hello)).json()).toMatchObject({ error: { code: 502 } })
    expect((await post(helloStream)).headers.get('content-type')).toBe('application/json')
    expect((await post(hello)).headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    upstream.script('moved', fakes.redirect(`${upstream.url}/models`))
    const init = { method: 'POST', body: '{"model":"moved"}', redirect: 'manual' } as const
    const moved = await fetch(`${upstream.url}/chat/completions`, init)
    expect([moved.status, moved.headers.get('location')]).toEqual([307, `${upstream.url}/models`])
  })

  test('a huge reply arrives whole, also for a reader that pauses', async () => {
    upstream.script('gpt-4o', fakes.hugeReply(3_000_001))
    const { choices } = await client.chat.completions.create(hello)
    expect(choices[0]?.message.content).toHaveLength(3_000_001)
    const response = await post(helloStream)
    await setTimeout(50)
    expect((await response.text()).match(/x/g)?.length).toBeGreaterThanOrEqual(3_000_001)
  })
})

describe('a client that leaves', () => {
  test.each<[string, fakes.Step, number]>([
    ['hangBeforeFirstEvent', fakes.hangBeforeFirstEvent(), 0],
    ['hangMidStream', fakes.hangMidStream(3), 3],
    ['endlessDrip', fakes.endlessDrip(5), 4],
  ])('during %s is noted at once', async (_, step, events) => {
    upstream.script('gpt-4o', step)
    const abort = new AbortController()
    const headers = { authorization: 'Bearer k' }
    const init = { method: 'POST', headers, body: JSON.stringify(helloStream), signal: abort.signal }
    const response = await fetch(`${upstream.url}/chat/completions`, init)
    expect(response.status).toBe(200)
    await upstream.waitFor((call) => call.eventsSent >= events)
    const leftAt = Date.now()
    abort.abort()
    const call = await upstream.waitFor(({ closedByClientAt }) => closedByClientAt !== undefined)
    expect((call.closedByClientAt ?? 0) - leftAt).toBeLessThan(100)
    expect(call.finishedAt).toBeUndefined()
  })

  test.each(['FIN', 'RST'])('with a %s before the headers is noted too', async (how) => {
    upstream.script('gpt-4o', fakes.hangBeforeHeaders())
    const socket = connect(upstream.port, '127.0.0.1')
    const body = JSON.stringify(hello)
    const length = `Content-Length: ${Buffer.byteLength(body)}`
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n${body}`)
    await upstream.waitFor(() => true)
    if (how === 'FIN') socket.end()
    else socket.resetAndDestroy()
    await once(socket, 'close')
    await upstream.waitFor(({ closedByClientAt }) => closedByClientAt !== undefined, 200)
  })

  test('that never comes is reported with what did come', async () => {
    await post(hello)
    await expect(upstream.waitFor(({ model }) => model === 'other', 10)).rejects.toThrow(/model=gpt-4o/)
  })
})

describe('a provider that is not there', () => {
  test('refuses connections, and those of a provider that is back work', async () => {
    const refused = { cause: { code: 'ECONNREFUSED' } }
    await expect(fetch(await fakes.closedPortUrl())).rejects.toMatchObject(refused)
    const { url } = upstream
    await upstream.goDown()
    await expect(post(hello)).rejects.toMatchObject(refused)
    await upstream.comeBack()
    expect(upstream.url).toBe(url)
    expect((await post(hello)).status).toBe(200)
  })
})
