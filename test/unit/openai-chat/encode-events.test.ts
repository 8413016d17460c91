import { describe, expect, test } from 'vitest'
import type { ChatEvent, FinishReason } from '../../../src/protocols/answer'
import type { Usage } from '../../../src/protocols/canonical'
import { chatCodec } from '../../../src/protocols/openai-chat/codec'
import { decodeChatUsage } from '../../../src/protocols/openai-chat/usage'
import type { ChatRequest } from '../../../src/protocols/request'
import { diceOf } from '../dice'
import { usage } from './events'
import { contextOf, requestOf } from './golden'

const FINISH: ChatEvent = { kind: 'finish', choice: 0, reason: 'stop' }
const END: ChatEvent = { kind: 'end' }
const TEXT: ChatEvent = { kind: 'text', choice: 0, text: 'a' }
const callOf = (call: number): ChatEvent => ({
  kind: 'tool_call',
  choice: 0,
  call,
  id: `c${call}`,
  name: 'f',
})

function chunksOf(
  events: readonly ChatEvent[],
  request: ChatRequest = requestOf(),
): Record<string, unknown>[] {
  const text = chatCodec.eventEncoder(contextOf(request)).encode(events)
  return text
    .split('\n\n')
    .map((event) => event.replace(/^\n*data: /, ''))
    .filter((data) => data !== '' && data !== '[DONE]')
    .map((data) => JSON.parse(data))
}

function deltasOf(events: readonly ChatEvent[], request?: ChatRequest): unknown[] {
  return chunksOf(events, request).flatMap(({ choices }) =>
    Array.isArray(choices) ? choices.map(({ delta }) => delta) : [],
  )
}

test('a stream begins with the role, and has the head of the answer in every chunk', () => {
  const start: ChatEvent = { kind: 'start', id: 'msg_1', model: 'm', createdAtSeconds: 7 }
  const head = { id: 'chatcmpl-r1', object: 'chat.completion.chunk', created: 7, model: 'm' }
  const choice = { index: 0, logprobs: null, finish_reason: null }
  expect(chunksOf([start, TEXT, FINISH, END])).toEqual([
    { ...head, choices: [{ ...choice, delta: { role: 'assistant', content: '' } }] },
    { ...head, choices: [{ ...choice, delta: { content: 'a' } }] },
    { ...head, choices: [{ ...choice, delta: {}, finish_reason: 'stop' }] },
  ])
})

test('the usage is in the last chunk, wherever it came', () => {
  const request = requestOf({ stream_options: { include_usage: true } })
  const chunks = chunksOf([{ kind: 'usage', usage }, TEXT, FINISH, END], request)
  expect(chunks.map((chunk) => chunk['usage'] ?? null)).toEqual([
    null,
    null,
    null,
    expect.objectContaining({ prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 }),
  ])
  expect(chunks.at(-1)?.['choices']).toEqual([])
})

test('without an end there is no [DONE], and without a finish there is none invented', () => {
  const text = chatCodec.eventEncoder(contextOf()).encode([TEXT])
  expect(text).not.toContain('[DONE]')
  expect(text).not.toContain('"finish_reason":"')
})

test('an error is an event of its own, and the last one', () => {
  const error: ChatEvent = { kind: 'error', error: { message: 'no', status: 500, code: 'x' }, data: '' }
  expect(chunksOf([TEXT, error, FINISH, END]).at(-1)).toEqual({
    error: { message: 'no', type: 'upstream_error', param: null, code: 'x' },
  })
})

describe('calls', () => {
  test('tell id and name once, are numbered as they begin, and always have arguments', () => {
    const events: ChatEvent[] = [
      callOf(3),
      { kind: 'tool_arguments', choice: 0, call: 3, json: '{"x"' },
      callOf(5),
      { kind: 'tool_arguments', choice: 0, call: 3, json: ':1}' },
      { ...FINISH, kind: 'finish', choice: 0, reason: 'tool_calls' },
    ]
    expect(deltasOf(events)).toEqual([
      { role: 'assistant', content: '' },
      { tool_calls: [{ index: 0, id: 'c3', type: 'function', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"x"' } }] },
      { tool_calls: [{ index: 1, id: 'c5', type: 'function', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
      { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
      {},
    ])
  })

  test('are in the older form for a client that gave functions', () => {
    const request = requestOf({ functions: [{ name: 'f' }] })
    const events: ChatEvent[] = [callOf(0), { kind: 'tool_arguments', choice: 0, call: 0, json: '{}' }]
    expect(deltasOf(events, request).slice(1)).toEqual([
      { function_call: { name: 'f', arguments: '' } },
      { function_call: { arguments: '{}' } },
    ])
  })
})

describe('reasoning', () => {
  const events: ChatEvent[] = [
    { kind: 'reasoning', choice: 0, text: 'r' },
    { kind: 'proof', choice: 0, of: 'reasoning', proof: { family: 'anthropic', signature: 's' } },
    { kind: 'proof', choice: 0, of: 'reasoning', proof: { family: 'anthropic', encrypted: 'd' } },
  ]

  test('is told as text, with the proof as it is', () => {
    const format = 'anthropic-claude-v1'
    expect(deltasOf(events).slice(1)).toEqual([
      { reasoning_content: 'r', reasoning_details: [{ type: 'reasoning.text', text: 'r', index: 0 }] },
      { reasoning_details: [{ type: 'reasoning.text', text: '', signature: 's', format, index: 0 }] },
      { reasoning_details: [{ type: 'reasoning.encrypted', data: 'd', format, index: 1 }] },
    ])
  })

  test('is not told to a client that does not want it', () => {
    expect(deltasOf(events, requestOf({ reasoning: { exclude: true } }))).toEqual([])
  })
})

test.each<[FinishReason, string]>([
  ['stop', 'stop'],
  ['stop_sequence', 'stop'],
  ['length', 'length'],
  ['context_length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['content_filter', 'content_filter'],
  ['refusal', 'content_filter'],
  ['pause', 'stop'],
  ['malformed_tool_call', 'error'],
  ['other', 'error'],
])('an answer that ended with %s ended with %s', (reason, told) => {
  const [last] = chunksOf([{ kind: 'finish', choice: 0, reason }]).slice(-1)
  expect(last).toMatchObject({ choices: [{ finish_reason: told }] })
})

test('usage is told with every part of it, and reads the same', () => {
  const given: Usage = {
    inputTokens: 20,
    cacheReadTokens: 1000,
    cacheWrite5mTokens: 500,
    cacheWrite1hTokens: 30,
    outputTokens: 10,
    reasoningTokens: 4,
    audioInputTokens: 0,
    audioOutputTokens: 0,
  }
  const { usage: told } = chatCodec.encodeReply({ choices: [], usage: given }, contextOf())
  expect(told).toMatchObject({
    prompt_tokens: 1550,
    completion_tokens: 10,
    total_tokens: 1560,
    prompt_tokens_details: { cached_tokens: 1000, cache_creation_tokens: 530 },
    completion_tokens_details: { reasoning_tokens: 4 },
    cache_creation_input_tokens: 530,
    cache_read_input_tokens: 1000,
  })
  expect(decodeChatUsage(told)).toEqual(given)
})

test('whatever comes in, what goes out is in order, in 500 random streams', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const dice = diceOf(seed)
    const all: ChatEvent[] = [TEXT, FINISH, END, callOf(0), callOf(1), { kind: 'usage', usage }]
    const pieces: ChatEvent[] = [0, 1, 2].map((call) => ({
      kind: 'tool_arguments',
      choice: 0,
      call,
      json: '1',
    }))
    const pool = [
      ...all,
      ...pieces,
      { kind: 'start', id: 'x' } as const,
      { kind: 'part_end', choice: 0 } as const,
    ]
    const events = Array.from({ length: 12 }, () => pool[dice.below(pool.length)]).filter(
      (event) => event !== undefined,
    )
    const deltas = deltasOf(events).map((delta) => JSON.stringify(delta))
    expect(deltas.findIndex((delta) => delta.includes('"role"'))).toBe(deltas.length === 0 ? -1 : 0)
    const ids = deltas.flatMap((delta) => delta.match(/"id":"c\d"/g) ?? [])
    expect(new Set(ids).size).toBe(ids.length)
    const finish = deltas.indexOf('{}')
    expect(finish === -1 || finish === deltas.length - 1).toBe(true)
  }
})
