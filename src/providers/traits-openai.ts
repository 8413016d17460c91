import type { ModelTraits } from '../protocols/codec'
import type { TraitsRow } from './model-traits'

// What reasoning models answer with an error (OpenAI's reasoning guide, "Limitations"). From gpt-5.1 to 5.5 it is an
// error only while they reason; left out and told is better than refused.
const SAMPLING = [
  'temperature',
  'topP',
  'presencePenalty',
  'frequencyPenalty',
  'logprobs',
  'logitBias',
] as const
// API reference, `stop`: "not supported with latest reasoning models o3 and o4-mini", nor with those since.
const NO_STOP = [...SAMPLING, 'stop'] as const

/** A model that reasons in grades. */
function reasoning(efforts: readonly string[] | undefined, more: ModelTraits = {}): ModelTraits {
  return { refuses: NO_STOP, reasoning: 'effort', efforts, wantsMaxCompletionTokens: true, ...more }
}

const THREE = ['low', 'medium', 'high']
const PLAIN: ModelTraits = { reasoning: 'none' }
/** From before Structured Outputs (guide, "Supported models"). */
const UNSTRUCTURED: ModelTraits = { reasoning: 'none', hasStructuredOutput: false }

/** OpenAI's models; grades as in the model pages and in `@ai-sdk/openai` 4.0.118, `openai-model-catalog.ts`. */
export const openaiTraits: readonly TraitsRow[] = [
  [
    /^o1-(?:mini|preview)/,
    reasoning(undefined, { refuses: SAMPLING, reasoning: 'none', hasStructuredOutput: false }),
  ],
  [/^o(?:1|3-mini)(?:-|$)/, reasoning(THREE, { refuses: SAMPLING })],
  [/^o\d(?:-|$)/, reasoning(THREE)],
  [/^gpt-5-chat/, PLAIN],
  [/^gpt-5-pro/, reasoning(['high'])],
  [/^gpt-5(?:\.1)?-codex(?:-mini|-\d|$)/, reasoning(THREE)],
  [/^gpt-5(?:\.\d)?-codex/, reasoning([...THREE, 'xhigh'])],
  [/^gpt-5\.\d-pro/, reasoning(['medium', 'high', 'xhigh'])],
  [/^gpt-5\.\d-chat/, reasoning(['medium'])],
  [/^gpt-5(?:-|$)/, reasoning(['minimal', ...THREE])],
  [/^gpt-5\.1(?:-|$)/, reasoning(['none', ...THREE])],
  [/^gpt-5\.[2-5](?:-|$)/, reasoning(['none', ...THREE, 'xhigh'])],
  [/^gpt-5\.\d/, reasoning(['none', ...THREE, 'xhigh', 'max'])],
  [/^gpt-6(?:-luna|-sol|\.1-terra)/, reasoning(['none', ...THREE, 'xhigh', 'max'])],
  [/^gpt-[6-9]/, reasoning([...THREE, 'xhigh', 'max'])],
  [/^(?:codex-mini|computer-use)/, reasoning(THREE)],
  [/^gpt-oss/, { reasoning: 'effort', efforts: THREE }],
  // They choose their words by what they find.
  [/^gpt-4o(?:-mini)?-search/, { ...PLAIN, refuses: [...SAMPLING, 'seed', 'stop'] }],
  [/^gpt-4o-2024-05-13/, UNSTRUCTURED],
  [/^gpt-(?:4o|4\.1|4\.5)/, PLAIN],
  [/^(?:gpt-(?:3\.5|4)(?:-|$)|chatgpt-4o)/, UNSTRUCTURED],
]
