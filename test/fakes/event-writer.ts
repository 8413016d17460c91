import { Cutter } from './cutter'
import type { Dialect, StreamEvent } from './dialect'
import type { Framing } from './framing'
import type { Scene } from './play'
import type { StreamOptions } from './steps'

/** Writes events at the pace, in the notation and with the cuts that a stream's options ask for. */
export class EventWriter {
  readonly #scene: Scene
  readonly #dialect: Dialect
  readonly #framing: Framing
  readonly #options: StreamOptions
  readonly #out: Cutter
  #count = 0

  constructor(scene: Scene, dialect: Dialect, options: StreamOptions) {
    this.#scene = scene
    this.#dialect = dialect
    this.#framing = dialect.framing(scene.call)
    this.#options = options
    this.#out = new Cutter(scene.wire, { ...options, gzip: isCompressed(scene, options) })
  }

  /** Sends the headers, and waits for the time of the first event. */
  async open(): Promise<void> {
    const { wire, call } = this.#scene
    await wire.sleep(this.#options.delayMs ?? 0)
    wire.head(200, {
      ...this.#dialect.headers(call.id),
      'content-type': this.#framing.contentType,
      'cache-control': 'no-cache',
      'content-encoding': isCompressed(this.#scene, this.#options) ? 'gzip' : undefined,
      ...this.#options.headers,
    })
    await wire.sleep(this.#options.firstGapMs ?? 0)
  }

  async send(event: StreamEvent, isLast = false): Promise<void> {
    const gapMs = this.#count === 0 ? 0 : (this.#options.gapMs ?? 0)
    if (gapMs > 0) {
      await this.#out.flush()
      await this.#scene.wire.sleep(gapMs)
    }
    const frame = this.#frame(event, isLast)
    this.#count++
    // Counted first: whoever has read an event finds it counted.
    this.#scene.sent()
    await this.#out.send(frame)
  }

  /** The first half of an event, which is not counted. */
  async sendHalf(event: StreamEvent): Promise<void> {
    const frame = Buffer.from(this.#frame(event, false))
    await this.#out.send(frame.subarray(0, Math.ceil(frame.length / 2)))
  }

  /** Writes what the cuts have held back. */
  async flush(): Promise<void> {
    await this.#out.flush()
  }

  async end(): Promise<void> {
    await this.#out.send(this.#framing.tail)
    await this.#out.end()
  }

  #frame(event: StreamEvent, isLast: boolean): Uint8Array | string {
    return this.#framing.frame(event, { index: this.#count, isLast, style: this.#options })
  }
}

function isCompressed({ call }: Scene, { gzip }: StreamOptions): boolean {
  return gzip === 'always' || (gzip === true && /\bgzip\b/.test(call.headers['accept-encoding'] ?? ''))
}
