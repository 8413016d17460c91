import { calcPrice, findProvider, type ModelPrice } from '@pydantic/genai-prices'
import { describe, expect, test } from 'vitest'
import type { Usage } from '../../src/protocols/canonical'
import { catalog } from '../../src/providers/catalog'
import { costOf } from '../../src/providers/prices'
import { startedAtMs, usageOf } from './priced'

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
  const picture = ['openai', 'gpt-image-1'] as const

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
    [
      'pictures that come in',
      picture,
      { inputTokens: 373, outputTokens: 272, imageInputTokens: 323 },
      [
        [50, 'input_mtok'],
        [323, 'input_image_mtok'],
        [272, 'output_mtok'],
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

test('every model of the catalogue’s lists costs what the package says, also when it is asked for again', () => {
  const usage = usageOf({ inputTokens: 300_000, outputTokens: 1_234 })
  const timestamp = new Date(startedAtMs)
  const ids = new Set(catalog.flatMap(({ pricesAs }) => (pricesAs === undefined ? [] : [pricesAs])))
  let priced = 0
  for (const providerId of ids)
    for (const { id } of findProvider({ providerId })?.models ?? []) {
      const total = totalOf(() =>
        calcPrice({ input_tokens: 300_000, output_tokens: 1_234 }, id, { providerId, timestamp }),
      )
      const call = { usage, pricesAs: providerId, upstreamModel: id, startedAtMs }
      const costs = [costOf(call), costOf(call)].map(({ costNanoUsd }) => costNanoUsd)
      expect([providerId, id, ...costs]).toEqual([providerId, id, total, total])
      if (total !== null) priced++
    }
  expect(priced).toBeGreaterThan(1_000)
})

function totalOf(calculate: () => ReturnType<typeof calcPrice>): number | null {
  try {
    const price = calculate()
    const isByToken = price !== null && Object.keys(price.model_price).some((unit) => unit.endsWith('_mtok'))
    return isByToken ? Math.round(price.total_price * 1e9) : null
  } catch {
    return null
  }
}
