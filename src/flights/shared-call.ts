import * as z from 'zod'
import { ChunkStore } from './chunk-store'
import type { Flight } from './flight'
import { FlightObject } from './flight-object'

/** A written entry of KV may take this long until it is seen everywhere. */
export const LINGER_MS = 60_000
/** A longer answer does not linger: many objects share one memory. */
const MAX_LINGERING_BYTES = 128 * 1024

/** A request's wish to share a call. */
export interface ShareWish {
  /** A call that was not heard of for this long is taken for dead. */
  leaseMs: number
  /** The oldest answer that will do, from its end on; one in flight always does. */
  maxAgeMs: number
}

/** What a request is to do: call for all, take the answer of the one that does, or see to itself. */
export type ShareReply =
  | { kind: 'lead'; flightId: string }
  | { kind: 'follow'; frames: ReadableStream<Uint8Array> }
  | { kind: 'alone' }

const endSchema = z.object({ isKept: z.boolean() })
const decoder = new TextDecoder()

/**
 * One question at a time: of all requests that ask the same one calls, and the others get the answer while it comes. A
 * short one stays in memory for those who did not find it in KV yet. Nothing of it outlives the object.
 */
export class SharedCall extends FlightObject {
  protected override readonly store = new ChunkStore(this.ctx.storage)
  private landed: { flight: Flight; atMs: number } | undefined

  /** Decides who calls. */
  async claim({ leaseMs, maxAgeMs }: ShareWish): Promise<ShareReply> {
    const flight = this.inFlight ?? this.lingering(maxAgeMs)
    if (flight === undefined) {
      this.landed = undefined
      return { kind: 'lead', flightId: this.begin(leaseMs).id }
    }
    return flight.isDropped ? { kind: 'alone' } : { kind: 'follow', frames: this.follow(flight) }
  }

  /** The answer that lingers is not to be given any more. */
  async forget(): Promise<void> {
    this.landed = undefined
  }

  protected override async onLanded(flight: Flight, end: Uint8Array): Promise<void> {
    const { isKept } = endSchema.parse(JSON.parse(decoder.decode(end)))
    const isShort = flight.sizeBytes <= MAX_LINGERING_BYTES && !flight.isSpilled
    if (isKept && isShort) this.landed = { flight, atMs: Date.now() }
  }

  protected override isKept(): boolean {
    return false
  }

  private lingering(maxAgeMs: number): Flight | undefined {
    if (this.landed === undefined) return undefined
    const { flight, atMs } = this.landed
    return Date.now() - atMs < Math.min(maxAgeMs, LINGER_MS) ? flight : undefined
  }
}
