import type { JsonObject } from '../chat-request'
import type { Chunk, ReadyBody, Told } from '../dialect'
import { bodyOf, type Fields } from '../fields'
import type { Framing } from '../framing'
import type { RecordedCall } from '../recorder'

/** One endpoint: what it is asked, and how it answers. */
export interface Endpoint {
  /** The fields without which it refuses. */
  needs: readonly string[]
  /** What the fake echoes. */
  heard(fields: Fields): string
  reply(told: Told): JsonObject | ReadyBody
  events?(told: Told): Chunk[]
  framing?: Framing
  /** Ends its streams with [DONE]. */
  hasDone?: boolean
}

/** The fields of a call, whether it is JSON or a form. */
export function fieldsOfCall(call: RecordedCall): Fields {
  return call.form === undefined ? bodyOf(call) : Object.fromEntries(call.form)
}

/** What is said in the one answer. */
export function saidIn({ answers: [first] }: Told): string {
  return first?.content.join('') ?? ''
}

/** A picture of one pixel, in base64. */
export const ONE_PIXEL_PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** The time, as OpenAI writes it. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000)
}

/** Events of which the last is the end. */
export function chunksOfEvents(events: JsonObject[], isText: (event: JsonObject) => boolean): Chunk[] {
  return events.map((data, index) => ({
    data,
    isTerminal: index === events.length - 1,
    isText: isText(data),
  }))
}
