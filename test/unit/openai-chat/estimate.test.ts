import { describe, expect, test } from 'vitest'
import { scanObject } from '../../../src/platform/json-scan'
import { estimateChatTokens, estimateChatUsage } from '../../../src/protocols/openai-chat/estimate'
import { chunk, events } from './events'

const encoder = new TextEncoder()
const none = {
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
}
/** 40 characters: ten tokens. */
const TEN = 'Sphinx of black quartz, judge my vow now'

function estimated(request: unknown, response: unknown) {
  const isStream = typeof response === 'string' && response.startsWith('data:')
  const text = typeof response === 'string' ? response : JSON.stringify(response)
  return estimateChatUsage(encoder.encode(JSON.stringify(request)), encoder.encode(text), isStream)
}

function replyOf(...messages: unknown[]) {
  return { choices: messages.map((message, index) => ({ index, message, finish_reason: 'stop' })) }
}

const oneMessage = { messages: [{ role: 'user', content: TEN }] }

describe('a usage that no provider told', () => {
  test.each<[string, unknown, number]>([
    ['a message: its text and what a message costs', oneMessage, 13],
    ['two messages', { messages: [...oneMessage.messages, { role: 'assistant', content: TEN }] }, 26],
    [
      'parts of a message',
      {
        messages: [
          {
            content: [
              { type: 'text', text: TEN },
              { type: 'text', text: TEN },
            ],
          },
        ],
      },
      23,
    ],
    [
      'an image',
      { messages: [{ content: [{ type: 'image_url', image_url: { url: `data:${TEN.repeat(999)}` } }] }] },
      768,
    ],
    ['tools', { ...oneMessage, tools: [TEN.slice(4)] }, 23],
    ['a message without content', { messages: [{ role: 'user', content: null }] }, 3],
    ['something else', { messages: 'hi' }, 0],
  ])('counts the input by its characters: %s', (_, request, inputTokens) => {
    expect(estimated(request, replyOf())).toEqual({
      ...none,
      inputTokens,
      outputTokens: 0,
      reasoningTokens: 0,
    })
  })

  test.each<[string, unknown, number, number]>([
    ['a text', replyOf({ content: TEN }), 10, 0],
    ['several choices', replyOf({ content: TEN }, { content: TEN }), 20, 0],
    ['a refusal', replyOf({ content: null, refusal: TEN }), 10, 0],
    ['reasoning, which is part of the output', replyOf({ content: TEN, reasoning_content: TEN }), 20, 10],
    ['tool calls', replyOf({ content: null, tool_calls: [TEN.slice(4)] }), 10, 0],
    ['tool calls that are null', replyOf({ content: TEN, tool_calls: null }), 10, 0],
    [
      'a stream',
      events(chunk({ content: TEN.slice(0, 20) }), chunk({ content: TEN.slice(20) }), '[DONE]'),
      10,
      0,
    ],
    ['a stream that was cut', `${events(chunk({ content: TEN }))}data: {"choi`, 10, 0],
    ['a stream without a chunk', 'data: [DONE]\n\n', 0, 0],
    ['a text that is no reply', 'oops', 0, 0],
  ])('counts the output: %s', (_, response, outputTokens, reasoningTokens) => {
    expect(estimated(oneMessage, response)).toEqual({
      ...none,
      inputTokens: 13,
      outputTokens,
      reasoningTokens,
    })
  })
})

describe('the most tokens that a request may use', () => {
  function estimateOf(fields: Record<string, unknown>) {
    const bytes = encoder.encode(JSON.stringify({ model: 'm', ...fields }))
    return estimateChatTokens(bytes, scanObject(bytes))
  }
  /** As JSON 80 bytes: twenty tokens. */
  const messages = [{ role: 'user', content: TEN.padEnd(50, '.') }]

  test('counts the whole JSON of the input', () => {
    expect(JSON.stringify(messages)).toHaveLength(80)
    expect(estimateOf({ messages }).inputTokens).toBe(20)
    expect(estimateOf({ messages, tools: messages, functions: messages }).inputTokens).toBe(60)
  })

  test.each([
    ['max_tokens', { max_tokens: 7 }, { mostTokens: 7, choices: 1 }],
    ['max_completion_tokens', { max_completion_tokens: 7 }, { mostTokens: 7, choices: 1 }],
    ['the larger of both', { max_tokens: 7, max_completion_tokens: 9 }, { mostTokens: 9, choices: 1 }],
    ['no limit when none is given', {}, { choices: 1 }],
    ['no limit when it is null', { max_tokens: null }, { choices: 1 }],
    ['nothing for a negative limit', { max_tokens: -7 }, { mostTokens: 0, choices: 1 }],
    ['the limit for each choice', { max_tokens: 7, n: 3 }, { mostTokens: 7, choices: 3 }],
    ['choices without a limit', { n: 3 }, { choices: 3 }],
    ['one choice when n is null', { max_tokens: 7, n: null }, { mostTokens: 7, choices: 1 }],
    ['no more choices than anybody wants', { n: 1e300 }, { choices: 1_000 }],
  ])('tells %s', (_, fields, output) => {
    expect(estimateOf({ messages, ...fields }).output).toEqual(output)
  })

  test.each([
    ['an image', `data:image/png;base64,${'iVBORw0KGgo/+'.repeat(8_000)}`, 1_600 + 1_040 + 1],
    ['a small one', `data:image/png;base64,${'iVBORw0KGgo/+'.repeat(400)}`, 1_600 + 53],
    ['a long word', 'Donaudampfschifffahrt'.repeat(50), 263],
    ['a long text', 'It is not data. '.repeat(5_000), 20_000],
  ])('counts a file by its kind and a text by its length: %s', (_, url, tokens) => {
    const { inputTokens } = estimateOf({
      messages: [{ content: [{ image_url: { url } }, { text: 'What?' }] }],
    })
    expect(Math.abs(inputTokens - tokens)).toBeLessThanOrEqual(20)
  })

  test('counts each of several files', () => {
    const file = { file_data: 'JVBERi0x'.repeat(20_000) }
    const one = estimateOf({ messages: [file] }).inputTokens
    const { inputTokens } = estimateOf({ messages: [file, file, file] })
    expect(Math.abs(inputTokens - 3 * one)).toBeLessThanOrEqual(2)
  })

  test('is never less than what an English request uses', () => {
    for (let words = 1; words <= 200; words++) {
      const content = 'word '.repeat(words)
      const { inputTokens } = estimateOf({ messages: [{ role: 'user', content }] })
      expect(inputTokens).toBeGreaterThanOrEqual(words + 3)
    }
  })
})
