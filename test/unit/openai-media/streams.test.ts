import { describe, expect, test } from 'vitest'
import { byteReader } from '../../../src/protocols/byte-reader'
import { collectCompletionStream } from '../../../src/protocols/openai-media/completion-stream'
import { mediaStreamReader } from '../../../src/protocols/openai-media/stream'
import { cuts } from '../openai-chat/cuts'

const encoder = new TextEncoder()

/** Events as OpenAI writes them: with the type as the name too, or without. */
function events(list: readonly object[], isNamed: boolean): string {
  return list
    .map((event) => {
      const name = isNamed && 'type' in event ? `event: ${event.type}\n` : ''
      return `${name}data: ${JSON.stringify(event)}\n\n`
    })
    .join('')
}

function learnt(text: string) {
  const results = cuts.map(([, cut]) => {
    const reader = mediaStreamReader()
    for (const piece of cut(encoder.encode(text))) reader.feed(piece)
    reader.end()
    const { hasContent, isComplete, error, facts } = reader
    return { hasContent, isComplete, error: error?.message, usage: facts.usage }
  })
  for (const result of results) expect(result).toEqual(results[0])
  return results[0]
}

const USAGE = { input_tokens: 10, output_tokens: 20, total_tokens: 30 }
const TOLD = { inputTokens: 10, outputTokens: 20 }

describe.each([
  ['named', true],
  ['not named', false],
])('events that are %s', (_, isNamed) => {
  test.each<[string, object[], object]>([
    [
      'a picture',
      [
        { type: 'image_generation.partial_image', b64_json: 'YQ==', partial_image_index: 0 },
        { type: 'image_generation.completed', b64_json: 'YQ==', usage: USAGE },
      ],
      { hasContent: true, isComplete: true, usage: TOLD },
    ],
    [
      'a picture, the type last',
      [{ usage: USAGE, b64_json: 'YQ==', type: 'image_edit.completed' }],
      { hasContent: true, isComplete: true, usage: TOLD },
    ],
    [
      'a transcription',
      [
        { type: 'transcript.text.delta', delta: '"type":"x.done"' },
        { type: 'transcript.text.done', text: 'a', usage: { type: 'tokens', ...USAGE } },
      ],
      { hasContent: true, isComplete: true, usage: TOLD },
    ],
    [
      'a transcription in seconds',
      [{ type: 'transcript.text.done', text: 'a', usage: { type: 'duration', seconds: 3 } }],
      { hasContent: true, isComplete: true, usage: undefined },
    ],
    [
      'speech',
      [
        { type: 'speech.audio.delta', audio: 'YQ==' },
        { type: 'speech.audio.done', usage: USAGE },
      ],
      { hasContent: true, isComplete: true, usage: TOLD },
    ],
    [
      'half a transcription',
      [{ type: 'transcript.text.delta', delta: 'a' }],
      { hasContent: true, isComplete: false, usage: undefined },
    ],
    [
      'an error',
      [{ type: 'error', error: { message: 'no more', code: 'x' } }],
      { hasContent: false, isComplete: false, error: 'no more' },
    ],
    [
      'an error without an object',
      [{ type: 'error', message: 'no more' }],
      { hasContent: false, error: 'no more' },
    ],
    [
      'an error behind content',
      [{ type: 'speech.audio.delta', audio: 'YQ==' }, { error: { message: 'no more' } }],
      { hasContent: true, isComplete: false, error: 'no more' },
    ],
  ])('%s', (__, list, expected) => {
    expect(learnt(events(list, isNamed))).toMatchObject(expected)
  })
})

test('a transcription in chunks like those of a chat ends with [DONE]', () => {
  const chunk = { object: 'transcription.chunk', choices: [{ delta: { content: 'a' } }] }
  const last = { ...chunk, choices: [], usage: { prompt_tokens: 10, completion_tokens: 20 } }
  expect(learnt(events([chunk], false))).toMatchObject({ hasContent: true, isComplete: false })
  expect(learnt(`${events([chunk, last], false)}data: [DONE]\n\n`)).toMatchObject({
    isComplete: true,
    usage: TOLD,
  })
})

test('a picture is content before its event has come to an end', () => {
  const reader = mediaStreamReader()
  reader.feed(encoder.encode('data: {"type":"image_generation.partial_image","b64_json":"'))
  expect(reader.hasContent).toBe(false)
  reader.feed(encoder.encode('A'.repeat(70_000)))
  expect(reader.hasContent).toBe(true)
})

test('of a file the first byte is content, and no byte at all is no answer', () => {
  const reader = byteReader()
  reader.feed(new Uint8Array(0))
  reader.end()
  expect(reader).toMatchObject({ hasContent: false, isComplete: false })
  reader.feed(Uint8Array.of(0))
  expect(reader).toMatchObject({ hasContent: true, isComplete: true, error: undefined, facts: {} })
})

test('a streamed completion adds up to the whole one', () => {
  const frame = { id: 'cmpl-1', object: 'text_completion', model: 'm' }
  const logprobs = (token: string) => ({ tokens: [token], token_logprobs: [-1] })
  const chunk = (index: number, text: string, finish_reason: string | null = null) => ({
    ...frame,
    choices: [{ index, text, logprobs: index === 0 ? logprobs(text) : null, finish_reason }],
  })
  const usage = { prompt_tokens: 1 }
  const chunks = [
    chunk(1, 'x'),
    chunk(0, 'a'),
    chunk(0, 'b', 'stop'),
    chunk(1, '', 'length'),
    { ...frame, choices: [], usage },
  ]
  expect(collectCompletionStream(encoder.encode(`${events(chunks, false)}data: [DONE]\n\n`))).toEqual({
    ...frame,
    choices: [
      {
        index: 0,
        text: 'ab',
        logprobs: { tokens: ['a', 'b'], token_logprobs: [-1, -1] },
        finish_reason: 'stop',
      },
      { index: 1, text: 'x', logprobs: null, finish_reason: 'length' },
    ],
    usage,
  })
  expect(collectCompletionStream(encoder.encode(': nothing\n\n'))).toBeUndefined()
})
