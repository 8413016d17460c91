import { EventStreamCodec } from '@smithy/eventstream-codec'

/** A message of a binary event stream (`application/vnd.amazon.eventstream`): its textual headers and its payload. */
export interface Frame {
  headers: Readonly<Record<string, string>>
  payload: string
}

/** Cuts the bytes of a stream into frames. */
export interface FrameReader {
  /** Bytes in order, cut anywhere. */
  feed(bytes: Uint8Array): void
}

/** A larger frame than this is none of a model's. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024
/** Two lengths and two checksums. */
const MIN_FRAME_BYTES = 16
const LENGTH_BYTES = 4

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const codec = new EventStreamCodec(
  (input) => (typeof input === 'string' ? input : decoder.decode(input)),
  (text) => encoder.encode(text),
)

/** Calls back with each frame, and once when the bytes are none: what follows cannot be told apart any more. */
export function frameReader(on: { frame(frame: Frame): void; broken(message: string): void }): FrameReader {
  const length = createGathering(LENGTH_BYTES)
  let frame: Gathering | undefined
  let isBroken = false
  const breakOff = (message: string) => {
    isBroken = true
    on.broken(message)
  }
  const begin = (rest: Uint8Array): Uint8Array => {
    const left = length.take(rest)
    if (!length.isFull()) return left
    const total = lengthIn(length.bytes)
    if (total < MIN_FRAME_BYTES || total > MAX_FRAME_BYTES) {
      breakOff(`a message of the event stream has an impossible length: ${total} bytes`)
      return left
    }
    frame = createGathering(total)
    frame.take(length.bytes)
    length.clear()
    return left
  }
  const go = (rest: Uint8Array): Uint8Array => {
    if (frame === undefined) return begin(rest)
    const left = frame.take(rest)
    if (!frame.isFull()) return left
    const decoded = decodeFrame(frame.bytes)
    frame = undefined
    if (typeof decoded === 'string') breakOff(decoded)
    else on.frame(decoded)
    return left
  }
  return {
    feed(bytes) {
      let rest = bytes
      while (rest.byteLength > 0 && !isBroken) rest = go(rest)
    },
  }
}

interface Gathering {
  bytes: Uint8Array
  /** Takes what is missing, and gives back what is left over. */
  take(from: Uint8Array): Uint8Array
  isFull(): boolean
  clear(): void
}

function createGathering(size: number): Gathering {
  const bytes = new Uint8Array(size)
  let filled = 0
  return {
    bytes,
    take(from) {
      const part = from.subarray(0, size - filled)
      bytes.set(part, filled)
      filled += part.byteLength
      return from.subarray(part.byteLength)
    },
    isFull: () => filled === size,
    clear() {
      filled = 0
    },
  }
}

function lengthIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0)
}

function decodeFrame(bytes: Uint8Array): Frame | string {
  try {
    const { headers, body } = codec.decode(bytes)
    const texts = Object.entries(headers).flatMap(([name, { value }]) =>
      typeof value === 'string' ? [[name, value] as const] : [],
    )
    return { headers: Object.fromEntries(texts), payload: decoder.decode(body) }
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}
