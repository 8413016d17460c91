import { describe, expect, test } from 'vitest'
import { NO_USAGE } from '../../src/protocols/canonical'
import { type PricesEnv, settledCost, tokenRates } from '../../src/providers/asked-prices'
import { catalog } from '../../src/providers/catalog'
import { knownModels } from '../../src/providers/known-models'
import { costOf, listCost, listRates } from '../../src/providers/prices'
import { ratesIn } from '../../src/providers/rates'
import { pricesOf, startedAtMs } from './priced'

const priced = catalog.flatMap(({ id, pricesAs }) =>
  pricesAs === undefined ? [] : knownModels(id).map((upstreamModel) => ({ pricesAs, upstreamModel })),
)

/** Sizes on both sides of the steps at which long inputs become dearer. */
const INPUTS = [0, 1, 1_024, 30_000, 131_072, 200_000, 262_144, 900_000]

/** The consumer worker as it is when nobody may ask it, and as it answers, with the number of questions. */
const nobody: PricesEnv = {
  MANAGEMENT: {
    listRates: () => Promise.reject(new Error('nobody may ask')),
    listCost: () => Promise.reject(new Error('nobody may ask')),
  },
}

function asking(
  target: Parameters<typeof tokenRates>[1]['target'],
  given: { writes: boolean; nowMs?: number },
) {
  const behind: Promise<unknown>[] = []
  return {
    ...{ target, inputTokens: 10, nowMs: startedAtMs, timeoutMs: 50, ...given },
    behind,
    background: (work: Promise<unknown>) => void behind.push(work),
  }
}

describe('the rates of a reservation', () => {
  test(`are those of the log's prices, for each of ${priced.length} known models: never less, and exact where a size is one that was worked out`, () => {
    expect(priced.length).toBeGreaterThan(500)
    let compared = 0
    for (const model of priced) {
      const table = listRates(model, startedAtMs)
      for (const inputTokens of INPUTS) {
        const rates = ratesIn(table, { inputTokens, writes: true })
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
    expect(tokenRates(nobody, asking(target, { writes: true }))).toEqual({ kind: 'told', rates })
  })

  test('of what writes nothing need no price for it', () => {
    const target = { upstreamModel: 'mine', prices: pricesOf({ inputCost: 2 }) }
    const rates = { call: 0, input: 2_000, output: 0 }
    expect(tokenRates(nobody, asking(target, { writes: false }))).toEqual({ kind: 'told', rates })
  })

  test('follow the hour where the list does', () => {
    const target = { pricesAs: 'deepseek', upstreamModel: 'deepseek-chat' }
    const rateAt = (time: string) =>
      ratesIn(listRates(target, Date.parse(`2026-11-21T${time}Z`)), { inputTokens: 10, writes: true })?.input
    expect([rateAt('12:00:00'), rateAt('20:00:00')]).toEqual([270, 135])
  })
})

describe('asking for prices', () => {
  const target = { pricesAs: 'openai', upstreamModel: 'gpt-4o' }
  function service(): PricesEnv & { asked: number } {
    const env = {
      asked: 0,
      MANAGEMENT: {
        async listRates(model: Parameters<typeof listRates>[0]) {
          env.asked++
          return listRates(model, startedAtMs)
        },
        listCost: async (call: Parameters<typeof listCost>[0]) => listCost(call),
      },
    }
    return env
  }

  test('once for each model and isolate, then behind the answer, then not with what is too old', async () => {
    const env = service()
    const rates = ratesIn(listRates(target, startedAtMs), { inputTokens: 10, writes: true })
    const told = { kind: 'told', rates }
    expect(await tokenRates(nobody, asking(target, { writes: true }))).toEqual({ kind: 'away' })
    expect(await tokenRates(env, asking(target, { writes: true }))).toEqual(told)
    expect(tokenRates(nobody, asking(target, { writes: true }))).toEqual(told)
    const later = asking(target, { writes: true, nowMs: startedAtMs + 61_000 })
    expect(tokenRates(env, later)).toEqual(told)
    expect(tokenRates(env, later)).toEqual(told)
    await Promise.all(later.behind)
    expect(env.asked).toBe(2)
    const old = asking(target, { writes: true, nowMs: startedAtMs + 61_000 + 3_601_000 })
    expect(await tokenRates(nobody, old)).toEqual({ kind: 'away' })
  })

  test('of a service that does not answer is not waited for', async () => {
    const silent = { MANAGEMENT: { ...nobody.MANAGEMENT, listRates: () => new Promise<never>(() => {}) } }
    const other = { pricesAs: 'openai', upstreamModel: 'gpt-4o-mini' }
    expect(await tokenRates(silent, asking(other, { writes: true }))).toEqual({ kind: 'away' })
  })

  test('settles with what the log says', async () => {
    const call = { ...target, usage: { ...NO_USAGE, inputTokens: 1_234, outputTokens: 77 }, startedAtMs }
    expect(await settledCost(service(), call)).toBe(costOf(call).costNanoUsd)
  })
})
