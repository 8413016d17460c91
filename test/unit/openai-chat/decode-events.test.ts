import { describe, expect, test } from 'vitest'
import { chatCodec } from '../../../src/protocols/openai-chat/codec'
import { chunk, events, type Json, USAGE, usage } from './events'
import { eventsOfText, replyOfText } from './golden'

const DONE = '[DONE]'
const calls = (...given: Json[]) => chunk({ tool_calls: given })
const FINISH = chunk({}, 'tool_calls')

describe('calls in a stream', () => {
  const told = (...given: Parameters<typeof events>) =>
    replyOfText(events(...given, FINISH, DONE)).choices[0]?.parts.map((part) =>
      part.kind === 'tool_call' ? [part.id, part.name, part.argumentsJson] : part.kind,
    )

  test.each<[string, Json[], string[][]]>([
    [
      'whole in one piece',
      [calls({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } })],
      [['a', 'f', '{}']],
    ],
    [
      'with id and name in every piece',
      [
        calls({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } }),
        calls({ index: 0, id: 'a', function: { name: 'f', arguments: ':1}' } }),
      ],
      [['a', 'f', '{"x":1}']],
    ],
    [
      'side by side',
      [
        calls(
          { index: 0, id: 'a', function: { name: 'f', arguments: '' } },
          { index: 1, id: 'b', function: { name: 'g' } },
        ),
        calls(
          { index: 1, function: { arguments: '{"y":2}' } },
          { index: 0, function: { arguments: '{"x":1}' } },
        ),
      ],
      [
        ['a', 'f', '{"x":1}'],
        ['b', 'g', '{"y":2}'],
      ],
    ],
    [
      'all numbered 0',
      [
        calls({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x":1}' } }),
        calls({ index: 0, id: 'b', function: { name: 'f', arguments: '{"x":2}' } }),
      ],
      [
        ['a', 'f', '{"x":1}'],
        ['b', 'f', '{"x":2}'],
      ],
    ],
    [
      'without numbers',
      [
        calls({ id: 'a', function: { name: 'f', arguments: '{' } }),
        calls({ function: { arguments: '}' } }),
        calls({ id: 'b', function: { name: 'g', arguments: '{}' } }),
      ],
      [
        ['a', 'f', '{}'],
        ['b', 'g', '{}'],
      ],
    ],
    [
      'without ids',
      [
        calls({ index: 0, function: { name: 'f', arguments: '{}' } }),
        calls({ index: 1, function: { name: 'g', arguments: '{}' } }),
      ],
      [
        ['sluice_call_0', 'f', '{}'],
        ['sluice_call_1', 'g', '{}'],
      ],
    ],
    [
      'with arguments that are no text',
      [calls({ index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } })],
      [['a', 'f', '{"x":1}']],
    ],
    [
      'in the older form',
      [chunk({ function_call: { name: 'f', arguments: '' } }), chunk({ function_call: { arguments: '{}' } })],
      [['sluice_call_0', 'f', '{}']],
    ],
    [
      'with free text',
      [
        calls({ index: 0, id: 'a', type: 'custom', custom: { name: 'c', input: 'x' } }),
        calls({ index: 0, custom: { input: 'y' } }),
      ],
      [['a', 'c', 'xy']],
    ],
  ])('%s', (_, chunks, expected) => {
    expect(told(...chunks)).toEqual(expected)
  })

  test('carry their signatures', () => {
    const extra = { google: { thought_signature: 's' } }
    const text = events(
      calls({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' }, extra_content: extra }),
    )
    expect(eventsOfText(text)).toContainEqual({
      kind: 'tool_call',
      choice: 0,
      call: 0,
      id: 'a',
      name: 'f',
      proof: { family: 'gemini', signature: 's' },
    })
  })

  test('end with tool_calls where the server says stop', () => {
    const text = events(
      calls({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }),
      chunk({}, 'stop'),
      DONE,
    )
    expect(replyOfText(text).choices[0]?.finish).toBe('tool_calls')
  })
})

describe('a stream', () => {
  const kinds = (text: string) => eventsOfText(text).map(({ kind }) => kind)

  test('may begin with a chunk without choices', () => {
    const azure = { id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [] }
    const [start] = eventsOfText(events(azure, chunk({ role: 'assistant', content: 'a' })))
    expect(start).toEqual({ kind: 'start', id: 'chatcmpl-1', model: 'm', createdAtSeconds: 1 })
  })

  test('may tell its usage in any chunk', () => {
    const text = events(chunk({ content: 'a' }, null, { usage: USAGE }), chunk({}, 'stop'), DONE)
    expect(replyOfText(text).usage).toEqual(usage)
  })

  test('that closes in order after its finish has ended', () => {
    expect(kinds(events(chunk({ content: 'a' }), chunk({}, 'stop')))).toEqual([
      'start',
      'text',
      'finish',
      'end',
    ])
  })

  test.each([
    ['without a finish', events(chunk({ content: 'a' }))],
    ['inside of an event', `${events(chunk({ content: 'a' }))}data: {"choices":[{"de`],
    [
      'before its other choice has finished',
      events({
        choices: [
          { index: 0, delta: { content: 'a' }, finish_reason: 'stop' },
          { index: 1, delta: { content: 'b' } },
        ],
      }),
    ],
    ['before it has begun', ''],
  ])('that breaks off %s has not', (_, text) => {
    expect(kinds(text)).not.toContain('end')
  })

  test('of several choices keeps them apart', () => {
    const choices = [
      { index: 0, delta: { content: 'a' }, finish_reason: 'stop' },
      { index: 1, delta: { content: 'b' }, finish_reason: 'length' },
    ]
    expect(replyOfText(events({ id: 'x', choices }, DONE)).choices).toMatchObject([
      { index: 0, finish: 'stop', parts: [{ text: 'a' }] },
      { index: 1, finish: 'length', parts: [{ text: 'b' }] },
    ])
  })

  test.each<[string, Json, number]>([
    ['by its status', { error: { message: 'no', code: 429 } }, 429],
    ['by its type', { error: { message: 'no', type: 'rate_limit_error' } }, 429],
    ['as a text', { error: 'no' }, 500],
  ])('that fails tells the error %s, and nothing behind it', (_, error, status) => {
    const told = eventsOfText(events(chunk({ content: 'a' }), error, chunk({}, 'stop'), DONE))
    expect(told.at(-1)).toMatchObject({ kind: 'error', error: { message: 'no', status } })
  })

  test('tells reasoning once, though it stands in two fields', () => {
    const detail = { type: 'reasoning.text', text: 'r', index: 0 }
    const parts = replyOfText(events(chunk({ reasoning: 'r', reasoning_details: [detail] }))).choices[0]
      ?.parts
    expect(parts).toEqual([{ kind: 'reasoning', text: 'r' }])
  })

  test('keeps reasonings with different numbers apart', () => {
    const detail = (text: string, index: number) =>
      chunk({ reasoning_details: [{ type: 'reasoning.text', text, index }] })
    const parts = replyOfText(events(detail('a', 0), detail('b', 0), detail('c', 1))).choices[0]?.parts
    expect(parts).toMatchObject([{ text: 'ab' }, { text: 'c' }])
  })

  test('may tell its thinking among the content', () => {
    const thinking = [{ type: 'thinking', thinking: [{ type: 'text', text: 'r' }] }]
    const text = events(chunk({ content: thinking }), chunk({ content: 'a' }))
    expect(replyOfText(text).choices[0]?.parts).toMatchObject([
      { kind: 'reasoning', text: 'r' },
      { kind: 'text', text: 'a' },
    ])
  })

  test('puts a sound together', () => {
    const audio = (data: string, transcript: string) => chunk({ audio: { id: 'audio_1', data, transcript } })
    const parts = replyOfText(events(audio('AQ==', 'a'), audio('Ag==', 'b'), chunk({}, 'stop'))).choices[0]
      ?.parts
    expect(parts).toMatchObject([
      { kind: 'audio', id: 'audio_1', transcript: 'ab', media: { base64: 'AQI=', mediaType: 'audio/pcm' } },
    ])
  })
})

describe('a reply', () => {
  test.each<[string, Json]>([
    ['is an error', { error: { message: 'no' } }],
    ['has no choices', { object: 'list' }],
  ])('that %s is none', (_, body) => {
    expect(() => chatCodec.decodeReply(body)).toThrow(Error)
  })

  test('holds pictures and citations', () => {
    const annotation = {
      type: 'url_citation',
      url_citation: { url: 'https://x.test', title: 'X', start_index: 0, end_index: 1 },
    }
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }
    const message = { role: 'assistant', content: 'a', annotations: [annotation], images: [image] }
    expect(
      chatCodec.decodeReply({ choices: [{ index: 0, message, finish_reason: 'stop' }] }).choices[0]?.parts,
    ).toMatchObject([
      { kind: 'text', citations: [{ url: 'https://x.test', title: 'X', startIndex: 0, endIndex: 1 }] },
      { kind: 'image', media: { kind: 'base64', base64: 'AA==', mediaType: 'image/png' } },
    ])
  })
})
