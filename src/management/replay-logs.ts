import { replayLogs } from '../logs/replay'
import { invalidField } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

/** Brings back what the log store gave up on; `npm run logs -- replay` calls it until nothing is left. */
export const replayLogRoutes: ManagementRoute[] = [
  {
    method: 'POST',
    paths: ['/api/request-logs/replay'],
    auth: 'admin',
    logging: 'none',
    handle: replay,
  },
]

async function replay({ env, request }: ManagementContext): Promise<Response> {
  const { searchParams } = new URL(request.url)
  const kind = searchParams.get('kind') ?? 'dead-letters'
  if (kind !== 'dead-letters' && kind !== 'undelivered')
    throw invalidField('kind', 'must be dead-letters or undelivered')
  const cursor = searchParams.get('cursor')
  return Response.json(await replayLogs(env, { kind, ...(cursor === null ? {} : { cursor }) }))
}
