import { getTableColumns } from 'drizzle-orm'
import { requestLogs } from '../platform/logs-schema'
import { costOf } from '../providers/prices'
import { packBodies } from './bodies'
import { COUNTING, type Counted, countedOf, IS_NEW } from './counting'
import { COUNT_LIMITS, type LimitSum, limitSumsOf } from './limit-sums'
import type { LogRecord } from './log-record'
import { loggedCost, rowOf } from './log-row'
import { logSettings } from './log-settings'
import { INSERT_METADATA } from './metadata-entries'
import { type BodyContents, bodyContents } from './search-text'

/** Where the consumer writes. */
export interface LogStoreEnv {
  LOGS: D1Database
  BODIES: R2Bucket
  /** Where settings are; the defaults hold without it. */
  CONFIG?: D1Database
}

/** D1 takes 100 parameters a statement and 2 MB each (D1, "Limits"); characters may weigh more than one byte. */
const MAX_PARAMETER_LENGTH = 600_000

/** A record on its way into D1: its row as JSON text, unless it is only to be counted. */
interface Entry {
  counted: Counted
  limits: LimitSum[]
  row?: string
  hasMetadata?: boolean
  /** What its bodies say, for the search. */
  texts?: BodyContents | undefined
}

/**
 * Writes records that were not written before: bodies into one R2 object, then all rows and what they add to the roll-ups
 * in one transaction. A queue delivers at least once, so a known id changes nothing, also when its row was edited since.
 */
export async function storeRecords(env: LogStoreEnv, records: readonly LogRecord[]): Promise<void> {
  const fresh = await unwritten(env, uniqueById(records))
  if (fresh.length === 0) return
  const { logging } = await logSettings(env.CONFIG)
  const packed = await packBodies(fresh.filter(hasRow))
  if (packed.bytes.byteLength > 0) await env.BODIES.put(packed.key, packed.bytes)
  const entries = fresh.map((record): Entry => {
    const cost = loggedCost(record, costOf(record))
    const counted = countedOf(record, cost)
    const limits = limitSumsOf(record, cost)
    if (!hasRow(record)) return { counted, limits }
    const facts = bodyContents(record)
    const row = rowOf(record, { cost, facts, bodies: packed.placed.get(record.id) })
    const texts = logging.search ? facts : undefined
    return {
      counted,
      limits,
      row: JSON.stringify(row),
      texts,
      hasMetadata: record.tags.metadata !== undefined,
    }
  })
  for (const chunk of chunksOf(entries)) await env.LOGS.batch(statementsFor(env.LOGS, chunk))
}

function hasRow({ cache }: LogRecord): boolean {
  return cache?.isOmitted !== true
}

function uniqueById(records: readonly LogRecord[]): LogRecord[] {
  return [...new Map(records.map((record) => [record.id, record])).values()]
}

// Spares the work; what another batch writes from here on is found by the statements themselves.
async function unwritten(env: LogStoreEnv, records: LogRecord[]): Promise<LogRecord[]> {
  const ids = JSON.stringify(records.map((record) => record.id))
  const { results } = await env.LOGS.prepare(FIND_WRITTEN).bind(ids).all<{ id: string }>()
  const known = new Set(results.map((row) => row.id))
  return records.filter((record) => !known.has(record.id))
}

const FIND_WRITTEN = `with asked as (select value as id from json_each(?))
  select id from request_logs where id in asked union all select id from counted_logs where id in asked`

/** Entries in groups whose rows fit into one parameter. */
function chunksOf(entries: readonly Entry[]): Entry[][] {
  const chunks: Entry[][] = []
  let length = Number.POSITIVE_INFINITY
  for (const entry of entries) {
    const entryLength = entry.row?.length ?? 0
    if (length + entryLength > MAX_PARAMETER_LENGTH) {
      chunks.push([])
      length = 0
    }
    chunks.at(-1)?.push(entry)
    length += entryLength
  }
  return chunks
}

/** One transaction, with a number of statements that does not depend on that of the records. */
function statementsFor(database: D1Database, entries: readonly Entry[]): D1PreparedStatement[] {
  const counted = entries.map((entry) => entry.counted)
  const rows = entries.flatMap(({ row }) => row ?? [])
  const limits = entries.flatMap((entry) => entry.limits)
  const rowless = entries.filter(({ row }) => row === undefined).map((entry) => entry.counted)
  const withMetadata = entries.filter(({ hasMetadata }) => hasMetadata).map((entry) => entry.counted.id)
  const texts = entries.flatMap(({ counted: { id }, texts: told }) =>
    told === undefined ? [] : { id, input: told.input, output: told.output },
  )
  const given = [
    ...COUNTING.map((statement) => [statement, counted] as const),
    [COUNT_LIMITS, limits],
    [INSERT_ROWS, rows],
    [INSERT_ROWLESS, rowless],
    [INSERT_METADATA, withMetadata],
    [INSERT_TEXTS, texts],
  ] as const
  return given
    .filter(([, values]) => values.length > 0)
    .map(([statement, values]) => {
      // Rows are JSON texts already.
      const json = values === rows ? `[${rows.join(',')}]` : JSON.stringify(values)
      return database.prepare(statement).bind(json)
    })
}

const COLUMNS = Object.values(getTableColumns(requestLogs)).map((column) => column.name)

const INSERT_ROWS = `insert into request_logs (${COLUMNS.map((name) => `"${name}"`).join(', ')})
  select ${COLUMNS.map((name) => `value ->> '$.${name}'`).join(', ')} from json_each(?) where ${IS_NEW}`

const INSERT_ROWLESS = `insert into counted_logs (id, counted_at_ms)
  select value ->> 'id', value ->> 'at_ms' from json_each(?) where true on conflict do nothing`

// One entry for each row, also when two batches bring the same record at the same time.
const INSERT_TEXTS = `insert into log_search (rowid, input, output)
  select request_logs.rowid, value ->> 'input', value ->> 'output'
  from json_each(?) join request_logs on request_logs.id = value ->> 'id'
  where not exists (select 1 from log_search where log_search.rowid = request_logs.rowid)`
