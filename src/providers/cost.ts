import type { Usage } from '../protocols/canonical'
import type { ModelPrices } from './target'

/**
 * What a call cost in billionths of a US dollar, and where the price is from; null with the reason when it cannot be
 * told, which is not the same as nothing.
 */
export interface Cost {
  costNanoUsd: number | null
  priceStatus: 'custom_model' | 'price_list' | 'unknown_price' | 'no_usage'
}

/** What the price of a call depends on. */
export interface PricedCall {
  usage?: Usage | undefined
  /** A custom model's own prices; they overrule the list. */
  prices?: ModelPrices | undefined
  pricesAs?: string | undefined
  upstreamModel?: string | undefined
  /** Prices change, also by the time of day. */
  startedAtMs: number
}

/** A call whose price is in the list, where that has one. */
export interface ListedCall extends ListedModel {
  usage: Usage
  startedAtMs: number
}

/** A model of the list: its provider's id there, and the model's name at the provider. */
export interface ListedModel {
  pricesAs: string
  upstreamModel: string
}

/** One US dollar per million tokens is a thousand billionths of a dollar per token. */
const NANO_USD_PER_TOKEN = 1_000

/** The cost of a call as far as it can be told without the list; otherwise the call that the list has to be asked for. */
export function costWithoutList(call: PricedCall): Cost | ListedCall {
  const { usage, prices, pricesAs, upstreamModel, startedAtMs } = call
  if (usage === undefined) return { costNanoUsd: null, priceStatus: 'no_usage' }
  if (prices !== undefined) return customCost(usage, prices)
  if (pricesAs === undefined || upstreamModel === undefined) return listedCost(null)
  return { usage, pricesAs, upstreamModel, startedAtMs }
}

/** What the list says of a call; null when it has no price for it. */
export function listedCost(costNanoUsd: number | null): Cost {
  return { costNanoUsd, priceStatus: costNanoUsd === null ? 'unknown_price' : 'price_list' }
}

/** What usage costs by a custom model's own prices. */
export function customCost(usage: Usage, prices: ModelPrices): Cost {
  const { inputCost, outputCost, cacheHitInputCost, cacheCreationInputCost } = prices
  const parts = [
    { tokens: usage.inputTokens, price: inputCost },
    { tokens: usage.cacheReadTokens, price: cacheHitInputCost ?? inputCost },
    {
      tokens: usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
      price: cacheCreationInputCost ?? inputCost,
    },
    { tokens: usage.outputTokens, price: outputCost },
  ].filter(({ tokens }) => tokens > 0)
  if (parts.some(({ price }) => price === null)) return { costNanoUsd: null, priceStatus: 'unknown_price' }
  const total = parts.reduce((sum, { tokens, price }) => sum + tokens * (price ?? 0) * NANO_USD_PER_TOKEN, 0)
  return { costNanoUsd: Math.round(total), priceStatus: 'custom_model' }
}
