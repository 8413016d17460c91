import type { Budget } from './template-budget'
import { TemplateError } from './template-error'
import {
  areEqual,
  floatValue,
  isUndefined,
  listValue,
  numberOf,
  textOf,
  type Value,
  valueOf,
} from './template-values'

type Operator = (left: Value, right: Value, budget: Budget) => Value

/** Operators between two values, as in Python; `and` and `or` are the interpreter's. */
export const operators: Readonly<Record<string, Operator>> = {
  '==': (left, right) => valueOf(areEqual(left, right)),
  '!=': (left, right) => valueOf(!areEqual(left, right)),
  '<': (left, right) => valueOf(compared(left, right) < 0),
  '>': (left, right) => valueOf(compared(left, right) > 0),
  '<=': (left, right) => valueOf(compared(left, right) <= 0),
  '>=': (left, right) => valueOf(compared(left, right) >= 0),
  in: (left, right) => valueOf(isIn(left, right)),
  'not in': (left, right) => valueOf(!isIn(left, right)),
  '~': (left, right, budget) => joined([textOf(left), textOf(right)], budget),
  '+': added,
  '*': multiplied,
  '-': arithmetic((one, other) => one - other),
  '/': (left, right) => floatValue(numberIn(left, '/') / divisor(right, '/')),
  '//': arithmetic((one, other) => Math.floor(one / other), true),
  '%': arithmetic((one, other) => one - other * Math.floor(one / other), true),
  '**': arithmetic((one, other) => one ** other),
}

/** Less than 0 when the first comes before the second. */
export function compared(left: Value, right: Value, isCaseSensitive = true): number {
  const [one, other] = [numberOf(left), numberOf(right)]
  if (one !== undefined && other !== undefined) return one - other
  const [first, second] = [left.value, right.value]
  if (typeof first === 'string' && typeof second === 'string')
    return isCaseSensitive ? order(first, second) : order(first.toLowerCase(), second.toLowerCase())
  if (Array.isArray(first) && Array.isArray(second)) {
    for (const [at, item] of first.entries()) {
      const match = second[at]
      if (match === undefined) return 1
      const result = compared(item, match, isCaseSensitive)
      if (result !== 0) return result
    }
    return first.length - second.length
  }
  throw new TemplateError(`${kindOf(left)} and ${kindOf(right)} cannot be compared`)
}

/** What a value is, for an error. */
export function kindOf({ type }: Value): string {
  return KINDS[type] ?? 'a value'
}

const KINDS: Readonly<Record<string, string>> = {
  StringValue: 'a string',
  IntegerValue: 'a number',
  FloatValue: 'a number',
  BooleanValue: 'a boolean',
  NullValue: 'none',
  UndefinedValue: 'a missing value',
  ArrayValue: 'a list',
  TupleValue: 'a tuple',
  ObjectValue: 'an object',
  NamespaceValue: 'a namespace',
  FunctionValue: 'a function',
}

function order(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function isIn(left: Value, { value, type }: Value): boolean {
  if (type === 'UndefinedValue') return false
  if (Array.isArray(value)) return value.some((item) => areEqual(item, left))
  if (value instanceof Map) return typeof left.value === 'string' && value.has(left.value)
  if (typeof value === 'string' && typeof left.value === 'string') return value.includes(left.value)
  throw new TemplateError("'in' needs a list, an object or a string behind it")
}

function joined(texts: readonly string[], budget: Budget): Value {
  budget.make(texts.reduce((sum, { length }) => sum + length, 0))
  return valueOf(texts.join(''))
}

function added(left: Value, right: Value, budget: Budget): Value {
  const [one, other] = [left.value, right.value]
  if (typeof one === 'string' && typeof other === 'string') return joined([one, other], budget)
  if (Array.isArray(one) && Array.isArray(other)) {
    budget.list(one.length + other.length)
    return listValue([...one, ...other])
  }
  return arithmetic((first, second) => first + second)(left, right, budget)
}

function multiplied(left: Value, right: Value, budget: Budget): Value {
  const [one, other] = [left.value, right.value]
  if (typeof one === 'number' && (typeof other === 'string' || Array.isArray(other)))
    return multiplied(right, left, budget)
  if (typeof other === 'number' && typeof one === 'string') {
    const times = Math.max(0, Math.trunc(other))
    budget.make(one.length * times)
    return valueOf(one.repeat(times))
  }
  if (typeof other === 'number' && Array.isArray(one)) {
    const times = Math.max(0, Math.trunc(other))
    budget.list(one.length * times)
    return listValue(Array.from({ length: times }, () => one).flat())
  }
  return arithmetic((first, second) => first * second)(left, right, budget)
}

function arithmetic(calculate: (one: number, other: number) => number, isDivision = false): Operator {
  return (left, right) => {
    const one = numberIn(left, 'arithmetic')
    const other = isDivision ? divisor(right, 'a division') : numberIn(right, 'arithmetic')
    const result = calculate(one, other)
    if (!Number.isFinite(result)) throw new TemplateError('a number is too large')
    const isFloat = left.type === 'FloatValue' || right.type === 'FloatValue' || !Number.isInteger(result)
    return isFloat ? floatValue(result) : valueOf(result)
  }
}

function divisor(value: Value, where: string): number {
  const number = numberIn(value, where)
  if (number === 0) throw new TemplateError('a number is divided by 0')
  return number
}

function numberIn(value: Value, where: string): number {
  const number = numberOf(value)
  if (number !== undefined) return number
  throw new TemplateError(
    `${isUndefined(value) ? 'a missing value' : kindOf(value)} stands where ${where} needs a number`,
  )
}
