import { describe, expect, test } from 'vitest'
import type { Usage } from '../../src/protocols/canonical'
import { costOf } from '../../src/providers/prices'
import type { ModelPrices } from '../../src/providers/target'
import { diceOf } from './dice'
import { pricesOf, startedAtMs, usageOf } from './priced'

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

test('without a usage there is no cost, and the reason is another', () => {
  const call = {
    usage: undefined,
    prices: pricesOf({ inputCost: 1 }),
    pricesAs: 'openai',
    upstreamModel: 'gpt-4o',
  }
  expect(costOf({ ...call, startedAtMs })).toEqual({ costNanoUsd: null, priceStatus: 'no_usage' })
})
