import type { Json, JsonObject } from '../chat-request'
import { servedModel } from '../completion'
import type { Told } from '../dialect'
import { bodyOf, fieldsOf } from '../fields'
import { fakeId } from '../tokens'
import { answerOf } from '../told'
import { outputItems } from './items'
import { inputToKeep } from './request'

/** A whole response. It is kept, unless the request says otherwise; one in the background is queued first. */
export function response(told: Told): JsonObject {
  const whole = { ...frame(told), ...endOf(told), ...told.extraFields }
  keep(told, whole)
  if (bodyOf(told.call)['background'] !== true) return whole
  return { ...frame(told), status: 'queued' }
}

/** Keeps a response for those who come back for it. */
export function keep(told: Told, whole: JsonObject): void {
  if (bodyOf(told.call)['store'] === false) return
  told.store.responses.set(responseId(told.callId), { response: whole, input: inputToKeep(told) })
}

/** How a response ends: its output, and what was used. */
export function endOf(told: Told): JsonObject {
  const { finishReason } = answerOf(told)
  const reason = { length: 'max_output_tokens', content_filter: 'content_filter' }[finishReason]
  const { usage } = told
  return {
    status: reason === undefined ? 'completed' : 'incomplete',
    completed_at: reason === undefined ? seconds() : null,
    incomplete_details: reason === undefined ? null : { reason },
    output: outputItems(told).map(({ whole }) => whole),
    usage: usage === null ? null : usageOf(usage),
  }
}

/** A response that has just begun, with what it was asked. */
export function frame({ call, callId, request }: Told): JsonObject {
  const body = JSON.parse(JSON.stringify(bodyOf(call)))
  const asked = (name: string, usual: Json): Json => body[name] ?? usual
  const effort = fieldsOf(body['reasoning'])['effort']
  const summary = fieldsOf(body['reasoning'])['summary']
  return {
    id: responseId(callId),
    object: 'response',
    created_at: seconds(),
    status: 'in_progress',
    background: asked('background', false),
    completed_at: null,
    error: null,
    frequency_penalty: 0,
    incomplete_details: null,
    instructions: asked('instructions', null),
    max_output_tokens: asked('max_output_tokens', null),
    max_tool_calls: null,
    model: servedModel(request.model),
    output: [],
    parallel_tool_calls: asked('parallel_tool_calls', true),
    presence_penalty: 0,
    previous_response_id: asked('previous_response_id', null),
    prompt_cache_key: asked('prompt_cache_key', null),
    reasoning: {
      effort: typeof effort === 'string' ? effort : null,
      summary: typeof summary === 'string' ? summary : null,
    },
    safety_identifier: asked('safety_identifier', null),
    service_tier: 'default',
    store: asked('store', true),
    temperature: asked('temperature', 1),
    text: { format: { type: 'text' }, verbosity: 'medium', ...body['text'] },
    tool_choice: asked('tool_choice', 'auto'),
    tools: asked('tools', []),
    top_logprobs: asked('top_logprobs', 0),
    top_p: asked('top_p', 1),
    truncation: asked('truncation', 'disabled'),
    usage: null,
    user: asked('user', null),
    metadata: asked('metadata', {}),
  }
}

/** The id of the response to a call. */
export function responseId(callId: number): string {
  return fakeId('resp_', 48, callId)
}

function usageOf(usage: NonNullable<Told['usage']>): JsonObject {
  const { cached_tokens, cache_write_tokens } = usage.prompt_tokens_details
  return {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: { cached_tokens, cache_write_tokens },
    output_tokens: usage.completion_tokens,
    output_tokens_details: { reasoning_tokens: usage.completion_tokens_details.reasoning_tokens },
    total_tokens: usage.total_tokens,
  }
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
