import { listDrift } from '../limits/drift'
import { listed, pagingOf } from './management'
import type { KeyedRoute, RouteContext } from './route'

/** Where a limit's counter does not say what the logs say. */
export const limitDriftRoutes: KeyedRoute[] = [
  { method: 'GET', paths: ['/api/limits/drift'], auth: 'admin', logging: 'none', handle: list },
]

async function list({ env, request }: RouteContext): Promise<Response> {
  const url = new URL(request.url)
  const paging = pagingOf(url, 50)
  const isAll = url.searchParams.get('all') === 'true'
  return listed(url, { ...paging, ...(await listDrift(env, { ...paging, isAll })) })
}
