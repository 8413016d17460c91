import type { Usage } from '../canonical'
import { countOf, fieldsOf } from '../fields'
import { findChatUsage } from '../openai-chat/usage'

/**
 * The tokens that a reply or event of these endpoints tells; undefined when it tells none: audio may be counted in
 * seconds, pictures by the piece, and searches by the search. Rerankers tell a total that is all input.
 */
export function findMediaUsage(reply: unknown): Usage | undefined {
  const fields = fieldsOf(reply)
  const usage = fieldsOf(fields.usage)
  if (countOf(usage.input_tokens) !== undefined) return decodeInputOutput(usage)
  const asChat = findChatUsage(fields)
  if (asChat !== undefined) return asChat
  const total = countOf(usage.total_tokens)
  return total === undefined ? undefined : usageOfInput(total)
}

/** A call that took input and made no tokens. */
export function usageOfInput(inputTokens: number): Usage {
  return decodeInputOutput({ input_tokens: inputTokens })
}

// `input_tokens_details` of images, `input_token_details` of audio (OpenAI API reference, "usage").
function decodeInputOutput(usage: Record<string, unknown>): Usage {
  const details = fieldsOf(usage.input_tokens_details ?? usage.input_token_details)
  const outputDetails = fieldsOf(usage.output_tokens_details ?? usage.output_token_details)
  const input = countOf(usage.input_tokens) ?? 0
  const cached = Math.min(input, countOf(details.cached_tokens) ?? 0)
  const images = countOf(details.image_tokens) ?? 0
  return {
    inputTokens: input - cached,
    cacheReadTokens: cached,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: countOf(usage.output_tokens) ?? 0,
    reasoningTokens: 0,
    audioInputTokens: countOf(details.audio_tokens) ?? 0,
    audioOutputTokens: countOf(outputDetails.audio_tokens) ?? 0,
    ...(images === 0 ? {} : { imageInputTokens: images }),
  }
}
