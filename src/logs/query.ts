import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { requestLogs } from '../platform/logs-schema'
import type { Anchor } from './anchors'
import type { Clause } from './filters/clause'
import { SORTS } from './filters/fields'

/** A log as it is stored. */
export type LogRow = typeof requestLogs.$inferSelect

/** Logs are counted up to here; a list that is longer says that it is. */
export const MAX_COUNT = 100_000

/** Which page of which logs is wanted. */
export interface LogQuery {
  where: Clause
  /** A name of `SORTS`. */
  sort: string
  isDescending: boolean
  pageSize: number
  /** Where the page begins: behind a row, or before one, or after so many rows. */
  from?: { anchor: Anchor; direction: 'after' | 'before' }
  offset: number
  /** Whether they are to be counted as well. */
  isCounted: boolean
}

/** One page of logs. */
export interface LogPage {
  rows: LogRow[]
  /** Of the first and the last row. */
  first?: Anchor
  last?: Anchor
  hasMore: boolean
  /** At most one more than `MAX_COUNT`; undefined when it was not asked for. */
  count?: number
}

/**
 * Reads a page. Rows are found by an index entry each, whatever the page's number, when the query says where it begins;
 * an offset walks over index entries and reads no more of what it skips.
 */
export async function listLogs(database: D1Database, query: LogQuery): Promise<LogPage> {
  const { sql, values } = pageStatement(query)
  const page = database.prepare(sql).bind(...values)
  const counting = countStatement(query.where)
  const counted = query.isCounted ? [database.prepare(counting).bind(...query.where.values)] : []
  const [found, counts] = await database.batch<Record<string, unknown>>([page, ...counted])
  const raw = found?.results ?? []
  const isBackwards = query.from?.direction === 'before'
  const kept = isBackwards ? raw.slice(0, query.pageSize).toReversed() : raw.slice(0, query.pageSize)
  const [first] = kept
  const last = kept.at(-1)
  const [total] = counts?.results ?? []
  return {
    rows: kept.map(rowFrom),
    ...(first === undefined ? {} : { first: anchorOf(first) }),
    ...(last === undefined ? {} : { last: anchorOf(last) }),
    hasMore: raw.length > query.pageSize,
    ...(total === undefined ? {} : { count: Number(total.n) }),
  }
}

/** One log by its id. */
export async function readLog(database: D1Database, id: string): Promise<LogRow | undefined> {
  const [row] = await drizzle(database).select().from(requestLogs).where(eq(requestLogs.id, id))
  return row
}

/** A trace of more spans than this is shown in part. */
const MAX_SPANS = 5_000

/** The logs of a trace in their order; of one API key only, when one is given. */
export async function rowsOfTrace(
  database: D1Database,
  traceId: string,
  apiKeyId: string | undefined,
): Promise<LogRow[]> {
  const isTrace = eq(requestLogs.traceId, traceId)
  return drizzle(database)
    .select()
    .from(requestLogs)
    .where(apiKeyId === undefined ? isTrace : and(isTrace, eq(requestLogs.apiKeyId, apiKeyId)))
    .orderBy(requestLogs.startedAtMs)
    .limit(MAX_SPANS)
}

/** Logs by their ids, in no order. */
export async function readLogs(database: D1Database, ids: readonly string[]): Promise<LogRow[]> {
  return drizzle(database)
    .select()
    .from(requestLogs)
    .where(sql`${requestLogs.id} in (select value from json_each(${JSON.stringify(ids)}))`)
}

/** The number of the row that was written last; 0 when there is none. */
export async function newestRowNumber(database: D1Database): Promise<number> {
  return (await database.prepare(NEWEST).first<number>('n')) ?? 0
}

/** Logs that were written after a row, the oldest first, and the number of the newest row of all. */
export async function newLogs(
  database: D1Database,
  { where, after, limit }: { where: Clause; after: number; limit: number },
): Promise<{ newest: number; rows: { number: number; row: LogRow }[] }> {
  const place = where.values.length
  // Rows are numbered as they are written; an index by time would have them all in its span.
  const sql = `select rowid as row_number, ${COLUMNS.join(', ')} from request_logs not indexed
    where rowid > ?${place + 1} and ${where.sql} order by rowid limit ?${place + 2}`
  const [newest, found] = await database.batch<Record<string, unknown>>([
    database.prepare(NEWEST),
    database.prepare(sql).bind(...where.values, after, limit),
  ])
  return {
    newest: Number(newest?.results[0]?.n ?? 0),
    rows: (found?.results ?? []).map((raw) => ({ number: Number(raw.row_number), row: rowFrom(raw) })),
  }
}

const NEWEST = 'select coalesce(max(rowid), 0) as n from request_logs'

/** The statement of a page, with one row more, which tells whether there is another page. */
export function pageStatement(query: LogQuery): Clause {
  const { where, from, isDescending } = query
  const sort = SORTS[query.sort] ?? 'started_at_ms'
  const values = narrowed(query)
  const bind = (value: number) => `?${values.push(value)}`
  const isUpwards = isDescending === (from?.direction === 'before')
  const beyond =
    from === undefined
      ? ''
      : ` and (${sort}, rowid) ${isUpwards ? '>' : '<'} (${bind(from.anchor.value)}, ${bind(from.anchor.rowNumber)})`
  const order = isUpwards ? 'asc' : 'desc'
  const sql = `select rowid as row_number, ${sort} as sort_value, ${COLUMNS.join(', ')} from request_logs
    where ${where.sql}${beyond} order by ${sort} ${order}, rowid ${order}
    limit ${bind(query.pageSize + 1)} offset ${bind(query.offset)}`
  return { sql, values }
}

// SQLite goes into an index by one bound for each side, so the span ends where the page begins.
function narrowed({ where, from, sort, isDescending }: LogQuery): (string | number)[] {
  const [startMs = 0, endMs = 0, ...others] = where.values
  if (from === undefined || SORTS[sort] !== SORTS.id) return [...where.values]
  const isUpwards = isDescending === (from.direction === 'before')
  const { value } = from.anchor
  return isUpwards
    ? [Math.max(Number(startMs), value), endMs, ...others]
    : [startMs, Math.min(Number(endMs), value), ...others]
}

/** The statement that counts them. */
export function countStatement({ sql }: Clause): string {
  return `select count(*) as n from (select 1 from request_logs where ${sql} limit ${MAX_COUNT + 1})`
}

const TABLE = getTableColumns(requestLogs)
const COLUMNS = Object.values(TABLE).map((column) => `"${column.name}"`)

const rowSchema = z.custom<LogRow>((value) => typeof value === 'object' && value !== null && 'id' in value)

// What drizzle does for a query of its own; a page is found by SQL that it has no words for.
function rowFrom(raw: Record<string, unknown>): LogRow {
  const row = Object.entries(TABLE).map(([name, column]) => {
    const value = raw[column.name]
    return [name, value === null || value === undefined ? null : column.mapFromDriverValue(value)]
  })
  return rowSchema.parse(Object.fromEntries(row))
}

function anchorOf({ sort_value, row_number }: Record<string, unknown>): Anchor {
  return { value: Number(sort_value), rowNumber: Number(row_number) }
}
