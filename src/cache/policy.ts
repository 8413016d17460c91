import * as z from 'zod/mini'

/** A whole number of milliseconds must stay exact, and nobody keeps anything longer. */
const MAX_TTL_SECONDS = 10 * 365 * 86_400

const optionsShape = {
  cache_by_customer: z.nullish(z.boolean()),
  is_cached_by_model: z.nullish(z.boolean()),
  omit_log: z.nullish(z.boolean()),
  omit_logs: z.nullish(z.boolean()),
  cache_tool_calls: z.nullish(z.boolean()),
  pace: z.nullish(z.enum(['instant', 'natural'])),
}

/** The gateway parameters of the response cache. */
export const cacheShape = {
  cache_enabled: z.nullish(z.boolean()),
  cache_ttl: z.nullish(
    z
      .number()
      .check(
        z.gte(1, 'must be at least 1 second'),
        z.lte(MAX_TTL_SECONDS, `must be at most ${MAX_TTL_SECONDS} seconds`),
      ),
  ),
  cache_options: z.nullish(z.object(optionsShape)),
}

/** The names that `cache_options` may have. */
export const CACHE_OPTIONS: ReadonlySet<string> = new Set(Object.keys(optionsShape))

interface CacheParameters {
  cache_enabled?: boolean | null | undefined
  cache_ttl?: number | null | undefined
  cache_options?:
    | { [Name in keyof typeof optionsShape]?: z.infer<(typeof optionsShape)[Name]> }
    | null
    | undefined
}

/** What a request wants of the cache. */
export interface CachePolicy {
  /** How old an answer may be, and how long a new one is kept. */
  ttlMs: number
  isByCustomer: boolean
  isByModel: boolean
  /** A hit leaves no log row. */
  omitsLog: boolean
  keepsToolCalls: boolean
  pace: 'instant' | 'natural'
}

const DEFAULT_TTL_SECONDS = 2_592_000

/** The policy of a request: its own parameters, behind them what is set for all; undefined when it wants no cache. */
export function cachePolicyOf(
  own: CacheParameters & { disable_log?: boolean | null | undefined },
  set: CacheParameters | undefined,
): CachePolicy | undefined {
  // Whoever wants no body kept is not kept by a default either.
  const isOnByDefault = set?.cache_enabled === true && own.disable_log !== true
  if (!(own.cache_enabled ?? isOnByDefault)) return undefined
  const options = own.cache_options ?? {}
  const usual = set?.cache_options ?? {}
  return {
    ttlMs: Math.round((own.cache_ttl ?? set?.cache_ttl ?? DEFAULT_TTL_SECONDS) * 1_000),
    isByCustomer: options.cache_by_customer ?? usual.cache_by_customer ?? false,
    isByModel: options.is_cached_by_model ?? usual.is_cached_by_model ?? false,
    omitsLog: options.omit_log ?? options.omit_logs ?? usual.omit_log ?? false,
    keepsToolCalls: options.cache_tool_calls ?? usual.cache_tool_calls ?? true,
    pace: options.pace ?? usual.pace ?? 'instant',
  }
}
