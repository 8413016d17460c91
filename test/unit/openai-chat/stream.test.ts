import { describe, expect, test } from 'vitest'
import { chatStreamReader } from '../../../src/protocols/openai-chat/stream'
import { cuts, variants } from './cuts'
import { chunk, events, usage } from './events'
import { streamFixtures } from './stream-fixtures'

const encoder = new TextEncoder()

/** A reader that was given pieces the way the relay does: views on one buffer that is used again. */
function read(pieces: readonly Uint8Array[]) {
  const reader = chatStreamReader()
  const buffer = new Uint8Array(Math.max(1, ...pieces.map(({ length }) => length)))
  for (const piece of pieces) {
    buffer.set(piece)
    reader.feed(buffer.subarray(0, piece.length))
    buffer.fill(0x78)
  }
  reader.end()
  return reader
}

function learnt(pieces: readonly Uint8Array[]) {
  const { facts, isComplete, hasContent, error } = read(pieces)
  return { facts, isComplete, hasContent, error: error?.message }
}

describe.each(variants)('a stream %s', (_, write) => {
  test.each(streamFixtures.map((fixture) => [fixture.name, fixture] as const))(
    'tells the same, however it is cut: %s',
    (__, { text, facts, isComplete, hasContent, error }) => {
      for (const [how, cut] of cuts)
        expect(learnt(cut(write(text))), how).toEqual({ facts, isComplete, hasContent, error })
    },
  )
})

describe('while a stream comes', () => {
  test.each([
    ['content', chunk({ content: 'a' })],
    ['reasoning', chunk({ reasoning_content: 'a' })],
    ['reasoning under its other name', chunk({ reasoning: 'a' })],
    ['a refusal', chunk({ refusal: 'a' })],
    ['a tool call', chunk({ tool_calls: [{ index: 0, id: 'call_1' }] })],
    ['a function call', chunk({ function_call: { name: 'f' } })],
    ['audio', chunk({ audio: { id: 'audio_1' } })],
    ['a legacy text', { choices: [{ index: 0, text: 'a' }] }],
    ['a finish', chunk({}, 'content_filter')],
  ])('%s is content, and only when its event is whole', (_, one) => {
    const reader = chatStreamReader()
    const bytes = encoder.encode(events(chunk({ role: 'assistant', content: '' }), one))
    reader.feed(bytes.subarray(0, -1))
    expect(reader.hasContent).toBe(false)
    reader.feed(bytes.subarray(-1))
    expect(reader.hasContent).toBe(true)
  })

  test('it is complete with the end marker, not before', () => {
    const reader = chatStreamReader()
    reader.feed(encoder.encode(events(chunk({ content: 'a' }))))
    expect(reader.isComplete).toBe(false)
    reader.feed(encoder.encode(events('[DONE]')))
    expect(reader.isComplete).toBe(true)
  })

  test('the first id stays, and an empty one is none', () => {
    const first = { id: '', choices: [] }
    const { facts } = read([encoder.encode(events(first, chunk({}), { ...chunk({}, 'stop'), id: 'other' }))])
    expect(facts.responseId).toBe('chatcmpl-1')
  })

  test('a usage without counts is none', () => {
    const empty = { ...chunk({}, 'stop'), usage: {} }
    expect(read([encoder.encode(events(chunk({ content: 'a' }), empty))]).facts.usage).toBeUndefined()
  })

  test('the provider’s error is kept as it came', () => {
    const error = { error: { message: 'overloaded', type: 'server_error', details: [1] } }
    expect(read([encoder.encode(events(error))]).error).toEqual({
      message: 'overloaded',
      data: JSON.stringify(error),
      status: 500,
    })
  })

  test.each([
    ['last', [1, 0]],
    ['first', [0, 1]],
  ])(
    'of several choices the first one’s finish is told, as of a reply in one piece, also when it comes %s',
    (_, order) => {
      const finishes = order.map((index) => ({
        choices: [{ index, delta: {}, finish_reason: index === 0 ? 'stop' : 'length' }],
      }))
      expect(read([encoder.encode(events(...finishes))]).facts.finishReason).toBe('stop')
    },
  )

  test('bytes that are not UTF-8 spoil nothing around them', () => {
    const before = encoder.encode(events(chunk({ content: 'a' })))
    const after = encoder.encode(
      events({ ...chunk({}, 'stop'), usage: { prompt_tokens: 10, completion_tokens: 4 } }),
    )
    const bad = Uint8Array.from([
      ...encoder.encode('data: {"a":"'),
      0xff,
      0xfe,
      0xc3,
      ...encoder.encode('"}\n\n'),
    ])
    expect(read([before, bad, after])).toMatchObject({ isComplete: true, facts: { usage } })
  })

  test('an event larger than any chat completion is the provider’s error, and nothing breaks here', () => {
    const reader = chatStreamReader()
    reader.feed(encoder.encode(events(chunk({ content: 'a' }))))
    const piece = encoder.encode('x'.repeat(1024 * 1024))
    reader.feed(encoder.encode('data: '))
    for (let count = 0; count < 20; count++) reader.feed(piece)
    reader.feed(encoder.encode('\n\ndata: [DONE]\n\n'))
    reader.end()
    expect(reader.isComplete).toBe(false)
    expect(reader.error?.message).toContain('large')
  })
})
