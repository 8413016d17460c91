import { jsonOf } from '../fields'
import { type SseReader, sseReader } from '../sse'

const MAX_BARE_CHARACTERS = 64 * 1024

/**
 * Cuts the bytes of a stream into the JSON texts of its events. An error that comes late stands there without
 * `data:`, as bare JSON, maybe over several lines (so Google's own SDK looks for it); it counts as an event.
 */
export function geminiEvents(on: { event(data: string): void; overrun(message: string): void }): SseReader {
  let bare = ''
  const onBareLine = (line: string) => {
    const text = bare === '' ? line.trimStart() : bare + line
    bare = /^[[{]/.test(text) && text.length <= MAX_BARE_CHARACTERS ? `${text}\n` : ''
    if (!/[\]}]\s*$/.test(line) || jsonOf(bare) === undefined) return
    on.event(bare.trim())
    bare = ''
  }
  return sseReader({ ...on, strayLine: onBareLine })
}
