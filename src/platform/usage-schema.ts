import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/**
 * What requests came to, one row for each hour and each combination of what they had in common; an empty text (and 0 for
 * the prompt's version) stands for none. Counted with the log rows, in the same transaction. Histograms are JSON arrays of
 * counts, one for each bound of `logs/histogram.ts` and one for what is above.
 */
export const usageHourly = sqliteTable(
  'usage_hourly',
  {
    /** When the hour began, in which the requests did. */
    hourMs: integer('hour_ms').notNull(),
    environment: text('environment').notNull(),
    apiKeyId: text('api_key_id').notNull(),
    model: text('model').notNull(),
    providerId: text('provider_id').notNull(),
    customerIdentifier: text('customer_identifier').notNull(),
    promptId: text('prompt_id').notNull(),
    promptVersion: integer('prompt_version').notNull(),
    logType: text('log_type').notNull(),
    logMethod: text('log_method').notNull(),
    requests: integer('requests').notNull(),
    errors: integer('errors').notNull(),
    cancelled: integer('cancelled').notNull(),
    cacheHits: integer('cache_hits').notNull(),
    /** Requests that wanted a kept answer, for which there was none. */
    cacheMisses: integer('cache_misses').notNull().default(0),
    /** Input that was neither read from nor written to a provider's cache. */
    inputTokens: integer('input_tokens').notNull(),
    cacheReadTokens: integer('cache_read_tokens').notNull(),
    cacheWriteTokens: integer('cache_write_tokens').notNull(),
    outputTokens: integer('output_tokens').notNull(),
    /** Part of the output. */
    reasoningTokens: integer('reasoning_tokens').notNull(),
    costNanoUsd: integer('cost_nano_usd').notNull(),
    /** Requests with usage and no price: their cost is not in the sum. */
    unknownCosts: integer('unknown_costs').notNull(),
    savedNanoUsd: integer('saved_nano_usd').notNull(),
    latencyMs: integer('latency_ms').notNull(),
    latencyHistogram: text('latency_histogram').notNull(),
    firstTokenMs: integer('first_token_ms').notNull(),
    /** Requests that had a first token. */
    firstTokens: integer('first_tokens').notNull(),
    firstTokenHistogram: text('first_token_histogram').notNull(),
  },
  (table) => [
    primaryKey({
      columns: [
        table.hourMs,
        table.environment,
        table.apiKeyId,
        table.model,
        table.providerId,
        table.customerIdentifier,
        table.promptId,
        table.promptVersion,
        table.logType,
        table.logMethod,
      ],
    }),
    index('usage_hourly_by_customer')
      .on(table.customerIdentifier, table.hourMs)
      .where(sql`customer_identifier <> ''`),
  ],
)

/** Requests that are counted and have no row: their caller wanted none, or the row was deleted since. */
export const countedLogs = sqliteTable(
  'counted_logs',
  {
    id: text('id').primaryKey(),
    countedAtMs: integer('counted_at_ms').notNull(),
  },
  (table) => [index('counted_logs_by_time').on(table.countedAtMs)],
)

/** The end users that requests named, with what they came to in all. */
export const customers = sqliteTable(
  'customers',
  {
    environment: text('environment').notNull(),
    customerIdentifier: text('customer_identifier').notNull(),
    email: text('email'),
    name: text('name'),
    metadata: text('metadata', { mode: 'json' }).$type<Record<string, unknown>>(),
    firstSeenMs: integer('first_seen_ms').notNull(),
    lastActiveMs: integer('last_active_ms').notNull(),
    /** Days (UTC) with a request. */
    activeDays: integer('active_days').notNull(),
    requests: integer('requests').notNull(),
    errors: integer('errors').notNull(),
    cacheHits: integer('cache_hits').notNull(),
    promptTokens: integer('prompt_tokens').notNull(),
    completionTokens: integer('completion_tokens').notNull(),
    costNanoUsd: integer('cost_nano_usd').notNull(),
    latencyMs: integer('latency_ms').notNull(),
    firstTokenMs: integer('first_token_ms').notNull(),
    firstTokens: integer('first_tokens').notNull(),
    createdAtMs: integer('created_at_ms').notNull(),
    updatedAtMs: integer('updated_at_ms').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.environment, table.customerIdentifier] }),
    index('customers_by_first_seen').on(table.environment, table.firstSeenMs),
  ],
)

/** The days (UTC) on which an end user was active; a trigger adds them up in `customers`. */
export const customerDays = sqliteTable(
  'customer_days',
  {
    environment: text('environment').notNull(),
    customerIdentifier: text('customer_identifier').notNull(),
    dayMs: integer('day_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.environment, table.customerIdentifier, table.dayMs] })],
)
