import type { ModelTraits } from '../protocols/codec'
import type { TraitsRow } from './model-traits'

const PENALTIES = ['presencePenalty', 'frequencyPenalty'] as const
const MAX_OUTPUT = 65_536

/** Thinks at a level. */
function levels(efforts: readonly string[]): ModelTraits {
  return { reasoning: 'effort', efforts, maxOutputTokens: MAX_OUTPUT }
}

const LOW = ['low', 'medium', 'high']
const MINIMAL = ['minimal', ...LOW]

/**
 * Google's models: "Gemini thinking" and "Gemini 3" (ai.google.dev), and `@ai-sdk/google` 4.0.121, `google-model-catalog.ts`.
 * From 3 on a level; the flash models from 3.7 on and the pro ones have no `minimal`.
 */
export const geminiTraits: readonly TraitsRow[] = [
  [/^gemini-(?:1|2\.0|2-)/, { reasoning: 'none', maxOutputTokens: 8_192 }],
  // They make pictures or speech, and do not think.
  [/^gemini-2\.5-\S*(?:image|tts)/, { reasoning: 'none', refuses: PENALTIES }],
  // Penalties are an error on the Gemini API; Vertex AI would take them.
  [/^gemini-2\.5/, { reasoning: 'budget', refuses: PENALTIES, maxOutputTokens: MAX_OUTPUT }],
  [/^gemini-3-pro-image/, { reasoning: 'none', maxOutputTokens: MAX_OUTPUT }],
  [/^gemini-3-pro/, levels(['low', 'high'])],
  [/^gemini-(?:\d+(?:\.\d+)?-pro|pro-latest)/, levels(LOW)],
  [/^gemini-(?:3\.[7-9]|[4-9]\.\d+)-flash(?:$|-(?!lite))/, levels(LOW)],
  [/^gemini-flash-latest/, levels(LOW)],
  [/^gemini-4-hydrogen/, levels([...LOW, 'xhigh'])],
  [/^gemini-(?:[3-9]|flash-lite-latest)/, levels(MINIMAL)],
  [/^gemma-/, { reasoning: 'none' }],
]
