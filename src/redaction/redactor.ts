import { defaultRedaction, type RedactionSettings } from '../platform/redaction-settings'
import type { Settings } from '../platform/settings'
import { secretShapes } from '../providers/secret-shapes'
import { problemWithPattern } from './custom-pattern'
import { type Pattern, personalData } from './personal-data'

/** Masks what an operator wants masked. */
export interface Redactor {
  text(text: string): string
  /** A JSON value with its texts, names and long numbers masked; the same value when nothing was found. */
  value(value: unknown): unknown
}

/** A picture or a sound in a message: what looks like a key in it is chance. */
const EMBEDDED = /^data:[\w.+/-]{1,100};base64,[A-Za-z0-9+/=]*$/
/** A shorter number is nobody's card or telephone. */
const SHORTEST_NUMBER = 1_000_000
const MAX_DEPTH = 200

const known = new WeakMap<RedactionSettings, Redactor>()

/** The redactor of these settings; undefined when they mask nothing. Made once for each change of them. */
export function redactorOf(settings: RedactionSettings | undefined): Redactor | undefined {
  if (settings?.enabled !== true) return undefined
  const made = known.get(settings) ?? createRedactor(settings)
  known.set(settings, made)
  return made
}

/** What masks logs; undefined when they are stored as they are. */
export function redactorOfLogs(settings: Settings | undefined): Redactor | undefined {
  const redaction = settings?.redaction
  return redaction?.apply_to?.includes('logs') === false ? undefined : redactorOf(redaction)
}

function createRedactor(settings: RedactionSettings): Redactor {
  const { replacement = defaultRedaction.replacement } = settings
  const patterns = patternsOf(settings)
  const text = (given: string) => {
    if (given.startsWith('data:') && EMBEDDED.test(given)) return given
    let clean = given
    for (const { category, expression, isIt } of patterns) {
      const mask = replacement.replaceAll('{category}', category)
      clean = clean.replaceAll(expression, (found) => (isIt === undefined || isIt(found) ? mask : found))
    }
    return clean
  }
  return { text, value: (value) => maskedValue(value, text, 0) }
}

function patternsOf({ patterns, custom_patterns = [] }: RedactionSettings): Pattern[] {
  const names = patterns ?? defaultRedaction.patterns
  const secrets = secretShapes.map(({ category, pattern }) => ({ category, expression: pattern }))
  const custom = custom_patterns
    // The rules may have become stricter since it was stored.
    .filter(({ pattern }) => problemWithPattern(pattern) === undefined)
    .map(({ name, pattern }) => ({ category: name.toUpperCase(), expression: new RegExp(pattern, 'gu') }))
  // An operator's own first, then keys: a part of a key may look like a number of something.
  return [
    ...custom,
    ...(names.includes('secrets') ? secrets : []),
    ...names.flatMap((name) => (name === 'secrets' ? [] : personalData[name])),
  ]
}

function maskedValue(value: unknown, mask: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return mask(value)
  if (typeof value === 'number') return maskedNumber(value, mask)
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_DEPTH) throw new Error(`values are nested deeper than ${MAX_DEPTH}`)
  let isChanged = false
  const note = <Value>(before: Value, after: Value): Value => {
    if (before !== after) isChanged = true
    return after
  }
  if (Array.isArray(value)) {
    const masked = value.map((one) => note<unknown>(one, maskedValue(one, mask, depth + 1)))
    return isChanged ? masked : value
  }
  const masked = Object.entries(value).map(
    ([name, one]) => [note(name, mask(name)), note<unknown>(one, maskedValue(one, mask, depth + 1))] as const,
  )
  return isChanged ? Object.fromEntries(masked) : value
}

function maskedNumber(value: number, mask: (text: string) => string): unknown {
  if (!Number.isSafeInteger(value) || Math.abs(value) < SHORTEST_NUMBER) return value
  const text = String(value)
  const masked = mask(text)
  return masked === text ? value : masked
}
