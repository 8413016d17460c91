import { constants, createGzip, type Gzip } from 'node:zlib'
import type { Wire } from './wire'

/** Where the body is cut into writes, and whether it is compressed. */
export interface CutOptions {
  /** Bytes per write, used in turn and over again. Without it an event is a write. */
  writeSizes?: number[]
  /** Short for `writeSizes: [bytes]`; 1 cuts every event and every character. */
  cutEvery?: number
  /**
   * Compressed, flushed after each event. true asks for an Accept-Encoding that allows it, as real servers
   * do.
   */
  gzip?: boolean | 'always'
}

/** Turns events into writes of given sizes; an event's rest waits for the next one or for `flush`. */
export class Cutter {
  readonly #wire: Wire
  readonly #sizes: number[]
  readonly #gzip: Compressor | undefined
  #held: Buffer = Buffer.alloc(0)
  #writes = 0

  constructor(wire: Wire, options: CutOptions) {
    this.#wire = wire
    this.#sizes = options.cutEvery === undefined ? (options.writeSizes ?? []) : [options.cutEvery]
    this.#gzip = options.gzip ? new Compressor() : undefined
  }

  async send(event: Uint8Array | string): Promise<void> {
    const bytes = Buffer.from(event)
    await this.#add(this.#gzip === undefined ? bytes : await this.#gzip.add(bytes))
  }

  /** Writes what is held back. */
  async flush(): Promise<void> {
    const rest = this.#held
    this.#held = Buffer.alloc(0)
    await this.#wire.write(rest)
  }

  /** Ends the reply as HTTP wants it. */
  async end(): Promise<void> {
    if (this.#gzip !== undefined) await this.#add(await this.#gzip.end())
    await this.flush()
    await this.#wire.end()
  }

  async #add(bytes: Buffer): Promise<void> {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    if (this.#sizes.length === 0) return await this.flush()
    for (;;) {
      const size = Math.max(1, this.#sizes[this.#writes % this.#sizes.length] ?? 1)
      if (this.#held.length < size) return
      const piece = this.#held.subarray(0, size)
      this.#held = this.#held.subarray(size)
      this.#writes++
      await this.#wire.write(piece)
    }
  }
}

class Compressor {
  readonly #gzip: Gzip = createGzip()
  #out: Buffer[] = []

  constructor() {
    this.#gzip.on('data', (bytes: Buffer) => this.#out.push(bytes))
  }

  async add(bytes: Buffer): Promise<Buffer> {
    this.#gzip.write(bytes)
    await new Promise<void>((resolve) => this.#gzip.flush(constants.Z_SYNC_FLUSH, resolve))
    return this.#taken()
  }

  async end(): Promise<Buffer> {
    const ended = new Promise<void>((resolve) => this.#gzip.once('end', resolve))
    this.#gzip.end()
    await ended
    return this.#taken()
  }

  #taken(): Buffer {
    const bytes = Buffer.concat(this.#out)
    this.#out = []
    return bytes
  }
}
