/** Which threads are wanted. */
export interface ThreadQuery {
  startMs: number
  endMs: number
  environment: string | undefined
  threadIdentifiers: readonly string[]
  apiKeyIds: readonly string[]
  customerIdentifiers: readonly string[]
  page: number
  pageSize: number
}

const NANO_PER_USD = 1_000_000_000

/** A page of the threads that requests named, the one with the newest request first, and how many there are. */
export async function listThreads(database: D1Database, query: ThreadQuery) {
  const values: (string | number)[] = [query.startMs, query.endMs]
  const among = (column: string, wanted: readonly string[]) =>
    wanted.length === 0
      ? []
      : [`${column} in (select value from json_each(?${values.push(JSON.stringify(wanted))}))`]
  const where = [
    'thread_identifier is not null and started_at_ms between ?1 and ?2',
    ...among('thread_identifier', query.threadIdentifiers),
    ...among('api_key_id', query.apiKeyIds),
    ...among('customer_identifier', query.customerIdentifiers),
    ...(query.environment === undefined ? [] : [`environment = ?${values.push(query.environment)}`]),
  ].join(' and ')
  const paging = [`?${values.push(query.pageSize)}`, `?${values.push((query.page - 1) * query.pageSize)}`]
  const { results } = await database
    .prepare(`select *, count(*) over () as threads from (
        select thread_identifier, environment, count(*) as log_count, min(started_at_ms) as first_ms,
          max(started_at_ms) as last_ms, sum(cost_nano_usd) as cost, max(customer_identifier) as customer_identifier
        from request_logs where ${where} group by thread_identifier, environment)
      order by last_ms desc, thread_identifier limit ${paging[0]} offset ${paging[1]}`)
    .bind(...values)
    .all<Record<string, string | number | null>>()
  return {
    count: Number(results[0]?.threads ?? 0),
    results: results.map((row) => ({
      thread_identifier: row.thread_identifier,
      environment: row.environment,
      log_count: row.log_count,
      customer_identifier: row.customer_identifier,
      first_log_at: new Date(Number(row.first_ms)).toISOString(),
      last_log_at: new Date(Number(row.last_ms)).toISOString(),
      total_cost: Number(row.cost ?? 0) / NANO_PER_USD,
    })),
  }
}
