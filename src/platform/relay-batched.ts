import { finishStream, type RelayOptions, type StreamEnd, writeOnce } from './relay'

/** A relay whose bytes are changed on the way, some events at a time. */
export interface BatchedRelayOptions extends RelayOptions {
  /** What the client gets for these bytes; whole events only, the rest is kept for the next call. */
  change(bytes: Uint8Array): Uint8Array
  /** What is still kept when the stream has ended. */
  rest(): Uint8Array
}

/**
 * 25 writes a second look continuous; events that come faster share one, those behind the first included. The end of a
 * stream is not kept waiting.
 */
const PAUSE_MS = 40
/** Each stream has two buffers of this size; who fills one in a pause is not kept waiting either. */
const READ_BYTES = 32 * 1024

/**
 * For streams that must be changed. workerd hands JavaScript one upstream chunk per read, however long it waits; with
 * a second branch that is drained natively the chunks pile up while JavaScript sleeps, so that one read takes many
 * events and one write passes them on. The first event is never delayed.
 */
export async function relayInBatches(options: BatchedRelayOptions): Promise<StreamEnd> {
  const [pacemaker, source] = options.source.tee()
  const pump = new IdentityTransformStream()
  const allCame = new AbortController()
  const pacing = Promise.all([pacemaker.pipeTo(pump.writable), discard(pump.readable)])
    .catch(() => undefined)
    .finally(() => allCame.abort())
  const reader = source.getReader({ mode: 'byob' })
  let failed: { cause: unknown } | undefined
  try {
    const first = options.change(options.prelude)
    await writeOnce(options.out, first)
    const writtenAt = first.byteLength > 0 ? Date.now() : 0
    await changeAll(options, { reader, writtenAt, allCame: allCame.signal })
    // Half an event of a stream that broke off is kept back: nobody could read it, nor what comes after it.
    if (options.isComplete()) await writeOnce(options.out, options.rest())
  } catch (cause) {
    failed = { cause }
    reader.cancel(cause).catch(() => undefined)
  }
  const end = await finishStream(options, failed)
  await pacing
  return end
}

async function changeAll(
  options: BatchedRelayOptions,
  begun: { reader: ReadableStreamBYOBReader; writtenAt: number; allCame: AbortSignal },
): Promise<void> {
  const { reader, allCame } = begun
  const writer = options.out.getWriter()
  let buffer = new Uint8Array(READ_BYTES)
  let wokenAt = begun.writtenAt
  let wasFull = false
  try {
    for (;;) {
      const isFast = Date.now() - wokenAt < PAUSE_MS && !wasFull
      if (isFast && !allCame.aborted)
        await scheduler.wait(PAUSE_MS, { signal: allCame }).catch(() => undefined)
      wokenAt = Date.now()
      const { done, value } = await reader.read(buffer)
      if (done) return
      options.lifeline.touch()
      options.feed(value)
      const changed = options.change(value)
      wasFull = value.byteLength === READ_BYTES
      buffer = new Uint8Array(value.buffer)
      if (changed.byteLength > 0) await writer.write(changed)
    }
  } finally {
    writer.releaseLock()
  }
}

async function discard(readable: ReadableStream<Uint8Array>): Promise<void> {
  const reader = readable.getReader({ mode: 'byob' })
  for (let buffer = new Uint8Array(READ_BYTES); ; ) {
    const { done, value } = await reader.readAtLeast(READ_BYTES, buffer)
    if (done || value === undefined) return
    buffer = new Uint8Array(value.buffer)
  }
}
