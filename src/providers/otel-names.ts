/**
 * What OpenTelemetry calls providers (semantic conventions 1.41.1, `gen_ai.provider.name`), and what they are here. A
 * provider that it has no name for keeps its own.
 */
const names: readonly (readonly [otel: string, own: string])[] = [
  ['openai', 'openai'],
  ['anthropic', 'anthropic'],
  ['aws.bedrock', 'bedrock'],
  ['azure.ai.openai', 'azure'],
  ['azure.ai.inference', 'azure'],
  ['gcp.gemini', 'gemini'],
  ['gcp.gen_ai', 'gemini'],
  ['gcp.vertex_ai', 'vertex_ai'],
  ['cohere', 'cohere'],
  ['deepseek', 'deepseek'],
  ['groq', 'groq'],
  ['mistral_ai', 'mistral'],
  ['perplexity', 'perplexity'],
  ['x_ai', 'xai'],
  // Of older versions, as `gen_ai.system`.
  ['az.ai.openai', 'azure'],
  ['az.ai.inference', 'azure'],
  ['vertex_ai', 'vertex_ai'],
  ['xai', 'xai'],
]

const ownByOtel = new Map(names)
const otelByOwn = new Map([...names].reverse().map(([otel, own]) => [own, otel] as const))

/** A provider's id as OpenTelemetry spells it. */
export function otelProviderName(providerId: string): string {
  return otelByOwn.get(providerId) ?? providerId
}

/** The id here of a provider that OpenTelemetry names. */
export function providerOfOtelName(name: string): string {
  return ownByOtel.get(name) ?? name
}
