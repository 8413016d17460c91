import { isObject } from '../fields'
import type { Effort, Reasoning, ResponseFormat, Settings } from '../request'
import { invalidField } from '../untranslatable'
import { fromGoogleSchema } from './schema'
import { camelFields, listAt, objectAt, textAt } from './spelling'

/** The settings in a `generationConfig`, and those of its fields that only this protocol has, by their paths. */
export interface DecodedConfig {
  settings: Settings
  names: Partial<Record<keyof Settings, string>>
  extras: Record<string, unknown>
}

const NUMBERS = {
  temperature: 'temperature',
  topP: 'topP',
  topK: 'topK',
  candidateCount: 'choiceCount',
  maxOutputTokens: 'maxOutputTokens',
  presencePenalty: 'presencePenalty',
  frequencyPenalty: 'frequencyPenalty',
  seed: 'seed',
  logprobs: 'topLogprobs',
} as const satisfies Record<string, keyof Settings>
const FORMAT_FIELDS = ['responseMimeType', 'responseSchema', 'responseJsonSchema'] as const
const LEVELS: ReadonlyMap<string, Effort> = new Map<string, Effort>([
  ['MINIMAL', 'minimal'],
  ['LOW', 'low'],
  ['MEDIUM', 'medium'],
  ['HIGH', 'high'],
])

/** Reads the client's `generationConfig`, which stands at `at`. */
export function decodeConfig(value: unknown, at: string): DecodedConfig {
  const decoded: DecodedConfig = { settings: {}, names: {}, extras: {} }
  if (value === undefined) return decoded
  const fields = objectAt(value, at)
  for (const [name, field] of Object.entries(fields)) decodeField(decoded, name, field, at)
  decodeFormat(decoded, fields, at)
  if (fields.thinkingConfig !== undefined)
    decodeThinking(decoded, fields.thinkingConfig, `${at}.thinkingConfig`)
  return decoded
}

function decodeField(
  { settings, names, extras }: DecodedConfig,
  name: string,
  value: unknown,
  at: string,
): void {
  const path = `${at}.${name}`
  if (isNumberField(name)) {
    settings[NUMBERS[name]] = numberAt(value, path)
    names[NUMBERS[name]] = path
  } else if (name === 'stopSequences') {
    settings.stop = listAt(value, path).map((one, index) => textAt(one, `${path}[${index}]`))
    names.stop = path
  } else if (name === 'responseLogprobs') {
    settings.logprobs = booleanAt(value, path)
    names.logprobs = path
  } else if (name !== 'thinkingConfig' && !FORMAT_FIELDS.some((field) => field === name)) extras[path] = value
}

function decodeFormat(decoded: DecodedConfig, fields: Record<string, unknown>, at: string): void {
  const { responseMimeType, responseSchema, responseJsonSchema } = fields
  const schema = responseJsonSchema ?? responseSchema
  const isJson = responseMimeType === 'application/json'
  if (responseMimeType === 'text/plain') decoded.settings.responseFormat = { kind: 'text' }
  else if (isJson) decoded.settings.responseFormat = formatOf(schema, responseJsonSchema !== undefined, at)
  else {
    // An enumeration as plain text, or a schema without the type that it needs: nobody else has these.
    for (const name of FORMAT_FIELDS)
      if (fields[name] !== undefined) decoded.extras[`${at}.${name}`] = fields[name]
    return
  }
  decoded.names.responseFormat = `${at}.${schema === undefined ? 'responseMimeType' : schemaField(fields)}`
}

function formatOf(schema: unknown, isJsonSchema: boolean, at: string): ResponseFormat {
  if (schema === undefined) return { kind: 'json' }
  const path = `${at}.${isJsonSchema ? 'responseJsonSchema' : 'responseSchema'}`
  if (!isObject(schema)) throw invalidField(path, `Invalid value at '${path}': expected an object.`)
  return { kind: 'json_schema', schema: isJsonSchema ? schema : fromGoogleSchema(schema) }
}

function schemaField(fields: Record<string, unknown>): string {
  return fields.responseJsonSchema === undefined ? 'responseSchema' : 'responseJsonSchema'
}

function decodeThinking(decoded: DecodedConfig, value: unknown, at: string): void {
  const { thinkingBudget, thinkingLevel, includeThoughts, ...others } = objectAt(value, at)
  for (const [name, field] of Object.entries(others)) decoded.extras[`${at}.${name}`] = field
  const budget = thinkingBudget === undefined ? undefined : numberAt(thinkingBudget, `${at}.thinkingBudget`)
  const reasoning: Reasoning = {
    ...(budget === undefined ? {} : { budgetTokens: budget }),
    ...(budget === 0 ? { isEnabled: false } : {}),
    ...effortOf(thinkingLevel, `${at}.thinkingLevel`),
    ...(includeThoughts === undefined
      ? {}
      : { shown: booleanAt(includeThoughts, `${at}.includeThoughts`) ? 'auto' : 'none' }),
  }
  if (Object.keys(reasoning).length === 0) return
  decoded.settings.reasoning = reasoning
  decoded.names.reasoning = at
}

function effortOf(level: unknown, at: string): { effort?: Effort } {
  if (level === undefined || level === 'THINKING_LEVEL_UNSPECIFIED') return {}
  const effort = LEVELS.get(textAt(level, at).toUpperCase())
  if (effort === undefined)
    throw invalidField(at, `Invalid value at '${at}': expected MINIMAL, LOW, MEDIUM or HIGH.`)
  return { effort }
}

function isNumberField(name: string): name is keyof typeof NUMBERS {
  return Object.hasOwn(NUMBERS, name)
}

function numberAt(value: unknown, at: string): number {
  // ProtoJSON takes a number as text too.
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw invalidField(at, `Invalid value at '${at}': expected a number.`)
}

function booleanAt(value: unknown, at: string): boolean {
  if (typeof value === 'boolean') return value
  throw invalidField(at, `Invalid value at '${at}': expected true or false.`)
}

/** A service tier in canonical words; Google calls the default one `standard`. */
export function decodeServiceTier(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === 'unspecified') return undefined
  return value === 'standard' ? 'default' : value
}

/** The fields of `toolConfig`, by their camelCase names. */
export function toolConfigOf(value: unknown): Record<string, unknown> {
  return value === undefined ? {} : camelFields(objectAt(value, 'toolConfig'))
}
