import * as z from 'zod'
import type { Caller } from '../keys/authenticate'
import { noBudgets, periodOf } from '../limits/customer-limits'
import { readCustomer } from '../limits/customers'
import { badFilter } from '../logs/filters/condition'
import { parseFilters } from '../logs/filters/parse-filters'
import {
  forgetUser,
  listUsers,
  noteUser,
  readUser,
  USER_FIELDS,
  USER_SORTS,
  type UserQuery,
} from '../logs/users'
import { fieldsOf } from '../protocols/fields'
import { checked, linksOf, noContent, notFound, pagingOf, parseJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'
import { environmentOf } from './threads'
import { changeSchema, forgetBudgets, keepChange, shownBudgets, shownCustomer } from './user-budgets'

const ITEM = '/api/users/:customer_identifier'
const LIST = '/api/users/list'
const createSchema = changeSchema.extend({ customer_identifier: z.string().min(1).max(254) })

/** The end users that requests named: what theirs came to, who they are, and their budgets. For admin keys. */
export const userRoutes: ManagementRoute[] = [
  { method: 'GET', paths: [LIST, '/api/users'], auth: 'admin', logging: 'none', handle: list },
  { method: 'POST', paths: [LIST], auth: 'admin', logging: 'none', handle: list },
  { method: 'POST', paths: ['/api/users/create'], auth: 'admin', logging: 'none', handle: create },
  { method: 'GET', paths: [ITEM], auth: 'admin', logging: 'none', handle: one },
  { method: 'PATCH', paths: [ITEM], auth: 'admin', logging: 'none', handle: change },
  { method: 'DELETE', paths: [ITEM], auth: 'admin', logging: 'none', handle: remove },
]

async function list({ env, request }: ManagementContext, caller: Caller): Promise<Response> {
  const url = new URL(request.url)
  const text = request.method === 'POST' ? await request.text() : ''
  const { filters = {} } = text.trim() === '' ? {} : fieldsOf(parseJson(text))
  const paging = pagingOf(url, 50)
  const query: UserQuery = {
    ...paging,
    ...sortOf(url),
    environment: environmentOf(url, caller),
    filter: parseFilters(filters, { fields: USER_FIELDS }),
  }
  const { count, results } = await listUsers(env.LOGS, query)
  return Response.json({ ...linksOf(url, { count, ...paging }), results })
}

function sortOf(url: URL): Pick<UserQuery, 'sort' | 'isDescending'> {
  const text = url.searchParams.get('sort_by') ?? '-first_seen'
  const isDescending = text.startsWith('-')
  const sort = isDescending ? text.slice(1) : text
  if (Object.hasOwn(USER_SORTS, sort)) return { sort, isDescending }
  throw badFilter(
    'sort_by',
    `Users cannot be sorted by '${sort}'; they can by ${Object.keys(USER_SORTS).join(', ')}, with - for the largest first.`,
  )
}

async function one(context: ManagementContext, caller: Caller): Promise<Response> {
  return Response.json(await shown(context, { caller, identifier: identifierOf(context) }))
}

async function create(context: ManagementContext, caller: Caller): Promise<Response> {
  const { customer_identifier: identifier, ...given } = checked(
    parseJson(await context.request.text()),
    createSchema,
  )
  await keep(context, { identifier, given, isMade: true, caller })
  return Response.json(await shown(context, { caller, identifier }), { status: 201 })
}

async function change(context: ManagementContext, caller: Caller): Promise<Response> {
  const given = checked(parseJson(await context.request.text()), changeSchema)
  const identifier = identifierOf(context)
  await keep(context, { identifier, given, isMade: false, caller })
  return Response.json(await shown(context, { caller, identifier }))
}

// Who somebody is goes beside what its requests came to, so that a list has both.
async function keep(
  context: ManagementContext,
  {
    identifier,
    given,
    isMade,
    caller,
  }: { identifier: string; given: z.infer<typeof changeSchema>; isMade: boolean; caller: Caller },
): Promise<void> {
  const { name, email, metadata } = given
  const environment = environmentOf(new URL(context.request.url), caller) ?? caller.environment
  const nowMs = context.effects.now()
  await Promise.all([
    keepChange(context, identifier, given),
    noteUser(context.env.LOGS, { identifier, environment, nowMs, isMade, change: { name, email, metadata } }),
  ])
}

async function remove(context: ManagementContext): Promise<Response> {
  const identifier = identifierOf(context)
  await Promise.all([forgetBudgets(context, identifier), forgetUser(context.env.LOGS, identifier)])
  return noContent()
}

/** What the requests came to, in the caller's environment or the one that is named, beside the budgets, which have none. */
async function shown(
  context: ManagementContext,
  { caller, identifier }: { caller: Caller; identifier: string },
): Promise<object> {
  const { env, effects, request } = context
  const nowMs = effects.now()
  const customer = await readCustomer(env, identifier)
  const environment = environmentOf(new URL(request.url), caller) ?? caller.environment
  const period = periodOf(customer ?? noBudgets(identifier), nowMs)
  const user = await readUser(env.LOGS, { identifier, environment, nowMs, period })
  if (user === undefined && customer === undefined) throw notFound()
  const words = customer === undefined ? {} : shownCustomer(identifier, customer)
  return {
    customer_identifier: identifier,
    environment,
    created_at: user?.first_seen,
    updated_at: user?.last_active,
    ...words,
    ...user,
    name: user?.name ?? customer?.name ?? null,
    email: user?.email ?? customer?.email ?? null,
    metadata: user?.metadata ?? customer?.metadata ?? {},
    ...(await shownBudgets(context, identifier, customer)),
  }
}

function identifierOf({ params }: ManagementContext): string {
  return params.customer_identifier ?? ''
}
