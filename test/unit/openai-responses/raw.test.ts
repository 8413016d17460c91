import { describe, expect, test } from 'vitest'
import { describe as describeFailure, SluiceError } from '../../../src/platform/failure'
import { scanObject } from '../../../src/platform/json-scan'
import { openaiResponses } from '../../../src/protocols/openai-responses/protocol'
import { goldenJson } from './golden'

const encoder = new TextEncoder()
const bytesOf = (value: unknown) => encoder.encode(JSON.stringify(value))

function read(value: unknown) {
  const bytes = bytesOf(value)
  return openaiResponses.readRequest(bytes, scanObject(bytes))
}

function refusalOf(value: unknown) {
  try {
    read(value)
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  return 'taken'
}

describe('a request', () => {
  const input = 'Hi'
  test.each([
    ['the model', { input, model: 'm' }, { model: 'm', stream: false }],
    ['no model', { input, model: null }, { model: undefined, stream: false }],
    ['a stream', { input, stream: true }, { model: undefined, stream: true }],
    ['a stored prompt', { prompt: { id: 'p' } }, { model: undefined, stream: false }],
    ['a stored prompt and no items', { prompt: { id: 'p' }, input: [] }, { model: undefined, stream: false }],
    ['an answer to go on from', { previous_response_id: 'resp_1' }, { model: undefined, stream: false }],
    ['what tomorrow brings', { input, smell: true }, { model: undefined, stream: false }],
  ])('tells %s', (_, body, facts) => {
    expect(read(body)).toEqual({ ...facts, wantsStreamUsage: true })
  })

  test.each([
    ['input', {}, /^Missing required parameter: 'input'/],
    ['input', { input: null }, /^Missing/],
    ['input', { input: [] }, /empty/],
    ['input', { input: 5 }, /^Invalid type for 'input': expected a string or an array, but got a number\.$/],
    ['model', { input, model: 5 }, /expected a string/],
    ['stream', { input, stream: 'true' }, /expected a boolean/],
    ['tools', { input, tools: {} }, /expected an array/],
    ['prompt', { input, prompt: 'p' }, /expected an object/],
    ['max_output_tokens', { input, max_output_tokens: '5' }, /expected a number/],
  ])('is refused for %s in %j', (param, body, message) => {
    const told = expect.objectContaining({ message: expect.stringMatching(message) })
    expect(refusalOf(body)).toEqual(told)
    expect(refusalOf(body)).toMatchObject({ kind: 'invalid_request', param })
  })
})

describe('a reply', () => {
  const small = goldenJson('length', 'reply.json')
  const text = 'x'.repeat(10_000)
  const large = { ...small, output: [{ type: 'message', content: [{ type: 'output_text', text }] }] }

  test.each([
    ['a small one', small],
    ['a large one', large],
  ])('%s tells its usage, finish and id', (_, body) => {
    expect(openaiResponses.readReply(bytesOf(body))).toMatchObject({
      usage: { inputTokens: 14, outputTokens: 5 },
      finishReason: 'max_output_tokens',
      responseId: small.id,
    })
  })

  test('in the background has neither usage nor finish', () => {
    const body = { id: 'resp_1', object: 'response', status: 'queued', error: null, output: [], usage: null }
    expect(openaiResponses.readReply(bytesOf(body))).toEqual({ responseId: 'resp_1' })
  })

  test.each([
    ['a failed one', { status: 'failed', error: { code: 'server_error', message: 'Oh.' }, output: [] }, 500],
    ['an error', { error: { type: 'tokens', code: 'rate_limit_exceeded', message: 'Oh.' } }, 429],
    ['a large error', { error: { message: 'Oh.' }, padding: text }, 500],
  ])('%s is an error', (_, body, status) => {
    expect(openaiResponses.readReply(bytesOf(body))).toEqual({ error: { message: 'Oh.', status } })
  })

  test.each([['{}'], ['{"output":5}'], ['[]'], ['no']])('%s is none', (body) => {
    expect(() => openaiResponses.readReply(encoder.encode(body))).toThrow()
  })
})

describe('an estimate', () => {
  const request = bytesOf({
    instructions: 'a'.repeat(40),
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'b'.repeat(40) }] },
      { type: 'function_call_output', call_id: 'c', output: 'c'.repeat(40) },
    ],
  })
  const response = goldenJson('reasoning', 'reply.json')

  test('counts four characters a token, and the reasoning apart', () => {
    const told = openaiResponses.estimateUsage(request, bytesOf(response), false)
    expect(told).toMatchObject({ inputTokens: 36, outputTokens: 14, reasoningTokens: 9 })
  })

  test('does not count the bytes of files', () => {
    const image = { type: 'input_image', image_url: `data:image/png;base64,${'A'.repeat(100_000)}` }
    const asked = bytesOf({ input: [{ role: 'user', content: [image] }] })
    expect(openaiResponses.estimateUsage(asked, bytesOf({}), false)?.inputTokens).toBeLessThan(1_000)
  })

  test('is nothing for an answer that cannot be read', () => {
    for (const broken of ['', '{', '{"status":"failed","output":[]}']) {
      const told = openaiResponses.estimateUsage(request, encoder.encode(broken), false)
      expect(told?.outputTokens).toBe(0)
    }
  })

  test.each([
    [{ input: 'a'.repeat(38) }, { choices: 1 }],
    [
      { input: 'a'.repeat(38), max_output_tokens: 5 },
      { mostTokens: 5, choices: 1 },
    ],
    [
      { input: 'a'.repeat(38), max_output_tokens: -5 },
      { mostTokens: 0, choices: 1 },
    ],
    [
      { input: 'a'.repeat(38), max_output_tokens: 1e300 },
      { mostTokens: 1_000_000_000, choices: 1 },
    ],
  ])('of the most that %j may use', (body, output) => {
    const bytes = bytesOf(body)
    expect(openaiResponses.estimateTokens(bytes, scanObject(bytes))).toEqual({ inputTokens: 10, output })
  })
})

describe('an error of the gateway', () => {
  const failure = describeFailure({
    ...{ kind: 'limit_exceeded', message: 'Too much.', retryAfterSeconds: 3, status: 429, mayPass: true },
  })

  test('has the shape of both APIs', () => {
    expect(JSON.parse(openaiResponses.encodeError(failure))).toEqual({
      error: { message: 'Too much.', type: 'rate_limit_error', param: null, code: 'limit_exceeded' },
      detail: 'Too much.',
      retry_after: 3,
    })
  })

  test('ends a stream that broke off in an event', () => {
    const reader = openaiResponses.streamReader()
    reader.feed(encoder.encode(`event: response.output_text.del${openaiResponses.errorEvent(failure)}`))
    reader.end()
    expect(reader.error?.message).toBe('Too much.')
  })
})
