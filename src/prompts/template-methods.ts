import { type Arguments, argument, numberArgument, required } from './template-arguments'
import type { Budget } from './template-budget'
import { TemplateError } from './template-error'
import { listFilters } from './template-list-filters'
import { replaced, stripped, textFilters } from './template-text-filters'
import {
  areEqual,
  isNone,
  itemsOf,
  listValue,
  textOf,
  tupleValue,
  UNDEFINED,
  type Value,
  valueOf,
} from './template-values'

type Method = (text: string, given: Arguments, budget: Budget) => Value

const strip =
  (sides: 'both' | 'start' | 'end'): Method =>
  (text, given, budget) => {
    budget.make(text.length)
    const characters = argument(given, 0, 'chars')
    return valueOf(stripped(text, characters === undefined ? ' \t\n\r\f\v' : textOf(characters), sides))
  }
const has =
  (isAt: (text: string, part: string) => boolean): Method =>
  (text, given) => {
    const part = required(given, 0, 'prefix')
    const parts = Array.isArray(part.value) ? part.value : [part]
    return valueOf(parts.some((one) => isAt(text, textOf(one))))
  }
const matches =
  (pattern: RegExp): Method =>
  (text) =>
    valueOf(pattern.test(text))
const asFilter =
  (name: string): Method =>
  (text, given, budget) =>
    textFilters[name]?.(valueOf(text), given, budget) ?? UNDEFINED

/** Methods of strings, as in Python. */
const ofStrings: Readonly<Record<string, Method>> = {
  upper: asFilter('upper'),
  lower: asFilter('lower'),
  title: asFilter('title'),
  capitalize: asFilter('capitalize'),
  strip: strip('both'),
  lstrip: strip('start'),
  rstrip: strip('end'),
  startswith: has((text, part) => text.startsWith(part)),
  endswith: has((text, part) => text.endsWith(part)),
  isdigit: matches(/^\d+$/),
  isalpha: matches(/^\p{L}+$/u),
  isalnum: matches(/^[\p{L}\p{N}]+$/u),
  find: (text, given) => valueOf(text.indexOf(textOf(required(given, 0, 'sub')))),
  count: (text, given) => valueOf(text.split(textOf(required(given, 0, 'sub'))).length - 1),
  replace: (text, given, budget) =>
    valueOf(
      replaced(
        text,
        { old: textOf(required(given, 0, 'old')), fresh: textOf(required(given, 1, 'new')) },
        { count: numberArgument(given, 2, 'count', -1), budget },
      ),
    ),
  join: (text, { given: [list = UNDEFINED] }, budget) =>
    listFilters['join']?.(list, { given: [valueOf(text)], named: new Map() }, budget) ?? UNDEFINED,
  splitlines: (text, _given, budget) => parts(text.replace(/\n$/, '').split('\n'), budget),
  split(text, given, budget) {
    const separator = argument(given, 0, 'sep')
    const most = numberArgument(given, 1, 'maxsplit', -1)
    if (separator === undefined || isNone(separator)) {
      const words = text.trim().split(/\s+/)
      return parts(most < 0 ? words : limited(text.trim(), /\s+/g, most), budget)
    }
    const by = textOf(separator)
    if (by === '') throw new TemplateError('a text cannot be split at nothing')
    const all = text.split(by)
    if (most < 0 || all.length <= most + 1) return parts(all, budget)
    return parts([...all.slice(0, most), all.slice(most).join(by)], budget)
  },
}

function limited(text: string, blanks: RegExp, most: number): string[] {
  const found: string[] = []
  let start = 0
  for (const { index, 0: blank } of text.matchAll(blanks)) {
    if (found.length === most) break
    found.push(text.slice(start, index))
    start = index + blank.length
  }
  return [...found, text.slice(start)]
}

function parts(texts: readonly string[], budget: Budget): Value {
  budget.list(texts.length)
  return listValue(texts.map((text) => valueOf(text)))
}

type ObjectMethod = (object: ReadonlyMap<string, Value>, given: Arguments, budget: Budget) => Value

/** Methods of objects. */
const ofObjects: Readonly<Record<string, ObjectMethod>> = {
  get: (object, given) =>
    object.get(textOf(required(given, 0, 'key'))) ?? argument(given, 1, 'default') ?? valueOf(null),
  keys: (object, _given, budget) => parts([...object.keys()], budget),
  values(object, _given, budget) {
    budget.list(object.size)
    return listValue([...object.values()])
  },
  items(object, _given, budget) {
    budget.list(object.size)
    return listValue([...object].map(([key, value]) => tupleValue([valueOf(key), value])))
  },
}

type ListMethod = (list: Value[], given: Arguments, budget: Budget) => Value

/** Methods of lists. */
const ofLists: Readonly<Record<string, ListMethod>> = {
  append(list, given, budget) {
    budget.list(list.length + 1)
    list.push(required(given, 0, 'item'))
    return valueOf(null)
  },
  count: (list, given) => valueOf(list.filter((item) => areEqual(item, required(given, 0, 'item'))).length),
  index(list, given) {
    const at = list.findIndex((item) => areEqual(item, required(given, 0, 'item')))
    if (at === -1) throw new TemplateError('the list does not have this element')
    return valueOf(at)
  },
}

/** The method of a value, with the value in its place; undefined for a name that is none. */
export function methodOf(
  { value, type }: Value,
  name: string,
): ((given: Arguments, budget: Budget) => Value) | undefined {
  if (typeof value === 'string') return bound(ofStrings, name, value)
  if (Array.isArray(value)) return bound(ofLists, name, value)
  // A field hides the method of the same name.
  if (value instanceof Map && type !== 'NamespaceValue' && !value.has(name))
    return bound(ofObjects, name, value)
  return undefined
}

function bound<Inner>(
  methods: Readonly<Record<string, (inner: Inner, given: Arguments, budget: Budget) => Value>>,
  name: string,
  inner: Inner,
) {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined
  return method === undefined ? undefined : (given: Arguments, budget: Budget) => method(inner, given, budget)
}

/** The elements of `loop.cycle(...)`, one after the other. */
export function cycled({ given }: Arguments, index: Value): Value {
  const at = typeof index.value === 'number' ? index.value : 0
  return given[at % Math.max(1, given.length)] ?? UNDEFINED
}

/** `range(...)`, as long as a list may be. */
export function rangeOf(given: Arguments, budget: Budget): Value {
  const numbers = given.given.map((_, at) => numberArgument(given, at, 'range', 0))
  const [start = 0, stop = 0, step = 1] = numbers.length === 1 ? [0, ...numbers] : numbers
  if (step === 0) throw new TemplateError('the step of a range must not be 0')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (!Number.isInteger(length)) throw new TemplateError('a range needs whole numbers')
  budget.list(length)
  return valueOf(Array.from({ length }, (_, at) => start + at * step))
}

/** What a loop goes through. */
export function loopItems(value: Value, budget: Budget): Value {
  const found = itemsOf(value)
  if (found === undefined) throw new TemplateError('a loop needs a list, an object or a string')
  budget.loop(found.length)
  // The engine takes apart lists, and no tuples.
  return listValue(found.map((item) => (item.type === 'TupleValue' ? listValue(itemsOf(item) ?? []) : item)))
}
