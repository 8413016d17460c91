import type { FinishReason } from '../answer'
import { entryOf, fieldsOf, textOf } from '../fields'

const FINISHES: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop_sequence',
  max_tokens: 'length',
  tool_use: 'tool_calls',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
  malformed_tool_use: 'malformed_tool_call',
  malformed_model_output: 'other',
  model_context_window_exceeded: 'context_length',
  // Of the models' own, which Converse may pass through.
  refusal: 'refusal',
  pause_turn: 'pause',
}

/** Why an answer ended, as a `messageStop` or a whole reply tells it. */
export function finishOf(fields: Record<string, unknown>): {
  reason: FinishReason
  stopSequence: string | undefined
} {
  const extra = fieldsOf(fields.additionalModelResponseFields)
  const stopSequence = textOf(extra.stop_sequence) ?? textOf(fieldsOf(extra.delta).stop_sequence)
  return { reason: entryOf(FINISHES, textOf(fields.stopReason) ?? '') ?? 'other', stopSequence }
}
