import { listEvents } from '../alerts/event-store'
import { adminRoutes } from './admin-routes'
import { listed, pagingOf } from './replies'
import type { ManagementContext } from './route'

/** What was to be told of, and what became of it. */
export const alertEventRoutes = adminRoutes('/api/alert-events', '/api/alert-events/:id', { list })

async function list({ env, request }: ManagementContext): Promise<Response> {
  const url = new URL(request.url)
  const paging = pagingOf(url, 50)
  const { count, events } = await listEvents(env, paging)
  const results = events.map(({ row, deliveries }) => ({
    id: row.id,
    event: row.kind,
    data: row.details,
    created_at: new Date(row.createdAtMs).toISOString(),
    queued_at: row.queuedAtMs === null ? null : new Date(row.queuedAtMs).toISOString(),
    deliveries: deliveries.map((one) => ({
      channel_id: one.channelId,
      state: one.state,
      attempts: one.attempts,
      error: one.error,
      updated_at: new Date(one.updatedAtMs).toISOString(),
    })),
  }))
  return listed(url, { count, ...paging, results })
}
