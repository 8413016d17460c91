import { calcPrice, findProvider } from '@pydantic/genai-prices'
import { describe, expect, test } from 'vitest'
import { catalog } from '../../../src/providers/catalog'
import { knownModel } from '../../../src/providers/known-models'

/** At an hour without surcharges, on a day when the prices in the file hold. */
const WHEN = new Date('2026-11-21T20:00:00Z')

/** Each name that a price list has for a model, and what the library makes of it. */
const listed = catalog.flatMap(({ id, pricesAs }) => {
  const models = pricesAs === undefined ? [] : (findProvider({ providerId: pricesAs })?.models ?? [])
  return models.flatMap(({ match }) => {
    const rules = 'or' in match ? match.or : [match]
    const names = rules.flatMap((rule) => ('equals' in rule ? [rule.equals] : []))
    return names.map((name) => ({
      id,
      name,
      price: (usage: Record<string, number>) => priceOf(name, pricesAs ?? '', usage),
    }))
  })
})

function priceOf(model: string, providerId: string, usage: Record<string, number>) {
  return calcPrice(usage, model, { providerId, timestamp: WHEN })
}

describe('what is known of a model', () => {
  test('is what the price list says, under every name that it is found by', () => {
    const found = listed.flatMap(({ id, name, price }) => {
      const known = knownModel(id, name)
      return known === undefined ? [] : [{ id, name, known, price }]
    })
    expect(found.length).toBeGreaterThan(1_000)
    for (const { id, name, known, price } of found) {
      const input = price({ input_tokens: 1 })
      expect([id, name, known.contextWindow]).toEqual([id, name, input?.model.context_window])
      expect(known.inputCost ?? 0, name).toBeCloseTo((input?.input_price ?? 0) * 1e6, 6)
      if (known.outputCost === undefined) continue
      expect(known.outputCost, name).toBeCloseTo((price({ output_tokens: 1 })?.output_price ?? 0) * 1e6, 6)
    }
  })

  test.each([
    ['openai', 'gpt-4o', { contextWindow: 128_000, inputCost: 2.5, outputCost: 10, cacheHitInputCost: 1.25 }],
    ['openai', 'gpt-4o-2024-11-20', { contextWindow: 128_000, inputCost: 2.5 }],
    // An older one with a price of its own.
    ['openai', 'gpt-4o-2024-05-13', { inputCost: 5, outputCost: 15 }],
    ['anthropic', 'claude-sonnet-4-5-20250929', { contextWindow: 200_000, maxOutputTokens: 64_000 }],
    ['anthropic', 'claude-3-7-sonnet-20250219', { inputCost: 3 }],
    ['bedrock', 'us.anthropic.claude-3-5-sonnet-20241022-v2:0', { contextWindow: 200_000 }],
    ['bedrock', 'amazon.nova-pro-v1:0', { contextWindow: 300_000, outputCost: 3.2 }],
  ])('of %s: %s', (provider, model, expected) => {
    expect(knownModel(provider, model)).toMatchObject(expected)
  })

  test.each([
    ['openai', 'gpt-4o-of-mine'],
    ['openai', 'constructor'],
    ['constructor', 'gpt-4o'],
    ['hyperbolic', 'gpt-4o'],
    ['openai', 'claude-sonnet-4-5'],
    ['openai', ''],
  ])('of %s is nothing for "%s"', (provider, model) => {
    expect(knownModel(provider, model)).toBeUndefined()
  })
})
