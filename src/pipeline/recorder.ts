import { concat } from '../platform/json-edit'

/** Beyond this the copy for the log stops growing; the client's stream goes on. */
const MAX_RECORDED_BYTES = 25 * 1024 * 1024

/** What the log keeps of a stream as it came from the upstream. */
export interface Recorder {
  add(bytes: Uint8Array): void
  recorded(): Uint8Array
}

/** Keeps copies, since the views that a relay feeds are only valid while it does. */
export function createRecorder(): Recorder {
  const pieces: Uint8Array[] = []
  let length = 0
  return {
    add(bytes) {
      if (length >= MAX_RECORDED_BYTES) return
      pieces.push(bytes.slice())
      length += bytes.byteLength
    },
    recorded: () => concat(pieces),
  }
}

/** Keeps what a file is instead of its bytes, which nobody reads in a log. */
export function createMeasure(contentType: string): Recorder {
  let length = 0
  return {
    add(bytes) {
      length += bytes.byteLength
    },
    recorded: () =>
      new TextEncoder().encode(JSON.stringify({ content_type: contentType, size_bytes: length })),
  }
}
