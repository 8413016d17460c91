import type { Clause } from './filters/clause'
import { presentLog } from './present'
import { type LogRow, rowsOfTrace } from './query'

const NANO_PER_USD = 1_000_000_000

/** What traces can be sorted by. */
export const TRACE_SORTS: Readonly<Record<string, string>> = {
  timestamp: 'started',
  start_time: 'started',
  end_time: 'ended',
  duration: 'ended - started',
  latency: 'ended - started',
  span_count: 'spans',
  error_count: 'errors',
  total_cost: 'cost',
  total_tokens: 'prompt + completion',
  total_prompt_tokens: 'prompt',
  total_completion_tokens: 'completion',
}

const TOKENS = ['input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens']
const PROMPT = TOKENS.map((name) => `coalesce(${name}, 0)`).join(' + ')

/** Each trace that has a span among some logs, with what these come to. */
export async function listTraces(
  database: D1Database,
  { where, sort, isDescending, page, pageSize }: TraceQuery,
) {
  const limit = `?${where.values.length + 1} offset ?${where.values.length + 2}`
  const sql = `select trace_id, min(started_at_ms) as started, max(ended_at_ms) as ended, count(*) as spans,
      sum(ending = 'failed') as errors, coalesce(sum(cost_nano_usd), 0) as cost,
      sum(${PROMPT}) as prompt, sum(coalesce(output_tokens, 0)) as completion,
      max(trace_name) as trace_name, max(case when parent_span_id is null then span_name end) as root_name,
      max(customer_identifier) as customer, max(thread_identifier) as thread,
      max(session_identifier) as session, max(trace_group_identifier) as trace_group, max(environment) as environment,
      json_group_array(distinct model) as models
    from request_logs where trace_id is not null and ${where.sql} group by trace_id
    order by ${TRACE_SORTS[sort] ?? 'started'} ${isDescending ? 'desc' : 'asc'}, trace_id limit ${limit}`
  const count = `select count(distinct trace_id) as n from request_logs where trace_id is not null and ${where.sql}`
  const [found, counted] = await database.batch<Record<string, unknown>>([
    database.prepare(sql).bind(...where.values, pageSize, (page - 1) * pageSize),
    database.prepare(count).bind(...where.values),
  ])
  return { count: Number(counted?.results[0]?.n ?? 0), results: (found?.results ?? []).map(presentTrace) }
}

/** Which traces are wanted. */
export interface TraceQuery {
  where: Clause
  /** A name of `TRACE_SORTS`. */
  sort: string
  isDescending: boolean
  page: number
  pageSize: number
}

/** What the traces of some logs come to. */
export async function summaryOfTraces(database: D1Database, where: Clause) {
  const sql = `select count(distinct trace_id) as traces, count(*) as spans, sum(ending = 'failed') as errors,
      coalesce(sum(cost_nano_usd), 0) as cost, sum(${PROMPT}) as prompt, sum(coalesce(output_tokens, 0)) as completion
    from request_logs where trace_id is not null and ${where.sql}`
  const row = await database
    .prepare(sql)
    .bind(...where.values)
    .first<Record<string, number | null>>()
  const sum = (name: string) => row?.[name] ?? 0
  return {
    number_of_traces: sum('traces'),
    number_of_spans: sum('spans'),
    error_count: sum('errors'),
    total_cost: sum('cost') / NANO_PER_USD,
    total_prompt_tokens: sum('prompt'),
    total_completion_tokens: sum('completion'),
    total_tokens: sum('prompt') + sum('completion'),
  }
}

/** All spans of a trace, of one API key only when one is given, as a tree; undefined when there are none. */
export async function readTrace(database: D1Database, traceId: string, apiKeyId: string | undefined) {
  const rows = await rowsOfTrace(database, traceId, apiKeyId)
  const [first] = rows
  if (first === undefined) return undefined
  const sum = (of: (row: LogRow) => number | null) => rows.reduce((all, row) => all + (of(row) ?? 0), 0)
  const startMs = Math.min(...rows.map(({ startedAtMs }) => startedAtMs))
  const endMs = Math.max(...rows.map(({ endedAtMs }) => endedAtMs))
  const prompt = sum((row) => presentLog(row).prompt_tokens)
  const completion = sum(({ outputTokens }) => outputTokens)
  return {
    trace_unique_id: traceId,
    trace_name: rows.find(({ traceName }) => traceName !== null)?.traceName ?? null,
    start_time: new Date(startMs).toISOString(),
    end_time: new Date(endMs).toISOString(),
    duration: (endMs - startMs) / 1_000,
    span_count: rows.length,
    error_count: rows.filter(({ ending }) => ending === 'failed').length,
    total_cost: sum(({ costNanoUsd }) => costNanoUsd) / NANO_PER_USD,
    total_prompt_tokens: prompt,
    total_completion_tokens: completion,
    total_tokens: prompt + completion,
    span_tree: treeOf(rows),
  }
}

interface SpanNode {
  [field: string]: unknown
  children: SpanNode[]
}

// A span whose parent is not among them stands at the top; so does one that would be its own ancestor.
function treeOf(rows: readonly LogRow[]): SpanNode[] {
  const nodes = new Map<string, SpanNode>()
  for (const row of rows) nodes.set(row.spanId ?? row.id, { ...presentLog(row), children: [] })
  const parents = new Map(rows.map((row) => [row.spanId ?? row.id, row.parentSpanId ?? '']))
  const roots: SpanNode[] = []
  for (const [id, node] of nodes) {
    const parent = nodes.get(parents.get(id) ?? '')
    if (parent === undefined || isAncestor(id, parents)) roots.push(node)
    else parent.children.push(node)
  }
  return roots
}

function isAncestor(id: string, parents: ReadonlyMap<string, string>): boolean {
  const seen = new Set<string>()
  for (let at = parents.get(id) ?? ''; at !== '' && !seen.has(at); at = parents.get(at) ?? '') {
    if (at === id) return true
    seen.add(at)
  }
  return false
}

function presentTrace(row: Record<string, unknown>) {
  const number = (name: string) => Number(row[name] ?? 0)
  const time = (name: string) => new Date(number(name)).toISOString()
  const models: unknown[] = JSON.parse(String(row.models ?? '[]'))
  return {
    trace_unique_id: row.trace_id,
    trace_name: row.trace_name ?? row.root_name ?? null,
    root_span_name: row.root_name ?? null,
    ...{ start_time: time('started'), end_time: time('ended') },
    duration: (number('ended') - number('started')) / 1_000,
    ...{ span_count: number('spans'), error_count: number('errors') },
    total_cost: number('cost') / NANO_PER_USD,
    total_prompt_tokens: number('prompt'),
    total_completion_tokens: number('completion'),
    total_tokens: number('prompt') + number('completion'),
    models: models.filter((model) => model !== null),
    environment: row.environment,
    customer_identifier: row.customer ?? null,
    thread_identifier: row.thread ?? null,
    session_identifier: row.session ?? null,
    trace_group_identifier: row.trace_group ?? null,
  }
}
