import type { EncodeTarget } from '../codec'
import { entryOf } from '../fields'
import type { ChatRequest, Settings } from '../request'
import { lostSettings } from '../untranslatable'
import type { Writing } from './blocks'
import { familyOf } from './families'
import type { Thinking } from './thinking'

type Fields = Record<string, unknown>

/** Settings that Converse has a place for; whether the model takes them is asked one by one. */
const CARRIED: ReadonlySet<keyof Settings> = new Set([
  ...(['maxOutputTokens', 'temperature', 'topP', 'topK', 'stop', 'responseFormat', 'reasoning'] as const),
  ...(['serviceTier', 'metadata', 'toolChoice'] as const),
])
const TIERS: Readonly<Record<string, string>> = {
  default: 'default',
  standard_only: 'default',
  flex: 'flex',
  priority: 'priority',
  reserved: 'reserved',
}
/** Claude takes no other value while it thinks. */
const TEMPERATURE_WHILE_THINKING = 1
const LEAST_TOP_P_WHILE_THINKING = 0.95
const MAX_TEMPERATURE = 1
const METADATA_TEXT = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/
const MAX_METADATA = 16

/** The client's names of the settings that Converse has no place for. */
export function lostToConverse(request: ChatRequest): string[] {
  return lostSettings(request, CARRIED)
}

/** How the model samples and where it stops; `fields` are for the model itself. */
export function encodeSampling(
  request: ChatRequest,
  target: EncodeTarget,
  thinking: Thinking | undefined,
  { losses }: Writing,
): { inferenceConfig: Fields; fields: Fields } {
  const { settings, names } = request
  const lose = (name: keyof Settings) => losses.push(names[name] ?? name)
  const isRefused = (name: 'temperature' | 'topP' | 'topK' | 'stop') =>
    target.traits.refuses?.includes(name) === true || isOffWhileThinking(name, settings, thinking)
  const kept = <Name extends 'temperature' | 'topP' | 'topK' | 'stop'>(name: Name) => {
    if (settings[name] === undefined || !isRefused(name)) return settings[name]
    lose(name)
    return undefined
  }
  const hasTwo = settings.temperature !== undefined && settings.topP !== undefined
  const one = hasTwo && target.traits.hasOneSampler === true ? samplerOf(settings) : undefined
  if (one === 'temperature' && settings.topP !== 1) lose('topP')
  const temperature = one === 'topP' ? undefined : kept('temperature')
  if (temperature !== undefined && temperature > MAX_TEMPERATURE) lose('temperature')
  const wanted = kept('stop')
  const stop = wanted?.filter((sequence) => sequence !== '')
  if (stop?.length !== wanted?.length) lose('stop')
  const inferenceConfig = withoutGaps({
    temperature: temperature === undefined ? undefined : Math.min(temperature, MAX_TEMPERATURE),
    topP: one === 'temperature' ? undefined : kept('topP'),
    stopSequences: stop === undefined || stop.length === 0 ? undefined : stop,
  })
  const topK = kept('topK')
  return { inferenceConfig, fields: topK === undefined ? {} : topKOf(topK, target) }
}

/** The tier, and what the owner of the account finds in its logs. */
export function encodeService({ settings, names }: ChatRequest, { losses }: Writing): Fields {
  const { serviceTier, metadata = {} } = settings
  const type = serviceTier === undefined ? undefined : entryOf(TIERS, serviceTier)
  if (serviceTier !== undefined && serviceTier !== 'auto' && type === undefined) {
    losses.push(names.serviceTier ?? 'serviceTier')
  }
  const entries = Object.entries(metadata)
  const told = entries.filter(([key, value]) => isMetadata(key, value)).slice(0, MAX_METADATA)
  const lost = entries.filter((entry) => !told.includes(entry))
  losses.push(...lost.map(([key]) => `${names.metadata ?? 'metadata'}.${key}`))
  return {
    ...(type === undefined ? {} : { serviceTier: { type } }),
    ...(told.length === 0
      ? {}
      : { requestMetadata: Object.fromEntries(told.map(([key, value]) => [key, String(value)])) }),
  }
}

/** The answer's form by JSON Schema, for models that know it. */
export function encodeOutputConfig({ settings }: ChatRequest, { traits }: EncodeTarget): Fields {
  const format = settings.responseFormat
  if (format?.kind !== 'json_schema' || traits.hasStructuredOutput !== true) return {}
  const { schema, name, description } = format
  const jsonSchema = withoutGaps({ schema: JSON.stringify(schema), name, description })
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } } }
}

/** The fields that have a value. */
export function withoutGaps(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

// Of a temperature and a `topP`, 1 is what each of them is without a word.
function samplerOf({ temperature, topP }: Settings): 'temperature' | 'topP' {
  return temperature === 1 && topP !== 1 ? 'topP' : 'temperature'
}

function isOffWhileThinking(
  name: keyof Settings,
  settings: Settings,
  thinking: Thinking | undefined,
): boolean {
  if (thinking === undefined || name === 'stop') return false
  if (thinking.refusesSampling) return true
  if (!thinking.isClaude) return false
  if (name === 'temperature') return settings.temperature !== TEMPERATURE_WHILE_THINKING
  return name === 'topP' ? (settings.topP ?? 1) < LEAST_TOP_P_WHILE_THINKING : true
}

function topKOf(topK: number, { model }: EncodeTarget): Fields {
  return familyOf(model) === 'nova' ? { inferenceConfig: { topK } } : { top_k: topK }
}

function isMetadata(key: string, value: unknown): boolean {
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return isPlain && key !== '' && METADATA_TEXT.test(key) && METADATA_TEXT.test(String(value))
}
