import { concat } from '../platform/json-edit'
import type { ChunkStore } from './chunk-store'
import { encodeFrame } from './frames'

/** What is not yet written to the storage: a short answer is one row, a long one is never in memory as a whole. */
const SPILL_BYTES = 256 * 1024

/** A call that has ended, and whose answer is in the storage. */
export interface KeptFlight {
  flightId: string
  head: Uint8Array
  end: Uint8Array
  sizeBytes: number
}

/**
 * One call and its answer, as far as it came. Whoever follows it gets the answer from its first byte, out of the storage
 * as far as it is there and out of memory from there on, and then live.
 */
export class Flight {
  readonly id: string
  private readonly beatMs: number
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
    private readonly store: ChunkStore,
    { beatMs, kept }: { beatMs: number; kept?: KeptFlight | undefined },
  ) {
    this.beatMs = beatMs
    this.id = kept?.flightId ?? crypto.randomUUID()
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

  /**
   * The answer in frames, which stop without an end when the call breaks off; `onLeave` is called once, when the answer
   * has ended or is not wanted any more.
   */
  frames(onLeave: () => void): ReadableStream<Uint8Array> {
    this.followers++
    let position = -1
    let hasLeft = false
    let beat = Promise.withResolvers<'beat'>()
    // That a reader has left is only noticed by a word to it.
    const beats = setInterval(() => beat.resolve('beat'), this.beatMs)
    const leave = () => {
      if (hasLeft) return
      hasLeft = true
      clearInterval(beats)
      this.followers--
      onLeave()
    }
    const pull = async (controller: ReadableByteStreamController) => {
      while (!hasLeft) {
        const next = this.isLost ? 'over' : this.frameAt(position)
        if (next === 'over') {
          controller.close()
          return leave()
        }
        if (next !== undefined) {
          position = next.position
          return controller.enqueue(next.frame)
        }
        if ((await Promise.race([this.news.promise, beat.promise])) !== 'beat') continue
        beat = Promise.withResolvers()
        if (!hasLeft) return controller.enqueue(encodeFrame('beat'))
      }
    }
    return new ReadableStream({ type: 'bytes', pull, cancel: leave })
  }

  /** The frame at a position of the answer, where the head is at -1; undefined as long as it has not come. */
  private frameAt(
    position: number,
  ): { frame: Uint8Array<ArrayBuffer>; position: number } | 'over' | undefined {
    if (position > this.sizeBytes) return 'over'
    if (position === -1)
      return this.head === undefined ? undefined : { frame: encodeFrame('head', this.head), position: 0 }
    const bytes = this.bytesAt(position)
    if (bytes !== undefined)
      return { frame: encodeFrame('bytes', bytes), position: position + bytes.byteLength }
    // Bytes that are not there any more may not be passed over.
    if (position < this.sizeBytes) return 'over'
    return this.end === undefined
      ? undefined
      : { frame: encodeFrame('end', this.end), position: this.sizeBytes + 1 }
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
