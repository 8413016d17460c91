import type { EncodeTarget } from '../codec'
import type { ChatRequest, Settings } from '../request'
import { thinkingConfigOf } from './thinking'

/** Google's names for the settings that are a plain value in both. */
const FIELDS = {
  maxOutputTokens: 'maxOutputTokens',
  temperature: 'temperature',
  topP: 'topP',
  topK: 'topK',
  presencePenalty: 'presencePenalty',
  frequencyPenalty: 'frequencyPenalty',
  seed: 'seed',
  choiceCount: 'candidateCount',
  logprobs: 'responseLogprobs',
  topLogprobs: 'logprobs',
} as const satisfies Partial<Record<keyof Settings, string>>
/** More are an error (Gemini API reference, "GenerationConfig"). */
const MOST_STOPS = 5
const TIERS: Readonly<Record<string, string | undefined>> = {
  default: 'standard',
  flex: 'flex',
  priority: 'priority',
}

/** The settings that this protocol has words for. */
export const CARRIED: ReadonlySet<keyof Settings> = new Set<keyof Settings>([
  ...(['maxOutputTokens', 'temperature', 'topP', 'topK', 'presencePenalty', 'frequencyPenalty'] as const),
  ...(['seed', 'choiceCount', 'logprobs', 'topLogprobs', 'stop', 'responseFormat', 'reasoning'] as const),
  ...(['serviceTier', 'store', 'parallelToolCalls', 'toolChoice'] as const),
])

/** The `generationConfig` of a request; what the model refuses is left out and told. */
export function encodeConfig(
  request: ChatRequest,
  target: EncodeTarget,
  losses: Set<string>,
): Record<string, unknown> {
  const { settings, names } = request
  const lose = (setting: keyof Settings) => losses.add(names[setting] ?? setting)
  const refused = new Set<string>(target.traits.refuses)
  const config: Record<string, unknown> = {}
  for (const [setting, field] of entriesOf(FIELDS)) {
    if (settings[setting] === undefined) continue
    if (isRefused(setting, refused)) lose(setting)
    else config[field] = settings[setting]
  }
  if (settings.stop !== undefined && settings.stop.length > 0) {
    const legal = refused.has('stop') ? [] : settings.stop.filter((one) => one !== '').slice(0, MOST_STOPS)
    if (legal.length < settings.stop.length) lose('stop')
    if (legal.length > 0) config.stopSequences = legal
  }
  const { config: thinkingConfig, isLoss } = thinkingConfigOf(request, target)
  if (isLoss) lose('reasoning')
  return {
    ...config,
    ...formatOf(request, target),
    ...(thinkingConfig === undefined ? {} : { thinkingConfig }),
  }
}

/** What stands at the top of the body beside the configuration. */
export function encodeTopSettings(request: ChatRequest, losses: Set<string>): Record<string, unknown> {
  const { serviceTier, store, parallelToolCalls } = request.settings
  const { names, protocol } = request
  const tier =
    serviceTier === undefined || !Object.hasOwn(TIERS, serviceTier) ? undefined : TIERS[serviceTier]
  if (serviceTier !== undefined && serviceTier !== 'auto' && tier === undefined)
    losses.add(names.serviceTier ?? 'serviceTier')
  // Elsewhere `store` keeps the answer to go on from, which never happens here; here it is about the provider's own logs.
  if (store === true && protocol !== 'gemini') losses.add(names.store ?? 'store')
  if (parallelToolCalls === false) losses.add(names.parallelToolCalls ?? 'parallelToolCalls')
  return {
    ...(tier === undefined ? {} : { serviceTier: tier }),
    ...(store === undefined || protocol !== 'gemini' ? {} : { store }),
  }
}

/**
 * Whether the form of the answer can be asked for natively. Models before Gemini 3 refuse that beside functions:
 * "Function calling with a response mime type: 'application/json' is unsupported".
 */
export function hasNativeFormat(
  { settings, tools, protocol }: ChatRequest,
  { traits }: EncodeTarget,
): boolean {
  const isOlder = traits.reasoning === 'budget' || traits.reasoning === 'none'
  const hasFunctions = tools.some(({ kind }) => kind === 'function' || kind === 'custom')
  if (protocol !== 'gemini' && isOlder && hasFunctions) return false
  return settings.responseFormat?.kind === 'json' || traits.hasStructuredOutput !== false
}

function formatOf(request: ChatRequest, target: EncodeTarget): Record<string, unknown> {
  const { responseFormat } = request.settings
  if (responseFormat === undefined || !hasNativeFormat(request, target)) return {}
  const { kind } = responseFormat
  if (responseFormat.kind !== 'json_schema')
    return kind === 'json' ? { responseMimeType: 'application/json' } : {}
  return { responseMimeType: 'application/json', responseJsonSchema: responseFormat.schema }
}

function isRefused(setting: keyof Settings, refused: ReadonlySet<string>): boolean {
  return refused.has(setting === 'topLogprobs' ? 'logprobs' : setting)
}

function entriesOf(fields: typeof FIELDS): [keyof typeof FIELDS, string][] {
  return SETTINGS.map((setting) => [setting, fields[setting]])
}

const SETTINGS = [
  ...(['maxOutputTokens', 'temperature', 'topP', 'topK', 'presencePenalty', 'frequencyPenalty'] as const),
  ...(['seed', 'choiceCount', 'logprobs', 'topLogprobs'] as const),
] satisfies (keyof typeof FIELDS)[]
