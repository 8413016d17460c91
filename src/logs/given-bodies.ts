import { fieldsOf, jsonOf, listOf } from '../protocols/fields'
import type { GivenLog } from './given-log'

/** What the bodies of a log are in that its sender told field by field. */
export const GIVEN_PROTOCOL = 'log'

/** Fields that say what came back; they are in the response body. */
const ANSWER_FIELDS: ReadonlySet<string> = new Set([
  ...['output', 'completion_message', 'completion_messages', 'full_response', 'tool_calls', 'reasoning'],
  ...['ideal_output', 'audio_output_file', 'embedding'],
])
/** Fields that have a column in the row, so that a body need not hold them. */
const COLUMN_FIELDS: ReadonlySet<string> = new Set([
  ...['log_type', 'model', 'provider_id', 'stream', 'usage', 'prompt_tokens', 'completion_tokens', 'cost'],
  ...['prompt_cache_hit_tokens', 'prompt_cache_creation_tokens', 'latency', 'generation_time', 'ttft'],
  ...['time_to_first_token', 'tokens_per_second', 'customer_identifier', 'customer_email', 'customer_name'],
  ...['customer_params', 'thread_identifier', 'custom_identifier', 'group_identifier', 'metadata'],
  ...['properties', 'trace_unique_id', 'trace_name', 'trace_group_identifier', 'session_identifier'],
  ...['span_unique_id', 'span_name', 'span_parent_id', 'span_path', 'span_workflow_name', 'status_code'],
  ...['status', 'error_message', 'prompt_id', 'prompt_name', 'prompt_version_number', 'timestamp'],
  ...['start_time', 'positive_feedback', 'note', 'category', 'disable_log', 'respan_api_controls'],
])

/** What goes into the two bodies of a given log; undefined for a side that says nothing. */
export function givenBodies(
  given: GivenLog,
  withheld: ReadonlySet<string>,
): Record<'request' | 'response', Record<string, unknown> | undefined> {
  const told = Object.entries(given).filter(
    ([name, value]) =>
      !COLUMN_FIELDS.has(name) && !withheld.has(name) && value !== undefined && value !== null,
  )
  const request = told
    .filter(([name]) => !ANSWER_FIELDS.has(name) && name !== 'messages')
    .map(([name, value]) => [name, name === 'full_request' ? without(value, withheld) : value] as const)
  const response = told.filter(([name]) => ANSWER_FIELDS.has(name))
  const messages = given.prompt_messages ?? given.messages
  return {
    request: objectOf([
      ...request,
      ...(messages === undefined || messages === null ? [] : [['prompt_messages', messages] as const]),
    ]),
    response: objectOf(response),
  }
}

/** The same as a request and a reply of chat completions, as far as they say it: for what reads those. */
export function chatOfGiven(bodies: Record<'request' | 'response', unknown>) {
  const request = fieldsOf(bodies.request)
  const response = fieldsOf(bodies.response)
  const fullRequest = fieldsOf(request.full_request)
  const fullReply = fieldsOf(response.full_response)
  const several = listOf(response.completion_messages)
  const one = response.completion_message === undefined ? [] : [response.completion_message]
  const completions = several.length > 0 ? several : one
  const inFull = listOf(fullReply.choices).map((choice) => fieldsOf(choice).message)
  return {
    messages: listOf(request.prompt_messages ?? fullRequest.messages),
    completions: completions.length > 0 ? completions : inFull,
    tools: request.tools ?? fullRequest.tools ?? null,
    toolChoice: request.tool_choice ?? fullRequest.tool_choice ?? null,
  }
}

/** The bodies of a given log under the names that it was given with. */
export function presentGivenBodies(
  bodies: Record<'request' | 'response', Uint8Array | undefined>,
  taken: object,
) {
  const request = fieldsOf(valueOf(bodies.request))
  const response = fieldsOf(valueOf(bodies.response))
  const { messages, completions, tools, toolChoice } = chatOfGiven({ request, response })
  const extras = Object.entries({ ...request, ...response }).filter(([name]) => !Object.hasOwn(taken, name))
  return {
    ...Object.fromEntries(extras),
    ...(request.variables === undefined ? {} : { variables: request.variables }),
    full_request: request.full_request ?? null,
    full_response: response.full_response ?? null,
    response_stream: null,
    prompt_messages: messages,
    completion_message: completions[0] ?? null,
    completion_messages: completions,
    input: textOr(request.input, messages.length === 0 ? undefined : messages),
    output: textOr(response.output, completions[0]),
    tools,
    tool_choice: toolChoice,
  }
}

// Both are kept as they came and shown as text, as the hosted gateway does.
function textOr(value: unknown, other: unknown): string | null {
  const shown = value ?? other
  if (shown === undefined) return null
  return typeof shown === 'string' ? shown : JSON.stringify(shown)
}

function without(value: unknown, withheld: ReadonlySet<string>): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => !withheld.has(name)))
}

function objectOf(entries: (readonly [string, unknown])[]): Record<string, unknown> | undefined {
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

function valueOf(bytes: Uint8Array | undefined): unknown {
  return bytes === undefined ? undefined : jsonOf(new TextDecoder().decode(bytes))
}
