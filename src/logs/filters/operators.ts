import type { FieldType } from './fields'
import { checkedPattern, globOf } from './glob'
import { trigramsOf } from './trigrams'

/** Gives a value to a statement, and its place there. */
export type Bind = (value: string | number) => string

/** The operand of a comparison: an SQL expression, and how its values are bound. */
export interface Operand {
  sql: string
  type: FieldType
  /** The value in the terms of the database; refuses what is none of the type. */
  read(value: unknown): string | number
}

/** An operator in SQL. */
export interface Operator {
  /** The types of fields that have it; all when absent. */
  types?: readonly FieldType[]
  /** How many values it takes: at least one when absent. */
  values?: 'none'
  /** It holds where this one does not, and where there is no value at all. */
  negates?: string
  sql?(operand: Operand, values: readonly unknown[], bind: Bind): string
}

const TEXT: readonly FieldType[] = ['text']
/** Words are found to be alike from this share of common trigrams on; PostgreSQL's own default for the operator. */
const ALIKE = 0.6

/** The operators of filters, by their names in the API. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  '': { sql: equal },
  in: { sql: equal },
  not: { negates: '' },
  iexact: { types: TEXT, sql: each((sql, value) => `${sql} = ${value} collate nocase`) },
  lt: { sql: compared('<') },
  lte: { sql: compared('<=') },
  gt: { sql: compared('>') },
  gte: { sql: compared('>=') },
  contains: { types: TEXT, sql: each((sql, value) => `instr(${sql}, ${value}) > 0`) },
  icontains: { types: TEXT, sql: each((sql, value) => `instr(lower(${sql}), lower(${value})) > 0`) },
  startswith: { types: TEXT, sql: each((sql, value) => `substr(${sql}, 1, length(${value})) = ${value}`) },
  endswith: {
    types: TEXT,
    sql: each((sql, value) => `substr(${sql}, length(${sql}) - length(${value}) + 1) = ${value}`),
  },
  isnull: { sql: absent },
  empty: { values: 'none', negates: 'notEmpty' },
  notEmpty: { values: 'none', sql: ({ sql }) => `${sql} <> ''` },
  not_empty: { values: 'none', sql: ({ sql }) => `${sql} <> ''` },
  regex: { types: TEXT, sql: matching((value) => globOf(value), 'glob') },
  ilike: { types: TEXT, sql: matching((value) => [checkedPattern(value)], 'like') },
  trigram_word_similar: { types: TEXT, sql: alike },
  // Of the texts of requests and answers only; their index is asked, not a column.
  full_text_search: { types: [] },
}

// One value is compared directly, so that an index can be used; several are one parameter.
function equal({ sql, read }: Operand, values: readonly unknown[], bind: Bind): string {
  const [first, ...more] = values.map(read)
  if (first === undefined || more.length > 0)
    return `${sql} in (select value from json_each(${bind(JSON.stringify(values.map(read)))}))`
  return `${sql} = ${bind(first)}`
}

function compared(sign: string) {
  return each((sql, value) => `${sql} ${sign} ${value}`)
}

/** Holds when it does for any of the values. */
function each(one: (sql: string, value: string) => string): NonNullable<Operator['sql']> {
  return ({ sql, read }, values, bind) => {
    const [first, ...more] = values.map(read)
    if (first !== undefined && more.length === 0) return one(sql, bind(first))
    const list = bind(JSON.stringify(values.map(read)))
    return `exists (select 1 from json_each(${list}) as given where ${one(sql, 'given.value')})`
  }
}

function absent({ sql }: Operand, [value = true]: readonly unknown[]): string {
  return value === false || value === 'false' || value === 0 || value === '0'
    ? `${sql} is not null`
    : `${sql} is null`
}

function matching(
  patternsOf: (value: string) => readonly string[],
  comparison: string,
): NonNullable<Operator['sql']> {
  return ({ sql }, values, bind) => {
    const patterns = values.flatMap((value) => patternsOf(String(value)))
    return `(${patterns.map((pattern) => `${sql} ${comparison} ${bind(pattern)}`).join(' or ')})`
  }
}

function alike({ sql }: Operand, values: readonly unknown[], bind: Bind): string {
  const one = (value: unknown) => {
    const trigrams = trigramsOf(String(value))
    const found = `select count(*) from json_each(${bind(JSON.stringify(trigrams))}) as given
      where instr(' ' || lower(${sql}) || ' ', given.value) > 0`
    return `(${found}) >= ${bind(ALIKE * trigrams.length)}`
  }
  return `(${values.map(one).join(' or ')})`
}
