import { and, count, desc, eq, gte, lte, type SQL } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { requestLogs } from '../platform/logs-schema'

/** Which logs are wanted, newest first. */
export interface LogQuery {
  page: number
  pageSize: number
  startMs?: number
  endMs?: number
  environment?: 'prod' | 'test'
  /** Only the logs of this API key. */
  apiKeyId?: string
}

export type LogRow = typeof requestLogs.$inferSelect

/** One page of logs and how many there are in all. */
export async function listLogs(
  database: D1Database,
  query: LogQuery,
): Promise<{ count: number; rows: LogRow[] }> {
  const where = and(...conditionsOf(query))
  const logs = drizzle(database)
  const [[total], rows] = await logs.batch([
    logs.select({ count: count() }).from(requestLogs).where(where),
    logs
      .select()
      .from(requestLogs)
      .where(where)
      .orderBy(desc(requestLogs.startedAtMs), desc(requestLogs.id))
      .limit(query.pageSize)
      .offset((query.page - 1) * query.pageSize),
  ])
  return { count: total?.count ?? 0, rows }
}

/** One log by its id. */
export async function readLog(database: D1Database, id: string): Promise<LogRow | undefined> {
  const [row] = await drizzle(database).select().from(requestLogs).where(eq(requestLogs.id, id))
  return row
}

function conditionsOf(query: LogQuery): SQL[] {
  const { startMs, endMs, environment, apiKeyId } = query
  return [
    ...(environment === undefined ? [] : [eq(requestLogs.environment, environment)]),
    ...(apiKeyId === undefined ? [] : [eq(requestLogs.apiKeyId, apiKeyId)]),
    ...(startMs === undefined ? [] : [gte(requestLogs.startedAtMs, startMs)]),
    ...(endMs === undefined ? [] : [lte(requestLogs.startedAtMs, endMs)]),
  ]
}
