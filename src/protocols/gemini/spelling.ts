import { isObject } from '../fields'
import { invalidField } from '../untranslatable'

/**
 * The fields of an object by their camelCase names. Google takes `systemInstruction` and `system_instruction` alike
 * (ProtoJSON); only names of the API go through here, never those in arguments or schemas.
 */
export function camelFields(value: unknown): Record<string, unknown> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null && field !== undefined)
      .map(([name, field]) => [camel(name), field]),
  )
}

/** A name in camelCase. */
export function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** The fields of what must be an object. */
export function objectAt(value: unknown, at: string): Record<string, unknown> {
  if (!isObject(value)) throw invalidField(at, `Invalid value at '${at}': expected an object.`)
  return camelFields(value)
}

/** What must be a list; a single object stands for a list of one, as Google reads it. */
export function listAt(value: unknown, at: string): unknown[] {
  if (Array.isArray(value)) return value
  if (isObject(value)) return [value]
  throw invalidField(at, `Invalid value at '${at}': expected an array.`)
}

/** What must be a text. */
export function textAt(value: unknown, at: string): string {
  if (typeof value !== 'string') throw invalidField(at, `Invalid value at '${at}': expected a string.`)
  return value
}
