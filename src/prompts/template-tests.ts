import { TemplateError } from './template-error'
import { compared } from './template-operators'
import { areEqual, isUndefined, itemsOf, numberOf, type Value } from './template-values'

type Test = (value: Value, argument: Value) => boolean

const letters = ({ value }: Value) => (typeof value === 'string' && /\p{L}/u.test(value) ? value : undefined)
const remainder = (value: Value, by: number) => {
  const number = numberOf(value)
  if (number === undefined || !Number.isInteger(number))
    throw new TemplateError('a test needs a whole number')
  return ((number % by) + by) % by
}
const before: Test = (value, argument) => compared(value, argument) < 0
const after: Test = (value, argument) => compared(value, argument) > 0
const notAfter: Test = (value, argument) => compared(value, argument) <= 0
const notBefore: Test = (value, argument) => compared(value, argument) >= 0

/** Tests by name (Jinja, "List of Builtin Tests"). */
export const tests: Readonly<Record<string, Test>> = {
  defined: (value) => !isUndefined(value),
  undefined: isUndefined,
  none: ({ type }) => type === 'NullValue',
  boolean: ({ type }) => type === 'BooleanValue',
  true: ({ value }) => value === true,
  false: ({ value }) => value === false,
  integer: ({ type }) => type === 'IntegerValue',
  float: ({ type }) => type === 'FloatValue',
  number: ({ type }) => type === 'IntegerValue' || type === 'FloatValue' || type === 'BooleanValue',
  string: ({ value }) => typeof value === 'string',
  mapping: ({ value, type }) => value instanceof Map && type !== 'NamespaceValue',
  iterable: (value) => itemsOf(value) !== undefined,
  sequence: ({ value }) => typeof value === 'string' || Array.isArray(value) || value instanceof Map,
  callable: ({ type }) => type === 'FunctionValue',
  lower: (value) => letters(value) !== undefined && letters(value) === letters(value)?.toLowerCase(),
  upper: (value) => letters(value) !== undefined && letters(value) === letters(value)?.toUpperCase(),
  odd: (value) => remainder(value, 2) === 1,
  even: (value) => remainder(value, 2) === 0,
  divisibleby(value, argument) {
    const by = numberOf(argument)
    if (by === undefined || by === 0) throw new TemplateError("'divisibleby' needs a number other than 0")
    return remainder(value, by) === 0
  },
  sameas: (value, argument) =>
    value.type === argument.type && (value === argument || value.value === argument.value),
  in: (value, argument) =>
    typeof argument.value === 'string' && typeof value.value === 'string'
      ? argument.value.includes(value.value)
      : (itemsOf(argument)?.some((item) => areEqual(item, value)) ?? false),
  eq: areEqual,
  equalto: areEqual,
  '==': areEqual,
  ne: (value, argument) => !areEqual(value, argument),
  lt: before,
  lessthan: before,
  le: notAfter,
  gt: after,
  greaterthan: after,
  ge: notBefore,
}

/** @throws TemplateError for a name that is no test */
export function testNamed(name: string): Test {
  const test = Object.hasOwn(tests, name) ? tests[name] : undefined
  if (test === undefined) throw new TemplateError(`there is no test '${name}'`)
  return test
}
