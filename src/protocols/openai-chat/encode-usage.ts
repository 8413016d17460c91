import type { Usage } from '../canonical'

/** `usage` of a chat completion: `prompt_tokens` includes what caches served and took. */
export function encodeChatUsage(usage: Usage): Record<string, unknown> {
  const { cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  const written = cacheWrite5mTokens + cacheWrite1hTokens
  const prompt = usage.inputTokens + cacheReadTokens + written
  return {
    prompt_tokens: prompt,
    completion_tokens: outputTokens,
    total_tokens: prompt + outputTokens,
    prompt_tokens_details: {
      cached_tokens: cacheReadTokens,
      audio_tokens: usage.audioInputTokens,
      ...(written === 0 ? {} : { cache_creation_tokens: written }),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: usage.audioOutputTokens,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
    ...(written === 0
      ? {}
      : { cache_creation_input_tokens: written, cache_read_input_tokens: cacheReadTokens }),
    ...(cacheWrite1hTokens === 0
      ? {}
      : {
          cache_creation: {
            ephemeral_5m_input_tokens: cacheWrite5mTokens,
            ephemeral_1h_input_tokens: cacheWrite1hTokens,
          },
        }),
  }
}
