import { listDrift } from '../limits/drift'
import { listed, pagingOf } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

/** Where a limit's counter does not say what the logs say. */
export const limitDriftRoutes: ManagementRoute[] = [
  { method: 'GET', paths: ['/api/limits/drift'], auth: 'admin', logging: 'none', handle: list },
]

async function list({ env, request }: ManagementContext): Promise<Response> {
  const url = new URL(request.url)
  const paging = pagingOf(url, 50)
  const isAll = url.searchParams.get('all') === 'true'
  return listed(url, { ...paging, ...(await listDrift(env, { ...paging, isAll })) })
}
