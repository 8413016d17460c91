import { Flight } from '../flights/flight'
import { FlightObject, MAX_KEPT_BYTES } from '../flights/flight-object'
import { decodeEnd } from './answer'
import { AnswerStore } from './answer-store'

/** How long a repeat gets the answer of the first call. */
export const KEPT_MS = 24 * 60 * 60 * 1_000

/** A request's wish to be the one that calls. */
export interface ClaimCall {
  /** Of all that makes two requests the same. */
  fingerprint: string
  /** A call that was not heard of for this long is taken for dead. */
  leaseMs: number
}

/** What a request is to do: call, or take the answer of the one that did. */
export type ClaimReply =
  | { kind: 'lead'; flightId: string }
  | { kind: 'follow'; frames: ReadableStream<Uint8Array> }
  | { kind: 'other_body' }
  | { kind: 'too_large'; sizeBytes: number }

/**
 * One idempotency key of one API key. Of all requests with it one at a time calls: what that one's client is given is
 * written here too, so that the others get it while it comes and for a day after it.
 */
export class IdempotentCall extends FlightObject {
  protected override readonly store = new AnswerStore(this.ctx.storage)
  /** Of the call in flight. */
  private fingerprint = ''

  /** Decides who calls. */
  async claim({ fingerprint, leaseMs }: ClaimCall): Promise<ClaimReply> {
    const { inFlight } = this
    const kept = inFlight === undefined ? this.store.kept(Date.now()) : undefined
    if (inFlight === undefined && kept === undefined) {
      this.fingerprint = fingerprint
      return { kind: 'lead', flightId: this.begin(leaseMs).id }
    }
    if ((kept?.fingerprint ?? this.fingerprint) !== fingerprint) return { kind: 'other_body' }
    if (kept?.isTooLarge === true || inFlight?.isDropped === true)
      return { kind: 'too_large', sizeBytes: kept?.sizeBytes ?? inFlight?.sizeBytes ?? 0 }
    const flight = inFlight ?? new Flight(this.store, { beatMs: leaseMs / 3, kept })
    return { kind: 'follow', frames: this.follow(flight) }
  }

  protected override async onLanded(flight: Flight, end: Uint8Array): Promise<void> {
    const { id: flightId, head, sizeBytes } = flight
    if (head === undefined || !decodeEnd(end).isKept) return
    flight.spill()
    const { fingerprint } = this
    const expiresAtMs = Date.now() + KEPT_MS
    const isTooLarge = sizeBytes > MAX_KEPT_BYTES
    this.store.keep({ flightId, fingerprint, head, end, sizeBytes, isTooLarge, expiresAtMs })
    await this.ctx.storage.setAlarm(expiresAtMs)
  }

  protected override isKept({ id }: Flight): boolean {
    const kept = this.store.kept(Date.now())
    return kept?.flightId === id && !kept.isTooLarge
  }
}
