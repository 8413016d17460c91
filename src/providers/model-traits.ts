import type { ModelTraits } from '../protocols/codec'
import { claudeTraits } from './traits-claude'
import { geminiTraits } from './traits-gemini'
import { openaiTraits } from './traits-openai'
import { otherTraits } from './traits-others'

/** A model by its bare name, and what it is known to take. */
export type TraitsRow = readonly [RegExp, ModelTraits]

const MAX_KNOWN = 1_000
const known = new Map<string, ModelTraits>()
const NOTHING: ModelTraits = {}

/** What an upstream model is known to take, whoever serves it; {} for one that is not in the tables. */
export function traitsOf(upstreamModel: string): ModelTraits {
  const before = known.get(upstreamModel)
  if (before !== undefined) return before
  const name = bareName(upstreamModel)
  const traits = rows.find(([pattern]) => pattern.test(name))?.[1] ?? NOTHING
  // A list of models that grows without end is somebody's mistake; what is known is found again.
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(upstreamModel, traits)
  return traits
}

// The first that fits counts.
const rows: readonly TraitsRow[] = [...openaiTraits, ...claudeTraits, ...geminiTraits, ...otherTraits]

/** `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, `anthropic/claude-sonnet-4.5` and the like by the model alone. */
function bareName(model: string): string {
  return model
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(
      /^(?:(?:us|eu|apac|global|us-gov|jp|au|ca)\.)?(?:anthropic|amazon|openai|deepseek|google|meta|xai)\./,
      '',
    )
}
