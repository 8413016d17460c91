import type { FlightObject } from './flight-object'
import { type Frame, type FrameReader, frameReader } from './frames'
import { type Recording, recordAnswer } from './recording'

/** Makes a request that is to call for others tell its object all that it gets. */
export function leadFlight<Head, End>(
  object: Pick<DurableObjectStub<FlightObject>, 'lead'>,
  { flightId, leaseMs }: { flightId: string; leaseMs: number },
): Recording<Head, End> {
  const { readable, writable } = new IdentityTransformStream()
  return recordAnswer({ led: object.lead(flightId, readable), writable, leaseMs })
}

/** Another one's answer, as it comes; it breaks off when there was not even a beat for `silenceMs`. */
export function followFlight(frames: ReadableStream<Uint8Array>, silenceMs?: number): FrameReader {
  const { next, cancel } = frameReader(frames)
  const heard = silenceMs === undefined ? next : () => within(next(), { silenceMs, cancel })
  const nextWord: FrameReader['next'] = async () => {
    const frame = await heard()
    // Beats only show the other side whether anybody is still here.
    return frame?.kind === 'beat' ? nextWord() : frame
  }
  return { next: nextWord, cancel }
}

async function within(
  next: Promise<Frame | undefined>,
  { silenceMs, cancel }: { silenceMs: number; cancel: () => void },
): Promise<Frame | undefined> {
  const timer = setTimeout(cancel, silenceMs)
  try {
    return await next
  } finally {
    clearTimeout(timer)
  }
}
