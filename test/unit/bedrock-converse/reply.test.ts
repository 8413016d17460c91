import { describe, expect, test } from 'vitest'
import { converseCodec } from '../../../src/protocols/bedrock-converse/codec'
import { fieldsOf, listOf } from '../../../src/protocols/fields'
import { goldenJson } from './golden'

const encoder = new TextEncoder()

function replyOf(content: unknown, more: Record<string, unknown> = {}) {
  return converseCodec.decodeReply({ output: { message: { role: 'assistant', content } }, ...more })
}

describe('a reply', () => {
  test.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop_sequence'],
    ['max_tokens', 'length'],
    ['tool_use', 'tool_calls'],
    ['guardrail_intervened', 'content_filter'],
    ['content_filtered', 'content_filter'],
    ['malformed_tool_use', 'malformed_tool_call'],
    ['malformed_model_output', 'other'],
    ['model_context_window_exceeded', 'context_length'],
    ['refusal', 'refusal'],
    ['something_new', 'other'],
    [undefined, 'other'],
  ])('that stops for %s ends with %s', (stopReason, finish) => {
    expect(replyOf([{ text: 'a' }], { stopReason }).choices[0]).toMatchObject({ finish })
  })

  test.each([
    ['an empty text', { text: '' }, undefined],
    ['an empty block', {}, undefined],
    [
      'a call without an id',
      { toolUse: { name: 'now' } },
      { kind: 'tool_call', id: 'sluice_call_0', name: 'now', argumentsJson: '{}' },
    ],
    [
      'an encrypted thought',
      { reasoningContent: { redactedContent: 'Zm9v' } },
      { kind: 'reasoning', text: '', proof: { family: 'anthropic', encrypted: 'Zm9v' } },
    ],
    [
      'a thought without a proof',
      { reasoningContent: { reasoningText: { text: 'Hm' } } },
      { kind: 'reasoning', text: 'Hm' },
    ],
    [
      'a cited text',
      { citationsContent: { content: [{ text: 'Pa' }, { text: 'ris' }], citations: [{ source: 'atlas' }] } },
      {
        kind: 'text',
        text: 'Paris',
        citations: [{ title: 'atlas', native: { protocol: 'bedrock-converse', value: { source: 'atlas' } } }],
      },
    ],
    [
      'a picture',
      { image: { format: 'jpeg', source: { bytes: '/9j/' } } },
      { kind: 'image', media: { kind: 'base64', base64: '/9j/', mediaType: 'image/jpeg' } },
    ],
    [
      'a call that the provider answers',
      { toolUse: { type: 'server_tool_use', name: 'x' } },
      {
        kind: 'native',
        type: 'toolUse',
        protocol: 'bedrock-converse',
        value: { toolUse: { type: 'server_tool_use', name: 'x' } },
      },
    ],
    [
      'what is not known',
      { hologram: {} },
      { kind: 'native', type: 'hologram', protocol: 'bedrock-converse', value: { hologram: {} } },
    ],
  ])('holds %s', (_, block, part) => {
    expect(replyOf([block]).choices[0]?.parts).toEqual(part === undefined ? [] : [part])
  })

  test('tells its tier, and the sequence that stopped it', () => {
    const reply = replyOf([], {
      serviceTier: { type: 'flex' },
      stopReason: 'stop_sequence',
      additionalModelResponseFields: { stop_sequence: 'END' },
    })
    expect(reply).toMatchObject({ serviceTier: 'flex', choices: [{ stopSequence: 'END' }] })
  })

  test.each([[undefined], ['text'], [{}], [{ output: {} }], [{ Output: { __type: 'x' } }]])(
    '%j is none',
    (body) => {
      expect(() => converseCodec.decodeReply(body)).toThrow("it has no 'output.message.content'")
    },
  )
})

describe('usage', () => {
  const usage = (counts: Record<string, unknown>) => replyOf([], { usage: counts }).usage

  test.each([
    ['nothing cached', { inputTokens: 5, outputTokens: 2, totalTokens: 7 }, [5, 0, 0, 0, 2]],
    [
      'caches beside the input',
      {
        inputTokens: 5,
        outputTokens: 2,
        totalTokens: 1507,
        cacheReadInputTokens: 1000,
        cacheWriteInputTokens: 500,
      },
      [5, 1000, 500, 0, 2],
    ],
    [
      'caches inside the input, by the total',
      {
        inputTokens: 1505,
        outputTokens: 2,
        totalTokens: 1507,
        cacheReadInputTokens: 1000,
        cacheWriteInputTokens: 500,
      },
      [5, 1000, 500, 0, 2],
    ],
    [
      'caches that the total leaves out',
      { inputTokens: 5, outputTokens: 2, totalTokens: 7, cacheReadInputTokens: 1000 },
      [5, 1000, 0, 0, 2],
    ],
    [
      'writes for different times',
      {
        inputTokens: 5,
        outputTokens: 2,
        totalTokens: 507,
        cacheWriteInputTokens: 500,
        cacheDetails: [
          { ttl: '1h', inputTokens: 300 },
          { ttl: '5m', inputTokens: 200 },
        ],
      },
      [5, 0, 200, 300, 2],
    ],
  ])(
    '%s',
    (_, counts, [inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens]) => {
      expect(usage(counts)).toEqual({
        inputTokens,
        cacheReadTokens,
        cacheWrite5mTokens,
        cacheWrite1hTokens,
        outputTokens,
        reasoningTokens: 0,
        audioInputTokens: 0,
        audioOutputTokens: 0,
      })
    },
  )

  test('that holds no counts is none', () => {
    expect(usage({ inputTokens: -1, outputTokens: 'many' })).toBeUndefined()
  })
})

describe('an error', () => {
  const wanted: Record<string, { status: number; code: string }> = {
    'invalid request': { status: 400, code: 'ValidationException' },
    authentication: { status: 403, code: 'AccessDeniedException' },
    permission: { status: 403, code: 'AccessDeniedException' },
    'not found': { status: 404, code: 'ResourceNotFoundException' },
    'context length': { status: 400, code: 'context_length_exceeded' },
    'rate limit': { status: 429, code: 'ThrottlingException' },
    overloaded: { status: 503, code: 'ServiceUnavailableException' },
    'model timeout': { status: 504, code: 'ModelTimeoutException' },
    'server error': { status: 500, code: 'InternalServerException' },
  }
  const golden = listOf(goldenJson('errors', 'errors.json')).map(fieldsOf)

  test('of every kind is in the golden errors', () => {
    expect(golden.map(({ name }) => name)).toEqual(Object.keys(wanted))
  })

  test.each(golden.map((error) => [String(error.name), error] as const))('%s', (name, { status, body }) => {
    const bytes = encoder.encode(JSON.stringify(body))
    expect(converseCodec.decodeError(Number(status), bytes)).toEqual({
      ...wanted[name],
      message: fieldsOf(body).message,
    })
  })

  test.each([
    [{ Message: 'No.' }, { message: 'No.', status: 403, code: 'AccessDeniedException' }],
    [
      { message: 'No.', __type: 'a.b#ExpiredTokenException:http://x' },
      { message: 'No.', status: 403, code: 'ExpiredTokenException' },
    ],
    [
      { Output: { __type: 'com.amazon.coral.service#UnknownOperationException' }, Version: '1.0' },
      { message: 'UnknownOperationException', status: 403, code: 'UnknownOperationException' },
    ],
    [{}, undefined],
    ['No.', undefined],
  ])('%j', (body, error) => {
    expect(converseCodec.decodeError(403, encoder.encode(JSON.stringify(body)))).toEqual(error)
  })

  test('in HTML is not known', () => {
    expect(converseCodec.decodeError(502, encoder.encode('<html>'))).toBeUndefined()
  })
})
