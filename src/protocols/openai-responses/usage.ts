import type { Usage } from '../canonical'
import { countOf, fieldsOf } from '../fields'

/**
 * `usage` of a response in canonical form, or undefined when it holds no counts. `input_tokens` includes what a cache
 * served and took (OpenAI API reference, "The response object").
 */
export function decodeResponsesUsage(value: unknown): Usage | undefined {
  const usage = fieldsOf(value)
  const input = countOf(usage.input_tokens)
  const output = countOf(usage.output_tokens)
  if (input === undefined && output === undefined) return undefined
  const inputDetails = fieldsOf(usage.input_tokens_details)
  const outputDetails = fieldsOf(usage.output_tokens_details)
  const read = countOf(inputDetails.cached_tokens) ?? 0
  const write = countOf(inputDetails.cache_write_tokens) ?? 0
  const total = input ?? 0
  return {
    // A cached part larger than the input means that a compatible server counts it beside the input.
    inputTokens: read + write <= total ? total - read - write : total,
    cacheReadTokens: read,
    cacheWrite5mTokens: write,
    cacheWrite1hTokens: 0,
    outputTokens: output ?? 0,
    reasoningTokens: countOf(outputDetails.reasoning_tokens) ?? 0,
    audioInputTokens: countOf(inputDetails.audio_tokens) ?? 0,
    audioOutputTokens: countOf(outputDetails.audio_tokens) ?? 0,
  }
}

/** The same in OpenAI's words; the parts that it does not tell apart are added up. */
export function encodeResponsesUsage(usage: Usage): Record<string, unknown> {
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  const write = cacheWrite5mTokens + cacheWrite1hTokens
  const input = inputTokens + cacheReadTokens + write
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cacheReadTokens, cache_write_tokens: write },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: input + outputTokens,
  }
}
