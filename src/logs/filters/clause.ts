import { MAX_KEY_LENGTH, metadataText } from '../metadata-entries'
import { searchExpression } from '../search'
import { badFilter, type Filter, type Target } from './condition'
import { FIELDS, type Field } from './fields'
import { type Bind, OPERATORS, type Operand, type Operator } from './operators'

/** D1 takes 100 parameters a statement (D1, "Limits"); some are the query's own. */
const MAX_VALUES = 90

/** A condition in SQL with its numbered parameters. */
export interface Clause {
  sql: string
  values: readonly (string | number)[]
}

/** The time within which logs are looked for, in milliseconds since 1970, both ends included. */
export interface Span {
  startMs: number
  endMs: number
}

/** A filter within a span as SQL over `request_logs`; `?1` and `?2` are the span. */
export function clauseOf(filter: Filter, { startMs, endMs }: Span): Clause {
  const values: (string | number)[] = [startMs, endMs]
  const bind: Bind = (value) => {
    values.push(value)
    if (values.length > MAX_VALUES) throw badFilter('filters', 'There are too many conditions for one query.')
    return `?${values.length}`
  }
  const leading = leadingField(filter)
  const sql = sqlOf(filter, { bind, leading, fields: FIELDS })
  const isById = leading !== undefined && FIELDS[leading]?.rank === 0
  const time = isById ? '+started_at_ms' : 'started_at_ms'
  return { sql: `${time} >= ?1 and ${time} <= ?2${sql === '' ? '' : ` and ${sql}`}`, values }
}

/** A filter over the fields of another table as SQL, with the values that it needs behind those there are. */
export function conditionsOf(
  filter: Filter,
  { fields, values }: { fields: Readonly<Record<string, Field>>; values: (string | number)[] },
): string {
  const bind: Bind = (value) => {
    values.push(value)
    if (values.length > MAX_VALUES) throw badFilter('filters', 'There are too many conditions for one query.')
    return `?${values.length}`
  }
  return sqlOf(filter, { bind, leading: undefined, fields })
}

interface Context {
  bind: Bind
  fields: Readonly<Record<string, Field>>
  /** The field whose index is to be used. */
  leading: string | undefined
}

/** Of fields with an index that are asked for exactly, the one that finds the fewest; SQLite knows no better. */
function leadingField(filter: Filter): string | undefined {
  const parts = filter.kind === 'all' ? filter.parts : [filter]
  const names = parts.flatMap((part) => {
    if (part.kind === 'all') return leadingField(part) ?? []
    if (part.kind !== 'condition' || part.target.kind !== 'field') return []
    return OPERATORS[part.operator]?.sql === OPERATORS['']?.sql ? [part.target.name] : []
  })
  const ranked = names.filter((name) => FIELDS[name]?.rank !== undefined)
  return ranked.toSorted((one, other) => (FIELDS[one]?.rank ?? 0) - (FIELDS[other]?.rank ?? 0))[0]
}

function sqlOf(filter: Filter, context: Context): string {
  if (filter.kind === 'condition') return conditionSql(filter, context)
  const parts = filter.parts.map((part) => sqlOf(part, context)).filter((sql) => sql !== '')
  return parts.length === 0 ? '' : `(${parts.join(filter.kind === 'any' ? ' or ' : ' and ')})`
}

type Condition = Extract<Filter, { kind: 'condition' }>

function conditionSql({ target, operator: name, values }: Condition, context: Context): string {
  const operator = OPERATORS[name] ?? {}
  if (target.kind === 'text') return textSql(target, name, values, context.bind)
  if (values.length === 0 && operator.values !== 'none' && name !== 'isnull')
    throw badFilter(nameOf(target), `The filter on '${nameOf(target)}' needs a value.`)
  if (target.kind === 'metadata') return metadataSql(target.key, { name, operator, values }, context.bind)
  const operand = operandOf(target, context)
  if (operator.types?.includes(operand.type) === false) throw noSuchOperator(target, name, operand)
  const { sql } = operand
  if (operator.negates !== undefined) {
    const positive = OPERATORS[operator.negates]?.sql?.(operand, values, context.bind)
    return `(${sql} is null or not (${positive}))`
  }
  const condition = operator.sql?.(operand, values, context.bind) ?? ''
  const implied = impliedBy(target, { operator, values }, context)
  return implied === undefined ? condition : `(${condition} and ${implied})`
}

function impliedBy(
  target: Target,
  { operator, values }: { operator: Operator; values: readonly unknown[] },
  { fields }: Context,
): string | undefined {
  const [value, another] = values
  if (target.kind !== 'field' || operator.sql !== OPERATORS['']?.sql || another !== undefined)
    return undefined
  return fields[target.name]?.implied?.[String(value)]
}

function noSuchOperator(target: Target, name: string, { type }: Operand) {
  const known = Object.entries(OPERATORS).filter(([, { types }]) => types?.includes(type) !== false)
  const names = known.map(([one]) => (one === '' ? '"" (equal)' : one)).join(', ')
  return badFilter(
    nameOf(target),
    `The operator '${name}' is not for '${nameOf(target)}', which is a ${type}. Its operators are ${names}.`,
  )
}

function textSql(
  { side }: Extract<Target, { kind: 'text' }>,
  operator: string,
  values: readonly unknown[],
  bind: Bind,
): string {
  if (operator !== 'full_text_search' || values.length === 0)
    throw badFilter(
      side,
      'The texts of requests and answers can be looked through with full_text_search only, and a value.',
    )
  const columns = side === 'both' ? '' : `{${side}} : `
  const match = values.map((value) => `(${columns}(${searchExpression(String(value))}))`).join(' OR ')
  return `request_logs.rowid in (select rowid from log_search where log_search match ${bind(match)})`
}

/** Metadata is asked for in its own table, which has an index for every key. */
function metadataSql(
  key: string,
  { name, operator, values }: { name: string; operator: Operator; values: readonly unknown[] },
  bind: Bind,
): string {
  if (operator.types?.length === 0)
    throw badFilter(`metadata__${key}`, `The operator '${name}' is for input, output and full_text only.`)
  const operand = metadataOperand(name, values)
  const of = (condition: string) =>
    `(select log_id from log_metadata where key = ${bind(key.slice(0, MAX_KEY_LENGTH))} and started_at_ms between ?1 and ?2${condition})`
  const isNegative = operator.negates !== undefined || (name === 'isnull' && !isFalse(values[0]))
  const asked = name === 'isnull' ? undefined : (OPERATORS[operator.negates ?? name] ?? operator)
  const condition = asked?.sql === undefined ? '' : ` and ${asked.sql(operand, values, bind)}`
  return `request_logs.id ${isNegative ? 'not in' : 'in'} ${of(condition)}`
}

const ORDERED = new Set(['lt', 'lte', 'gt', 'gte'])
const METADATA_VALUE = 'log_metadata.value'

// Metadata is text; where sizes are compared with a number, its numbers are taken as such.
function metadataOperand(name: string, values: readonly unknown[]): Operand {
  const isNumeric = ORDERED.has(name) && values.every((value) => Number.isFinite(Number(value)))
  if (isNumeric) return { sql: `cast(${METADATA_VALUE} as real)`, type: 'text', read: Number }
  return { sql: METADATA_VALUE, type: 'text', read: (value) => metadataText(value) }
}

function operandOf(
  target: Exclude<Target, { kind: 'text' | 'metadata' }>,
  { bind, leading, fields }: Context,
): Operand {
  if (target.kind === 'properties')
    return {
      sql: `(properties ->> ${bind(`$.${JSON.stringify(target.key)}`)})`,
      type: 'text',
      read: propertyValue,
    }
  const field = fields[target.name]
  if (field === undefined) throw badFilter(target.name, `'${target.name}' is not a field of a log.`)
  const isKeptAside = field.rank !== undefined && leading !== undefined && field.sql !== FIELDS[leading]?.sql
  // A plus keeps SQLite from using the column's index.
  return {
    sql: isKeptAside ? `+${field.sql}` : field.sql,
    type: field.type,
    read: readerOf(target.name, field),
  }
}

function propertyValue(value: unknown): string | number {
  return typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : metadataText(value)
}

function readerOf(name: string, { type, scale = 1 }: Field): Operand['read'] {
  const readers: Record<Field['type'], Operand['read']> = {
    text: (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)),
    number: (value) => {
      const number = value === '' || value === null ? Number.NaN : Number(value)
      if (!Number.isFinite(number))
        throw badFilter(name, `'${name}' is a number; '${String(value)}' is none.`)
      // A price or time in its small unit is whole; what comes of a fraction such as 0.1 is not quite.
      return scale === 1 ? number : Number((number * scale).toFixed(3))
    },
    boolean: (value) => {
      if (['true', '1'].includes(String(value).toLowerCase())) return 1
      if (['false', '0'].includes(String(value).toLowerCase())) return 0
      throw badFilter(name, `'${name}' is true or false; '${String(value)}' is neither.`)
    },
    time: (value) => {
      const ms = typeof value === 'number' ? value : Date.parse(String(value))
      if (Number.isNaN(ms))
        throw badFilter(name, `'${name}' is an ISO 8601 time; '${String(value)}' is none.`)
      return ms
    },
  }
  return readers[type]
}

function isFalse(value: unknown): boolean {
  return value === false || value === 'false' || value === 0 || value === '0'
}

function nameOf(target: Target): string {
  if (target.kind === 'field') return target.name
  return target.kind === 'text' ? target.side : `${target.kind}__${target.key}`
}
