import { SUMS } from './counting'
import { BOUNDS_MS, BUCKETS } from './histogram'
import { metadataValue } from './metadata-entries'

const HOUR_MS = 3_600_000

/** Rows in the columns of a roll-up, and a column for each key of metadata; the conditions are met by an index. */
export interface UsageSource {
  sql: string
  values: (string | number)[]
}

/** The name of the column that has the value of the key with this number. */
export function metadataColumn(index: number): string {
  return `metadata_${index}`
}

/** The log rows of whole hours as if each were a roll-up of itself: for what roll-ups do not tell apart. */
export function rowsAsUsage(given: { startMs: number; endMs: number; keys: readonly string[] }): UsageSource {
  const { startMs, endMs, keys } = given
  const metadata = keys.map((_, index) => `(${metadataValue('?')}) as ${metadataColumn(index)}`)
  const sums = SUMS.map((name) => `${SUM_OF_ROW[name]} as ${name}`)
  const columns = [...OF_ROW, ...sums, ...HISTOGRAMS, ...metadata]
  return {
    sql: `(select ${columns.join(', ')} from request_logs where started_at_ms >= ? and started_at_ms < ?)`,
    values: [...keys, startMs, endMs],
  }
}

// What `countedOf` says of a record, said of its row.
const OF_ROW = [
  `started_at_ms - started_at_ms % ${HOUR_MS} as hour_ms`,
  ...['environment', 'log_type', "coalesce(log_method, 'gateway') as log_method"],
  ...['api_key_id', 'model', 'provider_id', 'customer_identifier', 'prompt_id'].map(
    (name) => `coalesce(${name}, '') as ${name}`,
  ),
  'coalesce(prompt_version, 0) as prompt_version',
]

const SUM_OF_ROW: Readonly<Record<(typeof SUMS)[number], string>> = {
  requests: '1',
  errors: "(ending = 'failed')",
  cancelled: "(ending = 'cancelled')",
  cache_hits: "(coalesce(cache_status, 'miss') <> 'miss')",
  cache_misses: "(coalesce(cache_status, '') = 'miss')",
  input_tokens: 'coalesce(input_tokens, 0)',
  cache_read_tokens: 'coalesce(cache_read_tokens, 0)',
  cache_write_tokens: 'coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)',
  output_tokens: 'coalesce(output_tokens, 0)',
  reasoning_tokens: 'coalesce(reasoning_tokens, 0)',
  cost_nano_usd: 'coalesce(cost_nano_usd, 0)',
  unknown_costs: "(price_status = 'unknown_price')",
  saved_nano_usd: 'coalesce(saved_nano_usd, 0)',
  latency_ms: 'latency_ms',
  first_token_ms: 'coalesce(time_to_first_token_ms, 0)',
  first_tokens: '(time_to_first_token_ms is not null)',
}

const HISTOGRAMS = [
  `${histogramOf('latency_ms')} as latency_histogram`,
  `${histogramOf('time_to_first_token_ms')} as first_token_histogram`,
]

/** A histogram of one time. */
function histogramOf(column: string): string {
  const one = (bucket: number) =>
    JSON.stringify(Array.from({ length: BUCKETS }, (_, at) => Number(at === bucket)))
  const bounds = BOUNDS_MS.map((bound, bucket) => `when ${column} <= ${bound} then '${one(bucket)}'`)
  return `case when ${column} is null then '[]' ${bounds.join(' ')} else '${one(BOUNDS_MS.length)}' end`
}
