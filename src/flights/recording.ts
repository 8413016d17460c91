import { encodeFrame, type FrameKind } from './frames'

/** The side of the request that calls: what others are to get goes here too. Nothing of it ever rejects. */
export interface Recording<Head, End> {
  head(head: Head): Promise<void>
  /** The view need only be valid during the call. */
  bytes(bytes: Uint8Array): Promise<void>
  /** Once, also for an answer that is not to be kept. */
  end(end: End): Promise<void>
  /** The call ended without an answer for others: the next one calls. */
  fail(): Promise<void>
  /** The call's own client has left. */
  leave(): void
  /** Resolves when nobody wants the answer any more, and never when somebody does. */
  readonly unwanted: Promise<void>
}

/** Larger pieces would only wait in memory on the other side. */
const MAX_FRAME_BYTES = 64 * 1024
const encoder = new TextEncoder()

/** Sends frames, and a beat now and then while nothing else is to be said. */
export function recordAnswer<Head, End>(given: {
  led: Promise<'over' | 'unwanted'>
  writable: WritableStream<Uint8Array>
  leaseMs: number
}): Recording<Head, End> {
  const { led, writable, leaseMs } = given
  const writer = writable.getWriter()
  const left = Promise.withResolvers<void>()
  const beats = setInterval(() => put('beat'), leaseMs / 3)
  const put = (kind: FrameKind, payload?: Uint8Array) =>
    // A record that cannot be written is none; the client's answer goes on.
    writer.write(encodeFrame(kind, payload)).catch(() => clearInterval(beats))
  const close = async () => {
    clearInterval(beats)
    await writer.close().catch(() => undefined)
  }
  const isUnwanted = led.then(
    (how) => how === 'unwanted',
    () => false,
  )
  return {
    head: (head) => put('head', encoder.encode(JSON.stringify(head))),
    async bytes(bytes) {
      const sent: Promise<void>[] = []
      // All of it is copied at once: a relay's view is only valid while it feeds it.
      for (let start = 0; start < bytes.byteLength; start += MAX_FRAME_BYTES)
        sent.push(put('bytes', bytes.subarray(start, start + MAX_FRAME_BYTES)))
      await Promise.all(sent)
    },
    async end(end) {
      await put('end', encoder.encode(JSON.stringify(end)))
      await close()
    },
    fail: close,
    leave() {
      put('gone')
      left.resolve()
    },
    // A call that nobody records any more is its own client's alone.
    unwanted: isUnwanted.then((is) => (is ? undefined : left.promise)),
  }
}
