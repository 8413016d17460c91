import { SluiceError } from '../platform/failure'
import { fieldsOf } from './fields'
import type { WireProtocolId } from './protocol'
import type { ChatRequest, Extras, Settings, Tool } from './request'

/** The error for what a target cannot be told at all: content, tools and ids, without which the answer would be another. */
export function untranslatable(param: string, message: string): SluiceError {
  return new SluiceError({ kind: 'untranslatable', param, message })
}

/** The error for a request that is wrong in its own protocol. */
export function invalidField(param: string, message: string, code = 'invalid_value'): SluiceError {
  return new SluiceError({ kind: 'invalid_request', param, code, message })
}

/** Values that ask for what happens anyway: nothing is lost with them. */
const NEUTRAL: Readonly<Partial<Record<keyof Settings, unknown>>> = {
  presencePenalty: 0,
  frequencyPenalty: 0,
  choiceCount: 1,
  logprobs: false,
  topLogprobs: 0,
  store: false,
  parallelToolCalls: true,
  serviceTier: 'auto',
  verbosity: 'medium',
}

/** The client's names of the settings that it set and that are not among those that a target can carry. */
export function lostSettings(
  { settings, names }: ChatRequest,
  canCarry: ReadonlySet<keyof Settings>,
): string[] {
  return settingNames(settings)
    .filter((setting) => !canCarry.has(setting) && !isNeutral(setting, settings[setting]))
    .map((setting) => names[setting] ?? setting)
}

/** Whether a setting is not set, or to what happens without it too. */
export function isNeutral(setting: keyof Settings, value: unknown): boolean {
  if (value === undefined || value === NEUTRAL[setting]) return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** Fields of a request that stand for content or tools that only their own provider has. */
const STORED: Readonly<Partial<Record<WireProtocolId, Readonly<Record<string, string>>>>> = {
  gemini: { cachedContent: 'content that is stored at another provider. Send the content itself' },
  anthropic: { mcp_servers: 'servers of tools that another provider asks. Leave it out' },
}

/**
 * The client's paths of fields that only its own protocol has; none when the target speaks it.
 * @throws SluiceError `untranslatable` for one without which the answer would be to something else
 */
export function lostExtras(extras: Extras | undefined, target: WireProtocolId): string[] {
  if (extras === undefined || extras.protocol === target) return []
  const { fields, at } = extras
  for (const [field, what] of Object.entries(STORED[extras.protocol] ?? {})) {
    if (at !== '' || !Object.hasOwn(fields, field) || isEmptyList(fields[field])) continue
    throw untranslatable(field, `'${field}' is ${what}, or choose a model there.`)
  }
  return Object.keys(fields)
    .filter((field) => !PACE.has(field))
    .map((field) => (at === '' ? field : `${at}.${field}`))
}

/** Fields about the pieces in which a stream comes: a translated one goes on as it comes anyway. */
const PACE: ReadonlySet<string> = new Set(['eager_input_streaming'])

/** The client's paths of how a search of another protocol's is to be run; that there is one goes along. */
export function lostSearchFields({ protocol, value, at }: Extract<Tool, { kind: 'web_search' }>): string[] {
  const [[type, inner] = []] = Object.entries(value)
  // Google's has its name as a field.
  if (protocol === 'gemini') return Object.keys(fieldsOf(inner)).map((field) => `${at}.${type}.${field}`)
  const told = Object.keys(value).filter((field) => field !== 'type' && field !== 'name')
  return told.filter((field) => value[field] !== null).map((field) => `${at}.${field}`)
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

function settingNames(settings: Settings): (keyof Settings)[] {
  return SETTINGS.filter((setting) => Object.hasOwn(settings, setting))
}

const SETTINGS = [
  ...(['maxOutputTokens', 'temperature', 'topP', 'topK', 'presencePenalty', 'frequencyPenalty'] as const),
  ...(['seed', 'stop', 'choiceCount', 'logprobs', 'topLogprobs', 'logitBias', 'responseFormat'] as const),
  ...(['reasoning', 'verbosity', 'serviceTier', 'endUserId', 'store', 'metadata', 'promptCacheKey'] as const),
  ...(['promptCacheRetention', 'parallelToolCalls', 'toolChoice'] as const),
] satisfies (keyof Settings)[]
