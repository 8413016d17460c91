import * as z from 'zod'
import { limitsOfCustomer, markupOf, noBudgets, periodOf } from '../limits/customer-limits'
import { type CustomerChange, changeCustomer, readCustomer, removeCustomer } from '../limits/customers'
import { budgetFields } from '../pipeline/customer-parameters'
import { budgetColumnsOf } from '../pipeline/customers'
import type { CustomerRow } from '../platform/config-schema'
import { adminRoutes } from './admin-routes'
import { standingsById } from './inline-limits'
import { noContent, notFound, readJson } from './management'
import type { RouteContext } from './route'

const changeSchema = z.strictObject({
  name: z.string().max(500).nullish(),
  email: z.string().max(500).nullish(),
  group_identifier: z.string().max(254).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  ...budgetFields,
})
const COLLECTION = '/api/users'
const ITEM = '/api/users/:customer_identifier'

/** Customers by their identifiers: who they are, and their budgets. */
export const userBudgetRoutes = adminRoutes(COLLECTION, ITEM, {
  read: async (context) => Response.json(await shownOne(context)),
  change,
  remove,
})

/** Makes the customer when nobody has said anything of one before. */
async function change(context: RouteContext): Promise<Response> {
  const { env, effects, isolate, background } = context
  const given = await readJson(context.request, changeSchema)
  const { group_identifier: groupIdentifier, name, email, metadata } = given
  const words = Object.entries({ name, email, metadata, groupIdentifier })
  const change: CustomerChange = {
    ...Object.fromEntries(words.filter(([, value]) => value !== undefined)),
    ...budgetColumnsOf(given),
  }
  await changeCustomer(env, identifierOf(context), { change, nowMs: effects.now() })
  await isolate.config.refreshed(background, 0)
  return Response.json(await shownOne(context))
}

async function remove(context: RouteContext): Promise<Response> {
  await removeCustomer(context.env, identifierOf(context))
  await context.isolate.config.refreshed(context.background, 0)
  return noContent()
}

async function shownOne(context: RouteContext): Promise<object> {
  const identifier = identifierOf(context)
  const row = await readCustomer(context.env, identifier)
  if (row === undefined) throw notFound()
  return {
    id: identifier,
    customer_identifier: identifier,
    name: row.name,
    email: row.email,
    group_identifier: row.groupIdentifier,
    metadata: row.metadata ?? {},
    ...(await shownBudgets(context, identifier, row)),
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}

/** What limits a customer, and what of it is used; in the customer's prices, which have the markup on them. */
export async function shownBudgets(
  context: Pick<RouteContext, 'env' | 'effects'>,
  identifier: string,
  row: CustomerRow | undefined,
) {
  const customer = row ?? noBudgets(identifier)
  const nowMs = context.effects.now()
  const period = periodOf(customer, nowMs)
  const markup = markupOf(customer)
  const limits = limitsOfCustomer(customer, nowMs)
  const standings = await standingsById(context, limits)
  const shown = limits.map(({ id, name, metric, window, value, action }) => {
    const { used = null, reserved = null, resets_at = null } = standings.get(id) ?? {}
    const priced = (amount: number | null) =>
      amount === null || metric !== 'cost' ? amount : inUsd(amount * markup)
    return {
      name,
      metric,
      window,
      value: priced(value),
      action,
      used: priced(used),
      reserved: priced(reserved),
      resets_at,
    }
  })
  return {
    period_budget: customer.periodBudget,
    budget_duration: customer.budgetDuration,
    period_start: new Date(period.startMs).toISOString(),
    period_end: new Date(period.endMs).toISOString(),
    total_budget: customer.totalBudget,
    rate_limit: customer.rateLimit,
    markup_percentage: customer.markupPercentage,
    limits: shown,
  }
}

/** To the billionth, without what binary fractions leave behind it. */
function inUsd(amount: number): number {
  return Math.round(amount * 1e9) / 1e9
}

function identifierOf({ params }: RouteContext): string {
  return params.customer_identifier ?? ''
}
