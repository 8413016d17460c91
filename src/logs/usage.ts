import { SUMS } from './counting'
import { BUCKETS, percentile } from './histogram'
import { metadataColumn, rowsAsUsage, type UsageSource } from './usage-rows'

type Sum = (typeof SUMS)[number]

/** What usage can be grouped by: the name in the answer, and its value in SQL. */
export const USAGE_GROUPS = {
  hour: { sql: "strftime('%Y-%m-%dT%H:00:00Z', hour_ms / 1000, 'unixepoch')" },
  day: { sql: "strftime('%Y-%m-%d', hour_ms / 1000, 'unixepoch')" },
  month: { sql: "strftime('%Y-%m', hour_ms / 1000, 'unixepoch')" },
  model: { sql: 'model' },
  provider_id: { sql: 'provider_id' },
  organization_key_id: { sql: 'api_key_id' },
  customer_identifier: { sql: 'customer_identifier' },
  prompt_id: { sql: 'prompt_id' },
  prompt_version_number: { sql: 'prompt_version' },
  environment: { sql: 'environment' },
  log_type: { sql: 'log_type' },
  log_method: { sql: 'log_method' },
} as const

/** The beginning of a group that is a key of the metadata; the key follows. */
export const METADATA_GROUP = 'metadata__'

/** The name of a group that roll-ups have. */
export type RollupGroup = keyof typeof USAGE_GROUPS

/** The name of a group. */
export type UsageGroup = RollupGroup | `${typeof METADATA_GROUP}${string}`

/** What the groups of an answer can be sorted by. */
export const USAGE_SORTS = {
  number_of_requests: 'requests',
  errors: 'errors',
  total_tokens: 'input_tokens + cache_read_tokens + cache_write_tokens + output_tokens',
  total_cost: 'cost_nano_usd',
  saved_cost: 'saved_nano_usd',
} as const

/** Which usage is wanted. */
export interface UsageQuery {
  /** Whole hours, the second one excluded. */
  startMs: number
  endMs: number
  groupBy: readonly UsageGroup[]
  /** The values that each may have; an empty text is none. */
  filters: readonly { group: UsageGroup; values: readonly string[] }[]
  sortBy?: { sum: keyof typeof USAGE_SORTS; isDescending: boolean }
  page: number
  pageSize: number
}

/** A page of groups, how many there are in all, and what all of them come to. */
export async function readUsage(database: D1Database, query: UsageQuery) {
  const { sql: source, values } = filteredOf(query)
  const offset = (query.page - 1) * query.pageSize
  const [groups, totals] = await database.batch<Record<string, unknown>>([
    database.prepare(groupedBy(query, source)).bind(...values, query.pageSize, offset),
    database.prepare(`select ${SUMMED} ${source}`).bind(...values),
  ])
  const rows = groups?.results ?? []
  const [total = {}] = totals?.results ?? []
  return {
    count: Number(rows[0]?.groups ?? 0),
    results: rows.map((row) => ({ ...keysOf(query, row), ...presentSums(row) })),
    totals: presentSums(total),
  }
}

/** The keys of metadata by which usage is grouped or filtered; roll-ups cannot tell when there are any. */
export function metadataKeys({ groupBy, filters }: Pick<UsageQuery, 'groupBy' | 'filters'>): string[] {
  const groups = [...groupBy, ...filters.map(({ group }) => group)].filter((group) => !isRollupGroup(group))
  return [...new Set(groups.map((group) => group.slice(METADATA_GROUP.length)))]
}

function isRollupGroup(group: string): group is RollupGroup {
  return Object.hasOwn(USAGE_GROUPS, group)
}

function sqlOf(query: UsageQuery, group: UsageGroup): string {
  if (isRollupGroup(group)) return USAGE_GROUPS[group].sql
  const column = metadataColumn(metadataKeys(query).indexOf(group.slice(METADATA_GROUP.length)))
  return `coalesce(${column}, '')`
}

function filteredOf(query: UsageQuery): UsageSource {
  const { startMs, endMs, filters } = query
  const keys = metadataKeys(query)
  const from = keys.length === 0 ? rollups(startMs, endMs) : rowsAsUsage({ startMs, endMs, keys })
  const all = filters.map(({ group }) => `${sqlOf(query, group)} in (select value from json_each(?))`)
  return {
    sql: `from ${from.sql} ${all.length === 0 ? '' : `where ${all.join(' and ')}`}`,
    values: [...from.values, ...filters.map(({ values }) => JSON.stringify(values))],
  }
}

function rollups(startMs: number, endMs: number): UsageSource {
  return { sql: '(select * from usage_hourly where hour_ms >= ? and hour_ms < ?)', values: [startMs, endMs] }
}

const HISTOGRAMS = { latency: 'latency_histogram', ttft: 'first_token_histogram' } as const

const SUMMED = [
  ...SUMS.map((name) => `coalesce(sum(${name}), 0) as ${name}`),
  ...Object.values(HISTOGRAMS).map((name) => {
    const counts = Array.from({ length: BUCKETS }, (_, index) => `coalesce(sum(${name} ->> ${index}), 0)`)
    return `json_array(${counts.join(', ')}) as ${name}`
  }),
].join(', ')

// The sums are worked out first, so that the order can be by what they are called. A group's own name may be any text.
function groupedBy(query: UsageQuery, source: string): string {
  const { groupBy, sortBy } = query
  const keys = groupBy.map((group, index) => `${sqlOf(query, group)} as ${keyColumn(index)}`)
  const names = groupBy.map((_, index) => keyColumn(index))
  const times = names.filter((_, index) => TIMES.has(groupBy[index] ?? ''))
  const sorted = sortBy === undefined ? [] : [directed(USAGE_SORTS[sortBy.sum], sortBy.isDescending)]
  const order = [...sorted, ...times, 'requests desc', ...names]
  const grouping = groupBy.length === 0 ? '' : `group by ${groupBy.map((_, index) => index + 1).join(', ')}`
  return `select *, count(*) over () as groups from (select ${[...keys, SUMMED].join(', ')} ${source} ${grouping})
    order by ${order.join(', ')} limit ? offset ?`
}

const TIMES: ReadonlySet<string> = new Set(['hour', 'day', 'month'])

function keyColumn(index: number): string {
  return `key_${index}`
}

function directed(expression: string, isDescending: boolean): string {
  return `(${expression}) ${isDescending ? 'desc' : 'asc'}`
}

function keysOf({ groupBy }: UsageQuery, row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    groupBy.map((group, index) => {
      const value = row[keyColumn(index)]
      return [group, value === '' || value === 0 ? null : value]
    }),
  )
}

const NANO_PER_USD = 1_000_000_000
const MS_PER_SECOND = 1_000

/** Sums under the names of the API: dollars, and seconds. */
function presentSums(row: Record<string, unknown>) {
  const sum = (name: Sum) => Number(row[name] ?? 0)
  const prompt = sum('input_tokens') + sum('cache_read_tokens') + sum('cache_write_tokens')
  return {
    number_of_requests: sum('requests'),
    errors: sum('errors'),
    cancelled: sum('cancelled'),
    cache_hits: sum('cache_hits'),
    cache_misses: sum('cache_misses'),
    cache_hit_ratio: ratio(sum('cache_hits'), sum('cache_hits') + sum('cache_misses')),
    total_prompt_tokens: prompt,
    total_completion_tokens: sum('output_tokens'),
    total_tokens: prompt + sum('output_tokens'),
    cache_read_tokens: sum('cache_read_tokens'),
    cache_write_tokens: sum('cache_write_tokens'),
    reasoning_tokens: sum('reasoning_tokens'),
    total_cost: sum('cost_nano_usd') / NANO_PER_USD,
    cost_nano_usd: sum('cost_nano_usd'),
    unknown_costs: sum('unknown_costs'),
    saved_cost: sum('saved_nano_usd') / NANO_PER_USD,
    average_latency: average(sum('latency_ms'), sum('requests')),
    ...percentiles('latency', row.latency_histogram),
    average_ttft: average(sum('first_token_ms'), sum('first_tokens')),
    ...percentiles('ttft', row.first_token_histogram),
  }
}

function ratio(part: number, all: number): number | null {
  return all === 0 ? null : part / all
}

function average(totalMs: number, count: number): number | null {
  return count === 0 ? null : totalMs / count / MS_PER_SECOND
}

function percentiles(name: keyof typeof HISTOGRAMS, histogram: unknown): Record<string, number | null> {
  const counts: number[] = JSON.parse(String(histogram ?? '[]'))
  return Object.fromEntries(
    [50, 95, 99].map((percent) => {
      const ms = percentile(counts, percent / 100)
      return [`${name}_p${percent}`, ms === undefined ? null : ms / MS_PER_SECOND]
    }),
  )
}
