import type { RecordedCall } from './recorder'

/** The members of something that came as JSON. */
export type Fields = Record<string, unknown>

/** Its members; none when it is no object. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

/** Its elements as objects; none when it is no array. */
export function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : []
}

/** The text itself, or the empty one. */
export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The number itself, if it is one. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

/** The body of a call as an object; empty when it is not JSON, so that a script can answer any call. */
export function bodyOf(call: RecordedCall): Fields {
  try {
    return fieldsOf(call.json())
  } catch {
    return {}
  }
}

/** The path without the query. */
export function pathOf(call: RecordedCall): string {
  return call.path.replace(/\?.*$/, '')
}

/** The first member of an object that is none of these, as strict providers complain of. */
export function unknownMember(fields: Fields, known: readonly string[]): string | undefined {
  return Object.keys(fields).find((name) => !known.includes(name))
}
