import { getTableColumns, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { requestLogs } from '../platform/logs-schema'
import { costOf } from '../providers/prices'
import { packBodies, type StoredBodies } from './bodies'
import type { LogRecord } from './log-record'

/** Where the consumer writes. */
export interface LogStoreEnv {
  LOGS: D1Database
  BODIES: R2Bucket
}

/** D1 takes 100 parameters a statement and 2 MB each (D1, "Limits"); characters may weigh more than one byte. */
const MAX_PARAMETER_LENGTH = 600_000

/**
 * Writes records that were not written before: bodies into one R2 object, then all rows with one statement. A queue
 * delivers at least once, so a known id is left as it is, also when its row was edited since.
 */
export async function storeRecords(env: LogStoreEnv, records: readonly LogRecord[]): Promise<void> {
  const fresh = await unwritten(env, uniqueById(records))
  if (fresh.length === 0) return
  const packed = await packBodies(fresh)
  if (packed.bytes.byteLength > 0) await env.BODIES.put(packed.key, packed.bytes)
  const rows = fresh.map((record) => JSON.stringify(rowOf(record, packed.placed.get(record.id))))
  for (const chunk of chunksOf(rows)) await drizzle(env.LOGS).run(insertAll(chunk))
}

function uniqueById(records: readonly LogRecord[]): LogRecord[] {
  return [...new Map(records.map((record) => [record.id, record])).values()]
}

async function unwritten(env: LogStoreEnv, records: LogRecord[]): Promise<LogRecord[]> {
  const ids = JSON.stringify(records.map((record) => record.id))
  const written = await drizzle(env.LOGS)
    .select({ id: requestLogs.id })
    .from(requestLogs)
    .where(sql`${requestLogs.id} in (select value from json_each(${ids}))`)
  const known = new Set(written.map((row) => row.id))
  return records.filter((record) => !known.has(record.id))
}

/** Rows as JSON texts, in groups that fit into one parameter. */
function chunksOf(rows: string[]): string[][] {
  const chunks: string[][] = []
  let length = Number.POSITIVE_INFINITY
  for (const row of rows) {
    if (length + row.length > MAX_PARAMETER_LENGTH) {
      chunks.push([])
      length = 0
    }
    chunks.at(-1)?.push(row)
    length += row.length
  }
  return chunks
}

/** One statement with one parameter, whatever the number of rows. */
function insertAll(rows: string[]) {
  const columns = Object.values(getTableColumns(requestLogs)).map((column) => column.name)
  const names = sql.raw(columns.map((name) => `"${name}"`).join(', '))
  const values = sql.raw(columns.map((name) => `value ->> '$.${name}'`).join(', '))
  return sql`insert into request_logs (${names}) select ${values} from json_each(${`[${rows.join(',')}]`}) where true on conflict (id) do nothing`
}

/** The call that gave a replayed answer has a row of its own, with its cost. */
const NO_COST = { costNanoUsd: 0, priceStatus: 'replay' }
const CACHED = { costNanoUsd: 0, priceStatus: 'cached' }

/** A row by column names; JSON columns as text, so that SQLite stores them as they are. */
function rowOf(record: LogRecord, bodies: StoredBodies | undefined): Record<string, unknown> {
  const { usage, tags, cache, prompt } = record
  const cost = costOfRecord(record)
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
    bodies: bodies === undefined ? undefined : JSON.stringify(bodies),
    dropped: JSON.stringify(record.dropped),
    metadata: tags.metadata === undefined ? undefined : JSON.stringify(tags.metadata),
    properties: tags.properties === undefined ? undefined : JSON.stringify(tags.properties),
    cache_status: cache?.status,
    cache_key: cache?.key,
    cache_age_ms: cache?.ageMs,
    saved_nano_usd: isSaved(record) ? costOf({ ...record, usage }).costNanoUsd : undefined,
    limit_info: record.limitInfo === undefined ? undefined : JSON.stringify(record.limitInfo),
    prompt_id: prompt?.id,
    prompt_name: prompt?.name,
    prompt_version: prompt?.version,
    prompt_label: prompt?.label,
    prompt_variables: prompt?.variables === undefined ? undefined : JSON.stringify(prompt.variables),
  }
}

function costOfRecord(record: LogRecord) {
  if (record.replayOf !== undefined) return NO_COST
  if (isSaved(record)) return CACHED
  if (record.givenCostNanoUsd !== undefined)
    return { costNanoUsd: record.givenCostNanoUsd, priceStatus: 'given' }
  return costOf({ ...record, usage: record.usage })
}

// Nobody was called for the answer.
function isSaved({ cache }: LogRecord): boolean {
  return cache !== undefined && cache.status !== 'miss'
}

// Bodies are bytes and must not reach the row; nested parts are spread one by one above.
function snakeCased(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => typeof value !== 'object')
      .map(([name, value]) => [name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  )
}
