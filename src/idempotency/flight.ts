import { concat } from '../platform/json-edit'
import type { AnswerStore, KeptAnswer } from './answer-store'
import { encodeFrame } from './frames'

/** What is not yet written to the storage: a short answer is one row, a long one is never in memory as a whole. */
const SPILL_BYTES = 256 * 1024

/**
 * One call and its answer, as far as it came. Whoever follows it gets the answer from its first byte, out of the storage
 * as far as it is there and out of memory from there on, and then live.
 */
export class Flight {
  readonly id: string
  readonly fingerprint: string
  /** How many wait for the answer beside the call's own client. */
  followers = 0
  isLeaderGone = false
  /** The call broke off, or ended without an answer. */
  isLost = false
  /** The bytes were thrown away: there are too many to keep, and nobody follows. */
  isDropped = false
  head: Uint8Array | undefined
  end: Uint8Array | undefined
  sizeBytes = 0
  private tail: Uint8Array[] = []
  private tailStart = 0
  private news = Promise.withResolvers<void>()

  constructor(
    private readonly store: AnswerStore,
    given: { fingerprint: string; kept?: KeptAnswer },
  ) {
    const { fingerprint, kept } = given
    this.id = kept?.flightId ?? crypto.randomUUID()
    this.fingerprint = fingerprint
    if (kept === undefined) return
    this.head = kept.head
    this.end = kept.end
    this.sizeBytes = kept.sizeBytes
    this.tailStart = kept.sizeBytes
  }

  /** Takes what the call's client is given. */
  add(bytes: Uint8Array): void {
    this.sizeBytes += bytes.byteLength
    if (this.isDropped) return
    // A payload is a view of a larger buffer.
    this.tail.push(bytes.slice())
    if (this.sizeBytes - this.tailStart >= SPILL_BYTES) this.spill()
  }

  get isSpilled(): boolean {
    return this.tailStart > 0
  }

  /** Writes to the storage what is in memory only. */
  spill(): void {
    if (this.tail.length === 0) return
    this.store.add(this.id, this.tailStart, new Uint8Array(concat(this.tail)))
    this.tail = []
    this.tailStart = this.sizeBytes
  }

  /** Throws the bytes away, and takes no more. */
  async drop(): Promise<void> {
    this.isDropped = true
    this.tail = []
    await this.store.forget(this.id)
  }

  /** Wakes those who follow. */
  tell(): void {
    this.news.resolve()
    this.news = Promise.withResolvers<void>()
  }

  /** The answer in frames; `onLeave` is called once, when it has ended or is not wanted any more. */
  frames(onLeave: () => void): ReadableStream<Uint8Array> {
    this.followers++
    let position = -1
    let hasLeft = false
    const leave = () => {
      if (hasLeft) return
      hasLeft = true
      this.followers--
      onLeave()
    }
    const pull = async (controller: ReadableByteStreamController) => {
      while (!hasLeft) {
        if (this.isLost) {
          if (position === -1) controller.close()
          else controller.error(new Error('The call that gives this answer broke off.'))
          return leave()
        }
        const bytes = position === -1 ? undefined : this.bytesAt(position)
        if (position === -1 && this.head !== undefined) {
          position = 0
          return controller.enqueue(encodeFrame('head', this.head))
        }
        if (bytes !== undefined) {
          position += bytes.byteLength
          return controller.enqueue(encodeFrame('bytes', bytes))
        }
        if (position === this.sizeBytes && this.end !== undefined) {
          controller.enqueue(encodeFrame('end', this.end))
          controller.close()
          return leave()
        }
        await this.news.promise
      }
    }
    return new ReadableStream({ type: 'bytes', pull, cancel: leave })
  }

  private bytesAt(position: number): Uint8Array | undefined {
    if (position >= this.sizeBytes) return undefined
    if (position < this.tailStart) return this.store.read(this.id, position)
    // Those who are up to date need no more than the last piece.
    let from = this.tail.length
    let start = this.sizeBytes
    while (start > position) start -= this.tail[--from]?.byteLength ?? start
    return concat(this.tail.slice(from)).subarray(position - start)
  }
}
