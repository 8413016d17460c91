/** The tiers that an answer of OpenAI's can be of (OpenAI API reference, "service_tier"). */
const OPENAI: ReadonlySet<string> = new Set(['auto', 'default', 'flex', 'scale', 'priority'])

/** A tier in OpenAI's words; any other provider's own word means the usual one. */
export function openAiTier(tier: string): string {
  return OPENAI.has(tier) ? tier : 'default'
}
