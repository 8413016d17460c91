import { describe, expect, test } from 'vitest'
import type { FailureDescription } from '../../../src/platform/failure'
import { scanObject } from '../../../src/platform/json-scan'
import { arrayErrorEvent, arrayFraming } from '../../../src/protocols/gemini/array-framing'
import { estimateInputTokens } from '../../../src/protocols/gemini/count-tokens'
import { gemini } from '../../../src/protocols/gemini/protocol'
import { decodeGeminiUsage, encodeGeminiUsage } from '../../../src/protocols/gemini/usage'
import { cuts, joinBytes, variants } from '../openai-chat/cuts'
import { sse, usageOf } from './helpers'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }]
const description: FailureDescription = {
  status: 429,
  type: 'x',
  code: 'limit_exceeded',
  message: 'Slow down.',
}

function bytesOf(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value))
}

function read(body: unknown) {
  const bytes = bytesOf(body)
  return gemini.readRequest(bytes, scanObject(bytes), { model: 'm', stream: true })
}

function event(part: unknown, more: object = {}, index = 0) {
  return { candidates: [{ content: { parts: [part], role: 'model' }, index, ...more }] }
}

function learnt(text: string | Uint8Array) {
  const reader = gemini.streamReader()
  reader.feed(typeof text === 'string' ? encoder.encode(text) : text)
  reader.end()
  const { facts, hasContent, isComplete, error } = reader
  return { facts, hasContent, isComplete, error: error?.message }
}

describe('a request', () => {
  test.each([
    ['camelCase', { contents, systemInstruction: { parts: [] }, generationConfig: {} }],
    ['snake_case', { contents, system_instruction: { parts: [] }, generation_config: {}, tool_config: null }],
    ['a single content', { contents: contents[0] }],
    ['unknown fields', { contents, whatever: 1 }],
  ])('is taken with %s', (_, body) => {
    expect(read(body)).toEqual({ model: 'm', stream: true, wantsStreamUsage: true })
  })

  test.each([
    [{}, 'contents', 'missing_required_parameter'],
    [{ contents: null }, 'contents', 'missing_required_parameter'],
    [{ contents: [] }, 'contents', 'empty_array'],
    [{ contents: 'Hi' }, 'contents', 'invalid_type'],
    [{ contents: ['Hi'] }, 'contents[0]', 'invalid_type'],
    [{ contents, systemInstruction: 'x' }, 'systemInstruction', 'invalid_type'],
    [{ contents, generation_config: [] }, 'generation_config', 'invalid_type'],
    [{ contents, tools: 'x' }, 'tools', 'invalid_type'],
    [{ contents, cachedContent: 1 }, 'cachedContent', 'invalid_type'],
  ])('%j is refused at %s', (body, param, code) => {
    expect(() => read(body)).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ kind: 'invalid_request', param, code }) }),
    )
  })

  test.each([
    [{ contents }, { choices: 1 }],
    [
      { contents, generationConfig: { maxOutputTokens: 50 } },
      { mostTokens: 50, choices: 1 },
    ],
    [
      { contents, generation_config: { max_output_tokens: 50, candidate_count: 3 } },
      { mostTokens: 50, choices: 3 },
    ],
    [
      { contents, generationConfig: { maxOutputTokens: 1e300 } },
      { mostTokens: 1_000_000_000, choices: 1 },
    ],
  ])('%j may use its input and its output', (body, output) => {
    const bytes = bytesOf(body)
    const inputTokens = Math.ceil(JSON.stringify(contents).length / 4)
    expect(gemini.estimateTokens(bytes, scanObject(bytes))).toEqual({ inputTokens, output })
  })
})

describe('a stream', () => {
  const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 }

  test.each([
    ['text', event({ text: 'a' }), true],
    ['a thought', event({ text: 'a', thought: true }), true],
    ['a call', event({ functionCall: { name: 'f' } }), true],
    ['a picture', event({ inlineData: { data: 'AA==', mimeType: 'image/png' } }), true],
    ['a finish', { candidates: [{ finishReason: 'SAFETY' }] }, true],
    ['a refused prompt', { promptFeedback: { blockReason: 'SAFETY' } }, true],
    ['an empty text', event({ text: '' }), false],
    ['a signature alone', event({ text: '', thoughtSignature: 'AA==' }), false],
    ['a usage', { usageMetadata }, false],
  ])('%s is content: %s', (_, one, isContent) => {
    expect(learnt(sse(one)).hasContent).toBe(isContent)
  })

  test.each([
    ['without a finish', [event({ text: 'a' })], false],
    ['with a finish', [event({ text: 'a' }), event({ text: '' }, { finishReason: 'STOP' })], true],
    [
      'with one finish of two',
      [event({ text: 'a' }, {}, 1), event({ text: 'b' }, { finishReason: 'STOP' })],
      false,
    ],
    ['with a refused prompt', [{ promptFeedback: { blockReason: 'OTHER' } }], true],
    ['without anything', [], false],
    [
      'with an unspecified finish',
      [event({ text: 'a' }, { finishReason: 'FINISH_REASON_UNSPECIFIED' })],
      false,
    ],
  ])('%s is complete: %s', (_, given, isComplete) => {
    expect(learnt(sse(...given)).isComplete).toBe(isComplete)
  })

  test('the latest counts are the whole, and large events are read too', () => {
    const inlineData = { data: 'A'.repeat(20_000), mimeType: 'image/png' }
    const last = { ...event({ inlineData }, { finishReason: 'STOP' }), usageMetadata }
    const early = { ...event({ text: 'a' }), usageMetadata: { ...usageMetadata, candidatesTokenCount: 1 } }
    expect(learnt(sse({ ...early, responseId: 'r' }, last))).toEqual({
      facts: { usage: usageOf({ inputTokens: 3, outputTokens: 2 }), finishReason: 'STOP', responseId: 'r' },
      hasContent: true,
      isComplete: true,
      error: undefined,
    })
  })

  test.each([
    ['as an event', 'data: {"error":{"code":429,"message":"no"}}\n\n'],
    ['as bare JSON', '{"error":{"code":429,"message":"no"}}\n'],
    ['as bare JSON over several lines', '{\n  "error": {\n    "code": 429,\n    "message": "no"\n  }\n}'],
    ['as an array', '[{\n  "error": {\n    "code": 429,\n    "message": "no"\n  }\n}\n]\n'],
  ])('an error is seen %s', (_, text) => {
    expect(learnt(sse(event({ text: 'a' })) + text)).toMatchObject({ error: 'no', isComplete: false })
  })

  test.each(variants)('%s tells the same, however it is cut', (_, write) => {
    const bytes = write(
      sse(event({ text: 'Grüße 🌍' }), { ...event({ text: '' }, { finishReason: 'STOP' }), usageMetadata }),
    )
    const whole = learnt(bytes)
    expect(whole).toMatchObject({ isComplete: true, facts: { finishReason: 'STOP' } })
    for (const [how, cut] of cuts) {
      const reader = gemini.streamReader()
      for (const piece of cut(bytes)) reader.feed(piece)
      reader.end()
      expect(reader.facts, how).toEqual(whole.facts)
    }
  })
})

describe('a reply', () => {
  test('a large one is read without its content', () => {
    const parts = [{ text: '"finishReason":"OTHER"'.repeat(1_000) }]
    const body = { candidates: [{ content: { parts }, finishReason: 'STOP', index: 0 }], responseId: 'r' }
    expect(gemini.readReply(bytesOf(body))).toEqual({ finishReason: 'STOP', responseId: 'r' })
  })

  test('an error with status 200 is one', () => {
    const error = { code: 503, message: 'away' }
    expect(gemini.readReply(bytesOf([{ error }])).error).toEqual({ message: 'away', status: 503 })
  })

  test('a refused prompt is a reply, anything else is none', () => {
    expect(gemini.readReply(bytesOf({ promptFeedback: { blockReason: 'SAFETY' } }))).toEqual({
      finishReason: 'SAFETY',
    })
    expect(() => gemini.readReply(bytesOf({ choices: [] }))).toThrow('candidates')
  })
})

describe('usage', () => {
  test.each([
    [
      'plain',
      { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 14 },
      { inputTokens: 10, outputTokens: 4 },
    ],
    [
      'with cache, thoughts and results of tools',
      {
        ...{ promptTokenCount: 10, cachedContentTokenCount: 6, candidatesTokenCount: 4 },
        ...{ thoughtsTokenCount: 3, toolUsePromptTokenCount: 2, totalTokenCount: 19 },
      },
      { inputTokens: 6, cacheReadTokens: 6, outputTokens: 7, reasoningTokens: 3 },
    ],
    [
      'whose thoughts are among the candidates',
      { promptTokenCount: 10, candidatesTokenCount: 4, thoughtsTokenCount: 3, totalTokenCount: 14 },
      { inputTokens: 10, outputTokens: 4, reasoningTokens: 3 },
    ],
    [
      'whose total knows more',
      { promptTokenCount: 10, totalTokenCount: 15 },
      { inputTokens: 10, outputTokens: 5 },
    ],
    [
      'with sound',
      {
        promptTokenCount: 10,
        candidatesTokenCount: 0,
        promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 7 }],
      },
      { inputTokens: 10, audioInputTokens: 7 },
    ],
  ])('%s adds up to the total', (_, given, counts) => {
    expect(decodeGeminiUsage(given)).toEqual(usageOf(counts))
  })

  test('no counts are none', () => {
    expect(decodeGeminiUsage({ trafficType: 'ON_DEMAND' })).toBeUndefined()
  })

  test('it survives being written', () => {
    const usage = usageOf({
      inputTokens: 5,
      cacheReadTokens: 7,
      outputTokens: 9,
      reasoningTokens: 4,
      audioInputTokens: 2,
    })
    expect(decodeGeminiUsage(encodeGeminiUsage(usage))).toEqual(usage)
  })

  test('it is estimated from the texts', () => {
    const answer = sse(event({ text: 'x'.repeat(40), thought: true }), event({ text: 'y'.repeat(20) }))
    const usage = gemini.estimateUsage(bytesOf({ contents }), encoder.encode(answer), true)
    expect(usage).toEqual(usageOf({ inputTokens: 4, outputTokens: 15, reasoningTokens: 10 }))
    const whole = event({ text: 'y'.repeat(20) })
    expect(gemini.estimateUsage(bytesOf({ contents }), bytesOf(whole), false)?.outputTokens).toBe(5)
  })

  test.each([
    [{ contents }, 4],
    [
      {
        generateContentRequest: { model: 'm', contents, system_instruction: { parts: [{ text: 'abcde' }] } },
      },
      9,
    ],
    [{ contents: [{ parts: [{ inlineData: { data: 'A'.repeat(9_999), mimeType: 'image/png' } }] }] }, 261],
    [{}, 0],
    ['nonsense', 0],
  ])('%j has about so many tokens', (body, tokens) => {
    expect(estimateInputTokens(body)).toBe(tokens)
  })
})

describe('errors for clients', () => {
  test.each([
    [400, 'INVALID_ARGUMENT'],
    [401, 'UNAUTHENTICATED'],
    [403, 'PERMISSION_DENIED'],
    [404, 'NOT_FOUND'],
    [413, 'INVALID_ARGUMENT'],
    [422, 'INVALID_ARGUMENT'],
    [429, 'RESOURCE_EXHAUSTED'],
    [499, 'CANCELLED'],
    [500, 'INTERNAL'],
    [501, 'UNIMPLEMENTED'],
    [502, 'UNAVAILABLE'],
    [503, 'UNAVAILABLE'],
    [504, 'DEADLINE_EXCEEDED'],
    [529, 'UNAVAILABLE'],
  ])('status %i is %s', (status, word) => {
    const { error } = JSON.parse(gemini.encodeError({ ...description, status }))
    expect(error).toMatchObject({ code: status, status: word, message: 'Slow down.' })
  })

  test('the field and the waiting time stand in details', () => {
    const { error } = JSON.parse(
      gemini.encodeError({ ...description, param: 'contents[0]', retryAfterSeconds: 7 }),
    )
    expect(error.details).toEqual([
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'LIMIT_EXCEEDED' },
      {
        '@type': 'type.googleapis.com/google.rpc.BadRequest',
        fieldViolations: [{ field: 'contents[0]', description: 'Slow down.' }],
      },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' },
    ])
  })

  test('in a stream it ends what broke off', () => {
    const text = `data: {"candidates":[${gemini.errorEvent(description)}`
    expect(learnt(text).error).toBe('Slow down.')
  })
})

describe('the array that a stream is without alt=sse', () => {
  const stream = sse(event({ text: 'Grüße' }), event({ text: '🌍' }, { finishReason: 'STOP' }))
  const framed = (pieces: Uint8Array[]) => {
    const framing = arrayFraming()
    return decoder.decode(joinBytes([...pieces.map((piece) => framing.change(piece)), framing.rest()]))
  }

  test.each(cuts)('has the data of each event as it is, cut %s', (_, cut) => {
    const text = framed(cut(encoder.encode(`: ping\n\n${stream}`)))
    const [one, two] = [event({ text: 'Grüße' }), event({ text: '🌍' }, { finishReason: 'STOP' })]
    expect(text).toBe(`[${JSON.stringify(one)}\n,\r\n${JSON.stringify(two)}\n]`)
  })

  test('errors are elements too, also the first', () => {
    expect(JSON.parse(framed([encoder.encode(gemini.errorEvent(description))]))).toMatchObject([
      { error: { code: 429 } },
    ])
    const framing = arrayFraming()
    const begun = decoder.decode(framing.change(encoder.encode(stream)))
    expect(JSON.parse(begun + arrayErrorEvent(description))).toMatchObject([{}, {}, { error: { code: 429 } }])
  })

  test('without events it is empty', () => {
    expect(framed([encoder.encode(': ping\n\n')])).toBe('[]')
  })
})
