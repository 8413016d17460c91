import * as z from 'zod/mini'

const MAX_IDENTIFIER_LENGTH = 254
const MAX_NAME_LENGTH = 255
const usd = z.number().check(z.nonnegative('must be 0 US dollars or more'))

/** An id of the caller's own: text or a number, cut off where the hosted gateway cuts it. */
export const identifier = z.pipe(
  z.union([z.string(), z.number()]),
  z.transform((value) => String(value).slice(0, MAX_IDENTIFIER_LENGTH)),
)

/** The name of a span or a trace, cut off likewise. */
export const spanName = z.pipe(
  z.string(),
  z.transform((value) => value.slice(0, MAX_NAME_LENGTH)),
)

/** A date such as 2027-01-31, or an ISO 8601 time; without a zone in UTC. In milliseconds since 1970. */
export const dateOrTime = z.pipe(
  z.string(),
  z.transform((text, { issues }) => {
    const isZoned = /(z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T')
    const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(isZoned ? text : `${text}Z`) : Number.NaN
    if (!Number.isNaN(ms)) return ms
    const message = 'must be a date such as 2027-01-31, or an ISO 8601 time'
    issues.push({ code: 'custom', input: text, message })
    return z.NEVER
  }),
)

/** What limits a customer, in the words of the API; US dollars, requests per minute, and dates. */
export const budgetFields = {
  period_budget: z.nullish(usd),
  budget_duration: z.nullish(
    z.enum(['daily', 'weekly', 'monthly', 'yearly'], 'must be daily, weekly, monthly or yearly'),
  ),
  period_start: z.nullish(dateOrTime),
  period_end: z.nullish(dateOrTime),
  total_budget: z.nullish(usd),
  rate_limit: z.nullish(z.int('must be a whole number').check(z.nonnegative('must be 0 or more'))),
  markup_percentage: z.nullish(
    z.number().check(z.gt(-100, 'must be above -100'), z.lte(10_000, 'must be 10000 or less')),
  ),
}

/** `customer_params` of a request (compatibility document, A5.4). */
export const customerParamsSchema = z.looseObject({
  customer_identifier: z.nullish(identifier),
  group_identifier: z.nullish(identifier),
  name: z.nullish(z.string()),
  email: z.nullish(z.string()),
  metadata: z.nullish(z.record(z.string(), z.unknown())),
  ...budgetFields,
})

/** The fields of `customer_params` that have an effect. */
export const CUSTOMER_NAMES: ReadonlySet<string> = new Set(Object.keys(customerParamsSchema.shape))

/** Budgets as they came, validated. */
export type GivenBudgets = z.infer<z.ZodMiniObject<typeof budgetFields>>
