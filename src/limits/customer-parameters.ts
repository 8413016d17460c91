import * as z from 'zod'

const MAX_IDENTIFIER_LENGTH = 254
const usd = z.number().nonnegative('must be 0 US dollars or more')

/** An id of the caller's own: text or a number, cut off where the hosted gateway cuts it. */
export const identifier = z
  .union([z.string(), z.number()])
  .transform((value) => String(value).slice(0, MAX_IDENTIFIER_LENGTH))

/** A date such as 2027-01-31, or an ISO 8601 time; without a zone in UTC. In milliseconds since 1970. */
export const dateOrTime = z.string().transform((text, context) => {
  const isZoned = /(z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T')
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(isZoned ? text : `${text}Z`) : Number.NaN
  if (!Number.isNaN(ms)) return ms
  context.addIssue({ code: 'custom', message: 'must be a date such as 2027-01-31, or an ISO 8601 time' })
  return z.NEVER
})

/** What limits a customer, in the words of the API; US dollars, requests per minute, and dates. */
export const budgetFields = {
  period_budget: usd.nullish(),
  budget_duration: z
    .enum(['daily', 'weekly', 'monthly', 'yearly'], 'must be daily, weekly, monthly or yearly')
    .nullish(),
  period_start: dateOrTime.nullish(),
  period_end: dateOrTime.nullish(),
  total_budget: usd.nullish(),
  rate_limit: z.int('must be a whole number').nonnegative('must be 0 or more').nullish(),
  markup_percentage: z.number().gt(-100, 'must be above -100').max(10_000, 'must be 10000 or less').nullish(),
}

/** `customer_params` of a request (compatibility document, A5.4). */
export const customerParamsSchema = z.looseObject({
  customer_identifier: identifier.nullish(),
  group_identifier: identifier.nullish(),
  name: z.string().nullish(),
  email: z.string().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  ...budgetFields,
})

/** The fields of `customer_params` that have an effect. */
export const CUSTOMER_NAMES: ReadonlySet<string> = new Set(Object.keys(customerParamsSchema.shape))

/** Budgets as they came, validated. */
export type GivenBudgets = z.infer<z.ZodObject<typeof budgetFields>>
