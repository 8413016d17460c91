import { describe, expect, test } from 'vitest'
import type { ChatEvent, ChatReply } from '../../../src/protocols/answer'
import { collect } from '../../../src/protocols/collect'
import type { Part } from '../../../src/protocols/parts'
import type { ProtocolId, WireProtocolId } from '../../../src/protocols/protocol'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'
import { unfold } from '../../../src/protocols/unfold'
import { aiSdk } from './replies-sdk'

const CLIENTS = ['openai-chat', 'openai-responses', 'anthropic', 'gemini'] as const satisfies ProtocolId[]
const encoder = new TextEncoder()

function contextOf(client: ProtocolId, replyId: string) {
  const body = {
    'openai-chat': { messages: [{ role: 'user', content: 'Hi' }] },
    'openai-responses': { input: 'Hi' },
    anthropic: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 64 },
    gemini: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
  }[client]
  const { codec } = protocols[client]
  if (codec === undefined) throw new Error(client)
  const request = codec.decodeRequest({ model: 'm', ...body }, { model: 'm', stream: true })
  return { codec, context: { request, model: 'm', replyId, nowSeconds: 1 } }
}

/** An answer as a client gets it, whole and as a stream, read again. */
function heard(client: ProtocolId, reply: ChatReply, replyId = 'r1', events: ChatEvent[] = unfold(reply)) {
  const { codec, context } = contextOf(client, replyId)
  const decoder = upstreamCodecs[client].eventDecoder()
  const stream = codec.eventEncoder(context).encode(events)
  return {
    whole: upstreamCodecs[client].decodeReply(JSON.parse(JSON.stringify(codec.encodeReply(reply, context)))),
    streamed: collect([...decoder.feed(encoder.encode(stream)), ...decoder.end()]),
  }
}

function replyOf(parts: readonly Part[], more: Partial<ChatReply> = {}): ChatReply {
  return { choices: [{ index: 0, parts, finish: 'stop' }], ...more }
}

function idsOf(reply: ChatReply): string[] {
  return reply.choices.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.kind === 'tool_call' ? [part.id] : [])),
  )
}

describe.each(CLIENTS)('to a client of %s', (client) => {
  test('calls whose provider gave no ids have others in every answer', () => {
    const nameless = upstreamCodecs.gemini.decodeReply({
      candidates: [
        {
          content: {
            parts: [{ functionCall: { name: 'f', args: {} } }, { functionCall: { name: 'f', args: {} } }],
          },
          finishReason: 'STOP',
        },
      ],
    })
    const answers = [heard(client, nameless, 'r1'), heard(client, nameless, 'r2')]
    for (const { whole, streamed } of answers) expect(idsOf(streamed)).toEqual(idsOf(whole))
    expect(new Set(answers.flatMap(({ whole }) => idsOf(whole))).size).toBe(4)
  })

  test('calls keep the ids that their provider gave them', () => {
    const ids = ['call_1', 'toolu_01A', 'call_55117580']
    const parts = ids.map((id): Part => ({ kind: 'tool_call', id, name: 'f', argumentsJson: '{}' }))
    const { whole, streamed } = heard(client, replyOf(parts))
    expect([idsOf(whole), idsOf(streamed)]).toEqual([ids, ids])
  })
})

/** What Perplexity and xAI put at the top of their answers, and of chunks. */
describe('the sources of an answer', () => {
  const [a, b] = ['https://a.test/1', 'https://b.test/2']
  const citations = [a, b]
  const search_results = [
    { title: 'A', url: a, date: '2026-11-21', snippet: 'It is so.' },
    { title: 'B', url: b, date: null },
  ]
  const rich = [
    { url: a, title: 'A', citedText: 'It is so.' },
    { url: b, title: 'B' },
  ]
  const bare = [{ url: a }, { url: b }]
  const chunk = (delta: object, finish_reason: string | null, more: object = {}) => ({
    ...{ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'sonar' },
    ...{ choices: [{ index: 0, delta, finish_reason }], ...more },
  })
  const said = chunk({ role: 'assistant', content: 'So[1].' }, null)
  const usage = { usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } }
  const annotations = [
    { type: 'url_citation', url_citation: { url: a, title: 'A', start_index: 0, end_index: 2 } },
  ]
  const streams: [string, object[], object[]][] = [
    [
      'in every chunk',
      [
        chunk({ role: 'assistant', content: 'So' }, null, { citations, search_results }),
        chunk({ content: '[1].' }, null, { citations, search_results }),
        chunk({}, 'stop', { citations, search_results, ...usage }),
      ],
      rich,
    ],
    ['in the first chunk', [{ ...said, citations }, chunk({}, 'stop', usage)], bare],
    ['with the finish', [said, chunk({}, 'stop', { citations, ...usage })], bare],
    ['behind the finish', [said, chunk({}, 'stop'), { ...said, choices: [], citations, ...usage }], bare],
    ['known by their addresses first', [{ ...said, citations }, chunk({}, 'stop', { search_results })], rich],
    [
      'that are annotated, too',
      [chunk({ content: 'So', annotations }, null, { citations }), chunk({}, 'stop')],
      [{ url: a, title: 'A' }, { url: b }],
    ],
    ['that are none', [{ ...said, citations: [], search_results: null }, chunk({}, 'stop')], []],
    ['without a text that they could be of', [chunk({}, 'stop', { citations })], []],
  ]
  const citedIn = (reply: ChatReply) =>
    reply.choices.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.kind === 'text' ? (part.citations ?? []) : [])),
    )

  test.each(streams)('are citations of its text: %s', (_, chunks, expected) => {
    const text = [...chunks.map((one) => JSON.stringify(one)), '[DONE]']
      .map((data) => `data: ${data}\n\n`)
      .join('')
    const decoder = upstreamCodecs['openai-chat'].eventDecoder()
    const told = [...decoder.feed(encoder.encode(text)), ...decoder.end()]
    expect(citedIn(collect(told))).toMatchObject(expected)
    expect(citedIn(collect(told))).toHaveLength(expected.length)
    expect(told.slice(-3).map(({ kind }) => kind)).toEqual(
      JSON.stringify(chunks).includes('usage')
        ? ['finish', 'usage', 'end']
        : [expect.anything(), 'finish', 'end'],
    )
  })

  test.each(CLIENTS)('reach a client of %s, whole and streamed', (client) => {
    const message = { role: 'assistant', content: 'So[1].' }
    const reply = upstreamCodecs['openai-chat'].decodeReply({
      ...{ id: 'c1', choices: [{ index: 0, message, finish_reason: 'stop' }], citations, search_results },
    })
    expect(citedIn(reply)).toEqual(rich)
    const { whole, streamed } = heard(client, reply)
    for (const one of [whole, streamed])
      expect(citedIn(one).map(({ url, title }) => [url, title])).toEqual([
        [a, 'A'],
        [b, 'B'],
      ])
  })
})

describe('a citation', () => {
  const source = { url: 'https://a.test', title: 'A' }
  const parts: Part[] = [
    { kind: 'text', text: 'One. ' },
    { kind: 'text', text: 'Two.', citations: [source] },
    { kind: 'text', text: ' Three.', citations: [{ ...source, startIndex: 1, endIndex: 6 }] },
  ]
  const placesOf = (reply: ChatReply) =>
    reply.choices.flatMap((choice) =>
      choice.parts.flatMap((part) =>
        part.kind === 'text'
          ? (part.citations ?? []).map(({ startIndex = 0, endIndex }) =>
              part.text.slice(startIndex, endIndex),
            )
          : [],
      ),
    )

  test.each(['openai-chat', 'openai-responses'] as const)('points at its words in %s', (client) => {
    const { whole, streamed } = heard(client, replyOf(parts))
    expect([placesOf(whole), placesOf(streamed)]).toEqual([
      ['Two.', 'Three'],
      ['Two.', 'Three'],
    ])
  })

  test.each(['openai-chat', 'openai-responses'] as const)('may come before its words in %s', (client) => {
    const events: ChatEvent[] = [
      { kind: 'start' },
      { kind: 'citation', choice: 0, citation: source },
      { kind: 'text', choice: 0, text: 'Two.' },
      { kind: 'part_end', choice: 0 },
      { kind: 'finish', choice: 0, reason: 'stop' },
      { kind: 'end' },
    ]
    expect(placesOf(heard(client, replyOf(parts), 'r1', events).streamed)).toEqual(['Two.'])
  })

  test('that every event of a stream repeats is told once', () => {
    const event = {
      candidates: [
        {
          content: { parts: [{ text: 'Yes' }] },
          finishReason: 'STOP',
          groundingMetadata: { groundingChunks: [{ web: { uri: 'https://a.test' } }] },
        },
      ],
    }
    const data = `data: ${JSON.stringify(event)}\n\n`
    const decoder = upstreamCodecs.gemini.eventDecoder()
    const events = [...decoder.feed(encoder.encode(data + data)), ...decoder.end()]
    expect(events.filter(({ kind }) => kind === 'citation')).toHaveLength(1)
  })
})

describe('what else clients of OpenAI’s read', () => {
  test.each([
    ['standard', 'default'],
    ['on_demand', 'default'],
    ['priority', 'priority'],
    ['flex', 'flex'],
  ])('a tier %s is %s', (serviceTier, told) => {
    for (const client of ['openai-chat', 'openai-responses'] as const) {
      const { whole, streamed } = heard(client, replyOf([{ kind: 'text', text: 'a' }], { serviceTier }))
      expect([whole.serviceTier, streamed.serviceTier]).toEqual([told, told])
    }
  })

  test.each<[string, Part[], string | null]>([
    ['nothing at all', [], ''],
    ['reasoning only', [{ kind: 'reasoning', text: 'Hm' }], ''],
    ['a call', [{ kind: 'tool_call', id: 'a', name: 'f', argumentsJson: '{}' }], null],
    ['a refusal', [{ kind: 'refusal', text: 'No.' }], null],
  ])('the content of an answer of %s', (_, parts, content) => {
    const { codec, context } = contextOf('openai-chat', 'r1')
    expect(codec.encodeReply(replyOf(parts), context)).toMatchObject({ choices: [{ message: { content } }] })
  })
})

test.each(['reasoning_details', 'images'])('%s alone are content', (field) => {
  const reader = protocols['openai-chat'].streamReader()
  const chunk = { id: 'a', choices: [{ index: 0, delta: { content: '', [field]: [{ type: 'x' }] } }] }
  reader.feed(encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`))
  expect(reader.hasContent).toBe(true)
})

describe('what only some protocols have', () => {
  const streamTo = (client: ProtocolId, upstream: WireProtocolId, ...data: unknown[]) => {
    const { codec, context } = contextOf(client, 'r1')
    const decoder = upstreamCodecs[upstream].eventDecoder()
    const text = data.map((one) => `data: ${JSON.stringify(one)}\n\n`).join('')
    return codec.eventEncoder(context).encode([...decoder.feed(encoder.encode(text)), ...decoder.end()])
  }

  test('several candidates become choices', async () => {
    const piece = (index: number, text: string, more = {}) => ({
      index,
      content: { parts: [{ text }] },
      ...more,
    })
    const stream = streamTo(
      'openai-chat',
      'gemini',
      { candidates: [piece(0, 'A'), piece(1, 'B')] },
      { candidates: [piece(1, 'b', { finishReason: 'MAX_TOKENS' })] },
      { candidates: [piece(0, 'a', { finishReason: 'STOP' })] },
    )
    const decoder = upstreamCodecs['openai-chat'].eventDecoder()
    const { choices } = collect([...decoder.feed(encoder.encode(stream)), ...decoder.end()])
    expect(choices).toMatchObject([
      { index: 0, finish: 'stop', parts: [{ text: 'Aa' }] },
      { index: 1, finish: 'length', parts: [{ text: 'Bb' }] },
    ])
  })

  const picture = {
    candidates: [
      {
        content: { parts: [{ text: 'Here: ' }, { inlineData: { mimeType: 'image/png', data: 'iVBORw0K' } }] },
        finishReason: 'STOP',
      },
    ],
  }

  test.each(['openai-chat', 'openai-responses', 'anthropic'] as const)(
    'a picture reaches %s',
    async (client) => {
      const stream = streamTo(client, 'gemini', picture)
      expect(stream).toContain('iVBORw0K')
      const { errors, text } = await aiSdk(client, { stream })
      expect([errors, text.startsWith('Here: ')]).toEqual([[], true])
    },
  )

  const item = { id: 'ig_1', type: 'image_generation_call', output_format: 'webp', result: 'UklGRg==' }
  test.each(['openai-chat', 'anthropic', 'gemini'] as const)(
    'a generated picture reaches %s',
    async (client) => {
      const stream = streamTo(
        client,
        'openai-responses',
        {
          type: 'response.output_item.added',
          output_index: 0,
          item: { ...item, status: 'in_progress', result: null },
        },
        {
          type: 'response.image_generation_call.partial_image',
          output_index: 0,
          partial_image_index: 0,
          partial_image_b64: 'AAAA',
        },
        { type: 'response.output_item.done', output_index: 0, item: { ...item, status: 'completed' } },
        { type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } },
      )
      expect(stream).toContain('UklGRg==')
      expect(stream).not.toContain('AAAA')
      expect((await aiSdk(client, { stream })).errors).toEqual([])
    },
  )
})
