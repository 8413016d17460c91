import { isObject } from '../fields'
import type { Extras } from '../request'
import { invalidField } from '../untranslatable'

/** Reads the fields of one object of a request, and says by its path what is wrong; null counts as absent. */
export interface FieldReader {
  /** The object itself. */
  source: object
  at: string
  text(name: string): string | undefined
  requiredText(name: string): string
  number(name: string): number | undefined
  boolean(name: string): boolean | undefined
  object(name: string): Record<string, unknown> | undefined
  list(name: string): unknown[] | undefined
  value(name: string): unknown
  /** Looked at elsewhere, or without a meaning in a request. */
  skip(...names: string[]): void
  /** What nobody asked for. */
  extras(): Extras | undefined
}

/** @throws SluiceError when the value is not an object */
export function readerOf(value: unknown, at: string): FieldReader {
  if (!isObject(value)) throw wrongType(at, 'an object', value)
  const unread = new Set(Object.keys(value))
  const read = <T>(name: string, kind: string, isKind: (field: unknown) => field is T): T | undefined => {
    unread.delete(name)
    const field = value[name]
    if (field === undefined || field === null) return undefined
    if (!isKind(field)) throw wrongType(pathOf(at, name), kind, field)
    return field
  }
  const text = (name: string) => read(name, 'a string', isText)
  return {
    source: value,
    at,
    text,
    requiredText(name) {
      const given = text(name)
      if (given === undefined) throw missing(pathOf(at, name))
      return given
    },
    number: (name) => read(name, 'a number', isNumber),
    boolean: (name) => read(name, 'a boolean', isBoolean),
    object: (name) => read(name, 'an object', isObject),
    list: (name) => read(name, 'an array', isList),
    value: (name) => read(name, 'a value', isPresent),
    skip(...names) {
      for (const name of names) unread.delete(name)
    },
    extras() {
      const fields = [...unread].map((name) => [name, value[name]] as const)
      const told = fields.filter(([, field]) => field !== null)
      return told.length === 0
        ? undefined
        : { protocol: 'openai-responses', fields: Object.fromEntries(told), at }
    },
  }
}

/** The path of a field of the object at `at`. */
export function pathOf(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`
}

/** The error for a field that must be there. */
export function missing(path: string) {
  return invalidField(path, `Missing required parameter: '${path}'.`, 'missing_required_parameter')
}

/** The error for a value of the wrong type. */
export function wrongType(path: string, expected: string, given: unknown) {
  const message = `Invalid type for '${path}': expected ${expected}, but got ${nameOf(given)}.`
  return invalidField(path, message, 'invalid_type')
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value)
}

function isPresent(value: unknown): value is unknown {
  return value !== undefined
}
