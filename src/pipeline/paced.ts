import type { Beat, RecordedReply } from '../cache/recorded-reply'
import { concat } from '../platform/json-edit'
import type { StreamFilter } from '../protocols/protocol'
import { retoldAsStream, retoldStream } from './retell'
import type { Job } from './stages'

/** A piece of a client's stream, and when it is due: milliseconds since the first one. */
export interface PacedPiece {
  atMs: number
  bytes: Uint8Array
}

/** A reader waits no longer for the next words than this, however long the model once took. */
const MAX_GAP_MS = 1_000
/** What came in one piece is told at the pace of a quick reader: about fifty events a second. */
const EVENT_GAP_MS = 20
const LINE_FEED = 0x0a

/** A kept reply as a stream that takes the time that it once took, event by event. */
export function pacedPieces(job: Job, reply: RecordedReply): PacedPiece[] {
  const { head, bytes, beats } = reply
  if (!head.isStream || beats.length === 0)
    return eventsIn(retoldAsStream(job, reply, 'words')).map((event, index) => ({
      atMs: index * EVENT_GAP_MS,
      bytes: event,
    }))
  const { reader, filter } = retoldStream(job, head)
  const pieces: PacedPiece[] = []
  let dueMs = 0
  let done = 0
  for (const [sinceMs, total] of withEnd(beats, bytes.byteLength)) {
    const came = bytes.subarray(done, total)
    reader.feed(came)
    if (total === bytes.byteLength) reader.end()
    const told = filter === undefined ? came : filter.change(came)
    const all = total === bytes.byteLength && filter !== undefined ? concat([told, filter.rest()]) : told
    const gapMs = Math.min(MAX_GAP_MS, Math.max(0, sinceMs - (beatBefore(beats, total) ?? 0)))
    const events = eventsIn(all)
    for (const [index, event] of events.entries())
      pieces.push({ atMs: dueMs + (gapMs * (index + 1)) / events.length, bytes: event })
    dueMs += gapMs
    done = total
  }
  return pieces
}

/** Sends the pieces when they are due; false when the client left before the last one. Never rejects. */
export async function sendPaced(
  pieces: readonly PacedPiece[],
  out: WritableStream<Uint8Array>,
  { framing, signal }: { framing: StreamFilter | undefined; signal: AbortSignal },
): Promise<boolean> {
  const writer = out.getWriter()
  const startedAt = Date.now()
  try {
    for (const { atMs, bytes } of pieces) {
      const waitMs = atMs - (Date.now() - startedAt)
      if (waitMs > 0) await scheduler.wait(waitMs, { signal })
      await writer.write(framing === undefined ? bytes : framing.change(bytes))
    }
    if (framing !== undefined) await writer.write(framing.rest())
    await writer.close()
    return true
  } catch (cause) {
    writer.abort(cause).catch(() => undefined)
    return false
  }
}

function withEnd(beats: readonly Beat[], length: number): readonly Beat[] {
  const last = beats.at(-1)
  return last === undefined || last[1] >= length ? beats : [...beats, [last[0], length]]
}

function beatBefore(beats: readonly Beat[], total: number): number | undefined {
  return beats.findLast(([, bytes]) => bytes < total)?.[0]
}

/** Cut behind each blank line, where an event ends. */
function eventsIn(bytes: Uint8Array): Uint8Array[] {
  const events: Uint8Array[] = []
  let start = 0
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) {
    const isBlank = bytes[at - 1] === LINE_FEED || (bytes[at - 1] === 0x0d && bytes[at - 2] === LINE_FEED)
    if (!isBlank) continue
    events.push(bytes.subarray(start, at + 1))
    start = at + 1
  }
  if (start < bytes.byteLength) events.push(bytes.subarray(start))
  return events
}
