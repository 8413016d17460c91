import type { FinishReason } from '../answer'

/** OpenAI's reasons, and what compatible servers say instead. */
const DECODED: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop_sequence'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['model_length', 'context_length'],
  ['tool_calls', 'tool_calls'],
  ['tool_use', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
  ['sensitive', 'content_filter'],
  ['safety', 'content_filter'],
  ['refusal', 'refusal'],
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
}

/** Many servers say `stop` behind a tool call too, and OpenAI does behind a refusal. */
export function decodeFinish(reason: string, { hasCalls, hasRefusal }: Held): FinishReason {
  const finish = DECODED.get(reason) ?? 'other'
  if (finish !== 'stop') return finish
  if (hasCalls) return 'tool_calls'
  return hasRefusal ? 'refusal' : 'stop'
}

/** `finish_reason`; a refusal that the message tells in its own field ends with `stop`. */
export function encodeFinish(reason: FinishReason, { hasRefusal }: Pick<Held, 'hasRefusal'>): string {
  return reason === 'refusal' && hasRefusal ? 'stop' : ENCODED[reason]
}
