import { isObject, listOf } from '../fields'
import type { JsonSchema } from '../request'
import { camel } from './spelling'

/** Keys of Google's schema whose values are schemas, or hold them. */
const HOLDERS: ReadonlyMap<string, 'one' | 'list' | 'map'> = new Map<string, 'one' | 'list' | 'map'>([
  ['items', 'one'],
  ['additionalProperties', 'one'],
  ['anyOf', 'list'],
  ['oneOf', 'list'],
  ['prefixItems', 'list'],
  ['properties', 'map'],
  ['defs', 'map'],
  ['$defs', 'map'],
])
/** Counts that Google writes as texts (int64 in ProtoJSON). */
const COUNTS = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties'])

/**
 * Google's Schema, a dialect of OpenAPI 3.0, as JSON Schema: types in lower case, `nullable` as a type of its own,
 * `example` as `examples`, the order of properties as it is listed. What it does not know stays as it is.
 */
export function fromGoogleSchema(schema: Readonly<Record<string, unknown>>): JsonSchema {
  const converted: Record<string, unknown> = {}
  for (const [written, value] of Object.entries(schema)) {
    const name = written.startsWith('$') ? written : camel(written)
    if (name === 'type') converted.type = typeOf(value)
    else if (name === 'nullable' || name === 'propertyOrdering') continue
    else if (name === 'example') converted.examples = [value]
    else if (COUNTS.has(name) && typeof value === 'string') converted[name] = Number(value)
    else converted[name] = held(HOLDERS.get(name), value)
  }
  if (isObject(converted.properties)) converted.properties = ordered(converted.properties, schema)
  return schema.nullable === true ? nullable(converted) : converted
}

// In JSON Schema properties are told in the order in which they are listed.
function ordered(properties: Record<string, unknown>, schema: Readonly<Record<string, unknown>>) {
  const first = listOf(schema.propertyOrdering ?? schema.property_ordering)
    .map(String)
    .filter((name) => Object.hasOwn(properties, name))
  const names = new Set([...first, ...Object.keys(properties)])
  return Object.fromEntries([...names].map((name) => [name, properties[name]]))
}

function typeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typeOf)
  return typeof value === 'string' ? value.toLowerCase() : value
}

function held(how: 'one' | 'list' | 'map' | undefined, value: unknown): unknown {
  if (how === 'list' && Array.isArray(value)) return value.map((one) => held('one', one))
  if (how === undefined || !isObject(value)) return value
  if (how === 'one') return fromGoogleSchema(value)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, held('one', one)]))
}

function nullable(schema: Record<string, unknown>): Record<string, unknown> {
  const { type, anyOf } = schema
  const known = Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {}
  if (typeof type === 'string') return { ...schema, type: [type, 'null'], ...known }
  return Array.isArray(anyOf) ? { ...schema, anyOf: [...anyOf, { type: 'null' }] } : schema
}
