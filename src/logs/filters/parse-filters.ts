import { badFilter, type Filter, type Target } from './condition'
import { FIELDS, type Field } from './fields'
import { OPERATORS } from './operators'

/** How conditions beside each other are joined when they do not say. */
export type Connector = 'AND' | 'OR'

const MAX_DEPTH = 8
const METADATA = 'metadata__'
const PROPERTIES = 'properties__'
const TEXTS: Readonly<Record<string, 'input' | 'output' | 'both'>> = {
  input: 'input',
  output: 'output',
  full_text: 'both',
}

/**
 * `filters` of a request body: conditions by field name, lists of them, and bundles
 * `{connector, filter_params}` within each other. Conditions are joined from left to right, each by its own `connector`.
 * @throws SluiceError `invalid_request` (400) naming the field or operator and those that there are
 */
export function parseFilters(
  given: unknown,
  {
    connector = 'AND',
    fields = FIELDS,
  }: { connector?: Connector; fields?: Readonly<Record<string, Field>> } = {},
): Filter {
  return bundleOf(given, { connector, fields, path: 'filters', depth: 0 })
}

/** What a name of a filter is about. Another name than a field's is a key of `metadata` in a URL, and refused in a body. */
export function targetOf(name: string, isInUrl: boolean): Target {
  if (Object.hasOwn(FIELDS, name)) return { kind: 'field', name }
  const side = TEXTS[name]
  if (side !== undefined) return { kind: 'text', side }
  if (name.startsWith(METADATA)) return { kind: 'metadata', key: name.slice(METADATA.length) }
  if (name.startsWith(PROPERTIES)) return { kind: 'properties', key: name.slice(PROPERTIES.length) }
  if (name.startsWith('scores__'))
    throw badFilter(name, `'${name}' cannot be filtered by: this gateway has no evaluators.`)
  if (isInUrl) return { kind: 'metadata', key: name }
  const known = [...Object.keys(FIELDS), ...Object.keys(TEXTS), 'metadata__<key>', 'properties__<key>']
  throw badFilter(name, `'${name}' is not a field of a log. The fields are ${known.join(', ')}.`)
}

/** Joins conditions from left to right. */
export function joined(parts: readonly { filter: Filter; connector: Connector }[]): Filter {
  const [first, ...rest] = parts
  if (first === undefined) return { kind: 'all', parts: [] }
  return rest.reduce<Filter>((left, { filter, connector }) => {
    const kind = connector === 'OR' ? 'any' : 'all'
    return left.kind === kind ? { kind, parts: [...left.parts, filter] } : { kind, parts: [left, filter] }
  }, first.filter)
}

/** A connector as it was written. */
export function connectorOf(value: unknown, fallback: Connector, path: string): Connector {
  if (value === undefined || value === null || value === '') return fallback
  const text = String(value).toUpperCase()
  if (text === 'AND' || text === 'OR') return text
  throw badFilter(path, `'${path}' must be AND or OR.`)
}

function fieldTarget(name: string, { fields }: Place): Target {
  if (fields === FIELDS) return targetOf(name, false)
  if (Object.hasOwn(fields, name)) return { kind: 'field', name }
  throw badFilter(name, `'${name}' is not known here. The fields are ${Object.keys(fields).join(', ')}.`)
}

interface Place {
  fields: Readonly<Record<string, Field>>
  connector: Connector
  path: string
  depth: number
}

function bundleOf(given: unknown, place: Place): Filter {
  if (place.depth > MAX_DEPTH) throw badFilter(place.path, `Filters may be ${MAX_DEPTH} levels deep.`)
  if (Array.isArray(given))
    return joined(
      given.map((one: unknown) => ({ filter: bundleOf(one, deeper(place)), connector: joinOf(one, place) })),
    )
  const fields = recordOf(given, place.path)
  if (fields.filter_params !== undefined) {
    const path = `${place.path}.filter_params`
    return bundleOf(fields.filter_params, { ...deeper(place), path, connector: 'AND' })
  }
  const parts = Object.entries(fields).map(([name, value]) => {
    const path = `${place.path}.${name}`
    const first: unknown = Array.isArray(value) ? value[0] : value
    return { filter: entryOf(name, value, { ...deeper(place), path }), connector: joinOf(first, place) }
  })
  return joined(parts)
}

function entryOf(name: string, value: unknown, place: Place): Filter {
  if (Array.isArray(value))
    return joined(
      value.map((one: unknown) => ({ filter: entryOf(name, one, place), connector: joinOf(one, place) })),
    )
  const condition = recordOf(value, place.path)
  if (condition.filter_params !== undefined) return bundleOf(condition, place)
  if (condition.operator_function !== undefined) return functionOf(name, condition)
  return conditionOf(fieldTarget(name, place), condition.operator ?? '', condition.value)
}

/** One condition, with its operator and values checked as far as they can be without its field. */
export function conditionOf(target: Target, operator: unknown, value: unknown): Filter {
  const name = String(operator)
  if (!Object.hasOwn(OPERATORS, name)) {
    const known = Object.keys(OPERATORS).map((one) => (one === '' ? '"" (equal)' : one))
    throw badFilter('operator', `'${name}' is not an operator. The operators are ${known.join(', ')}.`)
  }
  const values: unknown[] = Array.isArray(value)
    ? value
    : value === undefined || value === null
      ? []
      : [value]
  return { kind: 'condition', target, operator: name, values }
}

function functionOf(
  name: string,
  { operator_function: called, operator_args: given }: Record<string, unknown>,
): Filter {
  const [key] = Array.isArray(given) ? given : []
  if (called !== 'mapContainsKey' || name !== 'metadata' || typeof key !== 'string')
    throw badFilter(
      name,
      "The only operator_function is mapContainsKey on 'metadata', with a key in operator_args.",
    )
  return conditionOf({ kind: 'metadata', key }, 'isnull', [false])
}

function joinOf(value: unknown, { connector, path }: Place): Connector {
  if (typeof value !== 'object' || value === null || !('connector' in value)) return connector
  return connectorOf(value.connector, connector, `${path}.connector`)
}

function deeper(place: Place): Place {
  return { ...place, depth: place.depth + 1 }
}

function recordOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.fromEntries(Object.entries(value))
  throw badFilter(path, `'${path}' must be an object: {"<field>": {"operator": "", "value": [...]}}.`)
}
