import type { Usage } from '../../../src/protocols/canonical'

/** As the providers' own documentations and recorded answers have them. */
export const told: [string, Record<string, unknown>, Partial<Usage>][] = [
  [
    'OpenAI',
    { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 },
    { inputTokens: 19, outputTokens: 10 },
  ],
  [
    'OpenAI with a cache and reasoning',
    {
      prompt_tokens: 2006,
      completion_tokens: 300,
      total_tokens: 2306,
      prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 256, audio_tokens: 0, accepted_prediction_tokens: 0 },
    },
    { inputTokens: 86, cacheReadTokens: 1920, outputTokens: 300, reasoningTokens: 256 },
  ],
  [
    'OpenAI with audio',
    {
      prompt_tokens: 117,
      completion_tokens: 500,
      total_tokens: 617,
      prompt_tokens_details: { cached_tokens: 0, text_tokens: 17, audio_tokens: 100 },
      completion_tokens_details: { text_tokens: 20, audio_tokens: 480 },
    },
    { inputTokens: 117, outputTokens: 500, audioInputTokens: 100, audioOutputTokens: 480 },
  ],
  [
    'DeepSeek',
    {
      prompt_tokens: 100,
      completion_tokens: 7,
      total_tokens: 107,
      prompt_cache_hit_tokens: 64,
      prompt_cache_miss_tokens: 36,
    },
    { inputTokens: 36, cacheReadTokens: 64, outputTokens: 7 },
  ],
  [
    'DeepSeek, which tells the cached part twice',
    {
      prompt_tokens: 100,
      completion_tokens: 7,
      total_tokens: 107,
      prompt_tokens_details: { cached_tokens: 64 },
      prompt_cache_hit_tokens: 64,
      prompt_cache_miss_tokens: 36,
      completion_tokens_details: { reasoning_tokens: 5 },
    },
    { inputTokens: 36, cacheReadTokens: 64, outputTokens: 7, reasoningTokens: 5 },
  ],
  [
    'Moonshot',
    { prompt_tokens: 50, completion_tokens: 5, total_tokens: 55, cached_tokens: 30 },
    { inputTokens: 20, cacheReadTokens: 30, outputTokens: 5 },
  ],
  [
    'Anthropic’s names inside the prompt',
    {
      prompt_tokens: 1000,
      completion_tokens: 5,
      total_tokens: 1005,
      cache_read_input_tokens: 600,
      cache_creation_input_tokens: 300,
    },
    { inputTokens: 100, cacheReadTokens: 600, cacheWrite5mTokens: 300, outputTokens: 5 },
  ],
  [
    'Anthropic’s names beside the prompt',
    {
      prompt_tokens: 4,
      completion_tokens: 5,
      cache_read_input_tokens: 600,
      cache_creation_input_tokens: 300,
    },
    { inputTokens: 4, cacheReadTokens: 600, cacheWrite5mTokens: 300, outputTokens: 5 },
  ],
  [
    'Anthropic’s two cache durations',
    {
      prompt_tokens: 1000,
      completion_tokens: 5,
      cache_creation_input_tokens: 300,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
    },
    { inputTokens: 700, cacheWrite5mTokens: 200, cacheWrite1hTokens: 100, outputTokens: 5 },
  ],
  [
    'cache writes among the details',
    {
      prompt_tokens: 1000,
      completion_tokens: 5,
      total_tokens: 1005,
      prompt_tokens_details: { cached_tokens: 500, cache_write_tokens: 200 },
    },
    { inputTokens: 300, cacheReadTokens: 500, cacheWrite5mTokens: 200, outputTokens: 5 },
  ],
  [
    'xAI, whose reasoning comes on top of the completion',
    {
      prompt_tokens: 32,
      completion_tokens: 9,
      total_tokens: 135,
      prompt_tokens_details: { text_tokens: 32, audio_tokens: 0, image_tokens: 0, cached_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 94, audio_tokens: 0 },
    },
    { inputTokens: 26, cacheReadTokens: 6, outputTokens: 103, reasoningTokens: 94 },
  ],
  [
    'Gemini, whose reasoning shows in the total only',
    { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 },
    { inputTokens: 20, outputTokens: 603, reasoningTokens: 405 },
  ],
  [
    'Gemini, which only reasoned',
    {
      prompt_tokens: 21,
      completion_tokens: 0,
      total_tokens: 81,
      completion_tokens_details: { reasoning_tokens: 60 },
    },
    { inputTokens: 21, outputTokens: 60, reasoningTokens: 60 },
  ],
  [
    'caches beside the prompt that are in the total',
    { prompt_tokens: 4, completion_tokens: 5, total_tokens: 609, cache_read_input_tokens: 600 },
    { inputTokens: 4, cacheReadTokens: 600, outputTokens: 5 },
  ],
  [
    'Perplexity, with reasoning beside the counts',
    { prompt_tokens: 33, completion_tokens: 7163, total_tokens: 7196, reasoning_tokens: 6000 },
    { inputTokens: 33, outputTokens: 7163, reasoningTokens: 6000 },
  ],
  ['embeddings', { prompt_tokens: 8, total_tokens: 8 }, { inputTokens: 8 }],
  ['only output', { completion_tokens: 3 }, { outputTokens: 3 }],
  ['zeros', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, {}],
  [
    'details that are null',
    {
      prompt_tokens: 3,
      completion_tokens: 4,
      prompt_tokens_details: null,
      completion_tokens_details: null,
      cached_tokens: null,
    },
    { inputTokens: 3, outputTokens: 4 },
  ],
  [
    'counts that are none',
    { prompt_tokens: 3, completion_tokens: -4, cached_tokens: '2', reasoning_tokens: Number.NaN },
    { inputTokens: 3 },
  ],
]
