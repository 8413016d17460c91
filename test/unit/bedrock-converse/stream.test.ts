import { describe, expect, test } from 'vitest'
import type { ChatEvent } from '../../../src/protocols/answer'
import { collect } from '../../../src/protocols/collect'
import { eventFrame, exceptionFrame, frame, joined } from './frames'
import { decode } from './golden'

const start = eventFrame('messageStart', { role: 'assistant' })
const stop = (stopReason: string, more = {}) => eventFrame('messageStop', { stopReason, ...more })
const delta = (index: number, piece: unknown) =>
  eventFrame('contentBlockDelta', { contentBlockIndex: index, delta: piece })
const begin = (index: number, block: unknown) =>
  eventFrame('contentBlockStart', { contentBlockIndex: index, start: block })
const close = (index: number) => eventFrame('contentBlockStop', { contentBlockIndex: index })
const metadata = eventFrame('metadata', { usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 } })

function eventsOf(...frames: Uint8Array[]): ChatEvent[] {
  return decode(joined(frames), 11)
}

describe('the end of a stream', () => {
  test.each<[string, Uint8Array[], string[]]>([
    ['counts behind the stop', [start, stop('end_turn'), metadata], ['start', 'finish', 'usage', 'end']],
    ['no counts', [start, stop('end_turn')], ['start', 'finish', 'end']],
    ['counts before the stop', [start, metadata, stop('end_turn')], ['start', 'usage', 'finish', 'end']],
    ['no stop', [start, metadata], ['start', 'usage']],
    ['nothing', [], []],
    ['an unknown event', [start, eventFrame('later', {}), stop('end_turn')], ['start', 'finish', 'end']],
    [
      'an error behind the stop',
      [start, stop('end_turn'), exceptionFrame('throttlingException', {})],
      ['start', 'finish', 'error'],
    ],
    ['something behind an error', [exceptionFrame('x', {}), stop('end_turn'), metadata], ['error']],
  ])('%s', (_, frames, kinds) => {
    expect(eventsOf(...frames).map(({ kind }) => kind)).toEqual(kinds)
  })
})

describe('blocks', () => {
  test('a call without arguments has an empty object', () => {
    const events = eventsOf(
      start,
      begin(0, { toolUse: { toolUseId: 'a', name: 'now' } }),
      close(0),
      begin(1, { toolUse: { name: 'later' } }),
      delta(1, { toolUse: { input: '{"a":' } }),
      delta(1, { toolUse: { input: '1}' } }),
      stop('tool_use'),
    )
    expect(events.slice(1, -2)).toEqual([
      { kind: 'tool_call', choice: 0, call: 0, id: 'a', name: 'now' },
      { kind: 'tool_arguments', choice: 0, call: 0, json: '{}' },
      { kind: 'tool_call_end', choice: 0, call: 0 },
      { kind: 'tool_call', choice: 0, call: 1, id: 'sluice_call_1', name: 'later' },
      { kind: 'tool_arguments', choice: 0, call: 1, json: '{"a":' },
      { kind: 'tool_arguments', choice: 0, call: 1, json: '1}' },
      { kind: 'tool_call_end', choice: 0, call: 1 },
    ])
  })

  test('proofs in pieces become whole, an encrypted one too', () => {
    const events = eventsOf(
      start,
      delta(0, { reasoningContent: { text: 'Hm' } }),
      delta(0, { reasoningContent: { signature: 'Eq' } }),
      delta(0, { reasoningContent: { signature: 'QB==' } }),
      close(0),
      delta(1, { reasoningContent: { redactedContent: 'Zm9v' } }),
      close(1),
      delta(2, { reasoningContent: { redactedContent: 'Zm8=' } }),
      delta(2, { reasoningContent: { redactedContent: 'b2I=' } }),
      close(2),
      delta(3, { text: 'So.' }),
      stop('end_turn'),
    )
    expect(collect(events).choices[0]?.parts).toEqual([
      { kind: 'reasoning', text: 'Hm', proof: { family: 'anthropic', signature: 'EqQB==' } },
      { kind: 'reasoning', text: '', proof: { family: 'anthropic', encrypted: 'Zm9v' } },
      { kind: 'reasoning', text: '', proof: { family: 'anthropic', encrypted: 'Zm9vYg==' } },
      { kind: 'text', text: 'So.' },
    ])
  })

  test('citations belong to their text, and what only Converse knows is one part', () => {
    const citation = {
      title: 'Atlas',
      sourceContent: [{ text: 'Paris' }],
      location: { web: { url: 'https://example.com' } },
    }
    const events = eventsOf(
      start,
      begin(0, { toolUse: { toolUseId: 's', name: 'nova_grounding', type: 'server_tool_use' } }),
      delta(0, { toolUse: { input: '{}' } }),
      close(0),
      delta(1, { text: 'Paris.' }),
      delta(1, { citation }),
      close(1),
      begin(2, { image: { format: 'png' } }),
      delta(2, { image: { source: { bytes: 'iVBOR' } } }),
      close(2),
      stop('end_turn'),
    )
    expect(collect(events).choices[0]?.parts).toEqual([
      {
        kind: 'native',
        type: 'toolUse',
        protocol: 'bedrock-converse',
        value: {
          toolUse: { toolUseId: 's', name: 'nova_grounding', type: 'server_tool_use' },
          deltas: [{ toolUse: { input: '{}' } }],
        },
      },
      {
        kind: 'text',
        text: 'Paris.',
        citations: [
          {
            url: 'https://example.com',
            title: 'Atlas',
            citedText: 'Paris',
            native: { protocol: 'bedrock-converse', value: citation },
          },
        ],
      },
      { kind: 'image', media: { kind: 'base64', base64: 'iVBOR', mediaType: 'image/png' } },
    ])
  })

  test('the sequence that stopped it is told', () => {
    const more = { additionalModelResponseFields: { delta: { stop_sequence: 'END' } } }
    expect(eventsOf(start, stop('stop_sequence', more))).toContainEqual({
      kind: 'finish',
      choice: 0,
      reason: 'stop_sequence',
      stopSequence: 'END',
    })
  })
})

describe('errors', () => {
  test.each<[string, Uint8Array, { status: number; code?: string; message: string }]>([
    ...(
      [
        ['throttlingException', 429],
        ['modelStreamErrorException', 500],
        ['validationException', 400],
        ['serviceUnavailableException', 503],
        ['internalServerException', 500],
        ['modelTimeoutException', 504],
        ['somethingNewException', 500],
      ] as const
    ).map(
      ([code, status]) =>
        [code, exceptionFrame(code, { message: 'No.' }), { status, code, message: 'No.' }] as [
          string,
          Uint8Array,
          { status: number; code: string; message: string },
        ],
    ),
    [
      'the status of the model itself',
      exceptionFrame('modelStreamErrorException', { message: 'No.', originalStatusCode: 429 }),
      { status: 429, code: 'modelStreamErrorException', message: 'No.' },
    ],
    [
      'a prompt that is too long',
      exceptionFrame('validationException', { message: 'Input is too long for requested model.' }),
      { status: 400, code: 'context_length_exceeded', message: 'Input is too long for requested model.' },
    ],
    [
      'an error that is not modelled',
      frame({ ':message-type': 'error', ':error-code': 'InternalFailure', ':error-message': 'Oh.' }, ''),
      { status: 500, code: 'InternalFailure', message: 'Oh.' },
    ],
  ])('%s', (_, bytes, error) => {
    const events = eventsOf(start, bytes, stop('end_turn'))
    expect(events).toEqual([{ kind: 'start' }, { kind: 'error', error, data: expect.any(String) }])
  })

  test('a changed byte is an error, wherever it is', () => {
    const bytes = joined([start, delta(0, { text: 'Paris' }), stop('end_turn'), metadata])
    const whole = decode(bytes)
    for (let at = start.byteLength; at < bytes.byteLength; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x01
      const events = decode(changed)
      expect(events).not.toEqual(whole)
      const last = events.at(-1)?.kind
      // A longer length waits for bytes that do not come: then the stream has no end, unless its message had stopped.
      const isCutOff = events.every(({ kind }) => kind !== 'error')
      if (isCutOff) expect(last === 'end').toBe(events.some(({ kind }) => kind === 'finish'))
      else expect(last).toBe('error')
    }
  })

  test.each([
    ['too long', [1, 0, 0, 1]],
    ['too short', [0, 0, 0, 15]],
  ])('a length that is %s is an error at once, and the only one', (_, length) => {
    const events = decode(joined([start, new Uint8Array([...length, 1, 2, 3]), start]), 3)
    expect(events).toEqual([
      { kind: 'start' },
      {
        kind: 'error',
        error: { status: 502, message: expect.stringContaining('impossible length') },
        data: '',
      },
    ])
  })
})
