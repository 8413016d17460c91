import { EventStreamCodec } from '@smithy/eventstream-codec'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { fieldsOf, listOf } from '../fakes/fields'

const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const user = (...content: object[]) => ({ role: 'user', content })
const assistant = (...content: object[]) => ({ role: 'assistant', content })
const text = { text: 'hello there' }
const hello = { messages: [user(text)] }
const toolConfig = {
  tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: {} } } } }],
}

let upstream: fakes.FakeUpstream
beforeAll(async () => {
  upstream = await fakes.startFakeUpstream()
})
afterEach(() => upstream.reset())
afterAll(() => upstream.close())

function post(operation: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  const url = `${upstream.origin}/model/${encodeURIComponent(model)}/${operation}`
  const authorization = 'Bearer bedrock-key'
  return fetch(url, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

interface Event {
  name: string
  kind: string
  data: unknown
}

/** The events of a binary stream, read with AWS's own decoder. */
function eventsOf(bytes: Uint8Array): Event[] {
  const codec = new EventStreamCodec(
    (input) => Buffer.from(input instanceof Uint8Array ? input : String(input)).toString(),
    (input) => Buffer.from(input),
  )
  const events: Event[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0)
    const { headers, body } = codec.decode(bytes.subarray(at, at + length))
    const name = headers[':event-type'] ?? headers[':exception-type']
    const { p: _, ...data } = JSON.parse(Buffer.from(body).toString())
    events.push({ name: String(name?.value), kind: String(headers[':message-type']?.value), data })
    at += length
  }
  return events
}

async function streamed(body: object): Promise<Event[]> {
  const response = await post('converse-stream', body)
  expect(response.headers.get('content-type')).toBe('application/vnd.amazon.eventstream')
  return eventsOf(new Uint8Array(await response.arrayBuffer()))
}

describe('Converse', () => {
  test('echoes', async () => {
    const response = await post('converse', hello)
    expect(await response.json()).toEqual({
      metrics: { latencyMs: expect.any(Number) },
      output: { message: { role: 'assistant', content: [{ text: 'echo: hello there' }] } },
      stopReason: 'end_turn',
      usage: {
        inputTokens: 9,
        outputTokens: 3,
        totalTokens: 12,
        cacheReadInputTokens: 0,
        cacheWriteInputTokens: 0,
      },
    })
    expect(response.headers.get('x-amzn-requestid')).toMatch(/^0{8}-/)
    expect(upstream.calls[0]?.model).toBe(model)
  })

  test('streams binary events, with the usage after the end', async () => {
    const toolCalls = [{ name: 'f', arguments: { a: 1 } }]
    upstream.script(model, fakes.answer({ reasoning: 'hm', content: ['yes', '!'], toolCalls }))
    const events = await streamed(hello)
    expect(events.map(({ name }) => name)).toEqual([
      'messageStart',
      ...['contentBlockDelta', 'contentBlockDelta', 'contentBlockStop'],
      ...['contentBlockDelta', 'contentBlockDelta', 'contentBlockStop'],
      ...['contentBlockStart', 'contentBlockDelta', 'contentBlockDelta', 'contentBlockStop'],
      ...['messageStop', 'metadata'],
    ])
    expect(events.map(({ data }) => data)).toMatchObject([
      { role: 'assistant' },
      { contentBlockIndex: 0, delta: { reasoningContent: { text: 'hm' } } },
      { delta: { reasoningContent: { signature: fakes.proofOf('anthropic', 'hm') } } },
      { contentBlockIndex: 0 },
      { contentBlockIndex: 1, delta: { text: 'yes' } },
      { delta: { text: '!' } },
      {},
      {
        contentBlockIndex: 2,
        start: { toolUse: { name: 'f', toolUseId: expect.stringMatching(/^tooluse_/) } },
      },
      { delta: { toolUse: { input: '' } } },
      { delta: { toolUse: { input: '{"a":1}' } } },
      {},
      { stopReason: 'tool_use' },
      { usage: { inputTokens: 9 } },
    ])
  })

  test('counts cached tokens apart', async () => {
    const tokens = {
      prompt_tokens: 1520,
      completion_tokens: 10,
      prompt_tokens_details: { cached_tokens: 1000, cache_write_tokens: 500 },
    }
    upstream.script(model, fakes.answer({ content: 'a', tokens }))
    const usage = {
      inputTokens: 20,
      outputTokens: 10,
      totalTokens: 1530,
      cacheReadInputTokens: 1000,
      cacheWriteInputTokens: 500,
      cacheDetails: [{ ttl: '5m', inputTokens: 500 }],
    }
    expect(await (await post('converse', hello)).json()).toMatchObject({ usage })
    expect((await streamed(hello)).at(-1)?.data).toMatchObject({ usage })
  })

  test.each([
    ['length', 'max_tokens'],
    ['content_filter', 'content_filtered'],
    ['refusal', 'guardrail_intervened'],
    ['malformed_model_output', 'malformed_model_output'],
  ])('ends for %s with %s', async (finishReason, stopReason) => {
    upstream.script(model, fakes.answer({ content: 'a', finishReason }))
    expect(await (await post('converse', hello)).json()).toMatchObject({ stopReason })
    expect((await streamed(hello)).at(-2)?.data).toMatchObject({ stopReason })
  })

  test('an agent loop brings its reasoning back as it was', async () => {
    upstream.script(
      model,
      fakes.answer({ reasoning: 'look', toolCalls: [{ name: 'f', arguments: {} }] }),
      fakes.answer({ reasoning: 'secret', isRedacted: true, content: 'done' }),
    )
    const { output } = fieldsOf(await (await post('converse', { ...hello, toolConfig })).json())
    const { message } = fieldsOf(output)
    const { toolUseId } = fieldsOf(listOf(fieldsOf(message)['content'])[1]?.['toolUse'])
    const result = { toolResult: { toolUseId, content: [{ text: 'sunny' }] } }
    const messages = [...hello.messages, message, user(result)]
    expect(await (await post('converse', { messages, toolConfig })).json()).toMatchObject({
      output: {
        message: {
          content: [
            { reasoningContent: { redactedContent: fakes.proofOf('redacted', 'secret') } },
            { text: 'done' },
          ],
        },
      },
    })
    expect(upstream.calls[1]?.proofs).toEqual([fakes.proofOf('anthropic', 'look')])
  })

  test('an unscripted model calls a tool once, and speaks JSON for a schema', async () => {
    const called = await (await post('converse', { ...hello, toolConfig })).json()
    expect(called).toMatchObject({ stopReason: 'tool_use' })
    const schema = JSON.stringify({ type: 'object', properties: { age: { type: 'integer' } } })
    const outputConfig = { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema } } } }
    expect(await (await post('converse', { ...hello, outputConfig })).json()).toMatchObject({
      output: { message: { content: [{ text: '{"age":1}' }] } },
    })
  })
})

describe('requests that Bedrock refuses', () => {
  const use = (toolUseId = 't1') => ({ toolUse: { toolUseId, name: 'f', input: {} } })
  const result = (toolUseId = 't1') => ({ toolResult: { toolUseId, content: [] } })
  const thought = (signature: string) => ({ reasoningContent: { reasoningText: { text: 'hm', signature } } })
  const good = fakes.proofOf('anthropic', 'hm')

  test.each<[string, object, RegExp]>([
    ['an unknown member', { ...hello, max_tokens: 1 }, /max_tokens: Extra inputs/],
    ['an assistant first', { messages: [assistant(text)] }, /must start with a user message/],
    ['two users in a row', { messages: [user(text), user(text)] }, /must alternate/],
    ['a blank text', { messages: [user({ text: ' ' })] }, /at messages\.0\.content\.0 is blank/],
    [
      'a bad id',
      { messages: [user(text), assistant(use('a b')), user(result('a b'))] },
      /regular expression/,
    ],
    ['no result', { messages: [user(text), assistant(use()), user(text)] }, /Expected toolResult blocks/],
    ['no use', { messages: [user(text), assistant(text), user(result())] }, /exceeds the number of toolUse/],
    [
      'an altered signature',
      { messages: [user(text), assistant(thought(`${good}x`))] },
      /Invalid `signature`/,
    ],
  ])('%s', async (_, body, message) => {
    upstream.script(model, fakes.answer({ content: 'scripted' }))
    const response = await post('converse', { toolConfig, ...body })
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([
      400,
      expect.stringMatching(/^ValidationException/),
    ])
    expect(await response.json()).toEqual({ message: expect.stringMatching(message) })
  })

  test('tools in the history without tools on offer', async () => {
    const messages = [user(text), assistant(thought(good), use()), user(result())]
    expect((await post('converse', { messages, toolConfig })).status).toBe(200)
    expect(await (await post('converse', { messages })).json()).toMatchObject({
      message: expect.stringMatching(/toolConfig field must be defined/),
    })
  })

  test('calls that are not signed as AWS wants it', async () => {
    expect((await post('converse', hello, { authorization: '' })).status).toBe(403)
    expect((await post('converse', hello, { authorization: 'AWS4-HMAC-SHA256 x' })).status).toBe(403)
    const scope = 'AKID/20261121/us-east-1/bedrock/aws4_request'
    const signed = `Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`
    const authorization = `AWS4-HMAC-SHA256 ${signed}`
    const ok = await post('converse', hello, { authorization, 'x-amz-date': '20261121T000000Z' })
    expect(ok.status).toBe(200)
  })
})

test('an error in the stream is an exception message', async () => {
  upstream.script(model, fakes.errorEventAfter(2))
  const last = (await streamed(hello)).at(-1)
  expect(last).toMatchObject({ kind: 'exception', name: 'modelStreamErrorException' })
})
