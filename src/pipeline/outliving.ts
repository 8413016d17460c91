import { clientWriter } from './client-writer'
import type { Job } from './stages'

/** What may wait for a client that reads slowly before the others wait for it too. */
const MAX_WAITING_BYTES = 1024 * 1024
const READ_BYTES = 64 * 1024

/**
 * A client's side that outlives the client: what is written to it goes on, and after the client has left it goes
 * nowhere. A slow client does not hold up the others who are given the same.
 */
export function outliving(
  job: Pick<Job, 'request' | 'background'>,
  out: WritableStream<Uint8Array>,
): WritableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream()
  job.background(pump(readable, out, job.request.signal))
  return writable
}

async function pump(
  source: ReadableStream<Uint8Array>,
  out: WritableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const client = clientWriter(out, signal, () => undefined)
  const reader = source.getReader({ mode: 'byob' })
  let waitingBytes = 0
  let written = Promise.resolve()
  let buffer = new Uint8Array(READ_BYTES)
  try {
    for (;;) {
      const { done, value } = await reader.read(buffer)
      if (done) break
      const { byteLength } = value
      waitingBytes += byteLength
      // Small copies wait, instead of the large buffer that they came in.
      written = client.write(value.slice()).then(() => {
        waitingBytes -= byteLength
      })
      buffer = new Uint8Array(value.buffer)
      if (waitingBytes > MAX_WAITING_BYTES) await written
    }
    await written
    await client.close()
  } catch (cause) {
    await client.abort(cause)
  }
}
