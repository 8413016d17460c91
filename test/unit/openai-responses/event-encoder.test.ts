import { describe, expect, test } from 'vitest'
import type { ChatEvent } from '../../../src/protocols/answer'
import { collect } from '../../../src/protocols/collect'
import { fieldsOf, listOf } from '../../../src/protocols/fields'
import { responsesCodec } from '../../../src/protocols/openai-responses/codec'
import { unfold } from '../../../src/protocols/unfold'
import { type Dice, diceOf } from '../dice'
import { essenceOf } from '../golden/essence'
import { usage } from '../openai-chat/events'
import { contextOf, replyOfText } from './golden'
import { readStrictly } from './legal-stream'

const choice = 0
const start: ChatEvent = { kind: 'start', id: 'msg_1', model: 'm' }
const end: ChatEvent = { kind: 'end' }
const text = (piece: string): ChatEvent => ({ kind: 'text', choice, text: piece })
const reasoning = (piece: string): ChatEvent => ({ kind: 'reasoning', choice, text: piece })
const call = (number: number): ChatEvent => {
  return { kind: 'tool_call', choice, call: number, id: `call_${number}`, name: 'weather' }
}
const json = (number: number, piece: string): ChatEvent => {
  return { kind: 'tool_arguments', choice, call: number, json: piece }
}
const callEnd = (number: number): ChatEvent => ({ kind: 'tool_call_end', choice, call: number })
const finish = (reason: Extract<ChatEvent, { kind: 'finish' }>['reason']): ChatEvent => {
  return { kind: 'finish', choice, reason }
}

function encode(events: readonly ChatEvent[]): string {
  const encoder = responsesCodec.eventEncoder(contextOf())
  return events.map((event) => encoder.encode([event])).join('')
}

const outputOf = (events: readonly ChatEvent[]) =>
  listOf(readStrictly(encode([start, ...events, end])).output).map(fieldsOf)

describe('a stream', () => {
  test('writes interleaved calls one after the other', () => {
    const events = [call(0), json(0, '{"a"'), call(1), json(1, '{"b"'), json(0, ':1}'), json(1, ':2}')]
    const ends = [callEnd(1), callEnd(0), finish('tool_calls')]
    const items = outputOf([...events, ...ends])
    expect(items.map((item) => [item.call_id, item.arguments])).toEqual([
      ['call_0', '{"a":1}'],
      ['call_1', '{"b":2}'],
    ])
  })

  test('tells pieces of the first call at once, and of the next when its turn comes', () => {
    const encoder = responsesCodec.eventEncoder(contextOf())
    expect(encoder.encode([start, call(0), json(0, '{'), call(1), json(1, '['), text('x')])).not.toContain(
      '"["',
    )
    expect(encoder.encode([json(0, '}')])).toContain('"delta":"}"')
    const second = encoder.encode([callEnd(0)])
    expect(second).toContain('"delta":"["')
    expect(second).not.toContain('"delta":"x"')
    expect(encoder.encode([callEnd(1)])).toContain('"delta":"x"')
  })

  test('gives a call without arguments an empty object, and a custom tool its text', () => {
    const custom = { ...call(1), isCustom: true } as const
    const items = outputOf([call(0), callEnd(0), custom, json(1, 'SELECT 1'), finish('tool_calls')])
    expect(items[0]).toMatchObject({ type: 'function_call', arguments: '{}', status: 'completed' })
    expect(items[1]).toMatchObject({ type: 'custom_tool_call', input: 'SELECT 1' })
  })

  test('puts texts that follow each other into one message', () => {
    const cited: ChatEvent = { kind: 'citation', choice, citation: { url: 'https://a.test', title: 'A' } }
    const [message] = outputOf([
      text('one'),
      cited,
      { kind: 'part_end', choice },
      text('two'),
      finish('stop'),
    ])
    const annotation = {
      type: 'url_citation',
      url: 'https://a.test',
      title: 'A',
      start_index: 0,
      end_index: 3,
    }
    expect(message?.content).toEqual([
      { type: 'output_text', text: 'one', annotations: [annotation], logprobs: [] },
      { type: 'output_text', text: 'two', annotations: [], logprobs: [] },
    ])
  })

  test.each([
    ['stop', 'completed', null],
    ['stop_sequence', 'completed', null],
    ['tool_calls', 'completed', null],
    ['length', 'incomplete', { reason: 'max_output_tokens' }],
    ['content_filter', 'incomplete', { reason: 'content_filter' }],
    ['refusal', 'incomplete', { reason: 'content_filter' }],
    ['pause', 'incomplete', { reason: 'pause' }],
    ['malformed_tool_call', 'incomplete', { reason: 'malformed_tool_call' }],
    ['other', 'incomplete', { reason: 'other' }],
  ] as const)('that ends with %s is %s', (reason, status, details) => {
    const response = readStrictly(encode([start, text('a'), finish(reason), { kind: 'usage', usage }, end]))
    expect(response).toMatchObject({ status, incomplete_details: details, usage: { total_tokens: 14 } })
    expect(listOf(response.output)).toMatchObject([{ status }])
  })

  test('has an id of this protocol, and is kept by nobody when its provider gave another', () => {
    expect(readStrictly(encode([start, finish('stop'), end]))).toMatchObject({ id: 'resp_r1', store: false })
    const native = readStrictly(encode([{ kind: 'start', id: 'resp_x' }, finish('stop'), end]))
    expect(native).toMatchObject({ id: 'resp_x', store: true })
  })

  test('that has a refusal is complete', () => {
    const events: ChatEvent[] = [start, { kind: 'refusal', choice, text: 'No.' }, finish('refusal'), end]
    expect(readStrictly(encode(events))).toMatchObject({ status: 'completed' })
  })

  test('has no last event when the upstream had none', () => {
    expect(encode([start, text('a')])).not.toMatch(/response\.(?:completed|incomplete)/)
    expect(encode([start, text('a'), finish('stop')])).not.toMatch(/response\.(?:completed|incomplete)/)
  })

  test('tells nothing behind its end, and only the first choice', () => {
    const other: ChatEvent = { kind: 'text', choice: 1, text: 'other' }
    expect(encode([start, text('a'), other, finish('stop'), end])).not.toContain('other')
    expect(encode([start, text('a'), finish('stop'), end, text('late')])).not.toContain('late')
  })

  test('tells pictures, and what has no words here as text', () => {
    const image = {
      kind: 'image',
      media: { kind: 'base64', base64: 'AAAA', mediaType: 'image/webp' },
    } as const
    const linked = { kind: 'image', media: { kind: 'url', url: 'https://a.test/1.png' } } as const
    const native = { kind: 'native', type: 'x', protocol: 'anthropic', value: {} } as const
    const items = outputOf([
      { kind: 'part', choice, part: image },
      { kind: 'part', choice, part: linked },
      { kind: 'part', choice, part: native },
      finish('stop'),
    ])
    expect(items).toMatchObject([
      { type: 'image_generation_call', result: 'AAAA', output_format: 'webp' },
      { type: 'message', content: [{ text: '![](https://a.test/1.png)' }] },
    ])
  })
})

describe('whatever the order of the events', () => {
  test.each(Array.from({ length: 300 }, (_, seed) => [seed]))('a stream is legal (seed %i)', (seed) => {
    const events = [start, ...randomEvents(diceOf(seed)), end]
    const text = encode(events)
    readStrictly(text)
    const expected = collect(events)
    const inOrder = { ...essenceOf(expected), usage: undefined }
    expect({ ...essenceOf(replyOfText(text)), usage: undefined }).toEqual(inOrder)
    // A whole reply is what its stream ends with.
    const reply = responsesCodec.decodeReply(responsesCodec.encodeReply(expected, contextOf()))
    expect({ ...essenceOf(reply), usage: undefined }).toEqual(inOrder)
    readStrictly(responsesCodec.eventEncoder(contextOf()).encode(unfold(expected)))
  })
})

/** Calls that are interleaved and end whenever, between texts, reasoning and proofs of all kinds. */
function randomEvents(dice: Dice): ChatEvent[] {
  const events: ChatEvent[] = []
  const open: number[] = []
  let calls = 0
  for (let left = dice.below(30); left > 0; left--) events.push(...randomStep())
  for (const number of open) events.push(json(number, `"${number}"]`))
  const reason = calls > 0 ? 'tool_calls' : dice.pick(['stop', 'length', 'content_filter', 'pause'] as const)
  return [...events, finish(reason)]

  function randomStep(): ChatEvent[] {
    const step = dice.below(9)
    if (step < 2) return [text(dice.pick(['', 'a', 'ü😀', '\n']))]
    if (step < 4) return [reasoning(dice.pick(['', 'b', 'Hm. ']))]
    if (step === 4) return [{ kind: 'part_end', choice }]
    if (step === 5) {
      const family = dice.pick(['openai', 'anthropic', 'gemini'] as const)
      const proof = { family, encrypted: `e${dice.below(9)}`, id: `rs_${dice.below(1e9)}` }
      return [{ kind: 'proof', choice, of: dice.pick(['reasoning', 'text'] as const), proof }]
    }
    if (step === 6) {
      const number = calls++
      open.push(number)
      const proof = dice.chance(0.3) ? ({ family: 'gemini', signature: `s${number}` } as const) : undefined
      return [
        { kind: 'tool_call', choice, call: number, id: `call_${number}`, name: 'f', proof },
        json(number, '['),
      ]
    }
    const [number] = open.length === 0 ? [] : [dice.pick(open)]
    if (number === undefined) return []
    if (step === 7) return [json(number, `"${dice.below(9)}",`)]
    open.splice(open.indexOf(number), 1)
    return [json(number, '0]'), callEnd(number)]
  }
}
