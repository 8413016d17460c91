import { isObject, listOf } from './fields'
import type { ChatRequest, JsonSchema, ResponseFormat, Tool } from './request'
import { objectSchema } from './tool-schema'

/** What OpenAI knows in the schema of a guaranteed form (guide "Structured Outputs", "Supported schemas"). */
const KEYWORDS: ReadonlySet<string> = new Set([
  ...['type', 'properties', 'required', 'additionalProperties', 'items', 'anyOf', 'enum', 'const'],
  ...['$ref', '$defs', 'definitions', 'title', 'description', 'pattern', 'format'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minItems', 'maxItems'],
])
const MAPS: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions'])

type FunctionTool = Extract<Tool, { kind: 'function' }>

/**
 * `strict` of a function for OpenAI, which answers with an error where its guarantee is not possible; other providers
 * guarantee other schemas. Clients of OpenAI's protocols know what they ask for.
 */
export function strictnessOf(
  tool: FunctionTool,
  request: ChatRequest,
  losses: string[],
): boolean | undefined {
  const { strict, parameters, at } = tool
  if (strict !== true || isOfOpenai(request) || isStrictSchema(objectSchema(parameters))) return strict
  losses.push(`${at}.strict`)
  return false
}

/** The form of an answer with `strict` for OpenAI: elsewhere a schema is a guarantee without a word. */
export function withStrictness(
  format: ResponseFormat,
  request: ChatRequest,
  losses: string[],
): ResponseFormat {
  if (format.kind !== 'json_schema' || isOfOpenai(request) || format.strict === false) return format
  const isPossible = isStrictSchema(format.schema)
  if (format.strict === true && !isPossible)
    losses.push(`${request.names.responseFormat ?? 'responseFormat'}.strict`)
  return { ...format, strict: isPossible ? true : undefined }
}

function isOfOpenai({ protocol }: ChatRequest): boolean {
  return protocol.startsWith('openai-')
}

// Closed objects, all properties required, and no keyword that it refuses.
function isStrictSchema(schema: JsonSchema): boolean {
  return schema.type === 'object' && schema.anyOf === undefined && isStrict(schema)
}

function isStrict(schema: unknown): boolean {
  if (!isObject(schema)) return false
  return isClosed(schema) && Object.entries(schema).every(([keyword, value]) => isKnown(keyword, value))
}

function isClosed({ type, properties, required, additionalProperties }: JsonSchema): boolean {
  const isObjectType = type === 'object' || listOf(type).includes('object') || properties !== undefined
  if (!isObjectType) return true
  const names = isObject(properties) ? Object.keys(properties) : []
  return additionalProperties === false && names.every((name) => listOf(required).includes(name))
}

function isKnown(keyword: string, value: unknown): boolean {
  if (!KEYWORDS.has(keyword)) return false
  if (MAPS.has(keyword)) return isObject(value) && Object.values(value).every(isStrict)
  if (keyword === 'anyOf') return listOf(value).every(isStrict)
  return keyword === 'items' ? isStrict(value) : true
}
