import { describe, expect, test } from 'vitest'
import { mediaEndpoints } from '../../../src/protocols/openai-media/table'
import { findMediaUsage } from '../../../src/protocols/openai-media/usage'

const encoder = new TextEncoder()
const NONE = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
}

function read(path: string, body: object | string, type?: string) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return mediaEndpoints[path]?.readReply(encoder.encode(text), type)
}

describe('a usage', () => {
  test.each<[string, object, object | undefined]>([
    ['of embeddings', { usage: { prompt_tokens: 8, total_tokens: 8 } }, { ...NONE, inputTokens: 8 }],
    ['of a reranker', { usage: { total_tokens: 15 } }, { ...NONE, inputTokens: 15 }],
    [
      'of a picture',
      {
        usage: {
          input_tokens: 373,
          output_tokens: 272,
          total_tokens: 645,
          input_tokens_details: { image_tokens: 323, text_tokens: 50 },
        },
      },
      { ...NONE, inputTokens: 373, outputTokens: 272, imageInputTokens: 323 },
    ],
    [
      'of a recording',
      {
        usage: {
          type: 'tokens',
          input_tokens: 14,
          input_token_details: { text_tokens: 4, audio_tokens: 10 },
          output_tokens: 45,
          total_tokens: 59,
        },
      },
      { ...NONE, inputTokens: 14, outputTokens: 45, audioInputTokens: 10 },
    ],
    [
      'with a cached part',
      { usage: { input_tokens: 10, input_tokens_details: { cached_tokens: 4 }, output_tokens: 1 } },
      { ...NONE, inputTokens: 6, cacheReadTokens: 4, outputTokens: 1 },
    ],
    ['in seconds', { usage: { type: 'duration', seconds: 9 } }, undefined],
    ['in searches', { meta: { billed_units: { search_units: 1 } } }, undefined],
    ['that is not there', {}, undefined],
  ])('%s', (_, reply, usage) => {
    expect(findMediaUsage(reply)).toEqual(usage)
  })
})

describe('a good reply', () => {
  test.each<[string, object | string, string | undefined, object]>([
    [
      '/embeddings',
      { data: [], usage: { prompt_tokens: 1 } },
      undefined,
      { usage: { ...NONE, inputTokens: 1 } },
    ],
    ['/images/generations', { created: 1, data: [{ url: 'x' }] }, undefined, {}],
    ['/moderations', { id: 'modr-1', results: [] }, undefined, { responseId: 'modr-1' }],
    ['/rerank', { results: [], meta: {} }, undefined, {}],
    ['/rerank', { data: [], usage: { total_tokens: 2 } }, undefined, { usage: { ...NONE, inputTokens: 2 } }],
    ['/audio/transcriptions', { text: 'hi' }, 'application/json', {}],
    [
      '/audio/transcriptions',
      { text: 'hi', usage: { type: 'duration', seconds: 1 } },
      'application/json',
      {},
    ],
    ['/audio/transcriptions', 'hi\n', 'text/plain', {}],
    ['/audio/transcriptions', '{"text" is what he said', 'text/plain; charset=utf-8', {}],
    ['/audio/transcriptions', 'WEBVTT\n', 'text/vtt', {}],
    [
      '/completions',
      { id: 'c', choices: [{ text: '', finish_reason: 'stop' }] },
      undefined,
      { responseId: 'c', finishReason: 'stop' },
    ],
  ])('of %s: %j', (path, body, type, facts) => {
    expect(read(path, body, type)).toEqual(facts)
  })

  test.each([
    '/embeddings',
    '/images/generations',
    '/moderations',
    '/rerank',
    '/audio/transcriptions',
    '/completions',
  ])('of %s is not one with an error in it', (path) => {
    const error = { message: 'no', code: 503 }
    expect(read(path, { error }, 'application/json')).toEqual({ error: { message: 'no', status: 503 } })
  })
})

describe('what is no reply', () => {
  test.each<[string, object | string, string | undefined, string]>([
    ['/embeddings', { results: [] }, undefined, "it has no 'data'"],
    ['/embeddings', { data: 'x' }, undefined, "it has no 'data'"],
    ['/embeddings', '<html>', undefined, 'expected a JSON object'],
    ['/embeddings', '{"data":[1,2', undefined, 'the text ends'],
    ['/rerank', {}, undefined, "it has no 'results' or 'data'"],
    ['/audio/transcriptions', '<html>', 'text/html; charset=utf-8', 'a page of HTML'],
    ['/audio/transcriptions', {}, 'application/json', "it has no 'text'"],
    ['/audio/transcriptions', 'hi', 'application/json', 'expected a JSON object'],
  ])('of %s: %j', (path, body, type, words) => {
    expect(() => read(path, body, type)).toThrow(words)
  })
})

describe('a usage that nobody told', () => {
  const estimate = (path: string, request: object, response: string, isStream = false) =>
    mediaEndpoints[path]?.estimateUsage(
      encoder.encode(JSON.stringify(request)),
      encoder.encode(response),
      isStream,
    )

  test.each(['/images/generations', '/audio/speech', '/audio/transcriptions', '/moderations', '/rerank'])(
    'stays unknown at %s',
    (path) => {
      expect(estimate(path, { prompt: 'long enough', input: 'long enough' }, '{}')).toBeUndefined()
    },
  )

  test.each<[string, unknown, number]>([
    ['a text', '12345', 2],
    ['texts', ['1234', '12345678'], 3],
    ['token numbers', [1, 2, 3], 3],
    ['lists of token numbers', [[1, 2], [3]], 3],
  ])('of embeddings is guessed from %s', (_, input, inputTokens) => {
    expect(estimate('/embeddings', { input }, '{}')).toEqual({ ...NONE, inputTokens })
  })

  test('of a completion is guessed from its texts, whole and streamed', () => {
    const whole = JSON.stringify({ choices: [{ text: '12345678' }, { text: '1234' }] })
    const chunks = ['1234', '5678'].map(
      (text) => `data: ${JSON.stringify({ choices: [{ index: 0, text }] })}\n\n`,
    )
    expect(estimate('/completions', { prompt: '1234' }, whole)).toEqual({
      ...NONE,
      inputTokens: 1,
      outputTokens: 3,
    })
    expect(
      estimate('/completions', { prompt: ['1234', '12'] }, `${chunks.join('')}data: [DONE]\n\n`, true),
    ).toEqual({
      ...NONE,
      inputTokens: 2,
      outputTokens: 2,
    })
  })
})
