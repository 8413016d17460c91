import { describe, expect, test } from 'vitest'
import { readChatReply } from '../../../src/protocols/openai-chat/reply'
import { usage } from './events'

const encoder = new TextEncoder()
const USAGE = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 }
const choice = { index: 0, message: { role: 'assistant', content: 'Grüße 😀' }, finish_reason: 'stop' }

/** Small and large replies are read in two ways, which must tell the same; spaces behind a reply make it large. */
const sizes: readonly [string, string][] = [
  ['small', ''],
  ['large', ' '.repeat(100_000)],
]

function read(reply: unknown, behind: string) {
  const text = typeof reply === 'string' ? reply : JSON.stringify(reply)
  return readChatReply(encoder.encode(text + behind))
}

describe.each(sizes)('a %s reply', (_, behind) => {
  test.each([
    [
      'with all facts',
      { id: 'chatcmpl-1', choices: [choice], usage: USAGE },
      { responseId: 'chatcmpl-1', finishReason: 'stop', usage },
    ],
    [
      'with spaces',
      JSON.stringify({ choices: [choice], usage: USAGE }, null, 2),
      { finishReason: 'stop', usage },
    ],
    ['after a byte order mark', `\ufeff${JSON.stringify({ choices: [choice] })}`, { finishReason: 'stop' }],
    [
      'with several choices',
      { choices: [{ ...choice, finish_reason: 'length' }, choice] },
      { finishReason: 'length' },
    ],
    ['without choices in the list', { id: 'a', choices: [] }, { responseId: 'a' }],
    ['without a usage', { choices: [choice], usage: null }, { finishReason: 'stop' }],
    [
      'with the usage in its choice',
      { choices: [{ ...choice, usage: USAGE }] },
      { finishReason: 'stop', usage },
    ],
    [
      'with the usage in an object of the provider',
      { choices: [choice], x_provider: { usage: USAGE } },
      { finishReason: 'stop', usage },
    ],
    ['with an id that is none', { id: 7, choices: [choice] }, { finishReason: 'stop' }],
    ['with a finish reason that is null', { choices: [{ ...choice, finish_reason: null }] }, {}],
    ['with an error that is null', { error: null, choices: [choice] }, { finishReason: 'stop' }],
    ['with an error that is empty', { error: '', choices: [choice] }, { finishReason: 'stop' }],
    [
      'whose text quotes fields',
      {
        choices: [
          {
            ...choice,
            message: { content: '"finish_reason":"x","usage":{"prompt_tokens":1},"error":{"message":"no"}' },
          },
        ],
      },
      { finishReason: 'stop' },
    ],
  ])('%s', (__, reply, facts) => {
    expect(read(reply, behind)).toEqual(facts)
  })

  test.each([
    ['no choices', { id: 'a', object: 'chat.completion' }, /no 'choices'/],
    ['choices that are null', { choices: null }, /no 'choices'/],
    ['choices that are no list', { choices: {} }, /no 'choices'/],
    ['another protocol', { type: 'message', content: [{ type: 'text', text: 'a' }] }, /no 'choices'/],
    ['HTML', '<!doctype html><title>502</title>', /JSON/],
    ['nothing', '', /JSON/],
    ['a list', [choice], /JSON object|no 'choices'/],
    ['a text', '"choices"', /JSON object|no 'choices'/],
    ['events', 'data: {"choices":[]}\n\n', /JSON/],
    ['a text cut in the middle', JSON.stringify({ choices: [choice] }).slice(0, -20), /JSON|the text ends/],
    ['a text cut at the end', JSON.stringify({ choices: [choice] }).slice(0, -1), /JSON|the text ends/],
    ['two replies', `${JSON.stringify({ choices: [choice] })}{}`, /JSON|nothing more/],
  ])('is refused with the reason: %s', (__, reply, reason) => {
    expect(() => read(reply, behind)).toThrow(reason)
  })
})

test.each([10, 3_000, 100_000])(
  'of several choices of %i characters the first one’s finish is told',
  (length) => {
    const message = { role: 'assistant', content: 'x'.repeat(length) }
    const choices = ['length', 'stop', 'stop'].map((reason, index) => ({
      index,
      message,
      finish_reason: reason,
    }))
    expect(read({ choices }, '').finishReason).toBe('length')
    const reordered = choices.map(({ finish_reason, ...rest }) => ({ finish_reason, ...rest }))
    expect(read({ choices: reordered }, '').finishReason).toBe('length')
  },
)

describe.each(sizes)('an error that comes as a %s reply', (_, behind) => {
  test.each([
    ['an object', { error: { message: 'overloaded', type: 'server_error' } }, { message: 'overloaded' }],
    [
      'an object with a code that is a word',
      { error: { message: 'no', code: 'rate_limit' } },
      { message: 'no' },
    ],
    ['an object with a status', { error: { message: 'no', status: 429 } }, { message: 'no', status: 429 }],
    ['an object with a code', { error: { message: 'no', code: 503 } }, { message: 'no', status: 503 }],
    [
      'an object with a code as a text',
      { error: { message: 'no', code: '503' } },
      { message: 'no', status: 503 },
    ],
    ['an object with a code that is no status', { error: { message: 'no', code: 1001 } }, { message: 'no' }],
    ['an object with the status of a success', { error: { message: 'no', code: 200 } }, { message: 'no' }],
    ['an object without a message', { error: { reason: 'x' } }, { message: '{"reason":"x"}' }],
    ['a text', { error: 'overloaded' }, { message: 'overloaded' }],
    ['a text with a status', { error: 'overloaded', status: 529 }, { message: 'overloaded', status: 529 }],
    [
      'an object of type error',
      { object: 'error', message: 'too long', code: 400 },
      { message: 'too long', status: 400 },
    ],
    ['an object of type error without words', { object: 'error' }, { message: 'unknown error' }],
    ['an error beside choices', { choices: [choice], error: { message: 'broke' } }, { message: 'broke' }],
  ])('%s', (__, reply, error) => {
    expect(read(reply, behind)).toEqual({ error })
  })
})
