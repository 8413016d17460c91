import type { StreamEvent } from './dialect'
import { stringOf } from './fields'
import { beforeEvent, frameOf, type SseStyle, withoutBlankLine } from './sse'

/** Where in a stream an event stands, and how it is written down. */
export interface Place {
  index: number
  isLast: boolean
  style: SseStyle
}

/** How events become bytes. */
export interface Framing {
  contentType: string
  frame(event: StreamEvent, place: Place): Uint8Array | string
  /** After the last event. */
  tail: string
}

/** Server-sent events: each is a data line. */
export const sse: Framing = {
  contentType: 'text/event-stream; charset=utf-8',
  frame: (event, { index, isLast, style }) => {
    const frame = frameOf(event, style)
    return beforeEvent(index, style) + (isLast ? withoutBlankLine(frame, style) : frame)
  },
  tail: '',
}

/** Server-sent events that are named by their `type`. */
export const namedSse: Framing = {
  ...sse,
  frame: (event, place) => {
    const type = typeof event === 'string' ? '' : stringOf(event['type'])
    return sse.frame(type === '' ? event : `event: ${type}\ndata: ${JSON.stringify(event)}`, place)
  },
}

/** Google's stream without `alt=sse`: the elements of one JSON array. */
export const jsonArray: Framing = {
  contentType: 'application/json; charset=UTF-8',
  frame: (event, { index }) =>
    (index === 0 ? '[' : ',\r\n') + (typeof event === 'string' ? event : JSON.stringify(event, null, 2)),
  tail: '\n]',
}
