import { isObject } from '../fields'
import type { ResponseFormat, Settings } from '../request'
import { invalidField } from '../untranslatable'
import { decodeToolChoice } from './decode-tools'
import {
  needObject,
  needText,
  readBoolean,
  readList,
  readNumber,
  readObject,
  readText,
  wrongType,
} from './read-fields'
import { decodeReasoning } from './reasoning-settings'

type Fields = Readonly<Record<string, unknown>>
type Names = Partial<Record<keyof Settings, string>>

/** What clients call each setting; where there are several names the first one that is set counts. */
const FIELDS: readonly (readonly [keyof Settings, readonly string[]])[] = [
  ['maxOutputTokens', ['max_completion_tokens', 'max_tokens']],
  ['temperature', ['temperature']],
  ['topP', ['top_p']],
  ['topK', ['top_k']],
  ['presencePenalty', ['presence_penalty']],
  ['frequencyPenalty', ['frequency_penalty']],
  ['seed', ['seed']],
  ['stop', ['stop']],
  ['choiceCount', ['n']],
  ['logprobs', ['logprobs']],
  ['topLogprobs', ['top_logprobs']],
  ['logitBias', ['logit_bias']],
  ['responseFormat', ['response_format']],
  ['verbosity', ['verbosity']],
  ['serviceTier', ['service_tier']],
  ['endUserId', ['safety_identifier', 'user']],
  ['store', ['store']],
  ['metadata', ['metadata']],
  ['promptCacheKey', ['prompt_cache_key']],
  ['promptCacheRetention', ['prompt_cache_retention']],
  ['parallelToolCalls', ['parallel_tool_calls']],
  ['toolChoice', ['tool_choice', 'function_call']],
]

/** The settings of a request, and what the client calls each of them. */
export function decodeSettings(body: Fields): { settings: Settings; names: Names } {
  const names: Names = {}
  for (const [setting, fields] of FIELDS) {
    const name = fields.find((field) => body[field] !== undefined && body[field] !== null)
    if (name !== undefined) names[setting] = name
  }
  const reasoning = decodeReasoning(body)
  if (reasoning !== undefined) names.reasoning = reasoning.name
  const all: Settings = { ...valuesOf(body, names), reasoning: reasoning?.reasoning }
  const settings = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return { settings, names }
}

function valuesOf(body: Fields, names: Readonly<Names>): Settings {
  const given = (setting: keyof Settings): [unknown, string] => {
    const name = names[setting] ?? ''
    return [body[name], name]
  }
  return {
    maxOutputTokens: readNumber(...given('maxOutputTokens')),
    temperature: readNumber(...given('temperature')),
    topP: readNumber(...given('topP')),
    topK: readNumber(...given('topK')),
    presencePenalty: readNumber(...given('presencePenalty')),
    frequencyPenalty: readNumber(...given('frequencyPenalty')),
    seed: readNumber(...given('seed')),
    stop: readStop(...given('stop')),
    choiceCount: readNumber(...given('choiceCount')),
    logprobs: readBoolean(...given('logprobs')),
    topLogprobs: readNumber(...given('topLogprobs')),
    logitBias: readLogitBias(...given('logitBias')),
    responseFormat: readFormat(...given('responseFormat')),
    verbosity: readText(...given('verbosity')),
    serviceTier: readText(...given('serviceTier')),
    endUserId: readText(...given('endUserId')),
    store: readBoolean(...given('store')),
    metadata: readObject(...given('metadata')),
    promptCacheKey: readText(...given('promptCacheKey')),
    promptCacheRetention: readText(...given('promptCacheRetention')),
    parallelToolCalls: readBoolean(...given('parallelToolCalls')),
    toolChoice: decodeToolChoice(...given('toolChoice')),
  }
}

function readStop(value: unknown, path: string): string[] | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) throw wrongType(path, 'a string or an array', value)
  return readList(value, path).map((text, index) => needText(text, `${path}[${index}]`))
}

function readLogitBias(value: unknown, path: string): Record<string, number> | undefined {
  const biases = readObject(value, path)
  if (biases === undefined) return undefined
  const entries = Object.entries(biases).map(
    ([token, bias]) => [token, readNumber(bias, `${path}.${token}`) ?? 0] as const,
  )
  return Object.fromEntries(entries)
}

// The older form is the type alone.
function readFormat(value: unknown, path: string): ResponseFormat | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string' && !isObject(value)) throw wrongType(path, 'an object', value)
  const format: Fields = typeof value === 'string' ? { type: value } : value
  const type = needText(format.type, `${path}.type`)
  if (type === 'text') return { kind: 'text' }
  if (type === 'json_object') return { kind: 'json' }
  if (type !== 'json_schema')
    throw invalidField(
      `${path}.type`,
      `Invalid value for '${path}.type': '${type}'. Supported values are: text, json_object, json_schema.`,
    )
  const { name, description, schema, strict } = needObject(format.json_schema, `${path}.json_schema`)
  return {
    kind: 'json_schema',
    name: readText(name, `${path}.json_schema.name`),
    description: readText(description, `${path}.json_schema.description`),
    schema: readObject(schema, `${path}.json_schema.schema`) ?? {},
    strict: readBoolean(strict, `${path}.json_schema.strict`),
  }
}
