import * as z from 'zod'
import { budgetColumnsOf } from '../limits/budget-columns'
import { type CustomerChange, changeCustomer } from '../limits/change-customer'
import { limitsOfCustomer, markupOf, noBudgets, periodOf } from '../limits/customer-limits'
import { budgetFields } from '../limits/customer-parameters'
import { removeCustomer } from '../limits/customers'
import type { CustomerRow } from '../platform/config-schema'
import { standingsById } from './inline-limits'
import type { ManagementContext } from './route'

/** A change of a customer: null takes a field away. */
export const changeSchema = z.strictObject({
  name: z.string().max(500).nullish(),
  email: z.string().max(500).nullish(),
  group_identifier: z.string().max(254).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  ...budgetFields,
})
/** Keeps what is said of a customer, and makes it when nobody has said anything before. */
export async function keepChange(
  { env, effects, isolate, background }: ManagementContext,
  identifier: string,
  given: z.infer<typeof changeSchema>,
): Promise<void> {
  const { group_identifier: groupIdentifier, name, email, metadata } = given
  const words = Object.entries({ name, email, metadata, groupIdentifier })
  const change: CustomerChange = {
    ...Object.fromEntries(words.filter(([, value]) => value !== undefined)),
    ...budgetColumnsOf(given),
  }
  await changeCustomer(env, identifier, { change, nowMs: effects.now() })
  await isolate.config.refreshed(background, 0)
}

/** Forgets what was said of a customer, budgets too. */
export async function forgetBudgets(
  { env, isolate, background }: ManagementContext,
  identifier: string,
): Promise<void> {
  await removeCustomer(env, identifier)
  await isolate.config.refreshed(background, 0)
}

/** What was said of a customer. */
export function shownCustomer(identifier: string, row: CustomerRow) {
  return {
    id: identifier,
    name: row.name,
    email: row.email,
    group_identifier: row.groupIdentifier,
    metadata: row.metadata ?? {},
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
  }
}

/** What limits a customer, and what of it is used; in the customer's prices, which have the markup on them. */
export async function shownBudgets(
  context: Pick<ManagementContext, 'env' | 'effects'>,
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
