import { describe, expect, test } from 'vitest'
import { collectChatStream } from '../../../src/protocols/openai-chat/collect'
import { diceOf, expectSame, listOf } from '../dice'
import { chunkOf, collectCases, head, replyOf, role, streamOf, tool } from './collect-cases'
import { variants } from './cuts'
import { chunk, events } from './events'

const encoder = new TextEncoder()

function collected(text: string) {
  return collectChatStream(encoder.encode(text))
}

describe('a stream adds up to the reply in one piece', () => {
  test.each(collectCases)('%s', (_, stream, reply) => {
    expect(collected(stream)).toEqual(reply)
  })

  test('several choices', () => {
    const chunks = [
      chunkOf(1, { role: 'assistant', content: 'x' }),
      chunkOf(0, { role: 'assistant', content: 'a' }),
      chunkOf(0, { content: 'b' }, 'stop'),
      chunkOf(1, { content: 'y' }, 'length'),
    ]
    expect(collected(events(...chunks, '[DONE]'))).toEqual({
      ...head,
      object: 'chat.completion',
      choices: [
        { index: 0, message: { role: 'assistant', content: 'ab' }, finish_reason: 'stop' },
        { index: 1, message: { role: 'assistant', content: 'xy' }, finish_reason: 'length' },
      ],
    })
  })

  test('log probabilities', () => {
    const withLogprobs = (token: string, finish: string | null) => {
      const logprobs = { content: [{ token, logprob: -1, bytes: null, top_logprobs: [] }], refusal: null }
      return { ...head, choices: [{ index: 0, delta: { content: token }, logprobs, finish_reason: finish }] }
    }
    expect(collected(events(withLogprobs('a', null), withLogprobs('b', 'stop')))).toMatchObject({
      choices: [{ message: { content: 'ab' }, logprobs: { content: [{ token: 'a' }, { token: 'b' }] } }],
    })
  })

  test('an answer behind a first chunk without choices keeps its own id and model', () => {
    const odd = { id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [{}] }
    expect(collected(events(odd, chunkOf(0, { content: 'a' }, 'stop'), '[DONE]'))).toMatchObject({
      id: 'chatcmpl-1',
      model: 'm',
      created: 1,
      object: 'chat.completion',
    })
  })

  test('2000 random answers, in random pieces', () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const dice = diceOf(seed)
      const text = (length: number) =>
        listOf(length, () => dice.pick(['a', ' ', '"', '\\', '\n', 'é', '漢', '{'])).join('')
      const content = text(1 + dice.below(30))
      const calls = listOf(dice.below(4), (index) =>
        tool(`call_${index}`, `f${index}`, JSON.stringify({ a: text(9) })),
      )
      const pieces = inPieces(content, () => 1 + dice.below(6)).map((piece) => chunkOf(0, { content: piece }))
      const callPieces = calls.map((one, index) => [
        chunkOf(0, { tool_calls: [{ index, ...one, function: { name: one.function.name, arguments: '' } }] }),
        ...inPieces(one.function.arguments, () => 1 + dice.below(6)).map((piece) =>
          chunkOf(0, { tool_calls: [{ index, function: { arguments: piece } }] }),
        ),
      ])
      const stream = events(
        ...interleaved(() => dice.roll(), [pieces, ...callPieces]),
        chunkOf(0, {}, 'stop'),
        '[DONE]',
      )
      const message = { role: 'assistant', content, ...(calls.length === 0 ? {} : { tool_calls: calls }) }
      const reply = {
        ...head,
        object: 'chat.completion',
        choices: [{ index: 0, message, finish_reason: 'stop' }],
      }
      expectSame(collected(stream), reply, () => `seed ${seed}: ${stream}`)
    }
  })
})

function inPieces(text: string, nextSize: () => number): string[] {
  const pieces: string[] = []
  for (let at = 0; at < text.length; ) {
    const size = nextSize()
    pieces.push(text.slice(at, at + size))
    at += size
  }
  return pieces
}

/** One list of all, in which each list keeps its own order. */
function interleaved<T>(roll: () => number, lists: T[][]): T[] {
  const left = lists.map((list) => [...list])
  const mixed: T[] = []
  for (
    let open = left.filter((list) => list.length > 0);
    open.length > 0;
    open = left.filter(({ length }) => length > 0)
  ) {
    const next = open[Math.floor(roll() * open.length)]?.shift()
    if (next !== undefined) mixed.push(next)
  }
  return mixed
}

describe('a stream', () => {
  test.each(variants)('adds up the same %s', (_, write) => {
    const text = streamOf(role, [{ content: 'Grüße' }, null], [{}, 'stop'])
    expect(collectChatStream(write(text))).toEqual(replyOf({ content: 'Grüße', refusal: null }, 'stop'))
  })

  test('that was cut adds up to what came', () => {
    expect(
      collected(events(chunk({ role: 'assistant', content: 'a' }), chunk({ content: 'b' }))),
    ).toMatchObject({
      choices: [{ index: 0, message: { role: 'assistant', content: 'ab' }, finish_reason: null }],
    })
  })

  test.each([
    ['nothing', ''],
    ['only the end', 'data: [DONE]\n\n'],
    ['only comments', ': ping\n\n'],
    ['only what is not JSON', 'data: hello\n\n'],
  ])('of %s adds up to nothing', (_, text) => {
    expect(collected(text)).toBeUndefined()
  })

  test('that broke off with an error keeps what came before it', () => {
    const text = events(chunk({ role: 'assistant', content: 'a' }), { error: { message: 'broke' } })
    expect(collected(text)).toMatchObject({ id: 'chatcmpl-1', choices: [{ message: { content: 'a' } }] })
  })
})
