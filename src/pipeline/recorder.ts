import type { Beat } from '../cache/recorded-reply'
import { concat } from '../platform/json-edit'

/** Beyond this the copy for the log stops growing; the client's stream goes on. */
const MAX_RECORDED_BYTES = 25 * 1024 * 1024

/** Nobody sees a shorter pause. */
const MOMENT_MS = 20

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

/** Keeps when the bytes came, too. */
export interface TimedRecorder extends Recorder {
  beats(): readonly Beat[]
}

/** Keeps copies and their times; what comes within a moment counts as one. */
export function createTimedRecorder(now: () => number): TimedRecorder {
  const recorder = createRecorder()
  const beats: Beat[] = []
  let startedAt: number | undefined
  let length = 0
  return {
    add(bytes) {
      recorder.add(bytes)
      length += bytes.byteLength
      startedAt ??= now()
      const sinceMs = now() - startedAt
      const [lastMs = Number.NEGATIVE_INFINITY] = beats.at(-1) ?? []
      if (sinceMs - lastMs < MOMENT_MS) beats.splice(-1, 1, [lastMs, length])
      else beats.push([sinceMs, length])
    },
    recorded: recorder.recorded,
    beats: () => beats,
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
