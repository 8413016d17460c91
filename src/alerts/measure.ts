import type { MonitorFilters, MonitorRow } from '../platform/config-schema'
import type { Measured } from './monitor'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** The columns behind a filter, in the rows and in the roll-ups. */
const COLUMNS: Record<keyof MonitorFilters, string> = {
  model: 'model',
  provider: 'provider_id',
  api_key: 'api_key_id',
  customer: 'customer_identifier',
  environment: 'environment',
}

const ROWS = `select 1 as requests, ending = 'failed' as errors, coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0)
    + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0) + coalesce(output_tokens, 0) as tokens,
    coalesce(cost_nano_usd, 0) as cost, latency_ms
  from request_logs where started_at_ms >= ? and started_at_ms < ?`
const HOURS = `select requests, errors, input_tokens + cache_read_tokens + cache_write_tokens + output_tokens, cost_nano_usd,
    latency_ms
  from usage_hourly where hour_ms >= ? and hour_ms < ?`

/** A span of time, its end excluded. */
type Span = readonly [startMs: number, endMs: number]

/**
 * What the requests of a monitor's window come to: whole hours from the roll-ups, and what is left at both ends from the
 * rows.
 */
export async function measure(
  database: D1Database,
  monitor: Pick<MonitorRow, 'filters' | 'windowMinutes' | 'aggregation'>,
  nowMs: number,
): Promise<Measured> {
  const window: Span = [nowMs - monitor.windowMinutes * MINUTE_MS, nowMs]
  const { where, values } = conditionsOf(monitor.filters)
  const parts = partsOf(window)
  const source = parts.map(({ sql }) => `${sql}${where}`).join(' union all ')
  const given = parts.flatMap(({ span }) => [...span, ...values])
  const sums = `select coalesce(sum(requests), 0) as requests, coalesce(sum(errors), 0) as errors, coalesce(sum(tokens), 0) as tokens,
    coalesce(sum(cost), 0) as cost, coalesce(sum(latency_ms), 0) as latency from (${source})`
  const row = await database
    .prepare(sums)
    .bind(...given)
    .first<Record<'requests' | 'errors' | 'tokens' | 'cost' | 'latency', number>>()
  const { requests = 0, errors = 0, tokens = 0, cost = 0, latency = 0 } = row ?? {}
  const p95LatencyMs =
    monitor.aggregation === 'p95' ? await p95(database, window, { where, values }) : undefined
  return {
    ...{ requests, errors, tokens, costNanoUsd: cost, latencyMs: latency },
    ...(p95LatencyMs === undefined ? {} : { p95LatencyMs }),
  }
}

function partsOf([startMs, endMs]: Span): { sql: string; span: Span }[] {
  const firstHourMs = Math.ceil(startMs / HOUR_MS) * HOUR_MS
  const lastHourMs = Math.floor(endMs / HOUR_MS) * HOUR_MS
  if (firstHourMs >= lastHourMs) return [{ sql: ROWS, span: [startMs, endMs] }]
  return [
    { sql: ROWS, span: [startMs, firstHourMs] },
    { sql: HOURS, span: [firstHourMs, lastHourMs] },
    { sql: ROWS, span: [lastHourMs, endMs] },
  ]
}

interface Conditions {
  where: string
  values: string[]
}

// The index by time begins with the environment: both are named, so that it is used.
function conditionsOf(filters: MonitorFilters): Conditions {
  const given = Object.entries(COLUMNS).flatMap(([name, column]) => {
    const value: unknown = Reflect.get(filters, name)
    return typeof value === 'string' ? [{ column, value }] : []
  })
  const everywhere = filters.environment === undefined ? " and environment in ('prod', 'test')" : ''
  return {
    where: `${everywhere}${given.map(({ column }) => ` and ${column} = ?`).join('')}`,
    values: given.map(({ value }) => value),
  }
}

/** From the rows alone: the latency at the place of the 95th of 100 by size. */
async function p95(
  database: D1Database,
  span: Span,
  { where, values }: Conditions,
): Promise<number | undefined> {
  const chosen = `from request_logs where started_at_ms >= ? and started_at_ms < ?${where}`
  const statement = `select latency_ms ${chosen} order by latency_ms
    limit 1 offset (select max(0, (count(*) * 95 + 99) / 100 - 1) ${chosen})`
  const found = await database
    .prepare(statement)
    .bind(...span, ...values, ...span, ...values)
    .first<number>('latency_ms')
  return found ?? undefined
}
