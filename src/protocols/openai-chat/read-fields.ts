import type { SluiceError } from '../../platform/failure'
import { isObject } from '../fields'
import type { Extras } from '../request'
import { invalidField } from '../untranslatable'

/** A text of the client's; null stands for an absent value everywhere. */
export function readText(value: unknown, path: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw wrongType(path, 'a string', value)
  return value
}

/** A text that must be there. */
export function needText(value: unknown, path: string): string {
  const text = readText(value, path)
  if (text === undefined) throw missing(path)
  return text
}

/** A number of the client's. */
export function readNumber(value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number') throw wrongType(path, 'a number', value)
  return value
}

/** A boolean of the client's. */
export function readBoolean(value: unknown, path: string): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean') throw wrongType(path, 'a boolean', value)
  return value
}

/** An object of the client's. */
export function readObject(value: unknown, path: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw wrongType(path, 'an object', value)
  return value
}

/** An object that must be there. */
export function needObject(value: unknown, path: string): Record<string, unknown> {
  const fields = readObject(value, path)
  if (fields === undefined) throw missing(path)
  return fields
}

/** A list of the client's, empty when it is absent. */
export function readList(value: unknown, path: string): unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw wrongType(path, 'an array', value)
  return value
}

/** The fields that are not among the known ones, to travel on in the same protocol. */
export function extrasOf(
  fields: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  at: string,
): Extras | undefined {
  const unknown = Object.entries(fields).filter(
    ([field, value]) => !known.has(field) && value !== undefined && value !== null,
  )
  return unknown.length === 0
    ? undefined
    : { protocol: 'openai-chat', fields: Object.fromEntries(unknown), at }
}

/** The error for a field that must be there. */
export function missing(path: string): SluiceError {
  return invalidField(path, `Missing required parameter: '${path}'.`, 'missing_required_parameter')
}

/** The error for a value of the wrong kind. */
export function wrongType(path: string, expected: string, value: unknown): SluiceError {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : kindOf(value)
  return invalidField(
    path,
    `Invalid type for '${path}': expected ${expected}, but got ${got}.`,
    'invalid_type',
  )
}

function kindOf(value: unknown): string {
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
