/** Models of a family have the same words for what Converse itself has none for; `other` has none that are known. */
export type ModelFamily = 'claude' | 'nova' | 'gpt' | 'other'

const MARKS: readonly (readonly [RegExp, ModelFamily])[] = [
  [/claude/i, 'claude'],
  [/\bnova\b/i, 'nova'],
  [/\bgpt-/i, 'gpt'],
]

/** By the model's name; the name of an inference profile may tell nothing. */
export function familyOf(model: string): ModelFamily {
  return MARKS.find(([mark]) => mark.test(model))?.[1] ?? 'other'
}
