/** What a field holds decides which operators it has, and how a value is read. */
export type FieldType = 'text' | 'number' | 'boolean' | 'time'

/** A field of a log row by which logs can be found. */
export interface Field {
  /** An expression over `request_logs`. */
  sql: string
  type: FieldType
  /** What is stored for one of the API's unit: a dollar is a billion, a second a thousand. */
  scale?: number
  /** Its column leads an index; of several such fields the one with the lowest rank finds the fewest rows. */
  rank?: number
  /** What else holds, in the words of a partial index, where a value is asked for. */
  implied?: Readonly<Record<string, string>>
}

const UNFINISHED = "ending <> 'completed'"
const OF_TESTS = "environment = 'test'"
const NANO = 1_000_000_000
const MILLI = 1_000
const PROMPT_TOKENS = `(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0)
  + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0))`

/** The fields of a log that filters know, by their names in the API. */
export const FIELDS: Readonly<Record<string, Field>> = {
  id: indexed('id', 0),
  unique_id: indexed('id', 0),
  trace_unique_id: indexed('trace_id', 1),
  custom_identifier: indexed('custom_identifier', 2),
  thread_identifier: indexed('thread_identifier', 3),
  customer_identifier: indexed('customer_identifier', 4),
  group_identifier: indexed('group_identifier', 5),
  prompt_id: indexed('prompt_id', 6),
  organization_key_id: indexed('api_key_id', 7),
  model: indexed('model', 8),
  ...texts('customer_email', 'customer_name', 'provider_id', 'prompt_name', 'prompt_label', 'trace_name'),
  ...texts('trace_group_identifier', 'session_identifier', 'span_name', 'span_path'),
  ...texts('log_type', 'protocol', 'error_code', 'error_message', 'finish_reason', 'response_id'),
  ...texts('credential_kind', 'usage_source', 'price_status', 'user_agent', 'note', 'category'),
  ...texts('cache_key', 'cache_status', 'replay_of'),
  deployment_name: text('upstream_model'),
  organization_key_name: text('api_key_name'),
  span_unique_id: text('span_id'),
  span_parent_id: text('parent_span_id'),
  span_workflow_name: text('workflow_name'),
  request_url_path: text('path'),
  log_method: text("coalesce(log_method, 'gateway')"),
  environment: { ...text('environment'), implied: { test: OF_TESTS } },
  ending: { ...text('ending'), implied: { failed: UNFINISHED, cancelled: UNFINISHED } },
  status: {
    ...text("(case ending when 'completed' then 'success' else 'error' end)"),
    implied: { error: UNFINISHED },
  },
  status_code: number('status_code'),
  cost: number('cost_nano_usd', NANO),
  saved_cost: number('saved_nano_usd', NANO),
  latency: number('latency_ms', MILLI),
  time_to_first_token: number('time_to_first_token_ms', MILLI),
  routing_time: number('routing_ms', MILLI),
  cache_age: number('cache_age_ms', MILLI),
  tokens_per_second: number('(output_tokens * 1000.0 / nullif(latency_ms, 0))'),
  prompt_tokens: number(PROMPT_TOKENS),
  completion_tokens: number('output_tokens'),
  total_request_tokens: number(`(${PROMPT_TOKENS} + coalesce(output_tokens, 0))`),
  reasoning_tokens: number('reasoning_tokens'),
  prompt_version_number: number('prompt_version'),
  temperature: number('temperature'),
  max_tokens: number('max_tokens'),
  stream: boolean('stream'),
  failed: { ...boolean("(ending = 'failed')"), implied: { true: UNFINISHED } },
  is_test: { ...boolean("(environment = 'test')"), implied: { true: OF_TESTS } },
  cache_hit: boolean("(coalesce(cache_status, 'miss') <> 'miss')"),
  positive_feedback: boolean('positive_feedback'),
  is_pinned: boolean('coalesce(is_pinned, 0)'),
  timestamp: { sql: 'ended_at_ms', type: 'time' },
  start_time: { sql: 'started_at_ms', type: 'time' },
}

/** What logs can be sorted by; one without a value counts as the smallest. */
export const SORTS: Readonly<Record<string, string>> = {
  id: 'started_at_ms',
  timestamp: 'started_at_ms',
  start_time: 'started_at_ms',
  cost: 'coalesce(cost_nano_usd, -1)',
  latency: 'latency_ms',
  time_to_first_token: 'coalesce(time_to_first_token_ms, -1)',
  prompt_tokens: PROMPT_TOKENS,
  completion_tokens: 'coalesce(output_tokens, -1)',
  all_tokens: `(${PROMPT_TOKENS} + coalesce(output_tokens, 0))`,
  tokens_per_second: 'coalesce(output_tokens * 1000.0 / nullif(latency_ms, 0), -1)',
}

function text(sql: string): Field {
  return { sql, type: 'text' }
}

function indexed(sql: string, rank: number): Field {
  return { sql, type: 'text', rank }
}

function texts(...names: string[]): Record<string, Field> {
  return Object.fromEntries(names.map((name) => [name, text(name)]))
}

function number(sql: string, scale?: number): Field {
  return { sql, type: 'number', ...(scale === undefined ? {} : { scale }) }
}

function boolean(sql: string): Field {
  return { sql, type: 'boolean' }
}
