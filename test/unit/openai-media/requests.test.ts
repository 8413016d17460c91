import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import { scanObject } from '../../../src/platform/json-scan'
import { mediaEndpoints } from '../../../src/protocols/openai-media/table'
import type { Protocol } from '../../../src/protocols/protocol'
import { TOKENS_PER_FILE } from '../../../src/protocols/token-estimate'

const encoder = new TextEncoder()

function endpoint(path: string): Protocol {
  const found = mediaEndpoints[path]
  if (found === undefined) throw new Error(`There is no ${path}.`)
  return found
}

function read(path: string, body: object) {
  const bytes = encoder.encode(JSON.stringify(body))
  return endpoint(path).readRequest(bytes, scanObject(bytes))
}

function tokensOf(path: string, body: object) {
  const bytes = encoder.encode(JSON.stringify(body))
  return endpoint(path).estimateTokens(bytes, scanObject(bytes))
}

const FILE = { name: 'a.mp3', type: 'audio/mpeg', size_bytes: 3 }

describe('a request is taken', () => {
  test.each<[string, object, object]>([
    ['/embeddings', { model: 'm', input: 'a' }, { model: 'm', stream: false, wantsStreamUsage: true }],
    ['/embeddings', { input: [[1, 2]], model: null }, { model: undefined }],
    ['/embeddings', { input: 'a', encoding_format: 'base64', later: {} }, {}],
    ['/completions', { prompt: 'a' }, { stream: false, wantsStreamUsage: false }],
    ['/completions', { prompt: ['a'], stream: true }, { stream: true, wantsStreamUsage: false }],
    ['/completions', { prompt: 'a', stream_options: { include_usage: true } }, { wantsStreamUsage: true }],
    ['/completions', { prompt: 'a', stream_options: null, stream: null }, { wantsStreamUsage: false }],
    ['/images/generations', { prompt: 'a', n: 2, stream: true }, { stream: true }],
    ['/images/edits', { prompt: 'a', images: [{ file_id: 'f' }] }, { stream: false }],
    ['/images/edits', { prompt: 'a', n: '2', image: [FILE, FILE] }, { stream: false }],
    ['/images/variations', { image: FILE }, {}],
    ['/audio/speech', { input: 'a' }, { stream: true, wantsBytes: true }],
    ['/audio/speech', { input: 'a', stream_format: 'audio' }, { stream: true, wantsBytes: true }],
    ['/audio/transcriptions', { file: FILE, stream: true }, { stream: true }],
    ['/audio/translations', { file: FILE }, { stream: false }],
    ['/moderations', { input: [{ type: 'text', text: 'a' }] }, {}],
    ['/rerank', { query: 'a', documents: ['b', { text: 'c' }] }, {}],
  ])('at %s: %j', (path, body, facts) => {
    expect(read(path, body)).toMatchObject(facts)
  })

  test('at /audio/speech with events, which are no file', () => {
    expect(read('/audio/speech', { input: 'a', stream_format: 'sse' })).not.toHaveProperty('wantsBytes')
  })
})

describe('a request is refused with the name of the field', () => {
  test.each<[string, object, string, string]>([
    ['/embeddings', {}, 'input', "Missing required parameter: 'input'."],
    ['/embeddings', { input: null }, 'input', 'Missing'],
    ['/embeddings', { input: { a: 1 } }, 'input', 'expected a string or an array, but got an object.'],
    ['/embeddings', { input: 'a', model: 1 }, 'model', 'expected a string, but got a number.'],
    ['/embeddings', { input: 'a', dimensions: '8' }, 'dimensions', 'expected a number, but got a string.'],
    ['/completions', {}, 'prompt', 'Missing'],
    ['/completions', { prompt: 'a', stream: 'true' }, 'stream', 'expected a boolean'],
    ['/completions', { prompt: 'a', stream_options: true }, 'stream_options', 'expected an object'],
    ['/images/generations', { model: 'm' }, 'prompt', 'Missing'],
    ['/images/edits', { image: FILE }, 'prompt', 'Missing'],
    ['/images/variations', {}, 'image', 'Missing'],
    ['/audio/speech', {}, 'input', 'Missing'],
    ['/audio/speech', { input: ['a'] }, 'input', 'expected a string, but got an array.'],
    ['/audio/speech', { input: 'a', stream_format: 1 }, 'stream_format', 'expected a string'],
    ['/audio/transcriptions', {}, 'file', 'Missing'],
    ['/audio/transcriptions', { file: 'a' }, 'file', 'expected a file, but got a string.'],
    ['/audio/translations', { file: [FILE, FILE] }, 'file', 'expected a file, but got an array.'],
    ['/moderations', {}, 'input', 'Missing'],
    ['/rerank', { documents: [] }, 'query', 'Missing'],
    ['/rerank', { query: 'a', documents: 'b' }, 'documents', 'expected an array'],
  ])('at %s: %j', (path, body, param, words) => {
    const failure = failureOf(() => read(path, body))
    expect(failure).toMatchObject({ kind: 'invalid_request', param, message: expect.stringContaining(words) })
  })
})

test.each<[string, object, object]>([
  ['/embeddings', { model: 'm', input: '12345678' }, { inputTokens: 3 }],
  [
    '/completions',
    { prompt: '12', max_tokens: 100 },
    { inputTokens: 1, output: { mostTokens: 100, choices: 1 } },
  ],
  [
    '/completions',
    { prompt: '12', max_tokens: 100, n: 2, best_of: 3 },
    { output: { mostTokens: 100, choices: 3 } },
  ],
  ['/completions', { prompt: '12' }, { output: { mostTokens: 16, choices: 1 } }],
  [
    '/completions',
    { prompt: '12', max_tokens: 1e300 },
    { output: { mostTokens: 1_000_000_000, choices: 1 } },
  ],
  ['/images/generations', { prompt: '1234567890' }, { inputTokens: 3 }],
  ['/audio/transcriptions', { file: FILE }, { inputTokens: TOKENS_PER_FILE }],
])('%s reserves for %j: %j', (path, body, tokens) => {
  expect(tokensOf(path, body)).toMatchObject(tokens)
})

test('a path under the base, whatever the model is', () => {
  const paths = Object.entries(mediaEndpoints).map(([path, { path: made }]) => [path, made?.('m', false)])
  expect(paths.filter(([path, made]) => path !== made)).toEqual([
    ['/audio/transcription', '/audio/transcriptions'],
  ])
})

function failureOf(run: () => unknown) {
  try {
    run()
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  throw new Error('it was taken')
}
