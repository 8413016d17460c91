import type { Cost } from '../providers/cost'
import type { StoredBodies } from './bodies'
import type { LogRecord } from './log-record'
import type { BodyContents } from './search-text'

/** What a request cost its sender, and what it would have cost without the cache. */
export interface LoggedCost {
  costNanoUsd: number | null
  priceStatus: Cost['priceStatus'] | 'replay' | 'cached' | 'given'
  savedNanoUsd?: number | null
}

/** The cost of a record, given that of its usage; none for an answer that was not paid for again. */
export function loggedCost(record: LogRecord, cost: Cost): LoggedCost {
  // The call that gave a replayed answer has a row of its own, with its cost.
  if (record.replayOf !== undefined) return { costNanoUsd: 0, priceStatus: 'replay' }
  if (isFromCache(record)) return { costNanoUsd: 0, priceStatus: 'cached', savedNanoUsd: cost.costNanoUsd }
  if (record.givenCostNanoUsd !== undefined)
    return { costNanoUsd: record.givenCostNanoUsd, priceStatus: 'given' }
  return cost
}

/** Nobody was called for the answer. */
export function isFromCache({ cache }: LogRecord): boolean {
  return cache !== undefined && cache.status !== 'miss'
}

/** A row by column names; JSON columns as text, so that SQLite stores them as they are. */
export function rowOf(
  record: LogRecord,
  {
    cost,
    bodies,
    facts,
  }: { cost: LoggedCost; bodies: StoredBodies | undefined; facts: BodyContents | undefined },
): Record<string, unknown> {
  const { usage, tags, cache, prompt } = record
  return {
    ...snakeCased(record),
    ...snakeCased(usage ?? {}),
    ...snakeCased(tags),
    ...snakeCased(record.trace ?? {}),
    cache_write_5m_tokens: usage?.cacheWrite5mTokens,
    cache_write_1h_tokens: usage?.cacheWrite1hTokens,
    cost_nano_usd: cost.costNanoUsd,
    price_status: cost.priceStatus,
    latency_ms: record.endedAtMs - record.startedAtMs,
    stream: Number(record.stream),
    positive_feedback: tags.positiveFeedback === undefined ? undefined : Number(tags.positiveFeedback),
    attempts: JSON.stringify(record.attempts),
    bodies: jsonText(bodies),
    dropped: JSON.stringify(record.dropped),
    metadata: jsonText(tags.metadata),
    properties: jsonText(tags.properties),
    cache_status: cache?.status,
    cache_key: cache?.key,
    cache_age_ms: cache?.ageMs,
    saved_nano_usd: cost.savedNanoUsd,
    temperature: facts?.temperature,
    max_tokens: facts?.maxTokens,
    limit_info: jsonText(record.limitInfo),
    prompt_id: prompt?.id,
    prompt_name: prompt?.name,
    prompt_version: prompt?.version,
    prompt_label: prompt?.label,
    prompt_variables: jsonText(prompt?.variables),
  }
}

function jsonText(value: object | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}

// Bodies are bytes and must not reach the row; nested parts are spread one by one above.
function snakeCased(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => typeof value !== 'object')
      .map(([name, value]) => [name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  )
}
