import { createParser } from 'eventsource-parser'

/** A larger event than this is none of a model's. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024

/** Cuts the bytes of a stream into server-sent events. */
export interface SseReader {
  /** Bytes in order, cut anywhere. */
  feed(bytes: Uint8Array): void
  /** No more bytes come: what is left counts as the last event. */
  end(): void
}

/** Calls back with each event's name and data, and once when an event is too large to be one. */
export function sseReader(on: {
  event(data: string, name: string | undefined): void
  overrun(message: string): void
  /** A line that is of no event; such lines are passed over when nobody asks. */
  strayLine?(line: string): void
}): SseReader {
  const decoder = new TextDecoder()
  let isOverrun = false
  const parser = createParser({
    maxBufferSize: MAX_EVENT_BYTES,
    onError(cause) {
      if (cause.type === 'unknown-field') on.strayLine?.(cause.line ?? '')
      if (cause.type !== 'max-buffer-size-exceeded' || isOverrun) return
      isOverrun = true
      on.overrun(`an event is too large: more than ${MAX_EVENT_BYTES} bytes`)
    },
    onEvent: ({ data, event }) => on.event(data, event),
  })
  return {
    feed(bytes) {
      if (!isOverrun) parser.feed(decoder.decode(bytes, { stream: true }))
    },
    end() {
      if (isOverrun) return
      parser.feed(decoder.decode())
      parser.feed('\n\n')
    },
  }
}
