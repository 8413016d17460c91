import { entryOf, fieldsOf } from '../fields'
import type { Effort, Extras, Reasoning, ResponseFormat, Settings } from '../request'
import { invalidField } from '../untranslatable'
import { decodeToolChoice } from './decode-tools'
import { type FieldReader, readerOf, wrongType } from './read-fields'

/** What `include` calls the opaque form of reasoning. */
export const ENCRYPTED_REASONING = 'reasoning.encrypted_content'
/** What `include` calls the logprobs. */
export const LOGPROBS = 'message.output_text.logprobs'

/** What this protocol calls its settings. */
export const settingNames = {
  maxOutputTokens: 'max_output_tokens',
  temperature: 'temperature',
  topP: 'top_p',
  logprobs: 'include',
  topLogprobs: 'top_logprobs',
  responseFormat: 'text.format',
  reasoning: 'reasoning',
  verbosity: 'text.verbosity',
  serviceTier: 'service_tier',
  endUserId: 'safety_identifier',
  store: 'store',
  metadata: 'metadata',
  promptCacheKey: 'prompt_cache_key',
  promptCacheRetention: 'prompt_cache_retention',
  parallelToolCalls: 'parallel_tool_calls',
  toolChoice: 'tool_choice',
} as const satisfies Partial<Record<keyof Settings, string>>

/** Settings, and the fields of the same objects that no other protocol has, by their paths. */
export interface DecodedSettings {
  settings: Settings
  names: Partial<Record<keyof Settings, string>>
  extras: Record<string, unknown>
}

/** Reads the settings from the top of a request. */
export function decodeSettings(fields: FieldReader): DecodedSettings {
  const text = readerOf(fields.object('text') ?? {}, 'text')
  const reasoning = readerOf(fields.object('reasoning') ?? {}, 'reasoning')
  const include = includedIn(fields)
  const user = fields.text('user')
  const safetyId = fields.text('safety_identifier')
  const settings: Settings = {
    maxOutputTokens: fields.number('max_output_tokens'),
    temperature: fields.number('temperature'),
    topP: fields.number('top_p'),
    logprobs: include.includes(LOGPROBS) ? true : undefined,
    topLogprobs: fields.number('top_logprobs'),
    responseFormat: decodeFormat(text.value('format')),
    verbosity: text.text('verbosity'),
    reasoning: decodeReasoningSettings(reasoning, include.includes(ENCRYPTED_REASONING)),
    serviceTier: fields.text('service_tier'),
    endUserId: safetyId ?? user,
    store: fields.boolean('store'),
    metadata: fields.object('metadata'),
    promptCacheKey: fields.text('prompt_cache_key'),
    promptCacheRetention: fields.text('prompt_cache_retention'),
    parallelToolCalls: fields.boolean('parallel_tool_calls'),
    toolChoice: decodeToolChoice(fields.value('tool_choice')),
  }
  const others = include.filter((name) => name !== LOGPROBS && name !== ENCRYPTED_REASONING)
  const isBoth = safetyId !== undefined && user !== undefined
  return {
    settings: onlySet(settings),
    names: { ...settingNames, ...(safetyId === undefined ? { endUserId: 'user' } : {}) },
    extras: {
      ...withPrefix(text.extras()),
      ...withPrefix(reasoning.extras()),
      ...(others.length === 0 ? {} : { include: others }),
      ...(isBoth ? { user } : {}),
    },
  }
}

function includedIn(fields: FieldReader): string[] {
  return (fields.list('include') ?? []).map((name, index) => {
    if (typeof name !== 'string') throw wrongType(`include[${index}]`, 'a string', name)
    return name
  })
}

function decodeFormat(value: unknown): ResponseFormat | undefined {
  if (value === undefined) return undefined
  const fields = readerOf(value, 'text.format')
  const type = fields.requiredText('type')
  if (type === 'text') return { kind: 'text' }
  if (type === 'json_object') return { kind: 'json' }
  if (type !== 'json_schema') {
    const message = `Invalid value '${type}': expected one of 'text', 'json_object', 'json_schema'.`
    throw invalidField('text.format.type', message)
  }
  return {
    kind: 'json_schema',
    name: fields.requiredText('name'),
    description: fields.text('description'),
    schema: fieldsOf(fields.object('schema')),
    strict: fields.boolean('strict'),
  }
}

const EFFORTS: Readonly<Record<string, Effort>> = {
  none: 'none',
  minimal: 'minimal',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'xhigh',
  max: 'max',
}
const SHOWN: Readonly<Record<string, 'auto' | 'concise' | 'detailed' | 'none'>> = {
  auto: 'auto',
  concise: 'concise',
  detailed: 'detailed',
  none: 'none',
}

function decodeReasoningSettings(fields: FieldReader, isEncrypted: boolean): Reasoning | undefined {
  const effort = oneOf(EFFORTS, fields.text('effort'), 'reasoning.effort')
  const summary = oneOf(SHOWN, fields.text('summary'), 'reasoning.summary')
  // What `summary` was called first.
  const shown = summary ?? oneOf(SHOWN, fields.text('generate_summary'), 'reasoning.generate_summary')
  if (effort === undefined && shown === undefined && !isEncrypted) return undefined
  return onlySet({ effort, shown, wantsEncrypted: isEncrypted ? true : undefined })
}

function oneOf<T>(known: Readonly<Record<string, T>>, value: string | undefined, at: string): T | undefined {
  if (value === undefined) return undefined
  const found = entryOf(known, value)
  if (found !== undefined) return found
  const names = Object.keys(known).join("', '")
  throw invalidField(at, `Invalid value '${value}': expected one of '${names}'.`)
}

function withPrefix(extras: Extras | undefined): Record<string, unknown> {
  if (extras === undefined) return {}
  return Object.fromEntries(
    Object.entries(extras.fields).map(([name, field]) => [`${extras.at}.${name}`, field]),
  )
}

function onlySet<T extends object>(fields: T): Partial<T> {
  const set: Partial<T> = { ...fields }
  for (const name in set) if (set[name] === undefined) delete set[name]
  return set
}
