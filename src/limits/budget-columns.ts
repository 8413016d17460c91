import type { CustomerBudgets } from '../platform/config-schema'
import type { GivenBudgets } from './customer-parameters'

/** The columns behind the API's words. */
const BUDGET_COLUMNS = {
  period_budget: 'periodBudget',
  budget_duration: 'budgetDuration',
  period_start: 'periodStartMs',
  period_end: 'periodEndMs',
  total_budget: 'totalBudget',
  rate_limit: 'rateLimit',
  markup_percentage: 'markupPercentage',
} as const satisfies Record<keyof GivenBudgets, keyof CustomerBudgets>

/** The budgets that were given, in columns; null is kept, and means none. */
export function budgetColumnsOf(given: GivenBudgets): Partial<CustomerBudgets> {
  const entries = Object.entries(BUDGET_COLUMNS).flatMap(([field, column]) => {
    const value: unknown = Reflect.get(given, field)
    return value === undefined ? [] : [[column, value] as const]
  })
  return Object.fromEntries(entries)
}
