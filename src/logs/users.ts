import { conditionsOf } from './filters/clause'
import type { Filter } from './filters/condition'
import type { Field } from './filters/fields'

const NANO_PER_USD = 1_000_000_000
const MONTH_MS = 30 * 24 * 3_600_000
const MAX_TOP_MODELS = 10

/** What users can be filtered by. */
export const USER_FIELDS: Readonly<Record<string, Field>> = {
  customer_identifier: { sql: 'customer_identifier', type: 'text' },
  name: { sql: 'name', type: 'text' },
  email: { sql: 'email', type: 'text' },
  number_of_requests: { sql: 'requests', type: 'number' },
  total_tokens: { sql: '(prompt_tokens + completion_tokens)', type: 'number' },
  total_cost: { sql: 'cost_nano_usd', type: 'number', scale: NANO_PER_USD },
  active_days: { sql: 'active_days', type: 'number' },
  first_seen: { sql: 'first_seen_ms', type: 'time' },
  last_active: { sql: 'last_active_ms', type: 'time' },
}

/** What users can be sorted by. */
export const USER_SORTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(USER_FIELDS).map(([name, { sql }]) => [name, sql])),
  average_latency: '(latency_ms * 1.0 / nullif(requests, 0))',
  average_ttft: '(first_token_ms * 1.0 / nullif(first_tokens, 0))',
}

/** Which users are wanted. */
export interface UserQuery {
  /** All when undefined. */
  environment: string | undefined
  filter: Filter
  /** A name of `USER_SORTS`. */
  sort: string
  isDescending: boolean
  page: number
  pageSize: number
}

interface UserRow {
  environment: string
  customer_identifier: string
  email: string | null
  name: string | null
  metadata: string | null
  first_seen_ms: number
  last_active_ms: number
  active_days: number
  requests: number
  errors: number
  cache_hits: number
  prompt_tokens: number
  completion_tokens: number
  cost_nano_usd: number
  latency_ms: number
  first_token_ms: number
  first_tokens: number
}

/** A page of the end users that requests named, and how many there are. */
export async function listUsers(database: D1Database, query: UserQuery) {
  const values: (string | number)[] = []
  const environment =
    query.environment === undefined ? '' : `environment = ?${values.push(query.environment)}`
  const given = conditionsOf(query.filter, { fields: USER_FIELDS, values })
  const where = [environment, given].filter((sql) => sql !== '').join(' and ')
  const source = `from customers ${where === '' ? '' : `where ${where}`}`
  const direction = query.isDescending ? 'desc' : 'asc'
  const paging = [query.pageSize, (query.page - 1) * query.pageSize]
  const [found, counts] = await database.batch<Record<string, unknown>>([
    database
      .prepare(`select * ${source} order by ${USER_SORTS[query.sort]} ${direction}, customer_identifier, environment
        limit ?${values.length + 1} offset ?${values.length + 2}`)
      .bind(...values, ...paging),
    database.prepare(`select count(*) as n ${source}`).bind(...values),
  ])
  const rows = (found?.results ?? []).map((row) => presentUser(userOf(row)))
  return { count: Number(counts?.results[0]?.n ?? 0), results: rows }
}

/** What an end user's requests came to; undefined when none named it. */
export async function readUser(
  database: D1Database,
  given: {
    identifier: string
    environment: string
    nowMs: number
    period: { startMs: number; endMs: number }
  },
) {
  const { identifier, environment, nowMs, period } = given
  const [user, spent, models] = await database.batch<Record<string, unknown>>([
    database
      .prepare('select * from customers where environment = ? and customer_identifier = ?')
      .bind(environment, identifier),
    database
      .prepare(`select coalesce(sum(cost_nano_usd), 0) as cost from usage_hourly
        where customer_identifier = ? and customer_identifier <> '' and environment = ? and hour_ms >= ? and hour_ms < ?`)
      .bind(identifier, environment, period.startMs, period.endMs),
    database
      .prepare(`select model, sum(requests) as requests from usage_hourly
        where customer_identifier = ? and customer_identifier <> '' and environment = ? and model <> ''
        group by model order by 2 desc, 1 limit ${MAX_TOP_MODELS}`)
      .bind(identifier, environment),
  ])
  const [found] = user?.results ?? []
  if (found === undefined) return undefined
  const row = userOf(found)
  const months = Math.max(1, (nowMs - row.first_seen_ms) / MONTH_MS)
  const { id, ...shown } = presentUser(row)
  return {
    id,
    ...shown,
    metadata: row.metadata === null ? null : Object(JSON.parse(row.metadata)),
    is_test: row.environment === 'test',
    total_requests: row.requests,
    total_errors: row.errors,
    total_prompt_tokens: row.prompt_tokens,
    total_completion_tokens: row.completion_tokens,
    total_cache_hits: row.cache_hits,
    total_usage: row.cost_nano_usd / NANO_PER_USD,
    total_period_usage: Number(spent?.results[0]?.cost ?? 0) / NANO_PER_USD,
    average_monthly_cost: row.cost_nano_usd / NANO_PER_USD / months,
    top_models: Object.fromEntries((models?.results ?? []).map(({ model, requests }) => [model, requests])),
  }
}

/** Notes what is known of an end user; one that no request named is there from now on when it is to be made. */
export async function noteUser(
  database: D1Database,
  given: {
    identifier: string
    environment: string
    nowMs: number
    isMade: boolean
    change: {
      name?: string | null | undefined
      email?: string | null | undefined
      metadata?: object | null | undefined
    }
  },
): Promise<void> {
  const { identifier, environment, nowMs, change } = given
  const made = database
    .prepare(`insert into customers (environment, customer_identifier, first_seen_ms, last_active_ms, active_days, requests,
        errors, cache_hits, prompt_tokens, completion_tokens, cost_nano_usd, latency_ms, first_token_ms, first_tokens,
        created_at_ms, updated_at_ms)
      values (?1, ?2, ?3, ?3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?3, ?3) on conflict do nothing`)
    .bind(environment, identifier, nowMs)
  const names = (['name', 'email', 'metadata'] as const).filter((name) => change[name] !== undefined)
  const changed = names.map((name) => {
    const value = change[name]
    return database
      .prepare(`update customers set ${name} = ?, updated_at_ms = ? where customer_identifier = ?`)
      .bind(
        typeof value === 'object' && value !== null ? JSON.stringify(value) : (value ?? null),
        nowMs,
        identifier,
      )
  })
  const statements = [...(given.isMade ? [made] : []), ...changed]
  if (statements.length > 0) await database.batch(statements)
}

/** Forgets an end user in all environments; its requests stay counted in the roll-ups. True when there was one. */
export async function forgetUser(database: D1Database, identifier: string): Promise<boolean> {
  const [, removed] = await database.batch([
    database.prepare('delete from customer_days where customer_identifier = ?').bind(identifier),
    database.prepare('delete from customers where customer_identifier = ?').bind(identifier),
  ])
  return (removed?.meta.changes ?? 0) > 0
}

function presentUser(row: UserRow) {
  return {
    id: `${row.customer_identifier}-${row.environment}`,
    customer_identifier: row.customer_identifier,
    environment: row.environment,
    name: row.name,
    email: row.email,
    first_seen: new Date(row.first_seen_ms).toISOString(),
    last_active: new Date(row.last_active_ms).toISOString(),
    last_active_timeframe: new Date(row.last_active_ms).toISOString(),
    active_days: row.active_days,
    number_of_requests: row.requests,
    total_tokens: row.prompt_tokens + row.completion_tokens,
    total_cost: row.cost_nano_usd / NANO_PER_USD,
    average_latency: row.requests === 0 ? null : row.latency_ms / row.requests / 1_000,
    average_ttft: row.first_tokens === 0 ? null : row.first_token_ms / row.first_tokens / 1_000,
  }
}

function userOf(row: Record<string, unknown>): UserRow {
  const text = (name: string) => (row[name] === null || row[name] === undefined ? null : String(row[name]))
  const number = (name: string) => Number(row[name] ?? 0)
  return {
    environment: String(row.environment),
    customer_identifier: String(row.customer_identifier),
    ...{ email: text('email'), name: text('name'), metadata: text('metadata') },
    ...{ first_seen_ms: number('first_seen_ms'), last_active_ms: number('last_active_ms') },
    ...{ active_days: number('active_days'), requests: number('requests'), errors: number('errors') },
    ...{ cache_hits: number('cache_hits'), prompt_tokens: number('prompt_tokens') },
    ...{ completion_tokens: number('completion_tokens'), cost_nano_usd: number('cost_nano_usd') },
    ...{ latency_ms: number('latency_ms'), first_token_ms: number('first_token_ms') },
    first_tokens: number('first_tokens'),
  }
}
