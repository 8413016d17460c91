import * as z from 'zod'

const MAX_IDENTIFIER_LENGTH = 254

/** What a log may be of (compatibility document, A12.1). */
export const LOG_TYPES = [
  ...['chat', 'text', 'completion', 'response', 'embedding', 'transcription', 'speech', 'generation'],
  ...['workflow', 'task', 'tool', 'agent', 'handoff', 'guardrail', 'function', 'custom', 'unknown'],
  ...['score', 'batch'],
] as const

const identifier = z
  .union([z.string(), z.number()], 'must be a text or a number')
  .transform((value) => String(value).slice(0, MAX_IDENTIFIER_LENGTH))
  .nullish()
const text = z.string('must be a text').nullish()
const flag = z.boolean('must be true or false').nullish()
const amount = z.number('must be a number').nonnegative('must not be negative').nullish()
const count = z.int('must be a whole number').nonnegative('must not be negative').nullish()
const number = z.number('must be a number').nullish()
const fields = z.record(z.string(), z.unknown(), 'must be an object').nullish()
const list = z.array(z.unknown(), 'must be a list').nullish()
const messages = z
  .array(z.record(z.string(), z.unknown(), 'must be an object'), 'must be a list of messages')
  .nullish()
const time = z
  .string('must be an ISO 8601 time such as 2026-11-21T09:30:00Z')
  .transform(parseTime)
  .refine((ms) => Number.isFinite(ms), 'must be an ISO 8601 time such as 2026-11-21T09:30:00Z')
  .nullish()

const io = {
  log_type: z.enum(LOG_TYPES, `must be one of ${LOG_TYPES.join(', ')}`).nullish(),
  prompt_messages: messages,
  messages,
  completion_message: fields,
  completion_messages: messages,
  tool_calls: list,
}
const modelParameters = {
  ...{ model: text, provider_id: text, stream: flag, tools: list, parallel_tool_calls: flag, echo: flag },
  ...{ temperature: number, top_p: number, frequency_penalty: number, presence_penalty: number },
  ...{ max_tokens: count, max_completion_tokens: count, n: count, timeout: number, reasoning_effort: text },
}
const telemetry = {
  ...{ usage: fields, prompt_tokens: count, completion_tokens: count, prompt_cache_hit_tokens: count },
  ...{ prompt_cache_creation_tokens: count, cost: amount, latency: amount, generation_time: amount },
  ...{ time_to_first_token: amount, ttft: amount, tokens_per_second: amount },
  ...{ prompt_unit_price: amount, completion_unit_price: amount },
}
const identity = {
  ...{ customer_identifier: identifier, customer_email: text, customer_name: text },
  customer_params: z
    .looseObject({ customer_identifier: identifier, name: text, email: text }, 'must be an object')
    .nullish(),
  ...{ thread_identifier: identifier, custom_identifier: identifier, group_identifier: identifier },
  ...{ evaluation_identifier: identifier, metadata: fields, properties: fields },
}
const tracing = {
  ...{ trace_unique_id: identifier, trace_name: text, trace_group_identifier: identifier },
  ...{
    session_identifier: identifier,
    span_unique_id: identifier,
    span_name: text,
    span_parent_id: identifier,
  },
  ...{ span_path: text, span_workflow_name: text, span_handoffs: list, span_tools: list },
}
const status = {
  status_code: z.int('must be a whole number').min(0).max(999).nullish(),
  status: z.enum(['success', 'error'], 'must be success or error').nullish(),
  error_message: text,
}
const others = {
  ...{ prompt_id: text, prompt_name: text, prompt_version_number: count, is_custom_prompt: flag },
  ...{ variables: fields, timestamp: time, start_time: time, positive_feedback: flag, note: text },
  ...{ category: text, disable_log: flag },
  respan_api_controls: z.looseObject({ block: flag }, 'must be an object').nullish(),
}

/**
 * A log of a call that did not go through the gateway, as its sender tells it (compatibility document, A12.1). Nothing
 * has to be there, and a field that is not known is kept beside the bodies.
 */
export const givenLogSchema = z.looseObject(
  { ...io, ...modelParameters, ...telemetry, ...identity, ...tracing, ...status, ...others },
  'must be an object with the fields of a log',
)

/** A log as it was given; times in milliseconds since 1970. */
export type GivenLog = z.infer<typeof givenLogSchema>

// A time without a zone is what Python's `utcnow().isoformat()` gives.
function parseTime(value: string): number {
  const hasZone = /(?:z|[+-]\d{2}:?\d{2})$/i.test(value)
  return Date.parse(hasZone || !value.includes('T') ? value : `${value}Z`)
}
