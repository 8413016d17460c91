import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** One upstream call, as it is kept in a row. */
export interface StoredAttempt {
  providerId: string
  model: string
  upstreamModel: string
  credentialKind: string
  startedAtMs: number
  latencyMs: number
  statusCode: number
  errorCode?: string | undefined
  errorMessage?: string | undefined
  reason?: string | undefined
  isRetry?: boolean | undefined
  errorClass?: string | undefined
  retryAfterMs?: number | undefined
  waitedMs?: number | undefined
}

/** What the limits of a request stood at; US dollars for cost. */
export interface StoredLimitInfo {
  isAllowed: boolean
  limits: {
    name: string
    scope: string
    metric: string
    window: string
    action: 'warn' | 'block'
    currentValue: number
    newValue: number
    limitValue: number
    isWithinLimit: boolean
  }[]
}

/** One row per request; bodies are in R2, where `bodies` points. Money is integer nano-dollars, time milliseconds. */
export const requestLogs = sqliteTable(
  'request_logs',
  {
    id: text('id').primaryKey(),
    startedAtMs: integer('started_at_ms').notNull(),
    endedAtMs: integer('ended_at_ms').notNull(),
    environment: text('environment').notNull(),
    apiKeyId: text('api_key_id'),
    apiKeyName: text('api_key_name'),
    method: text('method').notNull(),
    path: text('path').notNull(),
    userAgent: text('user_agent'),
    logType: text('log_type').notNull(),
    /** Of the request and response bodies. */
    protocol: text('protocol'),
    stream: integer('stream', { mode: 'boolean' }).notNull(),
    model: text('model'),
    upstreamModel: text('upstream_model'),
    providerId: text('provider_id'),
    credentialKind: text('credential_kind'),
    /** The log id of the request whose answer this one was given again. */
    replayOf: text('replay_of'),
    ending: text('ending', { enum: ['completed', 'cancelled', 'failed'] }).notNull(),
    statusCode: integer('status_code').notNull(),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    finishReason: text('finish_reason'),
    responseId: text('response_id'),
    inputTokens: integer('input_tokens'),
    cacheReadTokens: integer('cache_read_tokens'),
    cacheWrite5mTokens: integer('cache_write_5m_tokens'),
    cacheWrite1hTokens: integer('cache_write_1h_tokens'),
    outputTokens: integer('output_tokens'),
    reasoningTokens: integer('reasoning_tokens'),
    audioInputTokens: integer('audio_input_tokens'),
    audioOutputTokens: integer('audio_output_tokens'),
    usageSource: text('usage_source', { enum: ['provider', 'estimated', 'partial'] }),
    costNanoUsd: integer('cost_nano_usd'),
    priceStatus: text('price_status').notNull(),
    latencyMs: integer('latency_ms').notNull(),
    timeToFirstTokenMs: integer('time_to_first_token_ms'),
    routingMs: integer('routing_ms').notNull(),
    attempts: text('attempts', { mode: 'json' }).$type<StoredAttempt[]>().notNull(),
    bodies: text('bodies', { mode: 'json' }).$type<unknown>(),
    dropped: text('dropped', { mode: 'json' }).$type<string[]>(),
    customerIdentifier: text('customer_identifier'),
    customerEmail: text('customer_email'),
    customerName: text('customer_name'),
    threadIdentifier: text('thread_identifier'),
    customIdentifier: text('custom_identifier'),
    groupIdentifier: text('group_identifier'),
    metadata: text('metadata', { mode: 'json' }).$type<Record<string, unknown>>(),
    properties: text('properties', { mode: 'json' }).$type<Record<string, unknown>>(),
    note: text('note'),
    category: text('category'),
    positiveFeedback: integer('positive_feedback', { mode: 'boolean' }),
    isPinned: integer('is_pinned', { mode: 'boolean' }),
    /** What the request asked for, where its body is kept. */
    temperature: real('temperature'),
    maxTokens: integer('max_tokens'),
    /** `gateway` when empty. */
    logMethod: text('log_method', { enum: ['gateway', 'api', 'otlp'] }),
    cacheStatus: text('cache_status', { enum: ['hit', 'miss', 'joined'] }),
    cacheKey: text('cache_key'),
    cacheAgeMs: integer('cache_age_ms'),
    /** What the answer would have cost without the cache. */
    savedNanoUsd: integer('saved_nano_usd'),
    limitInfo: text('limit_info', { mode: 'json' }).$type<StoredLimitInfo>(),
    promptId: text('prompt_id'),
    promptName: text('prompt_name'),
    promptVersion: integer('prompt_version'),
    promptLabel: text('prompt_label'),
    promptVariables: text('prompt_variables', { mode: 'json' }).$type<Record<string, unknown>>(),
    traceId: text('trace_id'),
    spanId: text('span_id'),
    parentSpanId: text('parent_span_id'),
    traceName: text('trace_name'),
    traceGroupIdentifier: text('trace_group_identifier'),
    sessionIdentifier: text('session_identifier'),
    spanName: text('span_name'),
    spanPath: text('span_path'),
    workflowName: text('workflow_name'),
  },
  // Each index that a row is in is a row more to write; those of what a request may do without hold only what has it.
  (table) => [
    index('request_logs_by_start').on(table.startedAtMs),
    index('request_logs_by_key').on(table.apiKeyId, table.startedAtMs),
    index('request_logs_by_model').on(table.model, table.startedAtMs),
    index('request_logs_by_customer')
      .on(table.customerIdentifier, table.startedAtMs)
      .where(sql`customer_identifier is not null`),
    index('request_logs_by_thread')
      .on(table.threadIdentifier, table.startedAtMs)
      .where(sql`thread_identifier is not null`),
    index('request_logs_by_custom')
      .on(table.customIdentifier, table.startedAtMs)
      .where(sql`custom_identifier is not null`),
    index('request_logs_by_group')
      .on(table.groupIdentifier, table.startedAtMs)
      .where(sql`group_identifier is not null`),
    index('request_logs_by_trace').on(table.traceId, table.startedAtMs).where(sql`trace_id is not null`),
    index('request_logs_by_prompt').on(table.promptId, table.startedAtMs).where(sql`prompt_id is not null`),
    index('request_logs_unfinished').on(table.startedAtMs).where(sql`ending <> 'completed'`),
    index('request_logs_of_tests').on(table.startedAtMs).where(sql`environment = 'test'`),
  ],
)

/** The keys of the rows' metadata, for filters: values as text, the first 256 characters of each. */
export const logMetadata = sqliteTable(
  'log_metadata',
  {
    key: text('key').notNull(),
    value: text('value').notNull(),
    startedAtMs: integer('started_at_ms').notNull(),
    logId: text('log_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.key, table.value, table.startedAtMs, table.logId] })],
)

/** Messages that the log queue gave up on; the message itself is in R2 under `object_key`. */
export const deadLetters = sqliteTable('dead_letters', {
  messageId: text('message_id').primaryKey(),
  logId: text('log_id'),
  objectKey: text('object_key').notNull(),
  reason: text('reason').notNull(),
  receivedAtMs: integer('received_at_ms').notNull(),
})

/** What somebody is to be told. The key says what it is about, so that nobody is told of it twice. */
export const alertEvents = sqliteTable(
  'alert_events',
  {
    id: text('id').primaryKey(),
    dedupeKey: text('dedupe_key').notNull().unique(),
    kind: text('kind').notNull(),
    /** Ids of channels; null for all that take the kind. */
    channels: text('channels', { mode: 'json' }).$type<string[]>(),
    details: text('details', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    createdAtMs: integer('created_at_ms').notNull(),
    /** Null until the queue has taken it. */
    queuedAtMs: integer('queued_at_ms'),
  },
  (table) => [index('alert_events_by_time').on(table.createdAtMs)],
)

/** What became of an event at a channel. */
export const alertDeliveries = sqliteTable(
  'alert_deliveries',
  {
    eventId: text('event_id').notNull(),
    channelId: text('channel_id').notNull(),
    state: text('state', { enum: ['delivered', 'failing', 'given_up'] }).notNull(),
    attempts: integer('attempts').notNull(),
    error: text('error'),
    updatedAtMs: integer('updated_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.eventId, table.channelId] })],
)

/** What monitors found when they last looked. */
export const monitorStates = sqliteTable('monitor_states', {
  monitorId: text('monitor_id').primaryKey(),
  state: text('state', { enum: ['ok', 'firing'] }).notNull(),
  sinceMs: integer('since_ms').notNull(),
  /** Null when there was nothing to measure. */
  value: real('value'),
  evaluatedAtMs: integer('evaluated_at_ms').notNull(),
})

/** What log records say that a limit took of a subject in a window: nano-dollars for cost. */
export const limitSums = sqliteTable(
  'limit_sums',
  {
    policyId: text('policy_id').notNull(),
    subject: text('subject').notNull(),
    windowStartMs: integer('window_start_ms').notNull(),
    scope: text('scope').notNull(),
    name: text('name').notNull(),
    metric: text('metric').notNull(),
    window: text('window').notNull(),
    amount: integer('amount').notNull(),
    updatedAtMs: integer('updated_at_ms').notNull(),
    /** What the ledger said, when it was last compared; null before. */
    ledgerAmount: integer('ledger_amount'),
    /** What `updated_at_ms` was then. */
    comparedAtMs: integer('compared_at_ms'),
  },
  (table) => [
    primaryKey({ columns: [table.policyId, table.subject, table.windowStartMs] }),
    index('limit_sums_by_time').on(table.updatedAtMs),
  ],
)
