import type { FinishReason } from '../answer'
import { fieldsOf, textOf } from '../fields'
import type { Part } from '../parts'

const REASONS: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop_sequence'],
  ['max_tokens', 'length'],
  ['tool_use', 'tool_calls'],
  ['pause_turn', 'pause'],
  ['refusal', 'refusal'],
  ['model_context_window_exceeded', 'context_length'],
])

const STOP_REASONS: Record<FinishReason, string> = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  pause: 'pause_turn',
  refusal: 'refusal',
  content_filter: 'refusal',
  context_length: 'model_context_window_exceeded',
  // The protocol has no word for these: the turn is over.
  malformed_tool_call: 'end_turn',
  other: 'end_turn',
}

/** Why an answer ended, in canonical words; a reason that is not known is `other`. */
export function decodeStopReason(reason: unknown): FinishReason {
  return REASONS.get(textOf(reason) ?? '') ?? 'other'
}

/** In the protocol's words: a refusal always shows, and clients run tools only when the reason says so. */
export function encodeStopReason(reason: FinishReason, has: { refusal: boolean; calls: boolean }): string {
  if (has.refusal) return 'refusal'
  return has.calls && reason === 'stop' ? 'tool_use' : STOP_REASONS[reason]
}

/** What the provider says about a refusal, where the answer itself says nothing. */
export function refusalOf(fields: Record<string, unknown>): Part | undefined {
  const explanation = textOf(fieldsOf(fields.stop_details).explanation)
  const isRefusal = fields.stop_reason === 'refusal' && explanation !== undefined
  return isRefusal ? { kind: 'refusal', text: explanation } : undefined
}
