import { DurableObject } from 'cloudflare:workers'
import { decodeEnd } from './answer'
import { AnswerStore } from './answer-store'
import { Flight } from './flight'
import { type Frame, frameReader } from './frames'

/** How long a repeat gets the answer of the first call. */
export const KEPT_MS = 24 * 60 * 60 * 1_000
/** A longer answer is given to those who wait for it, and not kept. */
export const MAX_KEPT_BYTES = 25 * 1024 * 1024

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

/** The call in flight. */
interface Current {
  flight: Flight
  leaseMs: number
  heardAtMs: number
  timer: ReturnType<typeof setTimeout> | undefined
  /** Tells the one that calls that it may stop. */
  unwanted: () => void
}

/**
 * One idempotency key of one API key. Of all requests with it one at a time calls: what that one's client is given is
 * written here too, so that the others get it while it comes and for a day after it. A call in flight is known in memory
 * only; should the object restart, its stream breaks, and the next request calls.
 */
export class IdempotentCall extends DurableObject {
  private readonly store = new AnswerStore(this.ctx.storage)
  private current: Current | undefined

  /** Decides who calls. */
  async claim({ fingerprint, leaseMs }: ClaimCall): Promise<ClaimReply> {
    const nowMs = Date.now()
    const beatMs = leaseMs / 3
    const inFlight = this.current?.flight
    const kept = inFlight === undefined ? this.store.kept(nowMs) : undefined
    const known = inFlight?.fingerprint ?? kept?.fingerprint
    if (known === undefined) {
      const flight = new Flight(this.store, { fingerprint, beatMs })
      const current: Current = {
        flight,
        leaseMs,
        heardAtMs: nowMs,
        timer: undefined,
        unwanted: () => undefined,
      }
      this.current = current
      this.watch(current, leaseMs)
      return { kind: 'lead', flightId: flight.id }
    }
    if (known !== fingerprint) return { kind: 'other_body' }
    if (kept?.isTooLarge === true || inFlight?.isDropped === true)
      return { kind: 'too_large', sizeBytes: kept?.sizeBytes ?? inFlight?.sizeBytes ?? 0 }
    const flight = inFlight ?? new Flight(this.store, { fingerprint, beatMs, kept })
    return { kind: 'follow', frames: flight.frames(() => this.onLeft(flight)) }
  }

  /** Takes the answer of the one that calls, until it ends or, when its own client has left, nobody wants it. */
  async lead(flightId: string, frames: ReadableStream<Uint8Array>): Promise<'over' | 'unwanted'> {
    const { current } = this
    if (current?.flight.id !== flightId) return 'over'
    const unwanted = new Promise<'unwanted'>((resolve) => {
      current.unwanted = () => resolve('unwanted')
    })
    return Promise.race([unwanted, this.take(current.flight, frames)])
  }

  /** A day has passed; a call that began meanwhile gets a day of its own. */
  override async alarm(): Promise<void> {
    if (this.current === undefined) await this.store.forgetAll()
    else await this.ctx.storage.setAlarm(Date.now() + KEPT_MS)
  }

  private async take(flight: Flight, frames: ReadableStream<Uint8Array>): Promise<'over'> {
    const reader = frameReader(frames)
    try {
      for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) {
        // Another one may have taken over from a leader that was thought dead.
        if (this.current?.flight !== flight) break
        this.current.heardAtMs = Date.now()
        await this.apply(flight, frame)
      }
    } catch {
      // The leader's isolate is gone.
    }
    this.lose(flight)
    reader.cancel()
    return 'over'
  }

  private async apply(flight: Flight, { kind, payload }: Frame): Promise<void> {
    switch (kind) {
      case 'beat':
        return
      case 'gone':
        flight.isLeaderGone = true
        return this.onLeft(flight)
      case 'head':
        flight.head = payload.slice()
        return flight.tell()
      case 'bytes':
        await this.add(flight, payload)
        return flight.tell()
      case 'end':
        return this.land(flight, payload.slice())
    }
  }

  private async add(flight: Flight, bytes: Uint8Array): Promise<void> {
    const wasSpilled = flight.isSpilled
    flight.add(bytes)
    if (flight.sizeBytes > MAX_KEPT_BYTES && flight.followers === 0 && !flight.isDropped) await flight.drop()
    // What is written before the end must go even if the end never comes.
    else if (flight.isSpilled && !wasSpilled) await this.ctx.storage.setAlarm(Date.now() + KEPT_MS)
  }

  private async land(flight: Flight, end: Uint8Array): Promise<void> {
    if (flight.head === undefined) return this.lose(flight)
    flight.end = end
    this.finish()
    if (decodeEnd(end).isKept) {
      flight.spill()
      const { id: flightId, fingerprint, head, sizeBytes } = flight
      const expiresAtMs = Date.now() + KEPT_MS
      const isTooLarge = sizeBytes > MAX_KEPT_BYTES
      this.store.keep({ flightId, fingerprint, head, end, sizeBytes, isTooLarge, expiresAtMs })
      await this.ctx.storage.setAlarm(expiresAtMs)
    }
    flight.tell()
    await this.release(flight)
  }

  private lose(flight: Flight): void {
    if (this.current?.flight !== flight) return
    this.finish()
    flight.isLost = true
    flight.tell()
    this.ctx.waitUntil(this.release(flight))
  }

  private onLeft(flight: Flight): void {
    if (this.current?.flight !== flight) this.ctx.waitUntil(this.release(flight))
    else if (flight.isLeaderGone && flight.followers === 0) {
      this.current.unwanted()
      this.lose(flight)
    }
  }

  /** The bytes of an answer that is not kept are needed as long as somebody still reads them. */
  private async release({ id, followers }: Flight): Promise<void> {
    const kept = this.store.kept(Date.now())
    const isKept = kept?.flightId === id && !kept.isTooLarge
    if (followers === 0 && !isKept) await this.store.forget(id)
  }

  private finish(): void {
    if (this.current?.timer !== undefined) clearTimeout(this.current.timer)
    this.current = undefined
  }

  private watch(current: Current, waitMs: number): void {
    current.timer = setTimeout(() => {
      const leftMs = current.heardAtMs + current.leaseMs - Date.now()
      if (leftMs > 0) this.watch(current, leftMs)
      else this.lose(current.flight)
    }, waitMs)
  }
}
