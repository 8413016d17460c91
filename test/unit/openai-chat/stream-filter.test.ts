import { describe, expect, test } from 'vitest'
import { chatStreamFilter } from '../../../src/protocols/openai-chat/stream-filter'
import { diceOf, expectSame, listOf } from '../dice'
import { cuts, inPiecesOf, joinBytes } from './cuts'
import { chunk, events, type Json } from './events'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
const USAGE = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 }
const usageChunk = { ...chunk({}), choices: [], usage: USAGE }

/** What the client gets, piece by piece; the pieces are views on one buffer, as the relay's are. */
function filtered(pieces: readonly Uint8Array[]): Uint8Array {
  const filter = chatStreamFilter()
  const buffer = new Uint8Array(Math.max(1, ...pieces.map(({ length }) => length)))
  const out: Uint8Array[] = []
  for (const piece of pieces) {
    buffer.set(piece)
    out.push(filter.change(buffer.subarray(0, piece.length)))
    buffer.fill(0x78)
  }
  return joinBytes([...out, filter.rest()])
}

function filteredText(text: string): string {
  return decoder.decode(filtered([encoder.encode(text)]))
}

const lineEnds: readonly [string, string][] = [
  ['line feeds', '\n'],
  ['returns and line feeds', '\r\n'],
  ['returns', '\r'],
]

const LITERAL = ',"usage":null} "usage":{"prompt_tokens":1},"choices":[] , "usage" : null }'
const said: Json[] = [
  chunk({ role: 'assistant', content: '' }),
  chunk({ content: 'Grüße, 世界 😀' }),
  chunk({ content: LITERAL }),
  chunk({ content: `{"a":1${LITERAL}` }),
  chunk({ tool_calls: [{ index: 0, function: { name: 'f', arguments: `{"b":1${LITERAL}` } }] }),
  chunk({}, 'stop', { usage_like: null, xusage: null, service_tier: 'default' }),
]

/** The stream as the provider sends it to the gateway, which asked for the usage. */
function asked(chunks: readonly Json[]): string {
  return events(...chunks.map(withNull), usageChunk, '[DONE]')
}

function withNull(one: Json): Json {
  return typeof one === 'object' && one !== null && !Array.isArray(one) ? { ...one, usage: null } : one
}

describe.each(lineEnds)('a stream with %s', (_, lineEnd) => {
  test.each(cuts)('comes out as if nobody had asked for the usage: cut %s', (__, cut) => {
    const [withUsage, without] = [asked(said), events(...said, '[DONE]')].map((text) =>
      encoder.encode(text.replaceAll('\n', lineEnd)),
    )
    if (withUsage === undefined || without === undefined) throw new Error('there are two streams')
    expect(decoder.decode(filtered(cut(withUsage)))).toBe(decoder.decode(without))
  })

  test('comes out so for every size of pieces up to 300 bytes', () => {
    const withUsage = encoder.encode(asked(said).replaceAll('\n', lineEnd))
    const without = events(...said, '[DONE]').replaceAll('\n', lineEnd)
    for (let size = 1; size <= 300; size++)
      expectSame(decoder.decode(filtered(inPiecesOf(withUsage, size))), without, () => `pieces of ${size}`)
  })
})

describe('random streams', () => {
  const ATOMS = [
    'a',
    ' ',
    ',',
    '"',
    '\\',
    '{',
    '}',
    'usage',
    '"usage":null',
    ',"usage":null',
    '"usage":{',
    'null',
    '\n',
    'é',
    '😀',
  ]

  /** Blank lines as senders and the proxies between them mix them. */
  const EVENT_ENDS = ['\n\n', '\n\n', '\r\n\r\n', '\r\r', '\n\r\n', '\r\n\n', '\n\r', '\r\r\n', '\r\n\r']

  function written(text: string, ends: readonly string[]): string {
    return text
      .split('\n\n')
      .slice(0, -1)
      .map((event, index) => event + ends[index])
      .join('')
  }

  test('2000 of them, cut at random, come out as if nobody had asked', () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const dice = diceOf(seed)
      const chunks = listOf(1 + dice.below(5), () =>
        chunk({ content: listOf(dice.below(8), () => dice.pick(ATOMS)).join('') }),
      )
      const ends = listOf(chunks.length + 2, () => dice.pick(EVENT_ENDS))
      const bytes = encoder.encode(written(asked(chunks), ends))
      const pieces: Uint8Array[] = []
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + dice.below(90)
        pieces.push(bytes.subarray(at, at + size))
        at += size
      }
      // The usage chunk is the last but one.
      const wanted = written(events(...chunks, '[DONE]'), ends.toSpliced(-2, 1))
      expectSame(decoder.decode(filtered(pieces)), wanted, () => `seed ${seed}`)
    }
  })
})

describe('what nobody asked for', () => {
  test.each([
    ['null behind other fields', '{"id":"1","choices":[],"usage":null}', '{"id":"1","choices":[]}'],
    ['null between other fields', '{"id":"1","usage":null,"x":1}', '{"id":"1","x":1}'],
    ['null in front of other fields', '{"usage":null,"id":"1"}', '{"id":"1"}'],
    ['null with spaces', '{"id": "1", "usage" : null , "x": 1}', '{"id": "1", "x": 1}'],
  ])('is taken out wherever it stands: %s', (_, given, wanted) => {
    expect(filteredText(`data: ${given}\n\n`)).toBe(`data: ${wanted}\n\n`)
  })

  test.each([
    ['with spaces', `data: ${JSON.stringify(usageChunk, null, 1).replaceAll('\n', '')}\n\n`],
    ['without the space after the colon', `data:${JSON.stringify(usageChunk)}\n\n`],
    ['after a byte order mark', `\ufeffdata: ${JSON.stringify(usageChunk)}\n\n`],
    ['with other fields of the event', `event: message\nid: 7\ndata: ${JSON.stringify(usageChunk)}\n\n`],
  ])('goes away as a whole event: a usage chunk %s', (_, event) => {
    expect(filteredText(`${event}data: [DONE]\n\n`).replace('\ufeff', '')).toBe('data: [DONE]\n\n')
  })

  test('goes away when the stream ends without a blank line', () => {
    expect(filteredText(`${events(chunk({ content: 'a' }))}data: ${JSON.stringify(usageChunk)}`)).toBe(
      events(chunk({ content: 'a' })),
    )
  })

  test('goes away alone where line ends are mixed', () => {
    const mixed = `data: ${JSON.stringify(usageChunk)}\n\r\ndata: [DONE]\r\n\n`
    expect(filteredText(mixed)).toBe('data: [DONE]\r\n\n')
  })
})

describe('what the provider says by itself stays', () => {
  test.each<[string, string]>([
    ['a usage in a chunk with choices', events({ ...chunk({ content: 'a' }), usage: USAGE })],
    ['a usage beside the finish', events({ ...chunk({}, 'stop'), usage: USAGE })],
    [
      'a usage in a choice',
      events({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: USAGE }] }),
    ],
    [
      'a usage in an object of its own',
      events({ ...chunk({}, 'stop'), x_provider: { id: 'r', usage: USAGE } }),
    ],
    ['a chunk without choices or usage', events({ id: '', choices: [], prompt_filter_results: [{}] })],
    ['an error', events({ error: { message: 'no' } })],
    [
      'null in an object of its own',
      events({ ...chunk({ content: 'a' }), x_provider: { id: 'r', usage: null } }),
    ],
    ['comments', ': ping\n\ndata: [DONE]\n\n'],
    ['events that are not JSON', 'data: "usage":null, {"usage":{}\n\n'],
    ['other events', 'event: ping\ndata: {}\n\nretry: 10\n\n'],
    ['half an event', 'data: {"choices":[],"usage":{"prompt_tok'],
    ['blank lines', '\n\n\n\ndata: [DONE]\n\n\n\n'],
    ['nothing', ''],
  ])('%s', (_, text) => {
    for (const [how, cut] of cuts) expect(decoder.decode(filtered(cut(encoder.encode(text)))), how).toBe(text)
  })

  test.each(cuts)('bytes that are not UTF-8 pass unchanged: cut %s', (_, cut) => {
    const bytes = joinBytes([
      encoder.encode('data: {"usage":"'),
      Uint8Array.from([0xff, 0xfe, 0xc3, 0x28, 0xe2, 0x82]),
      encoder.encode('"}\n\ndata: \ufffd\n\n'),
    ])
    expect([...filtered(cut(bytes))]).toEqual([...bytes])
  })
})

describe('no event is held back', () => {
  test.each(lineEnds)('with %s each is passed on when its blank line has come', (_, lineEnd) => {
    const filter = chatStreamFilter()
    for (const one of said.slice(0, 3)) {
      const event = events(one).replaceAll('\n', lineEnd)
      const [before, blank] = [event.slice(0, -1), event.slice(-1)]
      const early = filter.change(encoder.encode(before))
      const late = filter.change(encoder.encode(blank))
      // A lone return may be half of a pair, so with returns an event goes with the next one.
      if (lineEnd !== '\r') expect(decoder.decode(joinBytes([early, late]))).toBe(event)
    }
    expect(decoder.decode(filter.rest())).toBe(
      lineEnd === '\r' ? events(said[2] ?? null).replaceAll('\n', '\r') : '',
    )
  })
})
