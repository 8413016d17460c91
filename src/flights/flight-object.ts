import { DurableObject } from 'cloudflare:workers'
import type { ChunkStore } from './chunk-store'
import { Flight } from './flight'
import { type Frame, frameReader } from './frames'

/** A longer answer is given to those who wait for it, and not kept. */
export const MAX_KEPT_BYTES = 25 * 1024 * 1024
/** What was written before the end of a call goes after this long, even if the end never came. */
const LEFTOVERS_MS = 24 * 60 * 60 * 1_000

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
 * An object in which at most one call is in flight: what that call's client is given is written here too, so that
 * others get it while it comes. A call in flight is known in memory only; should the object restart, its stream breaks,
 * and the next request calls. Who calls and who follows, and what becomes of an answer, is a subclass's to say.
 */
export abstract class FlightObject extends DurableObject {
  protected abstract readonly store: ChunkStore
  private current: Current | undefined

  /** Takes the answer of the one that calls, until it ends or, when its own client has left, nobody wants it. */
  async lead(flightId: string, frames: ReadableStream<Uint8Array>): Promise<'over' | 'unwanted'> {
    const { current } = this
    if (current?.flight.id !== flightId) return 'over'
    const unwanted = new Promise<'unwanted'>((resolve) => {
      current.unwanted = () => resolve('unwanted')
    })
    return Promise.race([unwanted, this.take(current.flight, frames)])
  }

  /** What is left over is old; a call that began meanwhile keeps what it has. */
  override async alarm(): Promise<void> {
    if (this.current === undefined) await this.store.forgetAll()
    else await this.ctx.storage.setAlarm(Date.now() + LEFTOVERS_MS)
  }

  protected get inFlight(): Flight | undefined {
    return this.current?.flight
  }

  /** Makes a request the one that calls; one that is not heard of for `leaseMs` is taken for dead. */
  protected begin(leaseMs: number): Flight {
    const flight = new Flight(this.store, { beatMs: leaseMs / 3 })
    const current: Current = {
      flight,
      leaseMs,
      heardAtMs: Date.now(),
      timer: undefined,
      unwanted: () => undefined,
    }
    this.current = current
    this.watch(current, leaseMs)
    return flight
  }

  /** An answer for one more that follows. */
  protected follow(flight: Flight): ReadableStream<Uint8Array> {
    return flight.frames(() => this.onLeft(flight))
  }

  /** A call has ended with an answer, which nobody was told yet. */
  protected abstract onLanded(flight: Flight, end: Uint8Array): Promise<void>

  /** The bytes are needed although nobody reads them. */
  protected abstract isKept(flight: Flight): boolean

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
    else if (flight.isSpilled && !wasSpilled) await this.ctx.storage.setAlarm(Date.now() + LEFTOVERS_MS)
  }

  private async land(flight: Flight, end: Uint8Array): Promise<void> {
    if (flight.head === undefined) return this.lose(flight)
    flight.end = end
    this.finish()
    await this.onLanded(flight, end)
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
  private async release(flight: Flight): Promise<void> {
    if (flight.followers === 0 && !this.isKept(flight)) await this.store.forget(flight.id)
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
