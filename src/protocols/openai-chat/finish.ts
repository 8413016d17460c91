import type { FinishReason } from '../answer'
import { textOf } from '../fields'

/** OpenAI's reasons, and what compatible servers say instead. */
const DECODED: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['eos_token', 'stop'],
  ['complete', 'stop'],
  ['completed', 'stop'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop_sequence'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['max_output_tokens', 'length'],
  ['model_length', 'context_length'],
  ['model_context_window_exceeded', 'context_length'],
  ['tool_calls', 'tool_calls'],
  ['tool_call', 'tool_calls'],
  ['tool_use', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
  ['sensitive', 'content_filter'],
  ['safety', 'content_filter'],
  ['refusal', 'refusal'],
  ['pause_turn', 'pause'],
  ['malformed_function_call', 'malformed_tool_call'],
])

/** `error` is no reason of OpenAI's, but what gateways say where none of them is true. */
const ENCODED = {
  stop: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  content_filter: 'content_filter',
  refusal: 'content_filter',
  pause: 'stop',
  context_length: 'length',
  malformed_tool_call: 'error',
  other: 'error',
} as const satisfies Record<FinishReason, string>

/** What an answer holds that says more of its end than the reason does. */
export interface Held {
  hasCalls: boolean
  hasRefusal: boolean
  stopSequence?: string | undefined
}

/** The reason that a choice tells; undefined while it goes on, for which some servers write '' or the word null. */
export function finishReasonOf({
  finish_reason: reason,
}: Readonly<Record<string, unknown>>): string | undefined {
  return reason === 'null' ? undefined : textOf(reason)
}

/** The text that stopped a choice, where vLLM and SGLang tell it; a number is a token of the model's own. */
export function stopSequenceOf(choice: Readonly<Record<string, unknown>>): string | undefined {
  return textOf(choice.stop_reason) ?? textOf(choice.matched_stop)
}

/** Many servers say `stop` behind a tool call too, and OpenAI does behind a refusal. */
export function decodeFinish(reason: string, { hasCalls, hasRefusal, stopSequence }: Held): FinishReason {
  const finish = DECODED.get(reason.toLowerCase()) ?? 'other'
  if (finish !== 'stop') return finish
  if (hasCalls) return 'tool_calls'
  if (hasRefusal) return 'refusal'
  return stopSequence === undefined ? 'stop' : 'stop_sequence'
}

/** `finish_reason`; a refusal that the message tells in its own field ends with `stop`. */
export function encodeFinish(reason: FinishReason, { hasRefusal }: Pick<Held, 'hasRefusal'>): string {
  return reason === 'refusal' && hasRefusal ? 'stop' : ENCODED[reason]
}
