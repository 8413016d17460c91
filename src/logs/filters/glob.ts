import { badFilter } from './condition'

/** SQLite in D1 has no regular expressions, and its patterns may have this many bytes (D1, "Limits"). */
const MAX_PATTERN_BYTES = 50
const TOKEN = /\\(.)|\[(\^?)((?:[^\]\\]|\\.)+)\]|\.\*|\.\+|\.|([\^$|()*+?{}[\]])|([^\\])/gsu
const CLASSES: Readonly<Record<string, string>> = { d: '[0-9]', D: '[^0-9]', w: '[A-Za-z0-9_]', s: '[ \t\n]' }

/**
 * A regular expression as GLOB patterns, one for each of its alternatives: literal text, `.`, `.*`, `.+`, classes as in
 * `[a-z]` and `\d`, `^` and `$` at the ends, and `|` between whole alternatives. A part that is not anchored may lie
 * anywhere.
 * @throws SluiceError `invalid_request` (400) for anything else, and for what is longer than the database takes
 */
export function globOf(expression: string): string[] {
  return alternativesOf(expression).map((alternative) => {
    const isFromStart = alternative.startsWith('^')
    const isToEnd = alternative.endsWith('$') && !alternative.endsWith('\\$')
    const inner = alternative.slice(isFromStart ? 1 : 0, isToEnd ? -1 : undefined)
    return checkedPattern(`${isFromStart ? '' : '*'}${translated(inner, expression)}${isToEnd ? '' : '*'}`)
  })
}

/** A pattern that D1 takes. */
export function checkedPattern(pattern: string): string {
  if (new TextEncoder().encode(pattern).length <= MAX_PATTERN_BYTES) return pattern
  throw badFilter(
    'value',
    `A pattern may have ${MAX_PATTERN_BYTES} bytes; for longer texts there are contains and icontains.`,
  )
}

function alternativesOf(expression: string): string[] {
  return expression.split(/(?<!\\)\|/)
}

function translated(inner: string, expression: string): string {
  let pattern = ''
  let end = 0
  for (const match of inner.matchAll(TOKEN)) {
    pattern += globToken(match, expression)
    end = match.index + match[0].length
  }
  if (end !== inner.length) throw unsupported(expression)
  return pattern
}

function globToken(
  [whole, escaped, not = '', members, special, literal]: RegExpMatchArray,
  expression: string,
): string {
  if (escaped !== undefined) return CLASSES[escaped] ?? literalToken(escaped, expression)
  if (members !== undefined) return `[${not}${members.replaceAll('\\', '')}]`
  if (whole === '.*') return '*'
  if (whole === '.+') return '?*'
  if (whole === '.') return '?'
  if (special !== undefined || literal === undefined) throw unsupported(expression)
  return literalToken(literal, expression)
}

function literalToken(character: string, expression: string): string {
  if (/[a-z0-9]/i.test(character) || !'*?['.includes(character)) return character
  if (character === '[') return '[[]'
  if ('*?'.includes(character)) return `[${character}]`
  throw unsupported(expression)
}

function unsupported(expression: string) {
  return badFilter(
    'value',
    `The expression '${expression}' cannot be looked for: literal text, ., .*, .+, [a-z], [^a-z], \\d, \\w, \\s, ^, $ and | between alternatives are.`,
  )
}
