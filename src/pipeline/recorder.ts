import { concat } from '../platform/json-edit'

/** Beyond this the copy for the log stops growing; the client's stream goes on. */
const MAX_RECORDED_BYTES = 25 * 1024 * 1024

/** A copy of a stream's bytes as they came from the upstream. */
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
