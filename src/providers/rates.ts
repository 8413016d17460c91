import { NO_USAGE, type Usage } from '../protocols/canonical'

/** What tokens of a call cost, for an estimate before it is made. */
export interface TokenRates {
  /** Billionths of a US dollar for the call itself, whatever its size. */
  call: number
  /** Billionths of a US dollar for a token of input, and of output; not always whole numbers. */
  input: number
  output: number
}

/** The rates of a model for inputs of a size: of calls that write nothing, and of others; null where nobody can tell. */
export interface SizeRates {
  reading: TokenRates | null
  writing: TokenRates | null
}

/**
 * Long inputs may cost more, so rates are told for each power of two of tokens, from `SMALLEST` on: of inputs up to the
 * next one that of the longest counts.
 */
export type RateTable = readonly SizeRates[]

/** Billionths of a US dollar for usage; null where nobody can tell. */
type Price = (usage: Usage) => number | null

const SMALLEST = 1_024
/** More than any body that is let in can hold. */
const LARGEST = 2 ** 24
const MANY_TOKENS = 1_000_000

/** Which rates of a table hold for an input. */
export function ratesIn(
  table: RateTable,
  { inputTokens, writes }: { inputTokens: number; writes: boolean },
): TokenRates | undefined {
  const size = Math.min(LARGEST, Math.max(SMALLEST, inputTokens))
  const row = table[Math.ceil(Math.log2(size / SMALLEST))]
  return (writes ? row?.writing : row?.reading) ?? undefined
}

/** The rates for one input of what has a price. */
export function ratesOf(
  price: Price,
  { inputTokens, writes }: { inputTokens: number; writes: boolean },
): TokenRates | undefined {
  const row = ratesAt(Math.max(SMALLEST, inputTokens), price)
  return (writes ? row.writing : row.reading) ?? undefined
}

/** The rates of what has a price, for inputs of every size. */
export function rateTable(price: Price): RateTable {
  const table: SizeRates[] = []
  for (let size = SMALLEST; size <= LARGEST; size *= 2) table.push(ratesAt(size, price))
  return table
}

function ratesAt(size: number, price: Price): SizeRates {
  const flat = price(NO_USAGE) ?? 0
  const read = price({ ...NO_USAGE, inputTokens: size })
  if (read === null) return { reading: null, writing: null }
  const input = (read - flat) / size
  const both = price({ ...NO_USAGE, inputTokens: size, outputTokens: MANY_TOKENS })
  return {
    reading: { call: flat, input, output: 0 },
    writing: both === null ? null : { call: flat, input, output: (both - read) / MANY_TOKENS },
  }
}
