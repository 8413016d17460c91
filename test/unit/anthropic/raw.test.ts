import { describe, expect, test } from 'vitest'
import { scanObject } from '../../../src/platform/json-scan'
import { estimateInputTokens } from '../../../src/protocols/anthropic/count-tokens'
import { anthropic } from '../../../src/protocols/anthropic/protocol'
import { inPiecesOf } from '../openai-chat/cuts'
import { type Fields, failureOf, golden, goldenJson, HELLO, sse } from './helpers'

const encoder = new TextEncoder()
const NOTHING = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
}

function bytesOf(body: Fields): Uint8Array {
  return encoder.encode(JSON.stringify(body))
}

function read(body: Fields) {
  const bytes = bytesOf(body)
  return anthropic.readRequest(bytes, scanObject(bytes))
}

function readStream(...pieces: Uint8Array[]) {
  const reader = anthropic.streamReader()
  for (const piece of pieces) reader.feed(piece)
  reader.end()
  return reader
}

describe('a request', () => {
  test.each<[string, Fields, Fields]>([
    ['with a model', { model: 'claude' }, { model: 'claude', stream: false }],
    ['without one', {}, { model: undefined }],
    ['for a stream', { stream: true }, { stream: true, wantsStreamUsage: true }],
    ['without a limit, which the gateway adds', { max_tokens: null }, { stream: false }],
  ])('%s', (_, fields, facts) => {
    expect(read({ messages: [HELLO], ...fields })).toMatchObject(facts)
  })

  test.each<[string, Fields, string]>([
    ['no messages', {}, 'messages'],
    ['an empty list', { messages: [] }, 'messages'],
    ['a text among the messages', { messages: ['hi'] }, 'messages'],
    ['messages as a text', { messages: 'hi' }, 'messages'],
    ['a number as the system prompt', { messages: [HELLO], system: 1 }, 'system'],
    ['a text as the limit', { messages: [HELLO], max_tokens: '9' }, 'max_tokens'],
    ['a tool choice of the other protocol', { messages: [HELLO], tool_choice: 'auto' }, 'tool_choice'],
    ['a text as the thinking', { messages: [HELLO], thinking: 'on' }, 'thinking'],
  ])('with %s is refused by name', (_, body, param) => {
    expect(failureOf(() => read(body))).toMatchObject({ kind: 'invalid_request', param })
  })
})

describe('a stream', () => {
  const start = {
    type: 'message_start',
    message: { id: 'msg_1', usage: { input_tokens: 5, output_tokens: 1 } },
  }
  const block = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }
  const delta = (fields: Fields) => ({ type: 'content_block_delta', index: 0, delta: fields })
  const finish = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } }
  const stop = { type: 'message_stop' }

  test.each(['text', 'reasoning', 'parallel-tools', 'cache', 'refusal'])('of %s, in pieces', (scenario) => {
    const reply = goldenJson(scenario, 'reply.json')
    for (const size of [1, 7, 10_000]) {
      const reader = readStream(...inPiecesOf(golden(scenario, 'stream.sse'), size))
      expect(reader).toMatchObject({ hasContent: true, isComplete: true, error: undefined })
      expect(reader.facts).toEqual(anthropic.readReply(bytesOf(reply)))
    }
  })

  test('tells the parts of its usage, with the writes by their life', () => {
    const usage = { input_tokens: 20, cache_read_input_tokens: 1_000, cache_creation_input_tokens: 500 }
    const lives = { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 300 }
    const first = { ...start, message: { usage: { ...usage, cache_creation: lives, output_tokens: 1 } } }
    const last = {
      ...finish,
      usage: { ...usage, output_tokens: 10, output_tokens_details: { thinking_tokens: 4 } },
    }
    expect(readStream(sse(first, last, stop)).facts.usage).toEqual({
      ...NOTHING,
      inputTokens: 20,
      cacheReadTokens: 1_000,
      cacheWrite5mTokens: 200,
      cacheWrite1hTokens: 300,
      outputTokens: 10,
      reasoningTokens: 4,
    })
  })

  test.each<[string, Fields, number]>([
    ['nothing', { output_tokens: 3 }, 5],
    ['null', { input_tokens: null, output_tokens: 3 }, 5],
    ['zero', { input_tokens: 0, output_tokens: 3 }, 5],
    ['more', { input_tokens: 9, output_tokens: 3 }, 9],
  ])('whose last event says %s of the input', (_, usage, inputTokens) => {
    const { facts } = readStream(sse(start, { ...finish, usage }, stop))
    expect(facts.usage).toEqual({ ...NOTHING, inputTokens, outputTokens: 3 })
  })

  test.each<[string, Fields[], boolean]>([
    ['its beginning', [start, { type: 'ping' }], false],
    ['an empty block', [start, block], false],
    ['an empty piece', [start, block, delta({ type: 'text_delta', text: '' })], false],
    ['a text', [start, block, delta({ type: 'text_delta', text: 'a' })], true],
    ['a thinking', [start, delta({ type: 'thinking_delta', thinking: 'a' })], true],
    ['a call', [start, { ...block, content_block: { type: 'tool_use', id: 'a', input: {} } }], true],
    ['an opaque block', [start, { ...block, content_block: { type: 'redacted_thinking', data: 'x' } }], true],
    ['its finish', [start, finish], true],
  ])('has content with %s: %s', (_, events, hasContent) => {
    expect(readStream(sse(...events))).toMatchObject({ hasContent, isComplete: false })
  })

  test('is read although a host puts the type elsewhere', () => {
    const turned = [start, delta({ text: 'a' }), finish, stop].map(({ type, ...rest }) => ({ ...rest, type }))
    expect(readStream(sse(...turned))).toMatchObject({ hasContent: true, isComplete: true })
  })

  test('with an error is not complete', () => {
    const reader = readStream(golden('error-in-stream', 'stream.sse'))
    expect(reader).toMatchObject({ hasContent: true, isComplete: false })
    expect(reader.error).toMatchObject({ message: 'Overloaded', status: 529 })
    expect(reader.error?.data).toContain('overloaded_error')
  })
})

describe('a reply', () => {
  test('is not one without content', () => {
    expect(() => anthropic.readReply(bytesOf({ id: 'msg_1' }))).toThrow("it has no 'content'")
  })

  test('may be an error', () => {
    const error = { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } }
    expect(anthropic.readReply(bytesOf(error))).toEqual({ error: { message: 'slow down', status: 429 } })
  })
})

describe('an error of the gateway', () => {
  const description = { type: 't', code: 'c', message: 'Wrong.' }
  test.each([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [402, 'billing_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [413, 'request_too_large'],
    [422, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [502, 'api_error'],
    [503, 'overloaded_error'],
    [504, 'timeout_error'],
    [529, 'overloaded_error'],
  ])('with status %i is of type %s', (status, type) => {
    const error = JSON.parse(anthropic.encodeError({ ...description, status }))
    expect(error).toEqual({ type: 'error', error: { type, message: 'Wrong.' } })
  })

  test('names the field once', () => {
    const told = (message: string) =>
      JSON.parse(anthropic.encodeError({ ...description, status: 400, message, param: 'top_p' })).error
        .message
    expect(told('Too high.')).toBe('top_p: Too high.')
    expect(told('top_p is too high.')).toBe('top_p is too high.')
  })

  test('in a stream is an event that the reader knows', () => {
    const event = anthropic.errorEvent({ ...description, status: 503 })
    expect(readStream(encoder.encode(`data: {"half":${event}`)).error?.message).toBe('Wrong.')
  })
})

describe('an estimate', () => {
  test('of the input counts every kind of block', () => {
    const text = 'x'.repeat(400)
    const of = (...content: Fields[]) => estimateInputTokens({ messages: [{ role: 'user', content }] })
    expect(of({ type: 'text', text })).toBe(103)
    expect(of({ type: 'tool_result', content: [{ type: 'text', text }] })).toBe(103)
    expect(of({ type: 'image', source: {} })).toBe(1_603)
    expect(of({ type: 'document', source: { type: 'text', data: text } })).toBe(103)
    expect(of({ type: 'document', source: { type: 'base64' } })).toBeGreaterThan(1_500)
    expect(estimateInputTokens({ system: text, messages: [] })).toBe(100)
    expect(estimateInputTokens({ messages: 'x' })).toBe(0)
  })

  test('of an answer is the same for a stream as for a reply', () => {
    const request = golden('parallel-tools', 'request.json')
    const whole = anthropic.estimateUsage(request, golden('parallel-tools', 'reply.json'), false)
    const stream = anthropic.estimateUsage(request, golden('parallel-tools', 'stream.sse'), true)
    expect(stream).toEqual(whole)
    expect(whole?.outputTokens).toBeGreaterThan(10)
    expect(whole?.inputTokens).toBeGreaterThan(40)
  })

  test('of a reservation is the input and the limit', () => {
    const reserved = (body: Fields) => {
      const bytes = bytesOf(body)
      return anthropic.estimateTokens(bytes, scanObject(bytes))
    }
    const messages = [HELLO]
    const inputTokens = Math.ceil(JSON.stringify(messages).length / 4)
    const writes = (mostTokens: number) => ({ inputTokens, output: { mostTokens, choices: 1 } })
    expect(reserved({ messages, max_tokens: 50 })).toEqual(writes(50))
    expect(reserved({ messages })).toEqual(writes(4_096))
    expect(reserved({ messages, max_tokens: -1 })).toEqual(writes(0))
  })
})
