import type { Answer } from '../answer'
import type { JsonObject } from '../chat-request'
import type { Told } from '../dialect'
import { bodyOf, fieldsOf } from '../fields'
import { proofOf } from '../proofs'
import { fakeId } from '../tokens'
import { answerOf, objectOf } from '../told'
import { countsOf, type Usage } from '../usage'

/** OpenAI's finish reasons and some more, in Anthropic's words. */
const STOP_REASONS: Record<string, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
  pause: 'pause_turn',
  context_length: 'model_context_window_exceeded',
}

/** A whole Message. */
export function message(told: Told): JsonObject {
  const answer = answerOf(told)
  return {
    ...envelope(told),
    content: blocksOf(told, answer),
    ...endOf(told, answer),
    usage: told.usage === null ? undefined : messageUsage(told.usage),
    ...told.extraFields,
  }
}

/** The members that stand before the content, with it empty. */
export function envelope({ callId, request }: Told): JsonObject {
  const id = fakeId('msg_01', 22, callId)
  return { id, type: 'message', role: 'assistant', model: request.model, content: [], container: null }
}

/** Whether the thinking is told by its signature only, with an empty text. */
export function isOmitted({ call }: Told): boolean {
  return fieldsOf(bodyOf(call)['thinking'])['display'] === 'omitted'
}

/** Why the message ended. */
export function endOf({ call }: Told, { finishReason, refusal }: Answer): JsonObject {
  const isRefused = refusal.length > 0 && finishReason === 'stop'
  const stop_reason = isRefused ? 'refusal' : (STOP_REASONS[finishReason] ?? finishReason)
  const stops = bodyOf(call)['stop_sequences']
  const stop_sequence = stop_reason === 'stop_sequence' && Array.isArray(stops) ? String(stops[0]) : null
  const stop_details =
    stop_reason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null
  return { stop_reason, stop_sequence, stop_details }
}

/** The usage of a whole message. */
export function messageUsage(usage: Usage): JsonObject {
  const { written, written1h } = countsOf(usage)
  const { input_tokens, output_tokens, ...details } = deltaUsage(usage)
  return {
    input_tokens,
    ...details,
    cache_creation: { ephemeral_5m_input_tokens: written - written1h, ephemeral_1h_input_tokens: written1h },
    output_tokens,
    service_tier: 'standard',
    inference_geo: 'not_available',
  }
}

/** The usage at the end of a stream. */
export function deltaUsage(usage: Usage): JsonObject {
  const { fresh, cached, written, output, reasoning } = countsOf(usage)
  return {
    input_tokens: fresh,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    output_tokens: output,
    output_tokens_details: reasoning === 0 ? undefined : { thinking_tokens: reasoning },
  }
}

function blocksOf(told: Told, { reasoning, isRedacted, refusal, content, toolCalls }: Answer): JsonObject[] {
  const thought = reasoning.join('')
  const said = [...refusal, ...content].join('')
  const thinking: JsonObject[] = isRedacted
    ? [{ type: 'redacted_thinking', data: proofOf('redacted', thought) }]
    : [
        {
          type: 'thinking',
          thinking: isOmitted(told) ? '' : thought,
          signature: proofOf('anthropic', thought),
        },
      ]
  return [
    ...(thought === '' ? [] : thinking),
    ...(said === '' ? [] : [{ type: 'text', text: said, citations: null }]),
    ...toolCalls.map(({ id, name, arguments: json }) => ({
      type: 'tool_use',
      id,
      name,
      input: objectOf(json),
      caller: { type: 'direct' },
    })),
  ]
}
