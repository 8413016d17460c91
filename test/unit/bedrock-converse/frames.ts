import { EventStreamCodec } from '@smithy/eventstream-codec'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const codec = new EventStreamCodec(
  (input) => (typeof input === 'string' ? input : decoder.decode(input)),
  (text) => encoder.encode(text),
)

/** A frame as the service writes it, by the library that its SDK reads it with. */
export function frame(headers: Record<string, string>, payload: unknown): Uint8Array {
  const typed = Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }] as const)
  const body = encoder.encode(typeof payload === 'string' ? payload : JSON.stringify(payload))
  return codec.encode({ headers: Object.fromEntries(typed), body })
}

export function eventFrame(type: string, payload: unknown): Uint8Array {
  const headers = { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }
  return frame(headers, payload)
}

export function exceptionFrame(type: string, payload: unknown): Uint8Array {
  const headers = {
    ':exception-type': type,
    ':content-type': 'application/json',
    ':message-type': 'exception',
  }
  return frame(headers, payload)
}

export function joined(frames: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(frames.flatMap((bytes) => [...bytes]))
}
