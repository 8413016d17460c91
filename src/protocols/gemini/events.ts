import { createParser } from 'eventsource-parser'
import { jsonOf } from '../fields'
import type { SseReader } from '../sse'

/** A larger event than this is none of a model's. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024
const MAX_BARE_CHARACTERS = 64 * 1024

/**
 * Cuts the bytes of a stream into the JSON texts of its events. An error that comes late stands there without
 * `data:`, as bare JSON, maybe over several lines (so Google's own SDK looks for it); it counts as an event.
 */
export function geminiEvents(on: { event(data: string): void; overrun(message: string): void }): SseReader {
  const decoder = new TextDecoder()
  let isOverrun = false
  let bare = ''
  const onBareLine = (line: string) => {
    const text = bare === '' ? line.trimStart() : bare + line
    bare = /^[[{]/.test(text) && text.length <= MAX_BARE_CHARACTERS ? `${text}\n` : ''
    if (!/[\]}]\s*$/.test(line) || jsonOf(bare) === undefined) return
    on.event(bare.trim())
    bare = ''
  }
  const parser = createParser({
    maxBufferSize: MAX_EVENT_BYTES,
    onError(cause) {
      if (cause.type === 'unknown-field') onBareLine(cause.line ?? '')
      if (cause.type !== 'max-buffer-size-exceeded' || isOverrun) return
      isOverrun = true
      on.overrun(`an event is too large: more than ${MAX_EVENT_BYTES} bytes`)
    },
    onEvent: ({ data }) => on.event(data),
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
