import { describe, expect, test } from 'vitest'
import type { ChatEvent, ChatReply } from '../../../src/protocols/answer'
import { collect } from '../../../src/protocols/collect'
import type { ProtocolId } from '../../../src/protocols/protocol'
import { upstreamCodecs } from '../../../src/protocols/table'
import { unfold } from '../../../src/protocols/unfold'
import { type Dice, diceOf, expectSame, listOf } from '../dice'
import { CLIENTS, codecOf, contextOf, plain } from './clients'
import { randomEvents, randomReply } from './random-reply'
import { makerOf } from './random-request'
import { sayable } from './sayable'
import { violations } from './stream-order'

const SEEDS = 400
const seeds = listOf(SEEDS, (seed) => seed)

describe.each(CLIENTS)('streams of %s', (protocol) => {
  test(`are in order, and say the same wherever they are cut (${SEEDS} seeds)`, () => {
    for (const seed of seeds) {
      const dice = diceOf(seed)
      const reply = randomReply(makerOf(dice))
      const events = randomEvents(reply, dice)
      const wantsStreamUsage = dice.chance(0.7)
      const stream = encoded(protocol, events, wantsStreamUsage, dice).join('')
      const about = () => `seed ${seed}: ${JSON.stringify(events)}\n${stream}`
      expectSame(violations(protocol, stream, wantsStreamUsage), [], about)
      const read = decoded(protocol, new TextEncoder().encode(stream), dice)
      expectSame(read.at(-1)?.kind, 'end', about)
      const isCounted = protocol !== 'openai-chat' || wantsStreamUsage
      const expected = { ...reply, ...(isCounted ? {} : { usage: undefined }) }
      expectSame(toldIn(protocol, collect(read)), toldIn(protocol, expected), about)
    }
  })

  test(`never look complete before they are (${SEEDS} seeds)`, () => {
    for (const seed of seeds) {
      const dice = diceOf(seed)
      const events = randomEvents(randomReply(makerOf(dice)), dice)
      const stream = encoded(protocol, events, true, dice).join('')
      const cut = decoded(protocol, beforeTheEnd(protocol, stream, dice), dice)
      expectSame(cut.filter(isEnd), [], () => `seed ${seed}: ${stream}`)
      // An upstream that breaks off: whatever the client got, it is not the whole.
      const finish = events.findIndex(({ kind }) => kind === 'finish')
      const broken = encoded(protocol, events.slice(0, dice.below(finish + 1)), true, dice).join('')
      const read = decoded(protocol, new TextEncoder().encode(broken), dice)
      expectSame(read.filter(isEnd), [], () => `seed ${seed}: ${broken}`)
    }
    expect(seeds.length).toBe(SEEDS)
  })
})

// Gemini's calls are whole, so one that others talk into is told when it has ended.
function toldIn(protocol: ProtocolId, reply: ChatReply): unknown {
  const said = sayable(protocol, reply)
  return plain(protocol === 'gemini' ? { ...said, order: [] } : said)
}

/** What must not happen to the events of a stream; `last` finds the one with which it may be whole. */
const DAMAGES: readonly (readonly [string, (events: string[], last: RegExp) => string[]])[] = [
  ['without its last event', (events) => events.slice(0, -1)],
  [
    'that finishes twice',
    (events, last) => events.flatMap((event) => (last.test(event) ? [event, event] : [event])),
  ],
  ['that is told backwards', (events) => events.toReversed()],
]

describe.each(CLIENTS)('the order of %s', (protocol) => {
  test.each(DAMAGES)('is broken in one %s', (_, damage) => {
    const parts = [
      { kind: 'text', text: 'Yes.' },
      { kind: 'tool_call', id: 'call_a', name: 'get', argumentsJson: '{"a":1}' },
    ] as const
    const reply: ChatReply = { choices: [{ index: 0, parts, finish: 'tool_calls' }] }
    const stream = codecOf(protocol).eventEncoder(contextOf(protocol)).encode(unfold(reply))
    expect(violations(protocol, stream, false)).toEqual([])
    const blocks = stream.split('\n\n').slice(0, -1)
    const damagedStream = damage(blocks, LAST[protocol])
      .map((block) => `${block}\n\n`)
      .join('')
    expect(violations(protocol, damagedStream, false)).not.toEqual([])
  })
})

function isEnd({ kind }: ChatEvent): boolean {
  return kind === 'end'
}

/** With this a stream may be whole: compatible servers of chat completions end without [DONE], and Gemini has none. */
const LAST: Readonly<Record<ProtocolId, RegExp>> = {
  'openai-chat': /data: [^\n]*"finish_reason":"/,
  'openai-responses': /event: response\.(?:completed|incomplete)/,
  anthropic: /event: message_stop/,
  gemini: /data: [^\n]*"finishReason"/,
}

/** What a client may hold when the connection breaks: some bytes of the events before the last. */
function beforeTheEnd(protocol: ProtocolId, stream: string, dice: Dice): Uint8Array {
  const bytes = new TextEncoder().encode(stream.slice(0, stream.search(LAST[protocol])))
  return bytes.slice(0, dice.chance(0.5) ? bytes.length : dice.below(bytes.length + 1))
}

/** Events told a few at a time, as they come in. */
function encoded(
  protocol: ProtocolId,
  events: readonly ChatEvent[],
  wantsStreamUsage: boolean,
  dice: Dice,
): string[] {
  const encoder = codecOf(protocol).eventEncoder(contextOf(protocol, { wantsStreamUsage }))
  return inPieces(events, dice).map((some) => encoder.encode(some))
}

function decoded(protocol: ProtocolId, bytes: Uint8Array, dice: Dice): ChatEvent[] {
  const decoder = upstreamCodecs[protocol].eventDecoder()
  const pieces = inPieces([...bytes], dice).map((piece) => Uint8Array.from(piece))
  return [...pieces.flatMap((piece) => decoder.feed(piece)), ...decoder.end()]
}

function inPieces<T>(all: readonly T[], dice: Dice): T[][] {
  const cuts = listOf(dice.below(12), () => dice.below(all.length + 1)).sort((a, b) => a - b)
  const edges = [0, ...cuts, all.length]
  return edges.slice(1).map((end, place) => all.slice(edges[place], end))
}
