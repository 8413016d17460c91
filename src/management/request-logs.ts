import type { Caller } from '../keys/authenticate'
import { readBodies, storedBodiesOf } from '../logs/bodies'
import { presentLog } from '../logs/present'
import { presentBodies } from '../logs/present-bodies'
import { readLog } from '../logs/query'
import { editLogRoutes } from './edit-logs'
import { listLogRoutes } from './list-logs'
import { replayLogRoutes } from './replay-logs'
import { notFound } from './replies'
import type { ManagementContext, ManagementRoute } from './route'
import { tailLogRoutes } from './tail-logs'

/** Request logs: an admin key sees all of them, any other key its own. */
export const requestLogRoutes: ManagementRoute[] = [
  ...listLogRoutes,
  ...tailLogRoutes,
  ...editLogRoutes,
  ...replayLogRoutes,
  { method: 'GET', paths: ['/api/request-logs/:id'], auth: 'any_key', logging: 'none', handle: one },
]

async function one({ env, params }: ManagementContext, caller: Caller): Promise<Response> {
  const row = await readLog(env.LOGS, params.id ?? '')
  const isVisible = row !== undefined && (caller.role === 'admin' || row.apiKeyId === caller.apiKeyId)
  // A log of another key looks like none at all; one that was just made may take a moment to be written.
  if (!isVisible) throw notFound()
  const bodies = await readBodies(env.BODIES, storedBodiesOf(row.bodies))
  return Response.json({ ...presentLog(row), ...presentBodies(row, bodies) })
}
