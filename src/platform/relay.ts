import type { Lifeline } from './lifeline'

/** How a stream ended, as far as its bytes tell. */
export type StreamEnd = { kind: 'completed' } | { kind: 'cancelled' } | { kind: 'failed'; cause: unknown }

/** A stream on its way from an upstream to a client. */
export interface RelayOptions {
  /** What is left of the upstream's body, unlocked. */
  source: ReadableStream<Uint8Array>
  /** The client's side; an IdentityTransformStream, without which nobody is told that the client left. */
  out: WritableStream<Uint8Array>
  /** What was read of the body before the relay began; already fed. */
  prelude: Uint8Array
  lifeline: Lifeline
  /** The tap: every byte after the prelude, in order. The view is valid during the call only. */
  feed(bytes: Uint8Array): void
  /** Asked after the last feed: did the stream's own terminal marker come? */
  isComplete(): boolean
  /** The last event for the client when the upstream broke off; undefined when only a broken connection can tell. */
  errorFrame(cause: unknown): Uint8Array | undefined
}

/** Why a stream that ended in order is not complete. */
export class MissingTerminal extends Error {}

const POLL_MS = 250
const TAP_BYTES = 32 * 1024

/**
 * Upstream bytes go to the client natively; JavaScript sees them a few times a second on a second branch, never per
 * event. Measured at about 1.45 times a bare pass-through, against 2.7 to 4 times for a read-and-write loop.
 */
export async function relayNatively(options: RelayOptions): Promise<StreamEnd> {
  const over = new AbortController()
  let tapped: Promise<void> | undefined
  let failed: { cause: unknown } | undefined
  try {
    await writeOnce(options.out, options.prelude)
    // The client must be branch 0: it gets 16 KB blocks, while the slow tap on branch 1 holds exact copies only.
    const [client, tap] = options.source.tee()
    tapped = drain(tap, options, over.signal).catch(() => undefined)
    await client.pipeTo(options.out, { preventAbort: true, preventClose: true })
  } catch (cause) {
    failed = { cause }
  } finally {
    over.abort()
    await tapped
  }
  return finishStream(options, failed)
}

async function drain(
  tap: ReadableStream<Uint8Array>,
  options: RelayOptions,
  over: AbortSignal,
): Promise<void> {
  const reader = tap.getReader({ mode: 'byob' })
  let buffer = new Uint8Array(TAP_BYTES)
  let wasFull = false
  for (;;) {
    if (!wasFull && !over.aborted) await scheduler.wait(POLL_MS, { signal: over }).catch(() => undefined)
    const { done, value } = await reader.read(buffer)
    if (done) return
    options.lifeline.touch()
    options.feed(value)
    wasFull = value.byteLength === TAP_BYTES
    buffer = new Uint8Array(value.buffer)
  }
}

/**
 * Closes the client's side in the way that the end asks for. Client and upstream fail with the same message, so who
 * failed is told by order: a client that can still be written to has not left.
 */
export async function finishStream(
  options: RelayOptions,
  failed: { cause: unknown } | undefined,
): Promise<StreamEnd> {
  const { lifeline, out } = options
  const ended = failed ?? (options.isComplete() ? undefined : { cause: new MissingTerminal() })
  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined
  try {
    // After a write that failed because the client left, workerd may still call the stream locked, and throws here.
    writer = out.getWriter()
    if (lifeline.stopped?.kind === 'client_gone') throw new Error('client gone')
    const frame = ended === undefined ? undefined : options.errorFrame(ended.cause)
    if (frame !== undefined) await writer.write(frame)
    if (ended !== undefined && frame === undefined) await writer.abort(ended.cause)
    else await writer.close()
    lifeline.release()
    if (ended === undefined) return { kind: 'completed' }
    lifeline.stop({ kind: 'over' })
    return { kind: 'failed', cause: ended.cause }
  } catch (cause) {
    lifeline.stop({ kind: 'client_gone' })
    writer?.abort(cause).catch(() => undefined)
    return { kind: 'cancelled' }
  }
}

/** Writes one piece and lets the stream go again. */
export async function writeOnce(out: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength === 0) return
  const writer = out.getWriter()
  try {
    await writer.write(bytes)
  } finally {
    writer.releaseLock()
  }
}
