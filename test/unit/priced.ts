import type { Usage } from '../../src/protocols/canonical'
import type { ModelPrices } from '../../src/providers/target'

/** When the calls were made. */
export const startedAtMs = Date.parse('2026-11-21T12:00:00Z')
const none: Usage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
}

/** A usage of nothing, but for what is given. */
export function usageOf(given: Partial<Usage>): Usage {
  return { ...none, ...given }
}

/** A custom model's prices, none but those given. */
export function pricesOf(given: Partial<ModelPrices>): ModelPrices {
  return {
    inputCost: null,
    outputCost: null,
    cacheHitInputCost: null,
    cacheCreationInputCost: null,
    ...given,
  }
}
