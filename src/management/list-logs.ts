import type { Caller } from '../keys/authenticate'
import { nearestEnd, rememberEnd } from '../logs/anchors'
import { readBodies, storedBodiesOf } from '../logs/bodies'
import { encodeCursor } from '../logs/cursor'
import { filterChoices } from '../logs/filter-choices'
import { badFilter } from '../logs/filters/condition'
import { presentLog } from '../logs/present'
import { BODY_FIELDS, presentBodies } from '../logs/present-bodies'
import { type LogPage, type LogQuery, type LogRow, listLogs, MAX_COUNT } from '../logs/query'
import { summaryOf } from '../logs/summary'
import { type AskedLogs, readLogQuery } from './log-query'
import type { ManagementContext, ManagementRoute } from './route'

/** Each log's bodies are a read of their own. */
const MAX_PAGE_WITH_BODIES = 100
const READS_AT_ONCE = 6

/** Lists and summaries of request logs: an admin key sees all of them, any other key its own. */
export const listLogRoutes: ManagementRoute[] = (['GET', 'POST'] as const).flatMap((method) => [
  { method, paths: ['/api/request-logs/list'], auth: 'any_key', logging: 'none', handle: list },
  { method, paths: ['/api/request-logs/summary'], auth: 'any_key', logging: 'none', handle: summary },
])

async function summary({ env, request, effects }: ManagementContext, caller: Caller): Promise<Response> {
  const { where } = await readLogQuery(request, { caller, nowMs: effects.now() })
  return Response.json(await summaryOf(env.LOGS, where))
}

async function list(context: ManagementContext, caller: Caller): Promise<Response> {
  const { env, request, effects } = context
  const asked = await readLogQuery(request, { caller, nowMs: effects.now() })
  const withBodies = asked.includeFields.some((name) => BODY_FIELDS.includes(name))
  if (withBodies && asked.pageSize > MAX_PAGE_WITH_BODIES)
    throw badFilter('page_size', `With fields of the bodies a page has at most ${MAX_PAGE_WITH_BODIES} logs.`)
  const page = await listLogs(env.LOGS, queryOf(asked, effects.now()))
  if (page.last !== undefined && asked.cursor?.direction !== 'before')
    rememberEnd(asked.listKey, asked.page, page.last, effects.now())
  const own = caller.role === 'admin' ? undefined : caller.apiKeyId
  const [results, choices] = await Promise.all([
    presented(env.BODIES, page.rows, { withBodies, includeFields: asked.includeFields }),
    asked.wantsChoices ? filterChoices(env.LOGS, asked.span, own) : undefined,
  ])
  const count = asked.cursor?.count ?? page.count ?? 0
  return Response.json({
    count: Math.min(count, MAX_COUNT),
    ...(count > MAX_COUNT ? { is_count_exact: false } : {}),
    ...linksOf(new URL(request.url), { asked, page, count }),
    results,
    ...(choices === undefined ? {} : { filters_data: choices }),
  })
}

function queryOf(asked: AskedLogs, nowMs: number): LogQuery {
  const { where, sort, isDescending, page, pageSize, cursor } = asked
  const common = { where, sort, isDescending, pageSize }
  if (cursor !== undefined)
    return { ...common, from: { anchor: cursor, direction: cursor.direction }, offset: 0, isCounted: false }
  const near = page > 1 ? nearestEnd(asked.listKey, page, nowMs) : undefined
  if (near === undefined) return { ...common, offset: (page - 1) * pageSize, isCounted: true }
  const from = { anchor: near.anchor, direction: 'after' as const }
  return { ...common, from, offset: near.pagesBetween * pageSize, isCounted: true }
}

function linksOf(url: URL, given: { asked: AskedLogs; page: LogPage; count: number }) {
  const { asked, page, count } = given
  const isBackwards = asked.cursor?.direction === 'before'
  const linkTo = (number: number, direction: 'after' | 'before') => {
    const anchor = direction === 'after' ? page.last : page.first
    if (anchor === undefined) return null
    const link = new URL(url)
    link.searchParams.set('page', String(Math.max(1, number)))
    const place = { ...anchor, ...asked.span, sortBy: asked.sortBy, direction, count }
    link.searchParams.set('cursor', encodeCursor(place))
    return link.href
  }
  const hasNext = isBackwards || page.hasMore
  const hasPrevious = isBackwards ? page.hasMore : asked.page > 1
  return {
    next: hasNext ? linkTo(asked.page + 1, 'after') : null,
    previous: hasPrevious ? linkTo(asked.page - 1, 'before') : null,
  }
}

async function presented(
  bucket: R2Bucket,
  rows: readonly LogRow[],
  { withBodies, includeFields }: { withBodies: boolean; includeFields: readonly string[] },
): Promise<Record<string, unknown>[]> {
  const guaranteed = Object.fromEntries(includeFields.map((name) => [name, null]))
  const shown: Record<string, unknown>[] = []
  const wanted = withBodies ? includeFields.filter((name) => BODY_FIELDS.includes(name)) : []
  for (let start = 0; start < rows.length; start += READS_AT_ONCE) {
    const some = rows.slice(start, start + READS_AT_ONCE)
    const parts = await Promise.all(some.map((row) => bodyParts(bucket, row, wanted)))
    shown.push(...some.map((row, index) => ({ ...guaranteed, ...presentLog(row), ...parts[index] })))
  }
  return shown
}

async function bodyParts(bucket: R2Bucket, row: LogRow, wanted: readonly string[]) {
  if (wanted.length === 0) return {}
  const parts = presentBodies(row, await readBodies(bucket, storedBodiesOf(row.bodies)))
  return Object.fromEntries(Object.entries(parts).filter(([name]) => wanted.includes(name)))
}
