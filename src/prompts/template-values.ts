import { Environment, Interpreter } from '@huggingface/jinja'

/** A value of the engine's. */
export type Value = ReturnType<Interpreter['evaluate']>

const scratch = new Environment()
const plain = new Interpreter(scratch)

/** A value of JSON as the engine's; objects become maps of their own fields. */
export function valueOf(json: unknown): Value {
  scratch.variables.clear()
  return scratch.set('value', json)
}

/** A number that is written with a fraction, even if that is 0. */
export function floatValue(value: number): Value {
  const literal = { type: 'FloatLiteral', value }
  return plain.evaluate(literal, scratch)
}

/** A list of values that are the engine's already. */
export function listValue(items: readonly Value[]): Value {
  const list = valueOf([])
  if (Array.isArray(list.value)) for (const item of items) list.value.push(item)
  return list
}

/** A list that is printed in round brackets. */
export function tupleValue(items: readonly Value[]): Value {
  const tuple = listValue(items)
  tuple.type = 'TupleValue'
  return tuple
}

/** No value. */
export const UNDEFINED: Value = valueOf(undefined)

/** Whether there is no value: a variable that was not given, a field that an object does not have. */
export function isUndefined(value: Value): boolean {
  return value.type === 'UndefinedValue'
}

/** Python's None, which is a value. */
export function isNone(value: Value): boolean {
  return value.type === 'NullValue'
}

/** What counts as true in a condition, as in Python. */
export function isTruthy(value: Value): boolean {
  return value.__bool__().value
}

/** The elements of a list, the characters of a string or the keys of an object; undefined for what has none. */
export function itemsOf(value: Value): Value[] | undefined {
  const { value: inner } = value
  if (Array.isArray(inner)) return inner
  if (typeof inner === 'string') return Array.from(inner, (character) => valueOf(character))
  if (inner instanceof Map) return [...inner.keys()].map((key) => valueOf(key))
  return isUndefined(value) ? [] : undefined
}

/** As it is printed: Python's str(). */
export function textOf(value: Value): string {
  return typeof value.value === 'string' ? value.value : isUndefined(value) ? '' : reprOf(value)
}

/** Python's repr(), as it shows in a printed list or dictionary. */
export function reprOf(value: Value): string {
  const { value: inner } = value
  if (typeof inner === 'string') return quoted(inner)
  if (typeof inner === 'boolean') return inner ? 'True' : 'False'
  if (isNone(value)) return 'None'
  if (Array.isArray(inner)) {
    const items = inner.map(reprOf)
    if (value.type !== 'TupleValue') return `[${items.join(', ')}]`
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`
  }
  if (inner instanceof Map)
    return `{${[...inner].map(([key, below]) => `${quoted(key)}: ${reprOf(below)}`).join(', ')}}`
  return isUndefined(value) ? 'Undefined' : value.toString()
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replaceAll(/[\\\n\r\t]/g, (character) => ESCAPES[character] ?? character)
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote
}

/** Whether two values are equal, through and through; a number never equals a text. */
export function areEqual(one: Value, other: Value): boolean {
  const [left, right] = [one.value, other.value]
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, at) => areEqual(item, right[at] ?? UNDEFINED))
  if (left instanceof Map && right instanceof Map)
    return (
      left.size === right.size &&
      [...left].every(([key, item]) => right.has(key) && areEqual(item, right.get(key) ?? UNDEFINED))
    )
  const [first, second] = [numberOf(one), numberOf(other)]
  if (first !== undefined && second !== undefined) return first === second
  return left === right && isNone(one) === isNone(other)
}

/** The number that a value stands for, booleans included; undefined for anything else. */
export function numberOf({ value }: Value): number | undefined {
  return typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : undefined
}

/** JSON with Python's spaces, keys in their order and no escapes for HTML. */
export function jsonOf(value: Value, indent: number, depth = 0): string {
  const { value: inner } = value
  const isList = Array.isArray(inner)
  if (!isList && !(inner instanceof Map)) return JSON.stringify(scalarOf(value))
  const parts = isList
    ? inner.map((item) => jsonOf(item, indent, depth + 1))
    : [...inner].map(([key, item]) => `${JSON.stringify(key)}: ${jsonOf(item, indent, depth + 1)}`)
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  if (indent === 0 || parts.length === 0) return open + parts.join(', ') + close
  const line = `\n${' '.repeat(indent * (depth + 1))}`
  return `${open}${line}${parts.join(`,${line}`)}\n${' '.repeat(indent * depth)}${close}`
}

function scalarOf({ value }: Value): string | number | boolean | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}
