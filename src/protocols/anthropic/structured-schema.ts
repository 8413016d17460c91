import { isObject } from '../fields'
import type { JsonSchema } from '../request'

/**
 * What the provider refuses in the schema of a structured output (Claude docs, "Structured outputs"): bounds of
 * numbers, texts and lists. Its own SDKs leave them out too.
 */
const REFUSED: ReadonlySet<string> = new Set([
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...['maxItems', 'uniqueItems', 'contains', 'minContains', 'maxContains', 'minProperties', 'maxProperties'],
])
const MAPS: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions'])
const LISTS: ReadonlySet<string> = new Set(['anyOf', 'allOf', 'oneOf'])

/** A schema as the provider takes it, and the paths in it of what had to go or to change. */
export function structuredSchema(schema: JsonSchema): { schema: Record<string, unknown>; changes: string[] } {
  const changes: string[] = []
  return { schema: plainSchema(schema, '', changes), changes }
}

function plainSchema(schema: JsonSchema, at: string, changes: string[]): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    const path = `${at}.${keyword}`
    if (isRefused(keyword, value)) changes.push(path)
    else if (keyword === 'oneOf') {
      changes.push(path)
      plain.anyOf = below('anyOf', value, path, changes)
    } else plain[keyword] = below(keyword, value, path, changes)
  }
  if (schema.type !== 'object' && schema.properties === undefined) return plain
  // Every object must be closed; one that says nothing of it is open in JSON Schema.
  if (schema.additionalProperties !== false) changes.push(`${at}.additionalProperties`)
  return { ...plain, additionalProperties: false }
}

function isRefused(keyword: string, value: unknown): boolean {
  return REFUSED.has(keyword) || (keyword === 'minItems' && value !== 0 && value !== 1)
}

function below(keyword: string, value: unknown, at: string, changes: string[]): unknown {
  if (MAPS.has(keyword) && isObject(value)) {
    const members = Object.entries(value).map(([name, one]) => [name, sub(one, `${at}.${name}`, changes)])
    return Object.fromEntries(members)
  }
  if (LISTS.has(keyword) && Array.isArray(value)) {
    return value.map((one, index) => sub(one, `${at}[${index}]`, changes))
  }
  return keyword === 'items' ? sub(value, at, changes) : value
}

function sub(value: unknown, at: string, changes: string[]): unknown {
  return isObject(value) ? plainSchema(value, at, changes) : value
}
