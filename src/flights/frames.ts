import { concat } from '../platform/json-edit'

/**
 * What travels between an answer and those who wait for it. `beat` says that its call still runs, `gone` that the call's
 * own client has left.
 */
const KINDS = ['beat', 'gone', 'head', 'bytes', 'end'] as const
export type FrameKind = (typeof KINDS)[number]

/** One piece of an answer on its way. */
export interface Frame {
  kind: FrameKind
  payload: Uint8Array
}

/** Reads frames in their order; undefined when there are no more. */
export interface FrameReader {
  /** Rejects when the frames broke off. */
  next(): Promise<Frame | undefined>
  /** Tells the other side that nobody reads any more; a pending `next` then ends. */
  cancel(): void
}

/** The kind in one byte, the length of the payload in four. */
const HEADER_BYTES = 5
const NOTHING = new Uint8Array(0)

/** A frame in bytes of its own, which a stream may take over. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array = NOTHING): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + payload.byteLength)
  bytes[0] = KINDS.indexOf(kind)
  new DataView(bytes.buffer).setUint32(1, payload.byteLength)
  bytes.set(payload, HEADER_BYTES)
  return bytes
}

/** Reads a stream of frames, however it is cut. */
export function frameReader(stream: ReadableStream<Uint8Array>): FrameReader {
  const reader = stream.getReader()
  let chunks: Uint8Array[] = []
  let length = 0
  const take = (count: number): Uint8Array => {
    const all = concat(chunks)
    chunks = [all.subarray(count)]
    length -= count
    return all.subarray(0, count)
  }
  const has = async (count: number): Promise<boolean> => {
    while (length < count) {
      const { done, value } = await reader.read()
      if (done) return false
      chunks.push(value)
      length += value.byteLength
    }
    return true
  }
  return {
    async next() {
      if (!(await has(HEADER_BYTES))) return undefined
      const header = take(HEADER_BYTES)
      const kind = KINDS[header[0] ?? -1]
      const size = new DataView(header.buffer, header.byteOffset).getUint32(1)
      if (kind === undefined || !(await has(size))) return undefined
      return { kind, payload: take(size) }
    },
    cancel() {
      reader.cancel().catch(() => undefined)
    },
  }
}
