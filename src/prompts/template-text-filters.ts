import { type Arguments, argument, type Filter, numberArgument, required } from './template-arguments'
import type { Budget } from './template-budget'
import { TemplateError } from './template-error'
import { kindOf } from './template-operators'
import {
  floatValue,
  isTruthy,
  isUndefined,
  itemsOf,
  jsonOf,
  numberOf,
  textOf,
  type Value,
  valueOf,
} from './template-values'

const text =
  (change: (text: string) => string): Filter =>
  (value, _given, budget) => {
    const words = textOf(value)
    budget.make(words.length)
    return valueOf(change(words))
  }

/** Python's capitalize(): the first letter large, the rest small. */
function capitalized(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1).toLowerCase()
}

const HTML: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;' },
  ...{ '"': '&#34;', "'": '&#39;' },
}

const escaped: Filter = (value, _given, budget) => {
  const words = textOf(value)
  budget.make(words.length * 6)
  return valueOf(words.replaceAll(/[&<>"']/g, (character) => HTML[character] ?? character))
}

const ofDefault: Filter = (value, given) => {
  const otherwise = argument(given, 0, 'default_value') ?? valueOf('')
  const isForFalse = isTruthy(argument(given, 1, 'boolean') ?? valueOf(false))
  return isUndefined(value) || (isForFalse && !isTruthy(value)) ? otherwise : value
}

const lengthOf: Filter = (value) => {
  const { value: inner } = value
  if (inner instanceof Map) return valueOf(inner.size)
  const items = itemsOf(value)
  if (items === undefined) throw new TemplateError(`${kindOf(value)} has no length`)
  return valueOf(items.length)
}

/** Filters of texts and numbers. */
export const textFilters: Readonly<Record<string, Filter>> = {
  upper: text((words) => words.toUpperCase()),
  lower: text((words) => words.toLowerCase()),
  capitalize: text(capitalized),
  // A word begins behind a blank, a hyphen or a bracket.
  title: text((words) => words.replaceAll(/[^-\s({[<]+/g, capitalized)),
  striptags: text((words) =>
    words
      .replaceAll(/<!--.*?-->|<[^<>]*>/gs, '')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  ),
  urlencode: text((words) =>
    encodeURIComponent(words)
      .replaceAll('%2F', '/')
      .replaceAll(/[!'()*]/g, percent),
  ),
  string: text((words) => words),
  safe: (value) => value,
  escape: escaped,
  e: escaped,
  default: ofDefault,
  d: ofDefault,
  length: lengthOf,
  count: lengthOf,
  wordcount: (value) => valueOf(textOf(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0),
  trim: (value, given, budget) => {
    const words = textOf(value)
    budget.make(words.length)
    const characters = argument(given, 0, 'chars')
    return valueOf(characters === undefined ? words.trim() : stripped(words, textOf(characters)))
  },
  center: (value, given, budget) => {
    const words = textOf(value)
    const width = Math.trunc(numberArgument(given, 0, 'width', 80))
    budget.make(Math.max(width, words.length))
    const free = Math.max(0, width - words.length)
    const left = Math.floor(free / 2) + (free & width & 1)
    return valueOf(' '.repeat(left) + words + ' '.repeat(free - left))
  },
  indent: indented,
  replace: (value, given, budget) =>
    valueOf(
      replaced(
        textOf(value),
        { old: textOf(required(given, 0, 'old')), fresh: textOf(required(given, 1, 'new')) },
        { count: numberArgument(given, 2, 'count', Number.POSITIVE_INFINITY), budget },
      ),
    ),
  truncate: truncated,
  tojson: (value, given, budget) => {
    const indent = Math.trunc(numberArgument(given, 0, 'indent', 0))
    if (indent > 16) throw new TemplateError("'indent' of tojson must be 16 at most")
    const json = jsonOf(value, Math.max(0, indent))
    budget.make(json.length)
    return valueOf(json)
  },
  int: (value, given) => {
    const { value: inner } = value
    const number = typeof inner === 'string' ? parsed(inner, given) : numberOf(value)
    return number === undefined ? (argument(given, 0, 'default') ?? valueOf(0)) : valueOf(Math.trunc(number))
  },
  float: (value, given) => {
    const { value: inner } = value
    const number = typeof inner === 'string' ? parsed(inner, given) : numberOf(value)
    return number === undefined ? (argument(given, 0, 'default') ?? floatValue(0)) : floatValue(number)
  },
  abs: (value) => {
    const number = Math.abs(numberArgument({ given: [value], named: new Map() }, 0, 'value', 0))
    return value.type === 'FloatValue' ? floatValue(number) : valueOf(number)
  },
  round: rounded,
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function parsed(words: string, given: Arguments): number | undefined {
  const number = Number(words.trim().replaceAll('_', ''))
  return words.trim() === '' || Number.isNaN(number) || given.named.has('base') ? undefined : number
}

/** Text without any of the characters at its ends. */
export function stripped(
  words: string,
  characters: string,
  sides: 'both' | 'start' | 'end' = 'both',
): string {
  let [start, end] = [0, words.length]
  if (sides !== 'end') while (start < end && characters.includes(words.charAt(start))) start++
  if (sides !== 'start') while (end > start && characters.includes(words.charAt(end - 1))) end--
  return words.slice(start, end)
}

/** Text with some or all of one word replaced by another, as long as that is not more than a text may be. */
export function replaced(
  words: string,
  { old, fresh }: { old: string; fresh: string },
  { count, budget }: { count: number; budget: Budget },
): string {
  const parts = old === '' ? ['', ...words, ''] : words.split(old)
  const most = count < 0 ? Number.POSITIVE_INFINITY : count
  const times = Math.min(most, parts.length - 1)
  budget.make(words.length + Math.max(0, times * (fresh.length - old.length)))
  const head = parts.slice(0, times + 1).join(fresh)
  return times < parts.length - 1 ? head + old + parts.slice(times + 1).join(old) : head
}

function indented(value: Value, given: Arguments, budget: Budget): Value {
  const width = argument(given, 0, 'width') ?? valueOf(4)
  const blanks = numberOf(width)
  budget.make(blanks ?? 0)
  const prefix = blanks === undefined ? textOf(width) : ' '.repeat(Math.max(0, Math.trunc(blanks)))
  const isFirst = isTruthy(argument(given, 1, 'first') ?? valueOf(false))
  const isBlank = isTruthy(argument(given, 2, 'blank') ?? valueOf(false))
  const lines = textOf(value).split('\n')
  budget.make(textOf(value).length + lines.length * prefix.length)
  return valueOf(
    lines
      .map((line, at) => ((at === 0 ? isFirst : isBlank || line !== '') ? prefix + line : line))
      .join('\n'),
  )
}

function truncated(value: Value, given: Arguments, budget: Budget): Value {
  const words = textOf(value)
  budget.make(words.length)
  const length = Math.trunc(numberArgument(given, 0, 'length', 255))
  const cutsWords = isTruthy(argument(given, 1, 'killwords') ?? valueOf(false))
  const end = textOf(argument(given, 2, 'end') ?? valueOf('...'))
  const leeway = numberArgument(given, 3, 'leeway', 5)
  if (words.length <= length + leeway) return valueOf(words)
  const cut = words.slice(0, Math.max(0, length - end.length))
  const space = cut.lastIndexOf(' ')
  return valueOf((cutsWords || space === -1 ? cut : cut.slice(0, space)) + end)
}

function rounded(value: Value, given: Arguments): Value {
  const precision = Math.trunc(numberArgument(given, 0, 'precision', 0))
  const method = textOf(argument(given, 1, 'method') ?? valueOf('common'))
  const number = numberOf(value)
  if (number === undefined) throw new TemplateError(`${kindOf(value)} cannot be rounded`)
  if (Math.abs(precision) > 15) throw new TemplateError("'precision' must be 15 at most")
  if (method === 'common' && value.type !== 'FloatValue' && precision >= 0) return valueOf(number)
  const scale = 10 ** precision
  if (method === 'ceil') return floatValue(Math.ceil(number * scale) / scale)
  if (method === 'floor') return floatValue(Math.floor(number * scale) / scale)
  if (method !== 'common') throw new TemplateError("'method' must be common, ceil or floor")
  return floatValue(
    precision >= 0 ? Number(halfToEven(number, precision)) : Math.round(number * scale) / scale,
  )
}

// Python rounds what lies exactly between two to the even one.
function halfToEven(number: number, precision: number): string {
  const scaled = number * 10 ** precision
  const isHalf = precision === 0 && Math.abs(scaled % 1) === 0.5
  return isHalf ? String(2 * Math.round(number / 2)) : number.toFixed(precision)
}
