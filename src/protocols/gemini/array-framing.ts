import type { FailureDescription } from '../../platform/failure'
import { jsonOf } from '../fields'
import type { StreamFilter } from '../protocol'
import { encodeGeminiError } from './errors'
import { geminiEvents } from './events'

/** What Google writes between the elements, and at the end. */
const BETWEEN = '\n,\r\n'
const CLOSE = '\n]'
const encoder = new TextEncoder()

/**
 * Turns server-sent events into the JSON array that `:streamGenerateContent` sends without `alt=sse`, one element for
 * the data of each event as it is. Comments and events without data leave no trace, nor does the half of an event
 * with which a stream broke off: the array would be no JSON with it.
 */
export function arrayFraming(): StreamFilter {
  let elements: string[] = []
  let isBegun = false
  let isClosed = false
  const events = geminiEvents({
    event(data) {
      if (jsonOf(data) !== undefined) elements.push(data)
    },
    overrun() {},
  })
  const told = () => {
    const text = elements.map((element, index) => (isBegun || index > 0 ? BETWEEN : '[') + element).join('')
    isBegun ||= elements.length > 0
    elements = []
    return text
  }
  return {
    change(bytes) {
      events.feed(bytes)
      return encoder.encode(told())
    },
    rest() {
      events.end()
      const last = told()
      if (isClosed) return encoder.encode(last)
      isClosed = true
      return encoder.encode(`${last}${isBegun ? CLOSE : '[]'}`)
    },
  }
}

/**
 * An error as the last element of an array that has at least one, and the array's end: `rest()` is not to follow.
 * (Given to `change` as `errorEvent` writes it, an error needs none of this.)
 */
export function arrayErrorEvent(description: FailureDescription): string {
  return `${BETWEEN}${encodeGeminiError(description)}${CLOSE}`
}
