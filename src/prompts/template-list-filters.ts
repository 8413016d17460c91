import { type Arguments, argument, type Filter, numberArgument } from './template-arguments'
import type { Budget } from './template-budget'
import { TemplateError } from './template-error'
import { compared, kindOf } from './template-operators'
import { testNamed } from './template-tests'
import {
  areEqual,
  isNone,
  isTruthy,
  isUndefined,
  itemsOf,
  listValue,
  numberOf,
  textOf,
  tupleValue,
  UNDEFINED,
  type Value,
  valueOf,
} from './template-values'

/** Filters of lists; a string counts as the list of its characters, and an object as that of its keys. */
export const listFilters: Readonly<Record<string, Filter>> = {
  list: (value, _given, budget) => listValue(items(value, budget)),
  first: (value, _given, budget) => items(value, budget)[0] ?? UNDEFINED,
  last: (value, _given, budget) => items(value, budget).at(-1) ?? UNDEFINED,
  reverse: (value, _given, budget) => {
    const reversed = [...items(value, budget)].reverse()
    return typeof value.value === 'string' ? valueOf(reversed.map(textOf).join('')) : listValue(reversed)
  },
  join(value, given, budget) {
    const separator = textOf(argument(given, 0, 'd') ?? valueOf(''))
    const field = argument(given, 1, 'attribute')
    const texts = items(value, budget).map((item) =>
      textOf(field === undefined ? item : attributeOf(item, textOf(field))),
    )
    const length = texts.reduce((sum, one) => sum + one.length, 0)
    budget.make(length + separator.length * Math.max(0, texts.length - 1))
    return valueOf(texts.join(separator))
  },
  sort(value, given, budget) {
    const isReversed = isTruthy(argument(given, 0, 'reverse') ?? valueOf(false))
    const isCaseSensitive = isTruthy(argument(given, 1, 'case_sensitive') ?? valueOf(false))
    const field = argument(given, 2, 'attribute')
    const key = (item: Value) => (field === undefined ? item : attributeOf(item, textOf(field)))
    const all = items(value, budget)
    budget.list(all.length)
    const sign = isReversed ? -1 : 1
    return listValue([...all].sort((one, other) => sign * compared(key(one), key(other), isCaseSensitive)))
  },
  unique(value, given, budget) {
    const isCaseSensitive = isTruthy(argument(given, 0, 'case_sensitive') ?? valueOf(false))
    const seen = new Set<string>()
    return listValue(
      items(value, budget).filter((item) => {
        const words = `${item.type}:${textOf(item)}`
        budget.make(words.length)
        const key = isCaseSensitive ? words : words.toLowerCase()
        const isNew = !seen.has(key)
        seen.add(key)
        return isNew
      }),
    )
  },
  sum(value, given, budget) {
    const field = argument(given, 0, 'attribute')
    let total = numberArgument(given, 1, 'start', 0)
    for (const item of items(value, budget)) {
      const one = field === undefined || isNone(field) ? item : attributeOf(item, textOf(field))
      const number = numberOf(one)
      if (number === undefined) throw new TemplateError(`${kindOf(one)} cannot be added up`)
      total += number
    }
    return valueOf(total)
  },
  max: extreme(1),
  min: extreme(-1),
  select: selected(true, false),
  reject: selected(false, false),
  selectattr: selected(true, true),
  rejectattr: selected(false, true),
  items: (value, _given, budget) => pairs(value, budget),
  dictsort(value, given, budget) {
    const isCaseSensitive = isTruthy(argument(given, 0, 'case_sensitive') ?? valueOf(false))
    const at = textOf(argument(given, 1, 'by') ?? valueOf('key')) === 'value' ? 1 : 0
    const sign = isTruthy(argument(given, 2, 'reverse') ?? valueOf(false)) ? -1 : 1
    const all = items(pairs(value, budget), budget)
    const key = (pair: Value) => itemsOf(pair)?.[at] ?? UNDEFINED
    return listValue([...all].sort((one, other) => sign * compared(key(one), key(other), isCaseSensitive)))
  },
  batch(value, given, budget) {
    const size = count(given, 'linecount')
    const all = items(value, budget)
    const lines = Array.from({ length: Math.ceil(all.length / size) }, (_, line) =>
      all.slice(line * size, (line + 1) * size),
    )
    const filler = argument(given, 1, 'fill_with')
    const last = lines.at(-1)
    if (filler !== undefined && !isNone(filler) && last !== undefined) {
      budget.list(size)
      while (last.length < size) last.push(filler)
    }
    return listValue(lines.map(listValue))
  },
  slice(value, given, budget) {
    const columns = count(given, 'slices')
    budget.list(columns)
    const all = items(value, budget)
    const [each, more] = [Math.floor(all.length / columns), all.length % columns]
    const filler = argument(given, 1, 'fill_with')
    let start = 0
    return listValue(
      Array.from({ length: columns }, (_, column) => {
        const end = start + each + (column < more ? 1 : 0)
        const own = all.slice(start, end)
        start = end
        if (filler !== undefined && column >= more && more > 0) own.push(filler)
        return listValue(own)
      }),
    )
  },
  groupby(value, given, budget) {
    const field = textOf(argument(given, 0, 'attribute') ?? UNDEFINED)
    const all = [...items(value, budget)].sort((one, other) =>
      compared(attributeOf(one, field), attributeOf(other, field), false),
    )
    const groups: { grouper: Value; members: Value[] }[] = []
    for (const item of all) {
      const grouper = attributeOf(item, field)
      const last = groups.at(-1)
      if (last !== undefined && areEqual(last.grouper, grouper)) last.members.push(item)
      else groups.push({ grouper, members: [item] })
    }
    return listValue(groups.map(({ grouper, members }) => tupleValue([grouper, listValue(members)])))
  },
}

/** The elements of what a filter goes through, or the refusal of what has none. */
export function items(value: Value, budget: Budget): Value[] {
  const found = itemsOf(value)
  if (found === undefined) throw new TemplateError(`${kindOf(value)} is no list`)
  if (typeof value.value === 'string') budget.make(found.length)
  else budget.list(found.length)
  return found
}

function count(given: Arguments, name: string): number {
  const number = Math.trunc(numberArgument(given, 0, name, 0))
  if (number < 1) throw new TemplateError(`'${name}' must be 1 or more`)
  return number
}

/** A field, or one below it as in `user.name`; no value where there is none. */
export function attributeOf(item: Value, path: string): Value {
  return path.split('.').reduce<Value>((found, name) => {
    const { value } = found
    if (value instanceof Map) return value.get(name) ?? UNDEFINED
    return (Array.isArray(value) && /^\d+$/.test(name) ? value[Number(name)] : undefined) ?? UNDEFINED
  }, item)
}

function pairs(value: Value, budget: Budget): Value {
  const { value: inner } = value
  if (isUndefined(value)) return listValue([])
  if (!(inner instanceof Map)) throw new TemplateError(`${kindOf(value)} is no object`)
  budget.list(inner.size)
  return listValue([...inner].map(([key, below]) => tupleValue([valueOf(key), below])))
}

function extreme(sign: 1 | -1): Filter {
  return (value, given, budget) => {
    const isCaseSensitive = isTruthy(argument(given, 0, 'case_sensitive') ?? valueOf(false))
    const field = argument(given, 1, 'attribute')
    const key = (item: Value) => (field === undefined ? item : attributeOf(item, textOf(field)))
    const [first, ...others] = items(value, budget)
    if (first === undefined) return UNDEFINED
    return others.reduce<Value>(
      (best, item) => (sign * compared(key(item), key(best), isCaseSensitive) > 0 ? item : best),
      first,
    )
  }
}

function selected(wants: boolean, isByField: boolean): Filter {
  return (value, { given }, budget) => {
    const [field, named] = isByField ? given : [undefined, given[0]]
    const against = (isByField ? given[2] : given[1]) ?? UNDEFINED
    const test = named === undefined ? isTruthy : testNamed(textOf(named))
    return listValue(
      items(value, budget).filter((item) => {
        const tested = isByField ? attributeOf(item, textOf(field ?? UNDEFINED)) : item
        return test(tested, against) === wants
      }),
    )
  }
}
