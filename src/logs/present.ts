import type { StoredAttempt, StoredLimitInfo } from '../platform/logs-schema'
import type { LogRow } from './query'

const NANO_PER_UNIT = 1_000_000_000
/** What a kept answer's row calls its model (compatibility document, A5.2); the model itself is beside it. */
const CACHE_MODEL = 'respan/cache'

/** A log row under Respan's names (compatibility document, A12.2), with ours beside them. */
export function presentLog(row: LogRow) {
  const promptTokens = total(
    row.inputTokens,
    row.cacheReadTokens,
    row.cacheWrite5mTokens,
    row.cacheWrite1hTokens,
  )
  const tokens = total(promptTokens, row.outputTokens)
  const latency = row.latencyMs / 1_000
  return {
    id: row.id,
    unique_id: row.id,
    log_type: row.logType,
    protocol: row.protocol,
    status: row.ending === 'completed' ? 'success' : 'error',
    ending: row.ending,
    failed: row.ending === 'failed',
    status_code: row.statusCode,
    error_code: row.errorCode,
    error_message: row.errorMessage ?? '',
    timestamp: new Date(row.endedAtMs).toISOString(),
    start_time: new Date(row.startedAtMs).toISOString(),
    environment: row.environment,
    is_test: row.environment === 'test',
    organization_key_id: row.apiKeyId,
    organization_key_name: row.apiKeyName,
    request_url_path: row.path,
    user_agent: row.userAgent,
    model: row.cacheStatus === 'hit' ? CACHE_MODEL : row.model,
    deployment_name: row.upstreamModel,
    provider_id: row.providerId,
    credential_kind: row.credentialKind,
    replay_of: row.replayOf,
    stream: row.stream,
    finish_reason: row.finishReason,
    response_id: row.responseId,
    prompt_tokens: promptTokens,
    completion_tokens: row.outputTokens,
    total_request_tokens: tokens,
    usage: usageOf(row),
    usage_source: row.usageSource,
    cost: row.costNanoUsd === null ? null : row.costNanoUsd / NANO_PER_UNIT,
    cost_nano_usd: row.costNanoUsd,
    price_status: row.priceStatus,
    latency,
    time_to_first_token: row.timeToFirstTokenMs === null ? null : row.timeToFirstTokenMs / 1_000,
    tokens_per_second: row.outputTokens === null || latency === 0 ? null : row.outputTokens / latency,
    routing_time: row.routingMs / 1_000,
    attempts: row.attempts.map(presentAttempt),
    ignored_parameters: row.dropped ?? [],
    ...tagsOf(row),
    log_method: row.logMethod ?? 'gateway',
    ...cacheOf(row),
    ...promptOf(row),
    ...traceOf(row),
    respan_params: { limit_info: presentLimits(row.limitInfo) },
  }
}

function tagsOf(row: LogRow) {
  return {
    customer_identifier: row.customerIdentifier,
    customer_email: row.customerEmail,
    customer_name: row.customerName,
    thread_identifier: row.threadIdentifier,
    custom_identifier: row.customIdentifier,
    group_identifier: row.groupIdentifier,
    metadata: row.metadata ?? {},
    properties: row.properties ?? {},
    note: row.note,
    category: row.category,
    positive_feedback: row.positiveFeedback,
    is_pinned: row.isPinned ?? false,
    temperature: row.temperature,
    max_tokens: row.maxTokens,
  }
}

function cacheOf(row: LogRow) {
  return {
    cache_hit: row.cacheStatus === 'hit' || row.cacheStatus === 'joined',
    cache_bit: Number(row.cacheStatus === 'hit' || row.cacheStatus === 'joined'),
    cache_miss_bit: Number(row.cacheStatus === 'miss'),
    cache_status: row.cacheStatus,
    cached_model: row.cacheStatus === 'hit' ? row.model : null,
    cache_key: row.cacheKey,
    cache_age: row.cacheAgeMs === null ? null : row.cacheAgeMs / 1_000,
    saved_cost: row.savedNanoUsd === null ? null : row.savedNanoUsd / NANO_PER_UNIT,
  }
}

function promptOf(row: LogRow) {
  return {
    prompt_id: row.promptId,
    prompt_name: row.promptName,
    prompt_version_number: row.promptVersion,
    prompt_label: row.promptLabel,
    variables: row.promptVariables,
  }
}

function traceOf(row: LogRow) {
  return {
    trace_unique_id: row.traceId,
    trace_name: row.traceName,
    trace_group_identifier: row.traceGroupIdentifier,
    session_identifier: row.sessionIdentifier,
    span_unique_id: row.spanId,
    span_parent_id: row.parentSpanId,
    span_name: row.spanName,
    span_path: row.spanPath,
    span_workflow_name: row.workflowName,
  }
}

function presentLimits(info: StoredLimitInfo | null) {
  if (info === null) return null
  return {
    is_allowed: info.isAllowed,
    limits: info.limits.map((limit) => ({
      ...{ name: limit.name, scope: limit.scope, metric: limit.metric },
      ...{ window: limit.window, action: limit.action },
      current_value: limit.currentValue,
      new_value: limit.newValue,
      limit_value: limit.limitValue,
      is_within_limit: limit.isWithinLimit,
    })),
  }
}

function presentAttempt(attempt: StoredAttempt) {
  return {
    provider_id: attempt.providerId,
    model: attempt.model,
    deployment_name: attempt.upstreamModel,
    credential_kind: attempt.credentialKind,
    start_time: new Date(attempt.startedAtMs).toISOString(),
    latency: attempt.latencyMs / 1_000,
    status_code: attempt.statusCode,
    error_code: attempt.errorCode ?? null,
    error_message: attempt.errorMessage ?? '',
    reason: attempt.reason ?? null,
    is_retry: attempt.isRetry ?? false,
    error_class: attempt.errorClass ?? null,
    retry_after: seconds(attempt.retryAfterMs),
    waited: seconds(attempt.waitedMs) ?? 0,
  }
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000
}

function usageOf(row: LogRow) {
  if (row.usageSource === null) return null
  return {
    input_tokens: row.inputTokens,
    cache_read_tokens: row.cacheReadTokens,
    cache_write_5m_tokens: row.cacheWrite5mTokens,
    cache_write_1h_tokens: row.cacheWrite1hTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    audio_input_tokens: row.audioInputTokens,
    audio_output_tokens: row.audioOutputTokens,
  }
}

function total(...counts: (number | null)[]): number | null {
  return counts.every((count) => count === null)
    ? null
    : counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
}
