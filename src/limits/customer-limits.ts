import type { BudgetDuration, CustomerBudgets, LimitRow } from '../platform/config-schema'
import { limitRowOf } from './inline'
import { type Window, windowEndMs, windowStartMs } from './policy'

/** The calendar windows that a budget's duration stands for. */
export const DURATION_WINDOWS: Readonly<Record<BudgetDuration, Window>> = {
  daily: 'day',
  weekly: 'week',
  monthly: 'month',
  yearly: 'year',
}

/** A customer about whom nothing is said. */
export function noBudgets(customerIdentifier: string): CustomerBudgets {
  return {
    customerIdentifier,
    periodBudget: null,
    budgetDuration: null,
    periodStartMs: null,
    periodEndMs: null,
    totalBudget: null,
    rateLimit: null,
    markupPercentage: null,
  }
}

/** The limits that a customer's budgets make, as if they had been made at /api/limits/ for that customer. */
export function limitsOfCustomer(customer: CustomerBudgets, nowMs: number): LimitRow[] {
  const { customerIdentifier, totalBudget, rateLimit } = customer
  const named = (name: string, metric: string, window: Window, value: number) =>
    limitRowOf({
      id: `customer:${customerIdentifier}:${name}`,
      name,
      scope: 'customer',
      subject: customerIdentifier,
      metric,
      window,
      value,
      action: 'block',
    })
  return [
    ...periodLimit(customer, nowMs),
    ...(totalBudget === null
      ? []
      : [named('total_budget', 'cost', 'total', costBefore(customer, totalBudget))]),
    ...(rateLimit === null ? [] : [named('rate_limit', 'requests', 'minute', rateLimit)]),
  ]
}

function periodLimit(customer: CustomerBudgets, nowMs: number): LimitRow[] {
  const { customerIdentifier, periodBudget } = customer
  const period = periodOf(customer, nowMs)
  if (periodBudget === null || nowMs < period.startMs || nowMs >= period.endMs) return []
  const { duration } = period
  const id = duration ?? `${period.startMs}-${period.endMs}`
  return [
    limitRowOf({
      id: `customer:${customerIdentifier}:period_budget:${id}`,
      name: 'period_budget',
      scope: 'customer',
      subject: customerIdentifier,
      metric: 'cost',
      window: duration === undefined ? 'total' : DURATION_WINDOWS[duration],
      value: costBefore(customer, periodBudget),
      action: 'block',
    }),
  ]
}

/** A span of time, with the duration that it comes from; a span of its own has none. */
export interface Period {
  startMs: number
  endMs: number
  duration?: BudgetDuration
}

/** The budget period around a time: of a customer's own dates only when no duration is set; a month when nothing is. */
export function periodOf(customer: CustomerBudgets, nowMs: number): Period {
  const { budgetDuration, periodStartMs, periodEndMs } = customer
  if (budgetDuration === null && periodStartMs !== null && periodEndMs !== null)
    return { startMs: periodStartMs, endMs: periodEndMs }
  const duration = budgetDuration ?? 'monthly'
  const window = DURATION_WINDOWS[duration]
  const endMs = windowEndMs(window, nowMs) ?? Number.POSITIVE_INFINITY
  return { startMs: windowStartMs(window, nowMs), endMs, duration }
}

/** The factor that a customer's own price has over the cost. */
export function markupOf({ markupPercentage }: Pick<CustomerBudgets, 'markupPercentage'>): number {
  return 1 + (markupPercentage ?? 0) / 100
}

/** A budget is written in the customer's prices and counted in cost. */
function costBefore(customer: CustomerBudgets, budget: number): number {
  return budget / markupOf(customer)
}
