import { protocols } from '../../protocols/table'
import { otelProviderName } from '../../providers/otel-names'
import type { LogRecord } from '../log-record'
import { contentOf, settingsOf } from './content'
import type { SpanOptions } from './spans'
import type { AttributeValue } from './values'

const NANO_USD_PER_USD = 1_000_000_000
const MAX_METADATA_LENGTH = 1_000

/** The conventions' names of operations by the log's; any other log type is its own. */
const OPERATIONS: Readonly<Record<string, string>> = {
  response: 'chat',
  embedding: 'embeddings',
  completion: 'text_completion',
  text: 'text_completion',
  tool: 'execute_tool',
  function: 'execute_tool',
  agent: 'invoke_agent',
  workflow: 'invoke_workflow',
}

/** The attributes of a request's span, and what it does in one word. */
export function requestAttributes(
  record: LogRecord,
  { costNanoUsd, hasContent }: SpanOptions,
): { operation: string; values: Record<string, AttributeValue> } {
  const operation =
    record.protocol === protocols.gemini.id
      ? 'generate_content'
      : (OPERATIONS[record.logType] ?? record.logType)
  return {
    operation,
    values: {
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name':
        record.providerId === undefined ? undefined : otelProviderName(record.providerId),
      'gen_ai.request.model': record.model,
      'gen_ai.request.stream': record.stream,
      'gen_ai.response.model': record.upstreamModel,
      'gen_ai.response.id': record.responseId,
      'gen_ai.response.finish_reasons': record.finishReason === undefined ? undefined : [record.finishReason],
      'gen_ai.response.time_to_first_chunk':
        record.timeToFirstTokenMs === undefined ? undefined : record.timeToFirstTokenMs / 1_000,
      'gen_ai.conversation.id': record.tags.threadIdentifier ?? record.trace?.sessionIdentifier,
      'gen_ai.prompt.name': record.prompt?.name,
      'gen_ai.workflow.name': record.trace?.workflowName,
      ...settingsOf(record),
      ...usageAttributes(record),
      'gen_ai.usage.cost': costNanoUsd === null ? undefined : costNanoUsd / NANO_USD_PER_USD,
      'error.type': record.ending === 'failed' ? (record.errorCode ?? String(record.statusCode)) : undefined,
      'http.request.method': record.method,
      'url.path': record.path,
      'http.response.status_code': record.statusCode,
      'user_agent.original': record.userAgent,
      'user.id': record.tags.customerIdentifier,
      ...ownAttributes(record),
      ...(hasContent ? contentOf(record) : {}),
    },
  }
}

// The conventions count what a cache served or took as input.
function usageAttributes({ usage }: LogRecord): Record<string, AttributeValue> {
  if (usage === undefined) return {}
  const written = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
  return {
    'gen_ai.usage.input_tokens': usage.inputTokens + usage.cacheReadTokens + written,
    'gen_ai.usage.output_tokens': usage.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': usage.cacheReadTokens,
    'gen_ai.usage.cache_creation.input_tokens': written,
    'gen_ai.usage.reasoning.output_tokens': usage.reasoningTokens,
  }
}

/** What the conventions have no names for. */
function ownAttributes(record: LogRecord): Record<string, AttributeValue> {
  const { tags, cache, prompt } = record
  return {
    'sluice.log.id': record.id,
    'sluice.log.type': record.logType,
    'sluice.environment': record.environment,
    'sluice.api_key.id': record.apiKeyId,
    'sluice.api_key.name': record.apiKeyName,
    'sluice.ending': record.ending,
    'sluice.attempts': record.attempts.length,
    'sluice.usage.source': record.usageSource,
    'sluice.cache.status': cache?.status,
    'sluice.cache.age': cache?.ageMs === undefined ? undefined : cache.ageMs / 1_000,
    'sluice.replay_of': record.replayOf,
    'sluice.routing_time': record.routingMs / 1_000,
    'sluice.dropped': record.dropped.length === 0 ? undefined : record.dropped,
    'sluice.limits.is_allowed': record.limitInfo?.isAllowed,
    'sluice.prompt.id': prompt?.id,
    'sluice.prompt.version': prompt?.version,
    'sluice.custom_identifier': tags.customIdentifier,
    'sluice.group_identifier': tags.groupIdentifier,
    'sluice.trace_group_identifier': record.trace?.traceGroupIdentifier,
    ...Object.fromEntries(
      Object.entries(tags.metadata ?? {}).map(([key, value]) => [`sluice.metadata.${key}`, textOf(value)]),
    ),
  }
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.slice(0, MAX_METADATA_LENGTH)
}
