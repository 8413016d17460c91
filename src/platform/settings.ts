import * as z from 'zod/mini'
import { defaultRedaction, redactionSettings, redactionShape } from './redaction-settings'

const positive = z.number().check(z.positive('has to be greater than 0'))
const count = z.int('has to be a whole number').check(z.positive('has to be greater than 0'))

const retrySchema = z.strictObject({
  retry_enabled: z.boolean(),
  // In the words of the hosted gateway's own SDK.
  num_retries: z.int('has to be a whole number').check(z.positive('num_retries has to be greater than 0')),
  /** Seconds before the first retry. */
  retry_after: positive,
})
const cacheOptionsSchema = z.strictObject({
  cache_by_customer: z.boolean(),
  is_cached_by_model: z.boolean(),
  omit_log: z.boolean(),
  cache_tool_calls: z.boolean(),
  pace: z.enum(['instant', 'natural']),
})
const cacheSchema = z.strictObject({
  cache_enabled: z.boolean(),
  /** Seconds. */
  cache_ttl: count,
})
/** The longest deadline, in seconds: a day. A timer that is set for weeks would go off at once. */
export const LONGEST_TIMEOUT = 86_400
const deadline = positive.check(z.lte(LONGEST_TIMEOUT, `has to be at most ${LONGEST_TIMEOUT} seconds`))
const timeoutsSchema = z.strictObject({
  headers: deadline,
  first_content: deadline,
  idle: deadline,
  total: deadline,
})
/** Deadlines of upstream calls in seconds, as they are stored; what is absent is not set. */
export const timeoutSettings = z.partial(timeoutsSchema)
/** How failed calls are repeated, as it is stored; what is absent is not set. */
export const retrySettings = z.partial(retrySchema)
/** A change of either; null takes a value, or all of them, back. */
export const sectionPatches = { timeouts: orNull(timeoutsSchema), retry_params: orNull(retrySchema) }

export type TimeoutSettings = z.infer<typeof timeoutSettings>
export type RetrySettings = z.infer<typeof retrySettings>

/** Deadlines in milliseconds, those that are set. */
export function timeoutsInMs({ headers, first_content: first, idle, total }: TimeoutSettings) {
  return {
    ...(headers === undefined ? {} : { headersMs: Math.ceil(headers * 1_000) }),
    ...(first === undefined ? {} : { firstContentMs: Math.ceil(first * 1_000) }),
    ...(idle === undefined ? {} : { idleMs: Math.ceil(idle * 1_000) }),
    ...(total === undefined ? {} : { totalMs: Math.ceil(total * 1_000) }),
  }
}

/** Days. */
const retentionSchema = z.strictObject({
  bodies_days: count,
  logs_days: count,
  rollups_days: count,
  search_days: count,
})
const loggingSchema = z.strictObject({
  bodies: z.enum(['all', 'none', 'errors']),
  /** Of the requests that did not fail, the share whose bodies are kept. */
  sample_rate: z.number().check(z.gte(0, 'has to be from 0 to 1'), z.lte(1, 'has to be from 0 to 1')),
  /** Whether the words of bodies can be searched for. */
  search: z.boolean(),
})
const unknownPriceSchema = z.enum(['block', 'warn'])
const modelsSchema = z.array(z.string().check(z.minLength(1, 'must not be empty')))

/** What can be set for all requests, in the words of the API; what is absent is not set. */
export const settingsSchema = z.strictObject({
  fallback_models: z.optional(modelsSchema),
  retry_params: z.optional(retrySettings),
  cache: z.optional(z.partial(z.extend(cacheSchema, { cache_options: z.partial(cacheOptionsSchema) }))),
  timeouts: z.optional(timeoutSettings),
  retention: z.optional(z.partial(retentionSchema)),
  logging: z.optional(z.partial(loggingSchema)),
  /** What limits on cost make of a model without a known price. */
  unknown_price: z.optional(unknownPriceSchema),
  /** What is masked before it is stored or sent. */
  redaction: z.optional(redactionSettings),
})

/** What is set for all requests. */
export type Settings = z.infer<typeof settingsSchema>

/** A change of them: what is not named stays, and null takes a value or a whole section back to its default. */
export const settingsPatchSchema = z.strictObject({
  fallback_models: z.nullish(modelsSchema.check(z.minLength(1, 'must name a model, or be null for none'))),
  retry_params: sectionPatches.retry_params,
  cache: orNull(z.extend(cacheSchema, { cache_options: orNull(cacheOptionsSchema) })),
  timeouts: sectionPatches.timeouts,
  retention: orNull(retentionSchema),
  logging: orNull(loggingSchema),
  unknown_price: z.nullish(unknownPriceSchema),
  redaction: orNull(redactionShape),
})

/** What is set, and the defaults beside it: all that holds. */
export function effectiveSettings({
  fallback_models,
  retry_params,
  cache,
  timeouts,
  retention,
  logging,
  unknown_price,
  redaction,
}: Settings) {
  const usual = defaultSettings
  return {
    fallback_models: fallback_models ?? usual.fallback_models,
    // Whoever sets any of it wants them; otherwise clients repeat by themselves.
    retry_params: { ...usual.retry_params, retry_enabled: hasAny(retry_params), ...retry_params },
    cache: {
      ...usual.cache,
      ...cache,
      cache_options: { ...usual.cache.cache_options, ...cache?.cache_options },
    },
    timeouts: { ...usual.timeouts, ...timeouts },
    retention: { ...usual.retention, ...retention },
    logging: { ...usual.logging, ...logging },
    unknown_price: unknown_price ?? usual.unknown_price,
    redaction: { ...usual.redaction, ...redaction },
  }
}

/** Whether a section has a value of its own; one whose values were all taken back is there, but empty. */
export function hasAny(section: object | undefined): boolean {
  return Object.values(section ?? {}).some((value) => value !== undefined)
}

/** What holds where nothing is set; null is "as the worker's variables say" for deadlines, and "for ever" for storage. */
export const defaultSettings = {
  fallback_models: [],
  retry_params: { retry_enabled: false, num_retries: 3, retry_after: 0.2 },
  cache: {
    cache_enabled: false,
    cache_ttl: 2_592_000,
    cache_options: {
      ...{ cache_by_customer: false, is_cached_by_model: false, omit_log: false },
      ...{ cache_tool_calls: true, pace: 'instant' },
    },
  },
  timeouts: { headers: null, first_content: null, idle: null, total: null },
  retention: { bodies_days: null, logs_days: null, rollups_days: null, search_days: 30 },
  logging: { bodies: 'all', sample_rate: 1, search: true },
  unknown_price: 'block',
  redaction: defaultRedaction,
} as const

function orNull<Shape extends z.core.$ZodLooseShape>(schema: z.ZodMiniObject<Shape>) {
  const shape = Object.entries(schema.shape).map(([name, field]) => [name, z.nullish(field)] as const)
  return z.nullish(z.strictObject(Object.fromEntries(shape)))
}
