import type { FinishReason } from '../answer'
import { entryOf, fieldsOf, textOf } from '../fields'
import type { Part } from '../parts'

type Kinds = ReadonlySet<Part['kind']>

/**
 * `incomplete_details.reason`. OpenAI knows the first two; the others keep apart what it has no word for, since an
 * answer that broke off must not look complete.
 */
const INCOMPLETE: Readonly<Record<string, FinishReason>> = {
  max_output_tokens: 'length',
  content_filter: 'content_filter',
  pause: 'pause',
  malformed_tool_call: 'malformed_tool_call',
}

const REASONS: Readonly<Record<FinishReason, string | undefined>> = {
  stop: undefined,
  stop_sequence: undefined,
  tool_calls: undefined,
  refusal: undefined,
  length: 'max_output_tokens',
  context_length: 'max_output_tokens',
  content_filter: 'content_filter',
  pause: 'pause',
  malformed_tool_call: 'malformed_tool_call',
  other: 'other',
}

/** Why a response ended; a completed one does not say whether it is the tools' turn, so the kinds of its parts do. */
export function decodeFinish(response: Record<string, unknown>, kinds: Kinds): FinishReason {
  const { status } = response
  if (status === 'incomplete') return entryOf(INCOMPLETE, incompleteReason(response) ?? '') ?? 'other'
  if (status !== 'completed' && status !== undefined && status !== null) return 'other'
  if (kinds.has('tool_call')) return 'tool_calls'
  return kinds.has('refusal') ? 'refusal' : 'stop'
}

/** Of a response that is not complete. */
export function incompleteReason(response: Record<string, unknown>): string | undefined {
  return textOf(fieldsOf(response.incomplete_details).reason)
}

/** What a log calls the end of a response: the provider's own words; undefined while it has not ended. */
export function finishWord(response: Record<string, unknown>): string | undefined {
  const { status } = response
  if (status === 'incomplete') return incompleteReason(response) ?? 'incomplete'
  return status === 'completed' || status === 'cancelled' ? status : undefined
}

/**
 * The reason of an incomplete response, undefined for a complete one. Who was refused without a word of refusal would
 * take the answer for a whole one, so that counts as filtered.
 */
export function encodeFinish(finish: FinishReason, hasRefusal: boolean): string | undefined {
  return finish === 'refusal' && !hasRefusal ? 'content_filter' : REASONS[finish]
}
