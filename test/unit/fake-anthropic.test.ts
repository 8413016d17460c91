import { createAnthropic } from '@ai-sdk/anthropic'
import Anthropic from '@anthropic-ai/sdk'
import { generateText, streamText } from 'ai'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'

const model = 'claude-sonnet-5'
const hello = { model, max_tokens: 64, messages: [{ role: 'user' as const, content: 'hello there' }] }
const weather = {
  name: 'get_weather',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] },
}
const thinking = { type: 'enabled' as const, budget_tokens: 1024 }

let upstream: fakes.FakeUpstream
let client: Anthropic

beforeAll(async () => {
  upstream = await fakes.startFakeUpstream()
  client = new Anthropic({ apiKey: 'sk-ant-fake', baseURL: upstream.origin, maxRetries: 0 })
})
afterEach(() => upstream.reset())
afterAll(() => upstream.close())

function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  const usual = { 'x-api-key': 'k', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' }
  return fetch(upstream.origin + path, {
    method: 'POST',
    headers: { ...usual, ...headers },
    body: JSON.stringify(body),
  })
}

describe('a message', () => {
  test.each([false, true])('echoes, with the usage in two places (stream %s)', async (isStream) => {
    const message = await (isStream
      ? client.messages.stream(hello).finalMessage()
      : client.messages.create(hello))
    expect(message.content).toMatchObject([{ type: 'text', text: 'echo: hello there' }])
    expect(message).toMatchObject({ model, role: 'assistant', stop_reason: 'end_turn', stop_sequence: null })
    expect(message.usage).toMatchObject({ input_tokens: 9, output_tokens: 3, cache_read_input_tokens: 0 })
    expect(message.id).toMatch(/^msg_01\d{22}$/)
    expect(upstream.calls[0]?.headers).toMatchObject({ authorization: 'Bearer sk-ant-fake' })
  })

  test('tells its events in order, with the ping after the first block began', async () => {
    upstream.script(model, fakes.answer({ reasoning: 'hm', content: 'yes' }))
    const types: string[] = []
    for await (const event of await client.messages.create({ ...hello, stream: true })) types.push(event.type)
    const text = await (await post('/v1/messages', { ...hello, stream: true })).text()
    const names = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name)
    expect(names).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(types).toEqual(names.filter((name) => name !== 'ping'))
  })

  test('counts cached tokens apart, and the reasoning within the output', async () => {
    const tokens = {
      prompt_tokens: 1520,
      completion_tokens: 10,
      prompt_tokens_details: { cached_tokens: 1000, cache_write_tokens: 500, cache_write_1h_tokens: 100 },
      completion_tokens_details: { reasoning_tokens: 4 },
    }
    upstream.script(model, fakes.answer({ content: 'a', tokens }))
    const expected = {
      input_tokens: 20,
      cache_read_input_tokens: 1000,
      cache_creation_input_tokens: 500,
      cache_creation: { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 100 },
      output_tokens: 10,
      output_tokens_details: { thinking_tokens: 4 },
    }
    expect((await client.messages.create(hello)).usage).toMatchObject(expected)
    expect((await client.messages.stream(hello).finalMessage()).usage).toMatchObject(expected)
  })

  test.each([
    ['length', 'max_tokens'],
    ['content_filter', 'refusal'],
    ['stop_sequence', 'stop_sequence'],
    ['pause', 'pause_turn'],
    ['model_context_window_exceeded', 'model_context_window_exceeded'],
  ])('ends for %s with %s', async (finishReason, stop_reason) => {
    upstream.script(model, fakes.answer({ content: 'a', finishReason }))
    const request = { ...hello, stop_sequences: ['END'] }
    const whole = await client.messages.create(request)
    const streamed = await client.messages.stream(request).finalMessage()
    for (const message of [whole, streamed]) {
      expect(message.stop_reason).toBe(stop_reason)
      expect(message.stop_sequence).toBe(stop_reason === 'stop_sequence' ? 'END' : null)
    }
  })

  test('is declined with a stop reason', async () => {
    upstream.script(model, fakes.answer({ refusal: 'I will not.' }))
    const message = await client.messages.create(hello)
    expect(message).toMatchObject({ stop_reason: 'refusal', content: [{ text: 'I will not.' }] })
  })

  test('counts tokens, and speaks JSON for a schema', async () => {
    const { max_tokens: _, ...counted } = hello
    expect(await client.messages.countTokens(counted)).toEqual({ input_tokens: 9 })
    const schema = { type: 'object', properties: { name: { type: 'string' } } }
    const message = await client.messages.create({
      ...hello,
      output_config: { format: { type: 'json_schema', schema } },
    })
    expect(message.content).toMatchObject([{ text: '{"name":"hello there"}' }])
  })
})

describe('tools and reasoning', () => {
  test.each([false, true])(
    'an agent loop brings its thinking back as it was (stream %s)',
    async (isStream) => {
      const city = { name: 'get_weather', arguments: { city: 'Paris' } }
      upstream.script(
        model,
        fakes.answer({ reasoning: 'look it up', toolCalls: [city, city] }),
        fakes.answer({ content: 'sunny' }),
      )
      const request = { ...hello, max_tokens: 2048, thinking, tools: [weather] }
      const say = (body: Anthropic.MessageCreateParamsNonStreaming) =>
        isStream ? client.messages.stream(body).finalMessage() : client.messages.create(body)
      const first = await say(request)
      expect(first.stop_reason).toBe('tool_use')
      expect(first.content.map(({ type }) => type)).toEqual(['thinking', 'tool_use', 'tool_use'])
      const results = first.content.flatMap((block) =>
        block.type === 'tool_use'
          ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'sunny' }]
          : [],
      )
      expect(first.content[1]).toMatchObject({ input: { city: 'Paris' } })
      expect(new Set(results.map((one) => one.tool_use_id)).size).toBe(2)
      const history = [
        ...hello.messages,
        { role: 'assistant' as const, content: first.content },
        { role: 'user' as const, content: results },
      ]
      const second = await say({ ...request, messages: history })
      expect(second.content).toMatchObject([{ type: 'text', text: 'sunny' }])
      expect(upstream.calls.map(({ proofs }) => proofs)).toEqual([
        [],
        [fakes.proofOf('anthropic', 'look it up')],
      ])
    },
  )

  test('an unscripted model calls a tool once', async () => {
    const request = { ...hello, tools: [weather] }
    const { content } = await client.messages.create(request)
    expect(content).toMatchObject([{ type: 'tool_use', name: 'get_weather', input: { city: 'hello there' } }])
    const [use] = content
    const id = use?.type === 'tool_use' ? use.id : ''
    const result = { type: 'tool_result' as const, tool_use_id: id, content: 'sunny' }
    const next = await client.messages.create({
      ...request,
      messages: [...hello.messages, { role: 'assistant', content }, { role: 'user', content: [result] }],
    })
    expect(next.content).toMatchObject([{ type: 'text', text: 'echo: hello there' }])
  })

  test('redacted thinking is there without its text', async () => {
    upstream.script(model, fakes.answer({ reasoning: 'secret', isRedacted: true, content: 'yes' }))
    const data = fakes.proofOf('redacted', 'secret')
    const expected = [{ type: 'redacted_thinking', data }, { text: 'yes' }]
    expect((await client.messages.create(hello)).content).toMatchObject(expected)
    expect((await client.messages.stream(hello).finalMessage()).content).toMatchObject(expected)
  })

  test('thinking that is not to be displayed is a signature', async () => {
    upstream.script(model, fakes.answer({ reasoning: 'secret', content: 'yes' }))
    const request = { ...hello, thinking: { type: 'adaptive' as const, display: 'omitted' as const } }
    const signature = fakes.proofOf('anthropic', 'secret')
    const expected = [{ type: 'thinking', thinking: '', signature }, { text: 'yes' }]
    const { content } = await client.messages.create(request)
    expect(content).toMatchObject(expected)
    expect((await client.messages.stream(request).finalMessage()).content).toMatchObject(expected)
    const history = [...hello.messages, { role: 'assistant' as const, content }, ...hello.messages]
    expect((await client.messages.create({ ...request, messages: history })).stop_reason).toBe('end_turn')
  })

  test('the AI SDK reads both', async () => {
    const anthropic = createAnthropic({ apiKey: 'k', baseURL: upstream.url })
    const toolCalls = [{ name: 'get_weather', arguments: { city: 'Rome' } }]
    upstream.script(
      model,
      fakes.answer({ reasoning: 'so', content: 'well' }),
      fakes.answer({ reasoning: 'so', content: 'well', toolCalls }),
    )
    const whole = await generateText({ model: anthropic(model), prompt: 'hi', maxRetries: 0 })
    expect([whole.reasoningText, whole.text, whole.finishReason]).toEqual(['so', 'well', 'stop'])
    const streamed = streamText({ model: anthropic(model), prompt: 'hi', maxRetries: 0 })
    expect(await streamed.text).toBe('well')
    expect(await streamed.finishReason).toBe('tool-calls')
  })
})

describe('requests that Anthropic refuses', () => {
  const user = (content: unknown) => ({ role: 'user', content })
  const assistant = (content: unknown) => ({ role: 'assistant', content })
  const use = { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} }
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'x' }
  const thought = (signature: string, text = 'hm') => ({ type: 'thinking', thinking: text, signature })
  const good = fakes.proofOf('anthropic', 'hm')
  const on = { thinking, max_tokens: 2000 }

  test.each<[string, object, RegExp]>([
    ['no max_tokens', { max_tokens: undefined }, /^max_tokens: Field required/],
    ['an unknown member', { n: 2 }, /^n: Extra inputs are not permitted/],
    ['a member of a message', { messages: [{ ...user('x'), name: 'a' }] }, /^messages\.0\.name: Extra/],
    [
      'a system message first',
      { messages: [{ role: 'system', content: 'x' }] },
      /first message must use the "user"/,
    ],
    ['an assistant first', { messages: [assistant('x')] }, /first message must use the "user" role/],
    ['an empty text', { messages: [user([{ type: 'text', text: '' }])] }, /must be non-empty/],
    ['no result', { messages: [user('x'), assistant([use]), user('y')] }, /without `tool_result` blocks/],
    ['no use', { messages: [user('x'), assistant('y'), user([result])] }, /unexpected `tool_use_id`/],
    ['a bad id', { messages: [user('x'), assistant([{ ...use, id: 'a.b' }])] }, /should match pattern/],
    [
      'an altered signature',
      { messages: [user('x'), assistant([thought(`${good}x`)])] },
      /Invalid `signature`/,
    ],
    [
      'an altered thought',
      { messages: [user('x'), assistant([thought(good, 'ho')])] },
      /Invalid `signature`/,
    ],
    [
      'no thinking before a use',
      { ...on, messages: [user('x'), assistant([use]), user([result])] },
      /Expected `thinking` or `redacted_thinking`, but found `tool_use`/,
    ],
    ['a budget over the limit', { thinking, max_tokens: 1024 }, /greater than `thinking.budget_tokens`/],
    ['warm thinking', { ...on, temperature: 0.5 }, /`temperature` may only be set to 1/],
    ['a forced tool', { ...on, tools: [weather], tool_choice: { type: 'any' } }, /forces tool use/],
    ['a prefill with white space', { messages: [user('x'), assistant('a ')] }, /trailing whitespace/],
  ])('%s', async (_, change, message) => {
    upstream.script(model, fakes.answer({ content: 'scripted' }))
    const response = await post('/v1/messages', { ...hello, ...change })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) },
      request_id: expect.stringMatching(/^req_011/),
    })
  })

  test.each<[string, object]>([
    ['temperature', { temperature: 1 }],
    ['top_k', { top_k: 5 }],
    ['a document', { messages: [user('x'), assistant([{ type: 'document', source: {} }]), user('y')] }],
    [
      'citations',
      { messages: [user([{ type: 'text', text: 'x', citations: [{ type: 'char_location' }] }])] },
    ],
  ])('%s only since API version 2026-10-21', async (_, change) => {
    const request = { ...hello, ...change }
    expect((await post('/v1/messages', request)).status).toBe(200)
    expect((await post('/v1/messages', request, { 'anthropic-version': '2026-10-21' })).status).toBe(400)
  })

  test('system messages in the middle only of older models', async () => {
    const messages = [user('x'), { role: 'system', content: 'be brief' }, user('y')]
    expect((await post('/v1/messages', { ...hello, messages })).status).toBe(200)
    const older = await post('/v1/messages', { ...hello, messages, model: 'claude-sonnet-4-5' })
    expect(await older.json()).toMatchObject({ error: { message: expect.stringContaining('not supported') } })
  })

  test.each<[string, unknown[]]>([
    ['turns of one role in a row', [user('x'), user('y')]],
    ['an intact history', [user('x'), assistant([thought(good), use]), user([result])]],
    ['a prefill', [user('x'), assistant('The')]],
  ])('%s is fine', async (_, messages) => {
    expect((await post('/v1/messages', { ...hello, ...on, messages })).status).toBe(200)
  })

  test('calls without key or version', async () => {
    const keyless = await fetch(`${upstream.url}/messages`, { method: 'POST', body: JSON.stringify(hello) })
    expect([keyless.status, await keyless.json()]).toMatchObject([
      401,
      { error: { type: 'authentication_error' } },
    ])
    const headers = { 'x-api-key': 'k' }
    const body = JSON.stringify(hello)
    const old = await fetch(`${upstream.url}/messages`, { method: 'POST', headers, body })
    expect(await old.json()).toMatchObject({ error: { message: 'anthropic-version: header is required' } })
  })
})

describe('on Vertex AI', () => {
  const base = '/v1/projects/p/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929'
  const { model: _, ...body } = hello

  test.each(['rawPredict', 'streamRawPredict'])('%s speaks the same', async (method) => {
    const headers = { authorization: 'Bearer ya29.x' }
    const response = await post(
      `${base}:${method}`,
      { ...body, anthropic_version: 'vertex-2023-10-16' },
      headers,
    )
    expect(response.status).toBe(200)
    expect(await response.text()).toContain(
      method === 'rawPredict' ? '"echo: hello there"' : 'event: message_stop',
    )
    expect(upstream.calls[0]?.model).toBe('claude-sonnet-4-5@20250929')
    expect((await post(`${base}:${method}`, body, headers)).status).toBe(400)
    expect(
      (await post(`${base}:${method}`, { ...body, anthropic_version: 'vertex-2023-10-16' })).status,
    ).toBe(401)
  })
})
