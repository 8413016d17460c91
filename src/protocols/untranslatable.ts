import { SluiceError } from '../platform/failure'
import type { WireProtocolId } from './protocol'
import type { ChatRequest, Extras, Settings } from './request'

/** The error for what a target cannot be told at all: content, tools and ids, without which the answer would be another. */
export function untranslatable(param: string, message: string): SluiceError {
  return new SluiceError({ kind: 'untranslatable', param, message })
}

/** The error for a request that is wrong in its own protocol. */
export function invalidField(param: string, message: string, code = 'invalid_value'): SluiceError {
  return new SluiceError({ kind: 'invalid_request', param, code, message })
}

/** The client's names of the settings that it set and that are not among those that a target can carry. */
export function lostSettings(
  { settings, names }: ChatRequest,
  canCarry: ReadonlySet<keyof Settings>,
): string[] {
  return settingNames(settings)
    .filter((setting) => settings[setting] !== undefined && !canCarry.has(setting))
    .map((setting) => names[setting] ?? setting)
}

/** The client's paths of fields that only its own protocol has; none when the target speaks it. */
export function lostExtras(extras: Extras | undefined, target: WireProtocolId): string[] {
  if (extras === undefined || extras.protocol === target) return []
  const { fields, at } = extras
  return Object.keys(fields).map((field) => (at === '' ? field : `${at}.${field}`))
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
