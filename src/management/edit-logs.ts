import type { Caller } from '../keys/authenticate'
import { editLogs, editSchema, editsSchema, type LogEdit, removeLog } from '../logs/edit-logs'
import { presentLog } from '../logs/present'
import { readLog } from '../logs/query'
import { noContent, notFound, readJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const ONE = '/api/request-logs/:id'

/** Changes of request logs: an admin key may change all of them, any other key its own; only an admin key may delete. */
export const editLogRoutes: ManagementRoute[] = [
  {
    method: 'PATCH',
    paths: ['/api/request-logs/batch-update'],
    auth: 'any_key',
    logging: 'none',
    handle: changeMany,
  },
  { method: 'PATCH', paths: [ONE], auth: 'any_key', logging: 'none', handle: change },
  { method: 'DELETE', paths: [ONE], auth: 'admin', logging: 'none', handle: remove },
]

async function change(context: ManagementContext, caller: Caller): Promise<Response> {
  const id = context.params.id ?? ''
  const given = await readJson(context.request, editSchema)
  const [changed] = await made(context, caller, [{ unique_id: id, ...given }])
  const row = changed === undefined ? undefined : await readLog(context.env.LOGS, changed)
  if (row === undefined) throw notFound()
  return Response.json(presentLog(row))
}

async function changeMany(context: ManagementContext, caller: Caller): Promise<Response> {
  const { logs } = await readJson(context.request, editsSchema)
  const changed = new Set(await made(context, caller, logs))
  const missing = logs.map((log) => log.unique_id).filter((id) => !changed.has(id))
  return Response.json({ updated_count: changed.size, updated: [...changed], not_found: missing })
}

function made({ env }: ManagementContext, caller: Caller, edits: readonly LogEdit[]): Promise<string[]> {
  return editLogs(env.LOGS, edits, caller.role === 'admin' ? undefined : caller.apiKeyId)
}

async function remove({ env, params }: ManagementContext): Promise<Response> {
  if (!(await removeLog(env, params.id ?? ''))) throw notFound()
  return noContent()
}
