import { isObject } from '../fields'
import { invalidField } from '../untranslatable'
import type { Block } from './own-fields'

/** An object of the request, or the error that names where it is missing. */
export function objectAt(value: unknown, at: string): Block {
  if (!isObject(value)) throw invalidField(at, `${at}: Expected an object.`, 'invalid_type')
  return value
}

/** An array of the request; absent and null are an empty one. */
export function arrayAt(value: unknown, at: string): unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalidField(at, `${at}: Expected an array.`, 'invalid_type')
  return value
}

/** A text that must be there, though it may be empty. */
export function textAt(value: unknown, at: string): string {
  const text = optionalTextAt(value, at)
  if (text === undefined) throw invalidField(at, `${at}: Field required.`, 'missing_required_parameter')
  return text
}

/** A text, or undefined when it is absent or null. */
export function optionalTextAt(value: unknown, at: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw invalidField(at, `${at}: Expected a string.`, 'invalid_type')
  return value
}

/** A number, or undefined when it is absent or null. */
export function optionalNumberAt(value: unknown, at: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number') throw invalidField(at, `${at}: Expected a number.`, 'invalid_type')
  return value
}

/** True or false, or undefined when it is absent or null. */
export function optionalFlagAt(value: unknown, at: string): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean') throw invalidField(at, `${at}: Expected a boolean.`, 'invalid_type')
  return value
}
