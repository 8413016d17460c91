import { BUCKETS, bucketOf } from './histogram'
import type { LogRecord } from './log-record'
import { isFromCache, type LoggedCost } from './log-row'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** What requests of a roll-up have in common: the columns that tell its rows apart. */
export const DIMENSIONS = [
  ...['hour_ms', 'environment', 'api_key_id', 'model', 'provider_id', 'customer_identifier'],
  ...['prompt_id', 'prompt_version', 'log_type', 'log_method'],
] as const

/** What is added up in a roll-up. */
export const SUMS = [
  ...(['requests', 'errors', 'cancelled', 'cache_hits', 'cache_misses'] as const),
  ...(['input_tokens', 'cache_read_tokens'] as const),
  ...(['cache_write_tokens', 'output_tokens', 'reasoning_tokens', 'cost_nano_usd', 'unknown_costs'] as const),
  ...(['saved_nano_usd', 'latency_ms', 'first_token_ms', 'first_tokens'] as const),
] as const

/** The histograms of a roll-up, and the bucket that a request brings for each. */
const HISTOGRAMS = {
  latency_histogram: 'latency_bucket',
  first_token_histogram: 'first_token_bucket',
} as const

/** What a request adds to the roll-ups, by column; a bucket is null where there was no such time. */
export type Counted = ReturnType<typeof countedOf>

/** What a record adds to the roll-ups and to its end user's sums. */
export function countedOf(record: LogRecord, cost: LoggedCost) {
  const { usage, tags, prompt, timeToFirstTokenMs } = record
  const latencyMs = record.endedAtMs - record.startedAtMs
  return {
    id: record.id,
    at_ms: record.startedAtMs,
    day_ms: record.startedAtMs - (record.startedAtMs % DAY_MS),
    email: tags.customerEmail ?? null,
    name: tags.customerName ?? null,
    hour_ms: record.startedAtMs - (record.startedAtMs % HOUR_MS),
    environment: record.environment,
    api_key_id: record.apiKeyId ?? '',
    model: record.model ?? '',
    provider_id: record.providerId ?? '',
    customer_identifier: tags.customerIdentifier ?? '',
    prompt_id: prompt?.id ?? '',
    prompt_version: prompt?.version ?? 0,
    log_type: record.logType,
    log_method: record.logMethod ?? 'gateway',
    requests: 1,
    errors: Number(record.ending === 'failed'),
    cancelled: Number(record.ending === 'cancelled'),
    cache_hits: Number(isFromCache(record)),
    cache_misses: Number(record.cache?.status === 'miss'),
    input_tokens: usage?.inputTokens ?? 0,
    cache_read_tokens: usage?.cacheReadTokens ?? 0,
    cache_write_tokens: (usage?.cacheWrite5mTokens ?? 0) + (usage?.cacheWrite1hTokens ?? 0),
    output_tokens: usage?.outputTokens ?? 0,
    reasoning_tokens: usage?.reasoningTokens ?? 0,
    cost_nano_usd: cost.costNanoUsd ?? 0,
    unknown_costs: Number(cost.priceStatus === 'unknown_price'),
    saved_nano_usd: cost.savedNanoUsd ?? 0,
    latency_ms: latencyMs,
    latency_bucket: bucketOf(latencyMs),
    first_token_ms: timeToFirstTokenMs ?? 0,
    first_tokens: Number(timeToFirstTokenMs !== undefined),
    first_token_bucket: timeToFirstTokenMs === undefined ? null : bucketOf(timeToFirstTokenMs),
  }
}

/**
 * The condition, in SQL, that a record of `json_each` was not counted before. It has to be asked in the transaction that
 * writes the rows, ahead of them.
 */
export const IS_NEW = `not exists (select 1 from request_logs where id = value ->> 'id')
  and not exists (select 1 from counted_logs where id = value ->> 'id')`

// Histograms are merged number by number; SQLite reads the JSON text once for all of them.
function countUsage(): string {
  const counts = (bucket: string) => buckets((index) => `sum(value ->> '${bucket}' is ${index})`)
  const merged = (name: string) =>
    buckets((index) => `(${name} ->> ${index}) + (excluded.${name} ->> ${index})`)
  const histograms = Object.entries(HISTOGRAMS)
  return `insert into usage_hourly (${[...DIMENSIONS, ...SUMS, ...Object.keys(HISTOGRAMS)].join(', ')})
    select ${[
      ...DIMENSIONS.map((name) => `value ->> '${name}'`),
      ...SUMS.map((name) => `sum(value ->> '${name}')`),
      ...histograms.map(([, bucket]) => counts(bucket)),
    ].join(', ')}
    from json_each(?) where ${IS_NEW}
    group by ${DIMENSIONS.map((_, index) => index + 1).join(', ')}
    on conflict (${DIMENSIONS.join(', ')}) do update set ${[
      ...SUMS.map((name) => `${name} = ${name} + excluded.${name}`),
      ...histograms.map(([name]) => `${name} = ${merged(name)}`),
    ].join(', ')}`
}

function buckets(term: (index: number) => string): string {
  return `json_array(${Array.from({ length: BUCKETS }, (_, index) => term(index)).join(', ')})`
}

/** The columns of `customers` that are added up, and what each adds. */
const CUSTOMER_SUMS = {
  requests: ['requests'],
  errors: ['errors'],
  cache_hits: ['cache_hits'],
  prompt_tokens: ['input_tokens', 'cache_read_tokens', 'cache_write_tokens'],
  completion_tokens: ['output_tokens'],
  cost_nano_usd: ['cost_nano_usd'],
  latency_ms: ['latency_ms'],
  first_token_ms: ['first_token_ms'],
  first_tokens: ['first_tokens'],
} as const

function countCustomers(): string {
  const sums = Object.entries(CUSTOMER_SUMS)
  const added = (parts: readonly string[]) => parts.map((name) => `sum(value ->> '${name}')`).join(' + ')
  return `insert into customers (environment, customer_identifier, email, name, first_seen_ms, last_active_ms,
      active_days, created_at_ms, updated_at_ms, ${sums.map(([name]) => name).join(', ')})
    select value ->> 'environment', value ->> 'customer_identifier', max(value ->> 'email'), max(value ->> 'name'),
      min(value ->> 'at_ms'), max(value ->> 'at_ms'), 0, max(value ->> 'at_ms'), max(value ->> 'at_ms'),
      ${sums.map(([, parts]) => added(parts)).join(', ')}
    from json_each(?) where value ->> 'customer_identifier' <> '' and ${IS_NEW}
    group by 1, 2
    on conflict (environment, customer_identifier) do update set
      email = coalesce(excluded.email, email), name = coalesce(excluded.name, name),
      first_seen_ms = min(first_seen_ms, excluded.first_seen_ms),
      last_active_ms = max(last_active_ms, excluded.last_active_ms),
      updated_at_ms = max(updated_at_ms, excluded.updated_at_ms),
      ${sums.map(([name]) => `${name} = ${name} + excluded.${name}`).join(', ')}`
}

function countDays(): string {
  return `insert into customer_days (environment, customer_identifier, day_ms)
    select distinct value ->> 'environment', value ->> 'customer_identifier', value ->> 'day_ms'
    from json_each(?) where value ->> 'customer_identifier' <> '' and ${IS_NEW}
    on conflict do nothing`
}

/** The statements that count records which have not been counted; each takes a JSON array of them. */
export const COUNTING: readonly string[] = [countUsage(), countCustomers(), countDays()]
