import * as z from 'zod'
import type { Caller } from '../keys/authenticate'
import { listThreads } from '../logs/threads'
import { checked, invalidField, linksOf, pagingOf, parseJson, timeOf } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const DEFAULT_SPAN_MS = 30 * 24 * 3_600_000

const wanted = z
  .union([
    z.string(),
    z.array(z.string()),
    z.looseObject({ value: z.union([z.string(), z.array(z.string())]) }),
  ])
  .transform((given) => {
    const value = typeof given === 'object' && 'value' in given ? given.value : given
    return Array.isArray(value) ? value : [value]
  })
const bodySchema = z.looseObject({
  filters: z
    .strictObject({
      thread_identifier: wanted.optional(),
      organization_key_id: wanted.optional(),
      customer_identifier: wanted.optional(),
    })
    .optional(),
})

/** Conversations, by the thread that their requests named: an admin key sees all of them, any other key its own logs'. */
export const threadRoutes: ManagementRoute[] = (['GET', 'POST'] as const).map((method) => ({
  method,
  paths: ['/api/log_threads'],
  auth: 'any_key',
  logging: 'none',
  handle: list,
}))

async function list({ env, request, effects }: ManagementContext, caller: Caller): Promise<Response> {
  const url = new URL(request.url)
  const text = request.method === 'POST' ? await request.text() : ''
  const { filters = {} } = checked(text.trim() === '' ? {} : parseJson(text), bodySchema)
  const endMs = timeOf(url, 'end_time') ?? effects.now()
  const paging = pagingOf(url, 100)
  const { count, results } = await listThreads(env.LOGS, {
    ...paging,
    endMs,
    startMs: timeOf(url, 'start_time') ?? endMs - DEFAULT_SPAN_MS,
    environment: environmentOf(url, caller),
    threadIdentifiers: filters.thread_identifier ?? url.searchParams.getAll('thread_identifier'),
    apiKeyIds: caller.role === 'admin' ? (filters.organization_key_id ?? []) : [caller.apiKeyId],
    customerIdentifiers: filters.customer_identifier ?? url.searchParams.getAll('customer_identifier'),
  })
  return Response.json({
    ...linksOf(url, { count, ...paging }),
    results,
    current_filters: filters,
    filters_data: {},
  })
}

/** The environment that a list is of: the one that is named, all of them, or that of an admin's key. */
export function environmentOf(url: URL, caller: Caller): string | undefined {
  const named = url.searchParams.get('environment')
  if (named !== null && named !== 'prod' && named !== 'test')
    throw invalidField('environment', 'must be prod or test')
  const isAll = url.searchParams.get('all_envs') === 'true' || caller.role !== 'admin'
  return named ?? (isAll ? undefined : caller.environment)
}
