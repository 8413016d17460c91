import { describe, expect, test } from 'vitest'
import { collectChatStream } from '../../../src/protocols/openai-chat/collect'
import { diceOf, expectSame, listOf } from '../dice'
import { variants } from './cuts'
import { chunk, events, type Json } from './stream-fixtures'

const encoder = new TextEncoder()
const head = { id: 'chatcmpl-1', created: 1, model: 'm', system_fingerprint: 'fp' }
const usage = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 }

function collected(text: string) {
  return collectChatStream(encoder.encode(text))
}

function streamOf(...deltas: [Json, string | null][]): string {
  const chunks = deltas.map(([delta, finish]) => chunkOf(0, delta, finish))
  return events(...chunks, { ...head, object: 'chat.completion.chunk', choices: [], usage }, '[DONE]')
}

function chunkOf(index: number, delta: Json, finish: string | null = null): Json {
  return { ...head, object: 'chat.completion.chunk', choices: [{ index, delta, finish_reason: finish }] }
}

function replyOf(message: { [key: string]: Json }, finish: string): Json {
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }]
  return { ...head, object: 'chat.completion', choices, usage }
}

const role: [Json, null] = [{ role: 'assistant', content: '', refusal: null }, null]
const call = (index: number, more: { [key: string]: Json }): [Json, null] => [
  { tool_calls: [{ index, ...more }] },
  null,
]
const tool = (id: string, name: string, text: string) => ({
  id,
  type: 'function',
  function: { name, arguments: text },
})

describe('a stream adds up to the reply in one piece', () => {
  test.each<[string, string, Json]>([
    [
      'a text',
      streamOf(role, [{ content: 'Grüße' }, null], [{ content: ' 😀' }, null], [{}, 'stop']),
      replyOf({ content: 'Grüße 😀', refusal: null }, 'stop'),
    ],
    ['an empty text', streamOf(role, [{}, 'stop']), replyOf({ content: '', refusal: null }, 'stop')],
    [
      'a refusal',
      streamOf(
        [{ role: 'assistant', content: null, refusal: '' }, null],
        [{ refusal: 'N' }, null],
        [{ refusal: 'o' }, null],
        [{}, 'stop'],
      ),
      replyOf({ content: null, refusal: 'No' }, 'stop'),
    ],
    [
      'reasoning',
      streamOf(
        [{ role: 'assistant', reasoning_content: 'H' }, null],
        [{ reasoning_content: 'm', content: null }, null],
        [{ content: 'Yes' }, null],
        [{}, 'stop'],
      ),
      replyOf({ content: 'Yes', reasoning_content: 'Hm' }, 'stop'),
    ],
    [
      'lists of details',
      streamOf(
        [{ role: 'assistant', content: 'a', annotations: [{ n: 1 }] }, null],
        [{ annotations: [{ n: 2 }] }, null],
        [{}, 'stop'],
      ),
      replyOf({ content: 'a', annotations: [{ n: 1 }, { n: 2 }] }, 'stop'),
    ],
    [
      'a role in every chunk',
      streamOf(
        [{ role: 'assistant', content: 'a' }, null],
        [{ role: 'assistant', content: 'b' }, null],
        [{ role: 'assistant' }, 'length'],
      ),
      replyOf({ content: 'ab' }, 'length'),
    ],
    [
      'a role that is empty later',
      streamOf(
        [{ role: 'assistant', content: 'a' }, null],
        [{ role: '', content: 'b' }, null],
        [{ role: null }, 'length'],
      ),
      replyOf({ content: 'ab' }, 'length'),
    ],
    [
      'a tool call in pieces',
      streamOf(
        [{ role: 'assistant', content: null }, null],
        call(0, { id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }),
        call(0, { function: { arguments: '{"a"' } }),
        call(0, { function: { arguments: ':1}' } }),
        [{}, 'tool_calls'],
      ),
      replyOf({ content: null, tool_calls: [tool('call_1', 'f', '{"a":1}')] }, 'tool_calls'),
    ],
    [
      'tool calls side by side, the second first',
      streamOf(
        [{ role: 'assistant', content: null }, null],
        call(1, { id: 'call_2', type: 'function', function: { name: 'g', arguments: '{' } }),
        call(0, { id: 'call_1', type: 'function', function: { name: 'f', arguments: '[' } }),
        call(1, { function: { arguments: '}' } }),
        call(0, { function: { arguments: ']' } }),
        [{}, 'tool_calls'],
      ),
      replyOf(
        { content: null, tool_calls: [tool('call_1', 'f', '[]'), tool('call_2', 'g', '{}')] },
        'tool_calls',
      ),
    ],
    [
      'a tool call whose name comes again with each piece',
      streamOf(
        [{ role: 'assistant', content: null }, null],
        call(0, { id: 'call_1', type: 'function', function: { name: 'get_it', arguments: '{' } }),
        call(0, { id: 'call_1', type: 'function', function: { name: 'get_it', arguments: '}' } }),
        [{}, 'tool_calls'],
      ),
      replyOf({ content: null, tool_calls: [tool('call_1', 'get_it', '{}')] }, 'tool_calls'),
    ],
    [
      'a tool call whose name comes in pieces',
      streamOf(
        [{ role: 'assistant', content: null }, null],
        call(0, { id: 'call_1', type: 'function', function: { name: 'get_', arguments: '' } }),
        call(0, { function: { name: 'it', arguments: '{}' } }),
        [{}, 'tool_calls'],
      ),
      replyOf({ content: null, tool_calls: [tool('call_1', 'get_it', '{}')] }, 'tool_calls'),
    ],
    [
      'a tool call whose id and name are empty later',
      streamOf(
        [{ role: 'assistant', content: null }, null],
        call(0, { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{' } }),
        call(0, { id: '', type: '', function: { name: '', arguments: '}' } }),
        call(0, { id: null, type: null, function: { name: null, arguments: null } }),
        [{}, 'tool_calls'],
      ),
      replyOf({ content: null, tool_calls: [tool('call_1', 'f', '{}')] }, 'tool_calls'),
    ],
    [
      'a function call of old',
      streamOf(
        [{ role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } }, null],
        [{ function_call: { arguments: '{"a"' } }, null],
        [{ function_call: { arguments: ':1}' } }, null],
        [{}, 'function_call'],
      ),
      replyOf({ content: null, function_call: { name: 'f', arguments: '{"a":1}' } }, 'function_call'),
    ],
    [
      'speech',
      streamOf(
        [{ role: 'assistant', content: null, audio: { id: 'audio_1', transcript: 'Good' } }, null],
        [{ audio: { data: 'AAAA', transcript: ' day' } }, null],
        [{ audio: { data: 'BBBB' } }, null],
        [{ audio: { expires_at: 7 } }, null],
        [{}, 'stop'],
      ),
      replyOf(
        { content: null, audio: { id: 'audio_1', transcript: 'Good day', data: 'AAAABBBB', expires_at: 7 } },
        'stop',
      ),
    ],
  ])('%s', (_, stream, reply) => {
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
