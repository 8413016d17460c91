import type { ModelTraits } from '../protocols/codec'
import type { TraitsRow } from './model-traits'

const SAMPLING = ['temperature', 'topP', 'topK'] as const

/** "`temperature` and `top_p` cannot both be specified for this model": from opus 4.1 to the 4.6 family. */
const ONE_SAMPLER: ModelTraits = { hasOneSampler: true }

/** Thinks as much as it finds right, in grades. */
function adaptive(efforts: readonly string[], more: ModelTraits = {}): ModelTraits {
  return { reasoning: 'adaptive', efforts, hasStructuredOutput: true, maxOutputTokens: 128_000, ...more }
}

/** Thinks within a budget of tokens. */
function budget(maxOutputTokens: number, hasStructuredOutput: boolean, more: ModelTraits = {}): ModelTraits {
  return { reasoning: 'budget', hasStructuredOutput, maxOutputTokens, ...more }
}

/** Does not think. */
function plain(maxOutputTokens: number): ModelTraits {
  return { reasoning: 'none', hasStructuredOutput: false, maxOutputTokens }
}

const GRADES = ['low', 'medium', 'high', 'xhigh', 'max']
/** Sampling settings answer 400 there ("What's new in Claude Opus 4.7"). */
const PRESENT = adaptive(GRADES, { refuses: SAMPLING })

/**
 * Claude in its providers' spellings (`claude-opus-4.1`, `claude-opus-4@20250514`). Anthropic's "Models overview",
 * "Extended thinking", "Adaptive thinking", "Effort" and "Structured outputs", as `@ai-sdk/anthropic` 4.0.105 has them
 * in `anthropic-model-catalog.ts`.
 */
export const claudeTraits: readonly TraitsRow[] = [
  [/^claude-(?:opus|sonnet)-4[-.]6/, adaptive(['low', 'medium', 'high', 'max'], ONE_SAMPLER)],
  [/^claude-(?:opus-4[-.][78]|(?:opus|sonnet|haiku|fable|mythos)-[5-9])/, PRESENT],
  [/^claude-(?:opus|sonnet|haiku)-4[-.]5/, budget(64_000, true, ONE_SAMPLER)],
  [/^claude-opus-4[-.]1/, budget(32_000, true, ONE_SAMPLER)],
  [/^claude-opus-4/, budget(32_000, false)],
  [/^claude-sonnet-4/, budget(64_000, false)],
  [/^claude-3[-.]7/, budget(64_000, false)],
  [/^claude-3[-.]5/, plain(8_192)],
  [/^claude-(?:instant|v?[123](?:[-.:]|$))/, plain(4_096)],
  [/^claude-/, PRESENT],
]
