import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, test } from 'vitest'
import type { ChatEvent, ChatReply, Choice } from '../../../src/protocols/answer'
import { anthropicCodec } from '../../../src/protocols/anthropic/codec'
import { NO_USAGE } from '../../../src/protocols/canonical'
import { carry } from '../../../src/protocols/carried'
import { collect } from '../../../src/protocols/collect'
import { fieldsOf } from '../../../src/protocols/fields'
import type { Part, ReasoningProof } from '../../../src/protocols/parts'
import { unfold } from '../../../src/protocols/unfold'
import { type Dice, diceOf, listOf } from '../dice'
import { context, decodedEvents, type Fields, golden, goldenJson, sse, toldEvents } from './helpers'

const SCENARIOS = [
  ...['text', 'tool-call', 'tool-result', 'parallel-tools', 'reasoning', 'reasoning-tools', 'image'],
  ...['pdf', 'refusal', 'length', 'structured', 'cache'],
]
const at = { choice: 0 } as const
const gemini: ReasoningProof = { family: 'gemini', signature: 'Cv==' }
const openai: ReasoningProof = { family: 'openai', encrypted: 'gAAA', id: 'rs_1' }

function replyOf(parts: Part[], choice: Partial<Choice> = {}): ChatReply {
  return { choices: [{ index: 0, parts, finish: 'stop', ...choice }], usage: NO_USAGE }
}

function streamed(...batches: ChatEvent[][]): Fields[] {
  const encoder = anthropicCodec.eventEncoder(context)
  return toldEvents(batches.map((events) => encoder.encode(events)).join(''))
}

/** What the provider's own SDK makes of a stream. */
async function readBySdk(text: string) {
  const client = new Anthropic({
    apiKey: 'sk-ant-test',
    maxRetries: 0,
    fetch: async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }),
  })
  const messages = [{ role: 'user' as const, content: 'Hello.' }]
  return client.messages.stream({ model: 'claude', max_tokens: 9, messages }).finalMessage()
}

describe.each(SCENARIOS)('%s', (scenario) => {
  const whole = goldenJson(scenario, 'reply.json')

  test('is the same whole and in a stream', () => {
    expect(collect(decodedEvents(golden(scenario, 'stream.sse')))).toEqual(anthropicCodec.decodeReply(whole))
  })

  test('comes out as it went in', () => {
    const { stop_details: _, ...told } = whole
    expect(anthropicCodec.encodeReply(anthropicCodec.decodeReply(whole), context)).toEqual(told)
  })

  test("comes out of the provider's SDK as it went in", async () => {
    const text = anthropicCodec.eventEncoder(context).encode(unfold(anthropicCodec.decodeReply(whole)))
    const { stop_details: _, ...told } = whole
    expect(JSON.parse(JSON.stringify(await readBySdk(text)))).toMatchObject(told)
  })
})

describe('a whole answer for a client', () => {
  test.each<[string, Part, Fields[]]>([
    ['a refusal', { kind: 'refusal', text: 'No.' }, [{ type: 'text', text: 'No.' }]],
    ['an empty text', { kind: 'text', text: '' }, []],
    [
      'unproved reasoning',
      { kind: 'reasoning', text: 'hm' },
      [{ type: 'thinking', thinking: 'hm', signature: '' }],
    ],
    [
      'foreign reasoning',
      { kind: 'reasoning', text: 'hm', proof: openai },
      [{ type: 'thinking', thinking: 'hm', signature: carry(openai) }],
    ],
    [
      'foreign reasoning without text',
      { kind: 'reasoning', text: '', proof: openai },
      [{ type: 'redacted_thinking', data: carry(openai) }],
    ],
    [
      'a signed call',
      { kind: 'tool_call', id: 'g1', name: 'f', argumentsJson: '{"a":1}', proof: gemini },
      [
        { type: 'redacted_thinking', data: carry(gemini, 'g1') },
        { type: 'tool_use', id: 'g1', name: 'f', input: { a: 1 } },
      ],
    ],
    [
      'a call that only its reply tells apart',
      { kind: 'tool_call', id: 'sluice_call_0', name: 'f', argumentsJson: '' },
      [{ type: 'tool_use', id: 'toolu_r1_0', name: 'f', input: {} }],
    ],
    [
      'a call that was cut off',
      { kind: 'tool_call', id: 'a', name: 'f', argumentsJson: '{"a' },
      [{ type: 'tool_use', id: 'a', name: 'f', input: { INVALID_JSON: '{"a' } }],
    ],
    [
      'a signed text',
      { kind: 'text', text: 'a', proof: gemini },
      [
        { type: 'text', text: 'a' },
        { type: 'redacted_thinking', data: carry(gemini) },
      ],
    ],
    [
      'a cited text',
      {
        kind: 'text',
        text: 'a',
        citations: [{ url: 'https://a', title: 'A', startIndex: 0, endIndex: 1 }, { title: 'B' }],
      },
      [
        {
          type: 'text',
          text: 'a',
          citations: [
            {
              type: 'web_search_result_location',
              url: 'https://a',
              title: 'A',
              cited_text: '',
              encrypted_index: '',
            },
          ],
        },
      ],
    ],
    [
      'an image',
      { kind: 'image', media: { kind: 'base64', base64: 'AA==', mediaType: 'image/png' } },
      [{ type: 'text', text: '![image](data:image/png;base64,AA==)' }],
    ],
    ["another protocol's block", { kind: 'native', type: 'x', protocol: 'gemini', value: {} }, []],
  ])('tells %s, whole and in a stream', async (_, part, content) => {
    const reply = replyOf([part])
    expect(anthropicCodec.encodeReply(reply, context).content).toEqual(content)
    const read = await readBySdk(anthropicCodec.eventEncoder(context).encode(unfold(reply)))
    // Arguments that are cut off are the reader's to mend.
    const isCut = part.kind === 'tool_call' && part.argumentsJson === '{"a'
    expect(JSON.parse(JSON.stringify(read.content))).toEqual(isCut ? [{ ...content[0], input: {} }] : content)
  })

  test.each<[Choice['finish'], Part[], string]>([
    ['stop', [], 'end_turn'],
    ['stop_sequence', [], 'stop_sequence'],
    ['length', [], 'max_tokens'],
    ['tool_calls', [], 'tool_use'],
    ['content_filter', [], 'refusal'],
    ['pause', [], 'pause_turn'],
    ['context_length', [], 'model_context_window_exceeded'],
    ['stop', [{ kind: 'refusal', text: 'No.' }], 'refusal'],
    ['stop', [{ kind: 'tool_call', id: 'a', name: 'f', argumentsJson: '{}' }], 'tool_use'],
    ['length', [{ kind: 'tool_call', id: 'a', name: 'f', argumentsJson: '{}' }], 'max_tokens'],
  ])('that ended with %s and %j', (finish, parts, reason) => {
    const reply = replyOf(parts, { finish, stopSequence: 'x' })
    const told = { stop_reason: reason, stop_sequence: 'x' }
    expect(anthropicCodec.encodeReply(reply, context)).toMatchObject(told)
    expect(streamed(unfold(reply)).at(-2)).toMatchObject({ type: 'message_delta', delta: told })
  })

  test('has an id, a model and all counts, though none was told', () => {
    const counts = {
      input_tokens: 0,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 0,
    }
    expect(anthropicCodec.encodeReply({ choices: [] }, context)).toMatchObject({
      id: 'msg_r1',
      model: 'claude',
      role: 'assistant',
      content: [],
      usage: counts,
    })
  })
})

describe('a stream for a client', () => {
  const call = (number: number): ChatEvent => ({
    kind: 'tool_call',
    ...at,
    call: number,
    id: `t${number}`,
    name: 'f',
  })
  const json = (number: number, piece: string): ChatEvent => ({
    kind: 'tool_arguments',
    ...at,
    call: number,
    json: piece,
  })

  test('tells calls that come side by side one after another', () => {
    const events = streamed(
      [{ kind: 'start', id: 'm', model: 'x' }],
      [call(0), json(0, '{"a"'), call(1), json(1, '{'), json(0, ':1'), json(1, '}'), json(0, '}')],
      [{ kind: 'finish', ...at, reason: 'tool_calls' }, { kind: 'end' }],
    )
    expect(events.map(({ type, index, delta }) => [type, index, fieldsOf(delta).partial_json])).toEqual([
      ['message_start', undefined, undefined],
      ['ping', undefined, undefined],
      ['content_block_start', 0, undefined],
      ['content_block_delta', 0, '{"a"'],
      ['content_block_delta', 0, ':1'],
      ['content_block_delta', 0, '}'],
      ['content_block_stop', 0, undefined],
      ['content_block_start', 1, undefined],
      ['content_block_delta', 1, '{'],
      ['content_block_delta', 1, '}'],
      ['content_block_stop', 1, undefined],
      ['message_delta', undefined, undefined],
      ['message_stop', undefined, undefined],
    ])
  })

  test('begins with the input where that is known so early, and ends with all of the usage', () => {
    const usage = { ...NO_USAGE, inputTokens: 7 }
    const last = { ...usage, cacheReadTokens: 2, outputTokens: 3 }
    const events = streamed(
      [{ kind: 'start' }, { kind: 'usage', usage }],
      [{ kind: 'text', ...at, text: 'a' }],
      [{ kind: 'finish', ...at, reason: 'stop' }, { kind: 'usage', usage: last }, { kind: 'end' }],
    )
    expect(events[0]).toMatchObject({ message: { usage: { input_tokens: 7, output_tokens: 0 } } })
    expect(events.at(-2)).toMatchObject({
      usage: { input_tokens: 7, cache_read_input_tokens: 2, output_tokens: 3 },
    })
  })

  test('begins by itself, takes the first choice only, and says nothing behind its end', () => {
    const text = (choice: number): ChatEvent => ({ kind: 'text', choice, text: `${choice}` })
    const events = streamed([text(1)], [text(0)], [{ kind: 'end' }], [text(0), { kind: 'end' }])
    expect(events.map(({ type }) => type)).toEqual([
      ...['message_start', 'ping', 'content_block_start', 'content_block_delta', 'content_block_stop'],
      ...['message_delta', 'message_stop'],
    ])
    expect(events[3]).toMatchObject({ delta: { text: '0' } })
  })

  test('that breaks off has no end, and an error is its last word', () => {
    expect(streamed([{ kind: 'start' }, { kind: 'text', ...at, text: 'a' }]).at(-1)?.type).toBe(
      'content_block_delta',
    )
    const error: ChatEvent = { kind: 'error', error: { message: 'Busy', status: 529 }, data: '' }
    expect(streamed([{ kind: 'start' }], [error, { kind: 'end' }]).at(-1)).toEqual({
      type: 'error',
      error: { type: 'overloaded_error', message: 'Busy' },
    })
  })

  test('of 500 random answers is legal, and tells what came in', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const dice = diceOf(seed)
      const { events, texts, inputs } = randomAnswer(dice)
      const encoder = anthropicCodec.eventEncoder(context)
      const told = toldEvents(events.map((event) => encoder.encode([event])).join(''))
      expect(orderOf(told), `seed ${seed}`).toBe('legal')
      const { parts } = collect(decodedEvents(sse(...told))).choices[0] ?? { parts: [] }
      expect(
        parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join(''),
        `seed ${seed}`,
      ).toBe(texts)
      expect(
        Object.fromEntries(
          parts.flatMap((part) => (part.kind === 'tool_call' ? [[part.id, part.argumentsJson]] : [])),
        ),
        `seed ${seed}`,
      ).toEqual(inputs)
    }
  })
})

/** Texts, thinking and calls whose pieces come in any order, as providers may send them. */
function randomAnswer(dice: Dice) {
  const inputs = listOf(dice.below(4), () =>
    JSON.stringify({ a: dice.pick(['x', '}{', '"', 'é']), b: dice.below(99) }),
  )
  const pieces = inputs.map((input, call) => ({ call, rest: input, isBegun: false }))
  const events: ChatEvent[] = [{ kind: 'start' }]
  let texts = ''
  while (pieces.some(({ rest }) => rest !== '') || dice.chance(0.8)) {
    const one = dice.below(pieces.length + 2)
    const piece = pieces[one]
    if (piece === undefined) {
      const text = dice.pick(['a', 'b ', ''])
      const kind = dice.pick(['text', 'reasoning'] as const)
      if (kind === 'text') texts += text
      events.push({ kind, ...at, text })
      if (kind === 'reasoning' && dice.chance(0.3))
        events.push({ kind: 'proof', ...at, of: kind, proof: openai })
      continue
    }
    const { call } = piece
    if (!piece.isBegun) events.push({ kind: 'tool_call', ...at, call, id: `t${call}`, name: 'f' })
    piece.isBegun = true
    if (piece.rest === '') continue
    const length = 1 + dice.below(piece.rest.length)
    events.push({ kind: 'tool_arguments', ...at, call, json: piece.rest.slice(0, length) })
    piece.rest = piece.rest.slice(length)
    if (piece.rest === '' && dice.chance(0.5)) events.push({ kind: 'tool_call_end', ...at, call })
  }
  events.push({ kind: 'finish', ...at, reason: 'stop' }, { kind: 'end' })
  return { events, texts, inputs: Object.fromEntries(inputs.map((input, call) => [`t${call}`, input])) }
}

const DELTAS: Readonly<Record<string, string[]>> = {
  text: ['text_delta'],
  thinking: ['thinking_delta', 'signature_delta'],
  tool_use: ['input_json_delta'],
  redacted_thinking: [],
}

/** What the protocol demands: one block at a time, counted without a gap, with deltas of its own kind. */
function orderOf(events: readonly Fields[]): string {
  const names = events.map(({ type }) => String(type))
  if (names[0] !== 'message_start' || names.at(-1) !== 'message_stop' || names.at(-2) !== 'message_delta')
    return names.join()
  let open: string | undefined
  let next = 0
  for (const event of events.slice(1, -2)) {
    const isOpen = open !== undefined
    if (event.type === 'ping') continue
    if (event.index !== next) return `index ${event.index} instead of ${next}`
    if (event.type === 'content_block_start' && !isOpen) open = String(fieldsOf(event.content_block).type)
    else if (event.type === 'content_block_delta' && isOpen) {
      const { type } = fieldsOf(event.delta)
      if (!DELTAS[open ?? '']?.includes(String(type))) return `${type} in ${open}`
    } else if (event.type === 'content_block_stop' && isOpen) {
      open = undefined
      next += 1
    } else return `${event.type} while ${open} is open`
  }
  return open === undefined ? 'legal' : `${open} stays open`
}

describe('an answer of the provider', () => {
  const start = {
    type: 'message_start',
    message: { id: 'm', model: 'claude', usage: { input_tokens: 1, output_tokens: 1 } },
  }
  const block = (content_block: Fields, ...deltas: Fields[]) => [
    { type: 'content_block_start', index: 0, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index: 0, delta })),
    { type: 'content_block_stop', index: 0 },
  ]
  const partsOf = (...events: Fields[]) => collect(decodedEvents(sse(start, ...events))).choices[0]?.parts
  const json = (partial_json: string) => ({ type: 'input_json_delta', partial_json })
  const location = { type: 'char_location', cited_text: 'c', document_title: 'D' }
  const search = { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }

  test.each<[string, Fields[], Part[]]>([
    [
      'a call whose input comes at once',
      block({ type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } }),
      [{ kind: 'tool_call', id: 'a', name: 'f', argumentsJson: '{"x":1}' }],
    ],
    [
      'a call without input',
      block({ type: 'tool_use', id: 'a', name: 'f', input: {} }, json('')),
      [{ kind: 'tool_call', id: 'a', name: 'f', argumentsJson: '{}' }],
    ],
    [
      'a call without an id',
      block({ type: 'tool_use', name: 'f', input: {} }, json('{}')),
      [{ kind: 'tool_call', id: 'sluice_call_0', name: 'f', argumentsJson: '{}' }],
    ],
    [
      'a thinking that is not shown',
      block({ type: 'thinking', thinking: '', signature: '' }, { type: 'signature_delta', signature: 'sig' }),
      [{ kind: 'reasoning', text: '', proof: { family: 'anthropic', signature: 'sig' } }],
    ],
    [
      'an opaque thinking',
      block({ type: 'redacted_thinking', data: 'xyz' }),
      [{ kind: 'reasoning', text: '', proof: { family: 'anthropic', encrypted: 'xyz' } }],
    ],
    [
      'a citation',
      block(
        { type: 'text', text: '' },
        { type: 'text_delta', text: 'a' },
        { type: 'citations_delta', citation: location },
      ),
      [
        {
          kind: 'text',
          text: 'a',
          citations: [{ title: 'D', citedText: 'c', native: { protocol: 'anthropic', value: location } }],
        },
      ],
    ],
    [
      "a search of the provider's own",
      block(search, json('{"query"'), json(':"q"}')),
      [
        {
          kind: 'native',
          type: 'server_tool_use',
          protocol: 'anthropic',
          value: { ...search, input: { query: 'q' } },
        },
      ],
    ],
    [
      'pieces of a block that nobody began',
      [{ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } }],
      [{ kind: 'text', text: 'a' }],
    ],
    [
      'the reason of a refusal without a word',
      [
        {
          type: 'message_delta',
          delta: { stop_reason: 'refusal', stop_details: { explanation: 'Too risky.' } },
        },
      ],
      [{ kind: 'refusal', text: 'Too risky.' }],
    ],
  ])('%s', (_, events, parts) => {
    expect(partsOf(...events)).toEqual(parts)
  })

  test("goes back to a client of the protocol with the provider's own blocks as they were", () => {
    const result = {
      type: 'web_search_tool_result',
      tool_use_id: 's',
      content: [{ type: 'web_search_result' }],
    }
    const events = decodedEvents(
      sse(start, ...block(search, json('{"query":"q"}')), ...block(result), { type: 'message_stop' }),
    )
    const told = streamed(events)
    expect(told.filter(({ type }) => type === 'content_block_start')).toMatchObject([
      { index: 0, content_block: search },
      { index: 1, content_block: result },
    ])
    expect(told).toContainEqual({ type: 'content_block_delta', index: 0, delta: json('{"query":"q"}') })
  })

  test.each([
    ['overloaded_error', 529],
    ['rate_limit_error', 429],
    ['api_error', 500],
    ['invalid_request_error', 400],
    ['something_new', 500],
  ])('may be an error of type %s in its stream', (type, status) => {
    const events = decodedEvents(sse(start, { type: 'error', error: { type, message: 'Oh.' } }))
    expect(events.at(-1)).toMatchObject({ kind: 'error', error: { message: 'Oh.', status, code: type } })
  })

  test('is broken by an event that is not JSON', () => {
    const events = decodedEvents(new TextEncoder().encode('event: message_delta\ndata: {"delta\n\n'))
    expect(events).toMatchObject([{ kind: 'error', error: { status: 502 } }])
  })

  test('is none without content, or when it is an error', () => {
    expect(() => anthropicCodec.decodeReply({})).toThrow("it has no 'content'")
    expect(() => anthropicCodec.decodeReply({ type: 'error', error: { message: 'Oh.' } })).toThrow('Oh.')
  })

  test('is no error of the protocol in other words', () => {
    const decode = (text: string) => anthropicCodec.decodeError(502, new TextEncoder().encode(text))
    expect(decode('<html>Bad gateway</html>')).toBeUndefined()
    expect(decode('{"type":"error","error":{"type":"api_error","message":"Oh."}}')).toEqual({
      message: 'Oh.',
      status: 502,
      code: 'api_error',
    })
  })
})
