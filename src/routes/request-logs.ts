import type { Caller } from '../keys/authenticate'
import { readBodies, type StoredBodies } from '../logs/bodies'
import { presentLog } from '../logs/present'
import { presentBodies } from '../logs/present-bodies'
import { type LogQuery, listLogs, readLog } from '../logs/query'
import { invalidField, listed, notFound, pagingOf, timeOf } from './management'
import type { KeyedRoute, RouteContext } from './route'

const PARAMETERS = new Set([
  'page',
  'page_size',
  'start_time',
  'end_time',
  'environment',
  'is_test',
  'all_envs',
])

/** Request logs: an admin key sees all of them, any other key its own. */
export const requestLogRoutes: KeyedRoute[] = [
  { method: 'GET', paths: ['/api/request-logs/list'], auth: 'any_key', logging: 'none', handle: list },
  { method: 'GET', paths: ['/api/request-logs/:id'], auth: 'any_key', logging: 'none', handle: one },
]

async function list({ env, request }: RouteContext, caller: Caller): Promise<Response> {
  const url = new URL(request.url)
  const query = { ...queryOf(url), ...(caller.role === 'admin' ? {} : { apiKeyId: caller.apiKeyId }) }
  const { count, rows } = await listLogs(env.LOGS, query)
  return listed(url, { count, page: query.page, pageSize: query.pageSize, results: rows.map(presentLog) })
}

async function one({ env, params }: RouteContext, caller: Caller): Promise<Response> {
  const row = await readLog(env.LOGS, params.id ?? '')
  const isVisible = row !== undefined && (caller.role === 'admin' || row.apiKeyId === caller.apiKeyId)
  // A log of another key looks like none at all; one that was just made may take a moment to be written.
  if (!isVisible) throw notFound()
  const bodies = await readBodies(env.BODIES, storedBodies(row.bodies))
  return Response.json({ ...presentLog(row), ...presentBodies(row, bodies) })
}

function storedBodies(bodies: unknown): StoredBodies {
  return typeof bodies === 'object' && bodies !== null ? bodies : {}
}

function queryOf(url: URL): LogQuery {
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.has(name))
  if (unknown !== undefined)
    throw invalidField(unknown, `is not known here; known are ${[...PARAMETERS].join(', ')}`)
  const { page, pageSize } = pagingOf(url, 100)
  const startMs = timeOf(url, 'start_time')
  const endMs = timeOf(url, 'end_time')
  const environment = environmentOf(url)
  return {
    page,
    pageSize,
    ...(startMs === undefined ? {} : { startMs }),
    ...(endMs === undefined ? {} : { endMs }),
    ...(environment === undefined ? {} : { environment }),
  }
}

// `is_test` wins over `all_envs`, and without any of them all environments are shown.
function environmentOf(url: URL): 'prod' | 'test' | undefined {
  const isTest = url.searchParams.get('is_test')
  if (isTest !== null) return isTest === 'true' ? 'test' : 'prod'
  const environment = url.searchParams.get('environment')
  if (environment === null || environment === 'prod' || environment === 'test')
    return environment ?? undefined
  throw invalidField('environment', 'must be prod or test')
}
