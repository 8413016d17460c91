import { describe, expect, test } from 'vitest'
import { NO_USAGE } from '../../src/protocols/canonical'
import { catalog } from '../../src/providers/catalog'
import { knownModels } from '../../src/providers/known-models'
import { costOf } from '../../src/providers/prices'
import { tokenRates } from '../../src/providers/token-rates'
import { pricesOf, startedAtMs } from './priced'

const priced = catalog.flatMap(({ id, pricesAs }) =>
  pricesAs === undefined ? [] : knownModels(id).map((upstreamModel) => ({ pricesAs, upstreamModel })),
)

/** Sizes on both sides of the steps at which long inputs become dearer. */
const INPUTS = [0, 1, 1_024, 30_000, 131_072, 200_000, 262_144, 900_000]

describe('the rates of a reservation', () => {
  test(`are those of the log's prices, for each of ${priced.length} known models: never less, and exact where a size is one that was worked out`, () => {
    expect(priced.length).toBeGreaterThan(500)
    let compared = 0
    for (const model of priced) {
      for (const inputTokens of INPUTS) {
        const rates = tokenRates(model, { inputTokens, writes: true, nowMs: startedAtMs })
        const usage = { ...NO_USAGE, inputTokens, outputTokens: 777 }
        const { costNanoUsd } = costOf({ ...model, usage, startedAtMs })
        const about = `${model.pricesAs} ${model.upstreamModel} ${inputTokens}`
        if (rates === undefined || costNanoUsd === null) {
          // A model without a price for one kind of tokens: nobody can tell, in both places.
          if (inputTokens > 0) expect([rates, costNanoUsd], about).toEqual([undefined, null])
          continue
        }
        compared++
        const estimate = rates.call + inputTokens * rates.input + 777 * rates.output
        expect(estimate, about).toBeGreaterThan(costNanoUsd - 2)
        const isWorkedOut = inputTokens >= 1_024 && Number.isInteger(Math.log2(inputTokens))
        if (isWorkedOut) expect(Math.abs(estimate - costNanoUsd), about).toBeLessThan(2)
      }
    }
    expect(compared).toBeGreaterThan(priced.length * 5)
  })

  test.each([
    [
      'its own prices',
      { prices: pricesOf({ inputCost: 2, outputCost: 8 }) },
      { call: 0, input: 2_000, output: 8_000 },
    ],
    [
      'nothing, for one that is free',
      { prices: pricesOf({ inputCost: 0, outputCost: 0 }) },
      { call: 0, input: 0, output: 0 },
    ],
    ['nobody knows what, without a price for output', { prices: pricesOf({ inputCost: 2 }) }, undefined],
    ['nobody knows what, without any', {}, undefined],
  ])('of a custom model are %s', (_, prices, rates) => {
    const target = { upstreamModel: 'mine', ...prices }
    expect(tokenRates(target, { inputTokens: 10, writes: true, nowMs: startedAtMs })).toEqual(rates)
  })

  test('of what writes nothing need no price for it', () => {
    const target = { upstreamModel: 'mine', prices: pricesOf({ inputCost: 2 }) }
    const rates = tokenRates(target, { inputTokens: 10, writes: false, nowMs: startedAtMs })
    expect(rates).toEqual({ call: 0, input: 2_000, output: 0 })
  })

  test('follow the hour where the list does', () => {
    const target = { pricesAs: 'deepseek', upstreamModel: 'deepseek-chat' }
    const rateAt = (time: string) =>
      tokenRates(target, { inputTokens: 10, writes: true, nowMs: Date.parse(`2026-11-21T${time}Z`) })?.input
    expect([rateAt('12:00:00'), rateAt('20:00:00')]).toEqual([270, 135])
  })
})
