import type { TraitsRow } from './model-traits'

// docs.x.ai, "Reasoning": these are an error for models that reason.
const XAI_REFUSES = ['presencePenalty', 'frequencyPenalty', 'stop'] as const
const THREE = ['low', 'medium', 'high']

/** Models of other makers, as far as they differ from what every model takes. */
export const otherTraits: readonly TraitsRow[] = [
  // xAI, "Reasoning": who takes an effort, and which.
  [/^grok-3-mini/, { reasoning: 'effort', efforts: ['low', 'high'], refuses: XAI_REFUSES }],
  [/^grok-4[-.]3/, { reasoning: 'effort', efforts: ['none', ...THREE], refuses: XAI_REFUSES }],
  [/^grok-4[-.]5/, { reasoning: 'effort', efforts: THREE, refuses: XAI_REFUSES }],
  [/^grok-\S*non-reasoning/, { reasoning: 'none' }],
  [/^grok-(?:4|code)/, { reasoning: 'none', refuses: XAI_REFUSES }],
  [/^grok-[23]/, { reasoning: 'none' }],
  // api-docs.deepseek.com, "Thinking Mode" and "Reasoning model": log probabilities are an error, other settings are
  // without effect; JSON output takes no schema.
  [
    /^deepseek-(?:v4|flash|pro)/,
    { reasoning: 'effort', efforts: ['low', 'high', 'max'], hasStructuredOutput: false },
  ],
  [/^deepseek-reasoner/, { reasoning: 'none', refuses: ['logprobs'], hasStructuredOutput: false }],
  [/^deepseek-chat/, { reasoning: 'none', hasStructuredOutput: false }],
  // platform.kimi.ai, "Parameter comparison": other values than the fixed ones are an error.
  [
    /^kimi-k(?:2[.-][5-9]|[3-9])/,
    { refuses: ['temperature', 'topP', 'presencePenalty', 'frequencyPenalty'] },
  ],
  // Converse takes a schema for some models only, and these are not among them ("Structured outputs", Bedrock user guide).
  [/^(?:nova|titan)-/, { reasoning: 'none', hasStructuredOutput: false }],
]
