import { findProvider, type ModelPrice } from '@pydantic/genai-prices'
import { describe, expect, test } from 'vitest'
import type { Usage } from '../../src/protocols/canonical'
import { costOf } from '../../src/providers/prices'
import type { ModelPrices } from '../../src/providers/target'
import { diceOf } from './dice'

const startedAtMs = Date.parse('2026-11-21T12:00:00Z')
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

function usageOf(given: Partial<Usage>): Usage {
  return { ...none, ...given }
}

function pricesOf(given: Partial<ModelPrices>): ModelPrices {
  return {
    inputCost: null,
    outputCost: null,
    cacheHitInputCost: null,
    cacheCreationInputCost: null,
    ...given,
  }
}

describe('a custom model', () => {
  const whole = pricesOf({
    inputCost: 3,
    outputCost: 15,
    cacheHitInputCost: 0.3,
    cacheCreationInputCost: 3.75,
  })
  const inOut = pricesOf({ inputCost: 2.5, outputCost: 10 })

  test.each<[string, Partial<Usage>, ModelPrices, number]>([
    ['input and output', { inputTokens: 1_000, outputTokens: 100 }, inOut, 3_500_000],
    ['one token', { inputTokens: 1 }, inOut, 2_500],
    [
      'a tenth of a cent for a million',
      { inputTokens: 1_000_000 },
      pricesOf({ inputCost: 0.001, outputCost: 0 }),
      1_000_000,
    ],
    ['a price with many digits', { inputTokens: 3 }, pricesOf({ inputCost: 0.1, outputCost: 0 }), 300],
    [
      'a price that floats badly',
      { inputTokens: 7, outputTokens: 7 },
      pricesOf({ inputCost: 0.07, outputCost: 0.29 }),
      2_520,
    ],
    [
      'all parts',
      {
        inputTokens: 10,
        cacheReadTokens: 100,
        cacheWrite5mTokens: 20,
        cacheWrite1hTokens: 5,
        outputTokens: 2,
      },
      whole,
      30_000 + 30_000 + 93_750 + 30_000,
    ],
    [
      'reasoning as a part of the output, not twice',
      { outputTokens: 100, reasoningTokens: 90 },
      whole,
      1_500_000,
    ],
    [
      'audio as a part of both, not twice',
      { inputTokens: 10, outputTokens: 10, audioInputTokens: 10, audioOutputTokens: 10 },
      inOut,
      125_000,
    ],
    [
      'caches at the price of input when they have none',
      { cacheReadTokens: 10, cacheWrite5mTokens: 10, cacheWrite1hTokens: 10 },
      inOut,
      75_000,
    ],
    ['nothing', {}, inOut, 0],
    ['a free model', { inputTokens: 10, outputTokens: 10 }, pricesOf({ inputCost: 0, outputCost: 0 }), 0],
    ['no output of a model without a price for it', { inputTokens: 10 }, pricesOf({ inputCost: 1 }), 10_000],
  ])('costs exactly, in billionths of a dollar: %s', (_, usage, prices, costNanoUsd) => {
    expect(costOf({ usage: usageOf(usage), prices, startedAtMs })).toEqual({
      costNanoUsd,
      priceStatus: 'custom_model',
    })
  })

  test.each<[string, Partial<Usage>, ModelPrices]>([
    ['output', { outputTokens: 1 }, pricesOf({ inputCost: 1 })],
    ['input', { inputTokens: 1 }, pricesOf({ outputCost: 1 })],
    ['a cache, without one for input', { cacheReadTokens: 1 }, pricesOf({ outputCost: 1 })],
  ])('with no price for %s costs nobody knows how much', (_, usage, prices) => {
    expect(costOf({ usage: usageOf(usage), prices, startedAtMs })).toEqual({
      costNanoUsd: null,
      priceStatus: 'unknown_price',
    })
  })

  test('overrules the list', () => {
    const call = {
      usage: usageOf({ inputTokens: 1 }),
      pricesAs: 'openai',
      upstreamModel: 'gpt-4o',
      startedAtMs,
    }
    expect(costOf({ ...call, prices: pricesOf({ inputCost: 7, outputCost: 7 }) }).costNanoUsd).toBe(7_000)
  })

  test('costs what whole numbers say, in 5000 random calls', () => {
    for (let seed = 1; seed <= 5_000; seed++) {
      const dice = diceOf(seed)
      // Prices in steps of a thousandth of a dollar per million: whole nano-dollars per token.
      const [input, output, hit] = [dice.below(60_000), dice.below(90_000), dice.below(5_000)]
      const usage = usageOf({
        inputTokens: dice.below(200_000),
        outputTokens: dice.below(20_000),
        cacheReadTokens: dice.below(100_000),
      })
      const prices = pricesOf({
        inputCost: input / 1_000,
        outputCost: output / 1_000,
        cacheHitInputCost: hit / 1_000,
      })
      const exact = usage.inputTokens * input + usage.outputTokens * output + usage.cacheReadTokens * hit
      expect(costOf({ usage, prices, startedAtMs }).costNanoUsd, `seed ${seed}`).toBe(exact)
    }
  })
})

describe('a model of the price list', () => {
  /** US dollars per million tokens below 200 000, straight from the package's data. */
  function listPrice(providerId: string, modelId: string, key: string): number {
    const model = findProvider({ providerId })?.models.find(({ id }) => id === modelId)
    const prices: ModelPrice = Array.isArray(model?.prices) ? {} : (model?.prices ?? {})
    const price = prices[key]
    if (price === undefined) throw new Error(`${modelId} has no ${key}`)
    return typeof price === 'number' ? price : price.base
  }

  const anthropic = ['anthropic', 'claude-sonnet-4-5'] as const
  const openai = ['openai', 'gpt-4o'] as const
  const google = ['google', 'gemini-2.5-pro'] as const
  const speech = ['openai', 'gpt-audio'] as const

  test.each<[string, readonly [string, string], Partial<Usage>, [number, string][]]>([
    [
      'input and output',
      openai,
      { inputTokens: 1_000, outputTokens: 100 },
      [
        [1_000, 'input_mtok'],
        [100, 'output_mtok'],
      ],
    ],
    [
      'a cache that was read',
      openai,
      { inputTokens: 86, cacheReadTokens: 1_920, outputTokens: 300, reasoningTokens: 256 },
      [
        [86, 'input_mtok'],
        [1_920, 'cache_read_mtok'],
        [300, 'output_mtok'],
      ],
    ],
    ['only a cache', openai, { cacheReadTokens: 1_920 }, [[1_920, 'cache_read_mtok']]],
    [
      'a cache that was written',
      anthropic,
      { inputTokens: 10, cacheWrite5mTokens: 500, outputTokens: 5 },
      [
        [10, 'input_mtok'],
        [500, 'cache_write_mtok'],
        [5, 'output_mtok'],
      ],
    ],
    [
      'a cache that was written for an hour',
      anthropic,
      { inputTokens: 10, cacheWrite1hTokens: 500, outputTokens: 5 },
      [
        [10, 'input_mtok'],
        [500, 'cache_write_1h_mtok'],
        [5, 'output_mtok'],
      ],
    ],
    [
      'caches of both durations',
      anthropic,
      {
        inputTokens: 10,
        cacheReadTokens: 1_000,
        cacheWrite5mTokens: 200,
        cacheWrite1hTokens: 100,
        outputTokens: 5,
      },
      [
        [10, 'input_mtok'],
        [1_000, 'cache_read_mtok'],
        [200, 'cache_write_mtok'],
        [100, 'cache_write_1h_mtok'],
        [5, 'output_mtok'],
      ],
    ],
    [
      'reasoning',
      google,
      { inputTokens: 20, outputTokens: 603, reasoningTokens: 405 },
      [
        [20, 'input_mtok'],
        [603, 'output_mtok'],
      ],
    ],
    [
      'audio',
      speech,
      { inputTokens: 117, outputTokens: 500, audioInputTokens: 100, audioOutputTokens: 480 },
      [
        [17, 'input_mtok'],
        [100, 'input_audio_mtok'],
        [20, 'output_mtok'],
        [480, 'output_audio_mtok'],
      ],
    ],
  ])('costs what its data says: %s', (_, [providerId, modelId], usage, parts) => {
    const exact = parts.reduce(
      (sum, [tokens, key]) => sum + tokens * listPrice(providerId, modelId, key) * 1_000,
      0,
    )
    const call = { usage: usageOf(usage), pricesAs: providerId, upstreamModel: modelId, startedAtMs }
    expect(costOf(call)).toEqual({ costNanoUsd: Math.round(exact), priceStatus: 'price_list' })
  })

  test('costs nothing for no tokens', () => {
    const call = { usage: usageOf({}), pricesAs: 'openai', upstreamModel: 'gpt-4o', startedAtMs }
    expect(costOf(call)).toEqual({ costNanoUsd: 0, priceStatus: 'price_list' })
  })

  test('is found under its dated name', () => {
    const usage = usageOf({ inputTokens: 1_000 })
    const cost = (upstreamModel: string) => costOf({ usage, pricesAs: 'openai', upstreamModel, startedAtMs })
    expect(cost('gpt-4o-2024-08-06')).toEqual(cost('gpt-4o'))
  })

  test('costs what the hour of the call says', () => {
    const costAt = (time: string) =>
      costOf({
        usage: usageOf({ inputTokens: 1_000_000 }),
        pricesAs: 'deepseek',
        upstreamModel: 'deepseek-chat',
        startedAtMs: Date.parse(`2026-11-21T${time}Z`),
      }).costNanoUsd
    expect(costAt('12:00:00')).toBe(270_000_000)
    expect(costAt('20:00:00')).toBe(135_000_000)
  })

  test.each([
    ['a provider without a list', { upstreamModel: 'gpt-4o' }],
    ['no model', { pricesAs: 'openai' }],
    ['a model that is not listed', { pricesAs: 'openai', upstreamModel: 'my-finetune-of-something' }],
    ['another provider’s model', { pricesAs: 'openai', upstreamModel: 'claude-sonnet-4-5' }],
    ['a model that is priced by the hour', { pricesAs: 'openai', upstreamModel: 'whisper-1' }],
  ])('that cannot be told costs nobody knows how much: %s', (_, call) => {
    expect(costOf({ usage: usageOf({ inputTokens: 10 }), startedAtMs, ...call })).toEqual({
      costNanoUsd: null,
      priceStatus: 'unknown_price',
    })
  })
})

test('without a usage there is no cost, and the reason is another', () => {
  const call = {
    usage: undefined,
    prices: pricesOf({ inputCost: 1 }),
    pricesAs: 'openai',
    upstreamModel: 'gpt-4o',
  }
  expect(costOf({ ...call, startedAtMs })).toEqual({ costNanoUsd: null, priceStatus: 'no_usage' })
})
