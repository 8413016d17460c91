import { calcPrice, type Provider } from '@pydantic/genai-prices'
import {
  type Cost,
  costWithoutList,
  type ListedCall,
  type ListedModel,
  listedCost,
  type PricedCall,
} from './cost'
import { type RateTable, rateTable } from './rates'

const NANO_USD_PER_USD = 1_000_000_000

/** The cost of a call. The list is large: the gateway does without this file and asks the consumer (`asked-prices.ts`). */
export function costOf(call: PricedCall): Cost {
  const told = costWithoutList(call)
  return 'priceStatus' in told ? told : listedCost(listCost(told))
}

/** The rates of a model of the list at a time. */
export function listRates(model: ListedModel, startedAtMs: number): RateTable {
  return rateTable((usage) => listCost({ ...model, usage, startedAtMs }))
}

/** What a call costs by the list, in billionths of a US dollar; null when that has no price for it. */
export function listCost(call: ListedCall): number | null {
  const { usage } = call
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
