import type { FinishReason } from '../answer'

/** Google's finish reasons in canonical words (Gemini API reference, "FinishReason"). */
const DECODED: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  LANGUAGE: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  MODEL_ARMOR: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
  MALFORMED_FUNCTION_CALL: 'malformed_tool_call',
  MALFORMED_RESPONSE: 'malformed_tool_call',
  UNEXPECTED_TOOL_CALL: 'malformed_tool_call',
  CONTINUATION: 'pause',
}

/** Canonical reasons in Google's words; the end of a turn of calls is an ordinary one there. */
const ENCODED: Readonly<Record<FinishReason, string>> = {
  stop: 'STOP',
  stop_sequence: 'STOP',
  tool_calls: 'STOP',
  length: 'MAX_TOKENS',
  context_length: 'MAX_TOKENS',
  content_filter: 'SAFETY',
  refusal: 'SAFETY',
  malformed_tool_call: 'MALFORMED_FUNCTION_CALL',
  pause: 'OTHER',
  other: 'OTHER',
}

/** Why a candidate ended; an ordinary stop behind calls is `tool_calls`. */
export function decodeFinish(reason: string, hasCalls: boolean): FinishReason {
  const decoded = Object.hasOwn(DECODED, reason) ? (DECODED[reason] ?? 'other') : 'other'
  return decoded === 'stop' && hasCalls ? 'tool_calls' : decoded
}

/** The same in Google's words. */
export function encodeFinish(reason: FinishReason): string {
  return ENCODED[reason]
}

/** The finish reason that a candidate tells; undefined while it goes on. */
export function finishReasonOf(candidate: Record<string, unknown>): string | undefined {
  const { finishReason } = candidate
  if (typeof finishReason !== 'string' || finishReason === 'FINISH_REASON_UNSPECIFIED') return undefined
  return finishReason === '' ? undefined : finishReason
}
