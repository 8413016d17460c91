import { jsonOf } from '../protocols/fields'
import { badFilter } from './filters/condition'

/** A place in a list of logs: a row, and in which list it was seen. */
export interface Cursor {
  /** What the list is sorted by, with `-` for descending. */
  sortBy: string
  /** The row's value of that, and its number in the table. */
  value: number
  rowNumber: number
  /** What comes behind it in the list's order, or before it. */
  direction: 'after' | 'before'
  startMs: number
  endMs: number
  /** As it was counted on the first page. */
  count: number
}

/** A cursor as text that nobody needs to read. */
export function encodeCursor(cursor: Cursor): string {
  const { sortBy, value, rowNumber, direction, startMs, endMs, count } = cursor
  const text = JSON.stringify([sortBy, value, rowNumber, direction, startMs, endMs, count])
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * The cursor that `encodeCursor` wrote.
 * @throws SluiceError `invalid_request` for any other text
 */
export function decodeCursor(text: string): Cursor {
  const parts = jsonOf(fromBase64Url(text))
  const [sortBy, value, rowNumber, direction, startMs, endMs, count] = Array.isArray(parts) ? parts : []
  const numbers = [value, rowNumber, startMs, endMs, count].map(Number)
  const isWhole = numbers.every(Number.isFinite) && (direction === 'after' || direction === 'before')
  if (!isWhole || typeof sortBy !== 'string')
    throw badFilter('cursor', "The 'cursor' is none of this gateway's; take it from 'next' or 'previous'.")
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = numbers
  return {
    ...{ sortBy, value: first, rowNumber: second, direction },
    ...{ startMs: third, endMs: fourth, count: fifth },
  }
}

function fromBase64Url(text: string): string {
  try {
    return atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return ''
  }
}
