import type { AnswerFacts } from '../../../src/protocols/canonical'
import { chunk, events, type Json, USAGE, usage } from './events'

/** A recorded kind of stream, with line feeds, and what must be learnt from it however it is cut. */
export interface StreamFixture {
  name: string
  text: string
  facts: AnswerFacts
  isComplete: boolean
  hasContent: boolean
  /** The message of the provider's error. */
  error?: string
}

const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' }
const role = chunk({ role: 'assistant', content: '' })
const text = [role, chunk({ content: 'Grüße' }), chunk({ content: ', 世界 😀' })]
const stop = chunk({}, 'stop')
const told = { finishReason: 'stop', responseId: 'chatcmpl-1' }
const complete = { isComplete: true, hasContent: true }
const cut = { isComplete: false, hasContent: true }

const call = (index: number, more: { [key: string]: Json }) => chunk({ tool_calls: [{ index, ...more }] })
const choice = (index: number, delta: Json, finish: string | null = null) => ({
  ...head,
  choices: [{ index, delta, finish_reason: finish }],
})

const answers: StreamFixture[] = [
  { name: 'a text', text: events(...text, stop, '[DONE]'), facts: told, ...complete },
  { name: 'a text without [DONE]', text: events(...text, stop), facts: told, ...complete },
  { name: 'a text without the end', text: events(...text), facts: { responseId: 'chatcmpl-1' }, ...cut },
  {
    name: '[DONE] with spaces',
    text: events(...text, '  [DONE] \t'),
    facts: { responseId: 'chatcmpl-1' },
    ...complete,
  },
  {
    name: 'tool calls in pieces',
    text: events(
      role,
      call(0, { id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }),
      call(0, { function: { arguments: '{"usage":{"prompt_tokens":1}}' } }),
      call(1, {
        id: 'call_2',
        type: 'function',
        function: { name: 'g', arguments: '{"finish_reason":"x"}' },
      }),
      chunk({}, 'tool_calls'),
      '[DONE]',
    ),
    facts: { ...told, finishReason: 'tool_calls' },
    ...complete,
  },
  {
    name: 'several choices',
    text: events(
      choice(0, { content: 'a' }),
      choice(1, { content: 'b' }),
      choice(1, {}, 'length'),
      choice(0, {}, 'stop'),
    ),
    facts: told,
    ...complete,
  },
  {
    name: 'several choices, of which one is cut off',
    text: events(choice(0, { content: 'a' }), choice(1, { content: 'b' }), choice(0, {}, 'stop')),
    facts: told,
    ...cut,
  },
  {
    name: 'reasoning that comes before the text',
    text: events(role, chunk({ reasoning_content: 'Hm' }), chunk({ content: 'Yes' }), stop, '[DONE]'),
    facts: told,
    ...complete,
  },
  {
    name: 'only reasoning so far',
    text: events(role, chunk({ reasoning: 'Hm' })),
    facts: { responseId: 'chatcmpl-1' },
    ...cut,
  },
  {
    name: 'a refusal',
    text: events(role, chunk({ refusal: 'No' }), stop, '[DONE]'),
    facts: told,
    ...complete,
  },
  {
    name: 'a function call of old',
    text: events(chunk({ function_call: { name: 'f', arguments: '' } })),
    facts: { responseId: 'chatcmpl-1' },
    ...cut,
  },
  {
    name: 'an empty answer',
    text: events(role, chunk({}, 'stop'), '[DONE]'),
    facts: told,
    ...complete,
  },
  {
    name: 'no content yet',
    text: events(role, chunk({ content: null, tool_calls: [], reasoning_content: '' })),
    facts: { responseId: 'chatcmpl-1' },
    isComplete: false,
    hasContent: false,
  },
  {
    name: 'an odd first chunk without choices',
    text: events(
      { id: '', object: '', model: '', choices: [], prompt_filter_results: [{}] },
      ...text,
      stop,
      '[DONE]',
    ),
    facts: told,
    ...complete,
  },
  { name: 'nothing but the end', text: events('[DONE]'), facts: {}, isComplete: true, hasContent: false },
  { name: 'nothing', text: '', facts: {}, isComplete: false, hasContent: false },
  {
    name: 'events that are not JSON',
    text: events('hello', '{"id":', ...text, stop, '[DONE]'),
    facts: told,
    ...complete,
  },
  {
    name: 'data in several lines',
    text: `data: {"id":"chatcmpl-1","choices":[{"index":0,\ndata: "delta":{"content":"a"},\ndata: "finish_reason":\ndata: "stop"}]}\n\n`,
    facts: told,
    ...complete,
  },
]

const usagePlaces: [string, Json[]][] = [
  ['in a chunk without choices', [...text, stop, { ...head, choices: [], usage: USAGE }]],
  [
    'and null in all others',
    [
      ...text.map((one) => ({ ...one, usage: null })),
      { ...stop, usage: null },
      { ...head, choices: [], usage: USAGE },
    ],
  ],
  ['in the last chunk with a choice', [...text, { ...stop, usage: USAGE }]],
  [
    'in the choice',
    [...text, { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: USAGE }] }],
  ],
  ['in an object of the provider', [...text, { ...stop, x_provider: { id: 'r', usage: USAGE } }]],
  [
    'in every chunk, growing',
    [
      ...[1, 2, 3].map((count) =>
        chunk({ content: 'a' }, null, { usage: { ...USAGE, completion_tokens: count } }),
      ),
      { ...stop, usage: USAGE },
    ],
  ],
  ['and null after it', [...text, { ...stop, usage: USAGE }, { ...head, choices: [], usage: null }]],
  ['after the end marker', [...text, stop, '[DONE]', { ...head, choices: [], usage: USAGE }]],
]

const usages: StreamFixture[] = usagePlaces.map(([where, chunks]) => ({
  name: `usage ${where}`,
  text: events(...chunks, '[DONE]'),
  facts: { ...told, usage },
  ...complete,
}))

const QUOTED =
  '"usage":{"prompt_tokens":1,"completion_tokens":1},"error":{"message":"no"},"finish_reason":"length" [DONE]'
const lookalikes: StreamFixture[] = [
  {
    name: 'a text that quotes fields',
    text: events(
      role,
      chunk({ content: 'a' }),
      chunk({ content: QUOTED }),
      chunk({ content: `{${QUOTED}}` }),
    ),
    facts: { responseId: 'chatcmpl-1' },
    ...cut,
  },
  {
    name: 'a first text that quotes fields',
    text: events(chunk({ content: QUOTED })),
    facts: { responseId: 'chatcmpl-1' },
    ...cut,
  },
  {
    name: 'a text that is the end marker',
    text: events(chunk({ content: '[DONE]' }), chunk({ content: 'data: [DONE]\n\n' })),
    facts: { responseId: 'chatcmpl-1' },
    ...cut,
  },
  {
    name: 'fields with spaces around the colon',
    text:
      'data: {"id" : "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n' +
      'data: {"choices": [{"index": 0, "delta": {}, "finish_reason" : "stop"}], "usage" : {"prompt_tokens": 10, "completion_tokens": 4}}\n\n',
    facts: { ...told, usage },
    ...complete,
  },
]

const failed = { isComplete: false, facts: { responseId: 'chatcmpl-1' } }
const nothingYet = { isComplete: false, hasContent: false, facts: {} }
const errors: StreamFixture[] = [
  {
    name: 'an error object first',
    text: events({ error: { message: 'overloaded', code: 503 } }),
    error: 'overloaded',
    ...nothingYet,
  },
  { name: 'an error text first', text: events({ error: 'overloaded' }), error: 'overloaded', ...nothingYet },
  {
    name: 'an error without a message',
    text: events({ error: { code: 1 } }),
    error: '{"code":1}',
    ...nothingYet,
  },
  {
    name: 'an error in the style of vLLM first',
    text: events({ object: 'error', message: 'too long', type: 'x', code: 400 }),
    error: 'too long',
    ...nothingYet,
  },
  {
    name: 'an error object after content',
    text: events(...text, { error: { message: 'broke' } }),
    error: 'broke',
    hasContent: true,
    ...failed,
  },
  {
    name: 'an error text after content',
    text: events(...text, { error: 'broke' }),
    error: 'broke',
    hasContent: true,
    ...failed,
  },
  {
    name: 'an error in the style of vLLM after content',
    text: events(...text, { object: 'error', message: 'broke', code: 500 }, '[DONE]'),
    error: 'broke',
    hasContent: true,
    ...failed,
  },
  {
    name: 'an error before the end marker',
    text: events(...text, { error: { message: 'broke' } }, '[DONE]'),
    error: 'broke',
    hasContent: true,
    ...failed,
  },
  {
    name: 'two errors, of which the first counts',
    text: events({ error: 'one' }, { error: 'two' }),
    error: 'one',
    ...nothingYet,
  },
  {
    name: 'an error that is null',
    text: events(...text.map((one) => ({ ...one, error: null })), stop, '[DONE]'),
    facts: told,
    ...complete,
  },
]

/** Every kind of stream. */
export const streamFixtures: readonly StreamFixture[] = [...answers, ...usages, ...lookalikes, ...errors]
