import { calcPrice, type Provider } from '@pydantic/genai-prices'
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
  usage: Usage | undefined
  /** A custom model's own prices; they overrule the list. */
  prices?: ModelPrices | undefined
  pricesAs?: string | undefined
  upstreamModel?: string | undefined
  /** Prices change, also by the time of day. */
  startedAtMs: number
}

/** One US dollar per million tokens is a thousand billionths of a dollar per token. */
const NANO_USD_PER_TOKEN = 1_000
const NANO_USD_PER_USD = 1_000_000_000

/** The cost of a call. */
export function costOf(call: PricedCall): Cost {
  if (call.usage === undefined) return { costNanoUsd: null, priceStatus: 'no_usage' }
  if (call.prices !== undefined) return customCost(call.usage, call.prices)
  const costNanoUsd = listCost(call, call.usage)
  return { costNanoUsd, priceStatus: costNanoUsd === null ? 'unknown_price' : 'price_list' }
}

function customCost(usage: Usage, prices: ModelPrices): Cost {
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

function listCost(call: PricedCall, usage: Usage): number | null {
  if (call.pricesAs === undefined || call.upstreamModel === undefined) return null
  const cacheWrite = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
  const counts = {
    input_tokens: usage.inputTokens + usage.cacheReadTokens + cacheWrite,
    output_tokens: usage.outputTokens,
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: cacheWrite,
    cache_write_1h_tokens: usage.cacheWrite1hTokens,
    input_audio_tokens: usage.audioInputTokens,
    output_audio_tokens: usage.audioOutputTokens,
    input_image_tokens: usage.imageInputTokens ?? 0,
  }
  // A model without a price for one kind of token makes the library throw for a count of it, so zeros stay away.
  const told = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
  try {
    const provider = listWith(call.pricesAs, call.upstreamModel)
    if (provider === null) return null
    const price = calcPrice(told, call.upstreamModel, { provider, timestamp: new Date(call.startedAtMs) })
    // A model that is priced by the hour or the picture would come to nothing for its tokens, which is not its price.
    const isByToken = price !== null && Object.keys(price.model_price).some((unit) => unit.endsWith('_mtok'))
    return isByToken ? Math.round(price.total_price * NANO_USD_PER_USD) : null
  } catch {
    return null
  }
}

/** Price lists that were cut down to the model that was asked for; null where the list does not have it. */
const lists = new Map<string, Provider | null>()
const MAX_LISTS = 1_000

// Of pricing a call, trying the patterns of a provider's hundreds of models takes by far the longest.
function listWith(providerId: string, model: string): Provider | null {
  const key = `${providerId} ${model}`
  const known = lists.get(key)
  if (known !== undefined) return known
  const found = calcPrice({}, model, { providerId })
  const list = found === null ? null : { ...found.provider, models: [found.model] }
  if (lists.size >= MAX_LISTS) lists.clear()
  lists.set(key, list)
  return list
}
