import { NO_USAGE } from '../protocols/canonical'
import { costOf } from './prices'
import type { Target } from './target'

/** What tokens of a call cost, for an estimate before it is made. */
export interface TokenRates {
  /** Billionths of a US dollar for the call itself, whatever its size. */
  call: number
  /** Billionths of a US dollar for a token of input, and of output; not always whole numbers. */
  input: number
  output: number
}

/** Prices change by the day, or by the hour. */
const KEPT_MS = 60_000
const MOST_KEPT = 1_000
const MANY_TOKENS = 1_000_000
const kept = new Map<string, { rates: TokenRates | undefined; untilMs: number }>()

/**
 * What a call's tokens cost by the list or the custom model's own prices, undefined where that cannot be told. Long
 * inputs may cost more: of inputs up to the next power of two that of the longest counts.
 */
export function tokenRates(
  target: Pick<Target, 'prices' | 'pricesAs' | 'upstreamModel'>,
  given: { inputTokens: number; writes: boolean; nowMs: number },
): TokenRates | undefined {
  const { inputTokens, writes, nowMs } = given
  const size = 2 ** Math.ceil(Math.log2(Math.max(1_024, inputTokens)))
  if (target.prices !== undefined) return workedOut(target, { size, writes, nowMs })
  const key = `${target.pricesAs} ${target.upstreamModel} ${size} ${writes}`
  const known = kept.get(key)
  if (known !== undefined && nowMs < known.untilMs) return known.rates
  const rates = workedOut(target, { size, writes, nowMs })
  if (kept.size >= MOST_KEPT) kept.clear()
  kept.set(key, { rates, untilMs: nowMs + KEPT_MS })
  return rates
}

function workedOut(
  { prices, pricesAs, upstreamModel }: Pick<Target, 'prices' | 'pricesAs' | 'upstreamModel'>,
  { size, writes, nowMs }: { size: number; writes: boolean; nowMs: number },
): TokenRates | undefined {
  const call = { prices, pricesAs, upstreamModel, startedAtMs: nowMs }
  const flat = costOf({ ...call, usage: NO_USAGE }).costNanoUsd ?? 0
  const read = costOf({ ...call, usage: { ...NO_USAGE, inputTokens: size } }).costNanoUsd
  if (read === null) return undefined
  const input = (read - flat) / size
  if (!writes) return { call: flat, input, output: 0 }
  const usage = { ...NO_USAGE, inputTokens: size, outputTokens: MANY_TOKENS }
  const both = costOf({ ...call, usage }).costNanoUsd
  return both === null ? undefined : { call: flat, input, output: (both - read) / MANY_TOKENS }
}
