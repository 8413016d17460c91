import * as z from 'zod'
import type { Caller } from '../keys/authenticate'
import { removeLog } from '../logs/edit-logs'
import { badFilter } from '../logs/filters/condition'
import { rowsOfTrace } from '../logs/query'
import { listTraces, readTrace, summaryOfTraces, TRACE_SORTS } from '../logs/traces'
import { fieldsOf } from '../protocols/fields'
import { ingestTraceRoutes } from './ingest-traces'
import { readLogQuery } from './log-query'
import { listed, noContent, notFound, parseJson, readJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const MAX_TRACES = 100
const REMOVED_AT_ONCE = 6
const ITEM = '/api/traces/:id'

const bulkSchema = z.strictObject({
  trace_unique_ids: z
    .array(z.string().min(1))
    .min(1, 'must name a trace')
    .max(MAX_TRACES, `may name ${MAX_TRACES} traces`),
})

/** Traces: the logs that have one, together. An admin key sees all of them, any other key its own spans. */
export const traceRoutes: ManagementRoute[] = [
  ...ingestTraceRoutes,
  ...(['GET', 'POST'] as const).flatMap((method): ManagementRoute[] => [
    { method, paths: ['/api/traces/list'], auth: 'any_key', logging: 'none', handle: list },
    {
      method,
      paths: ['/api/traces/summary', '/clickhouse/traces/summary', '/api/clickhouse/traces/summary'],
      auth: 'any_key',
      logging: 'none',
      handle: summary,
    },
  ]),
  { method: 'POST', paths: ['/api/traces/bulk-delete'], auth: 'admin', logging: 'none', handle: bulkDelete },
  { method: 'GET', paths: [ITEM], auth: 'any_key', logging: 'none', handle: one },
  { method: 'DELETE', paths: [ITEM], auth: 'admin', logging: 'none', handle: remove },
]

async function list({ env, request, effects }: ManagementContext, caller: Caller): Promise<Response> {
  const { asked, sortBy } = await withoutSort(request)
  const isDescending = sortBy.startsWith('-')
  const sort = isDescending ? sortBy.slice(1) : sortBy
  if (!Object.hasOwn(TRACE_SORTS, sort))
    throw badFilter(
      'sort_by',
      `Traces cannot be sorted by '${sort}'; they can by ${Object.keys(TRACE_SORTS).join(', ')}, with - for the largest first.`,
    )
  const { where, page, pageSize } = await readLogQuery(asked, { caller, nowMs: effects.now() })
  const found = await listTraces(env.LOGS, { where, sort, isDescending, page, pageSize })
  return listed(new URL(request.url), { ...found, page, pageSize })
}

async function summary({ env, request, effects }: ManagementContext, caller: Caller): Promise<Response> {
  const { where } = await readLogQuery(request, { caller, nowMs: effects.now() })
  return Response.json(await summaryOfTraces(env.LOGS, where))
}

async function one({ env, params }: ManagementContext, caller: Caller): Promise<Response> {
  const own = caller.role === 'admin' ? undefined : caller.apiKeyId
  const trace = await readTrace(env.LOGS, params.id ?? '', own)
  if (trace === undefined) throw notFound()
  return Response.json(trace)
}

async function remove({ env, params }: ManagementContext): Promise<Response> {
  if ((await removeTrace(env, params.id ?? '')) === 0) throw notFound()
  return noContent()
}

async function bulkDelete({ env, request }: ManagementContext): Promise<Response> {
  const { trace_unique_ids: ids } = await readJson(request, bulkSchema)
  let removed = 0
  let spans = 0
  for (const id of new Set(ids)) {
    const count = await removeTrace(env, id)
    removed += Number(count > 0)
    spans += count
  }
  return Response.json({ deleted_count: removed, deleted_spans: spans })
}

async function removeTrace(env: ManagementContext['env'], traceId: string): Promise<number> {
  const rows = await rowsOfTrace(env.LOGS, traceId, undefined)
  for (let at = 0; at < rows.length; at += REMOVED_AT_ONCE)
    await Promise.all(rows.slice(at, at + REMOVED_AT_ONCE).map(({ id }) => removeLog(env, id)))
  return rows.length
}

/** The same request without its sort, which is another one for traces than for logs. */
async function withoutSort(request: Request): Promise<{ asked: Request; sortBy: string }> {
  const url = new URL(request.url)
  const text = request.method === 'POST' ? await request.text() : ''
  const { sort_by: inBody, ...body } = text.trim() === '' ? {} : fieldsOf(parseJson(text))
  const sortBy = url.searchParams.get('sort_by') ?? (typeof inBody === 'string' ? inBody : '-timestamp')
  url.searchParams.delete('sort_by')
  const init = text === '' ? {} : { body: JSON.stringify(body) }
  return { asked: new Request(url, { method: request.method, ...init }), sortBy }
}
