import { describe, expect, test } from 'vitest'
import type { Usage } from '../../../src/protocols/canonical'
import { fieldsOf } from '../../../src/protocols/fields'
import { decodeChatUsage, findChatUsage } from '../../../src/protocols/openai-chat/usage'
import { diceOf } from '../dice'
import { told } from './usage-cases'

const none: Usage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
}

function totalOf(usage: Usage): number {
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  return inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens
}

describe('the usage of a chat completion', () => {
  test.each(told)('of %s', (_, given, parts) => {
    expect(decodeChatUsage(given)).toEqual({ ...none, ...parts })
  })

  test.each(told.filter(([, given]) => 'total_tokens' in given))('adds up to the total of %s', (_, given) => {
    const usage = decodeChatUsage(given)
    expect(usage === undefined ? undefined : totalOf(usage)).toBe(given['total_tokens'])
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'usage'],
    ['a list', [{ prompt_tokens: 1 }]],
    ['an empty object', {}],
    ['counts under other names', { input_tokens: 1, output_tokens: 2 }],
    ['counts as texts', { prompt_tokens: '1', completion_tokens: '2' }],
    ['only a total', { total_tokens: 5 }],
  ])('is unknown for %s', (_, given) => {
    expect(decodeChatUsage(given)).toBeUndefined()
  })

  test('counts nothing twice when only the hour’s part of what was written to a cache is told', () => {
    const usage = decodeChatUsage({
      prompt_tokens: 1_000,
      completion_tokens: 5,
      cache_creation: { ephemeral_1h_input_tokens: 100 },
    })
    expect(usage === undefined ? undefined : totalOf(usage)).toBe(1_005)
  })

  test('keeps every token in exactly one part, in 5000 random usages', () => {
    for (let seed = 1; seed <= 5_000; seed++) {
      const dice = diceOf(seed)
      const [fresh, read, write5m, write1h] = [
        dice.below(1000),
        dice.below(1000),
        dice.below(500),
        dice.below(500),
      ]
      const [visible, reasoning] = [dice.below(1000), dice.below(1000)]
      const isOnTop = dice.chance(0.3)
      const prompt = fresh + read + write5m + write1h
      const completion = isOnTop ? visible : visible + reasoning
      const usage = decodeChatUsage({
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + visible + reasoning,
        prompt_tokens_details: { cached_tokens: read },
        completion_tokens_details: { reasoning_tokens: reasoning },
        cache_creation_input_tokens: write5m + write1h,
        cache_creation: { ephemeral_5m_input_tokens: write5m, ephemeral_1h_input_tokens: write1h },
      })
      expect(usage, `seed ${seed}`).toEqual({
        ...none,
        inputTokens: fresh,
        cacheReadTokens: read,
        cacheWrite5mTokens: write5m,
        cacheWrite1hTokens: write1h,
        outputTokens: visible + reasoning,
        reasoningTokens: reasoning,
      })
    }
  })
})

describe('where the usage stands', () => {
  const own = { prompt_tokens: 1, completion_tokens: 2 }
  const other = { prompt_tokens: 7, completion_tokens: 7 }
  const found = { ...none, inputTokens: 1, outputTokens: 2 }

  test.each([
    ['on top', { usage: own }],
    ['on top, before all others', { x_provider: { usage: other }, choices: [{ usage: other }], usage: own }],
    ['in the first choice', { choices: [{ index: 0, usage: own }] }],
    ['in a later choice', { choices: [{ index: 0 }, { index: 1, usage: own }], usage: null }],
    ['in an object of the provider', { id: 'a', x_provider: { id: 'b', usage: own }, usage: null }],
  ])('%s', (_, chunk) => {
    expect(findChatUsage(chunk)).toEqual(found)
  })

  test.each([
    ['nowhere', { choices: [], usage: null }],
    ['too deep', { a: { b: { usage: own } } }],
    ['in a text', { choices: [{ delta: { content: JSON.stringify({ usage: own }) } }] }],
    ['not an object', 'usage'],
    ['choices that are no list', { choices: 'usage' }],
  ])('%s: none', (_, chunk) => {
    expect(findChatUsage(chunk)).toBeUndefined()
  })
})

describe('fields', () => {
  test.each([
    [{ a: 1 }, { a: 1 }],
    [[1], {}],
    [null, {}],
    ['a', {}],
    [undefined, {}],
  ])('of %j', (value, fields) => {
    expect(fieldsOf(value)).toEqual(fields)
  })
})
