/**
 * What a call used, in one form for all providers. The parts do not overlap, except that `reasoningTokens` is part of
 * `outputTokens`, and the audio counts are parts of `inputTokens` and `outputTokens`:
 * the provider's total is inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens.
 */
export interface Usage {
  /** Input that no cache served. */
  inputTokens: number
  cacheReadTokens: number
  cacheWrite5mTokens: number
  cacheWrite1hTokens: number
  outputTokens: number
  reasoningTokens: number
  audioInputTokens: number
  audioOutputTokens: number
  /** Part of `inputTokens`, where images cost something else than text. */
  imageInputTokens?: number | undefined
}

/** A call that used nothing. */
export const NO_USAGE: Usage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
}

/** How a usage is known: told by the provider, counted here from the text, or told for a part of the answer only. */
export type UsageSource = 'provider' | 'estimated' | 'partial'

/** What was learnt from an answer while it passed. */
export interface AnswerFacts {
  usage?: Usage
  /** The usage came before any content: its output is what it was at the beginning. */
  isUsageEarly?: true
  finishReason?: string
  responseId?: string
}
