import type { JsonObject } from './chat-request'
import { Cutter } from './cutter'
import type { Scene } from './play'
import { openAiHeaders } from './provider-headers'
import { beforeEvent, frameOf, withoutBlankLine } from './sse'
import type { StreamOptions } from './steps'

/** One event of a stream: the JSON of a data line, or text written as it is. */
export type StreamEvent = JsonObject | string

/** Writes events at the pace, in the notation and with the cuts that a stream's options ask for. */
export class EventWriter {
  readonly #scene: Scene
  readonly #options: StreamOptions
  readonly #out: Cutter
  #count = 0

  constructor(scene: Scene, options: StreamOptions) {
    this.#scene = scene
    this.#options = options
    this.#out = new Cutter(scene.wire, { ...options, gzip: isCompressed(scene, options) })
  }

  /** Sends the headers, and waits for the time of the first event. */
  async open(): Promise<void> {
    const { wire, call } = this.#scene
    await wire.sleep(this.#options.delayMs ?? 0)
    wire.head(200, {
      ...openAiHeaders(call.id),
      'content-type': 'text/event-stream; charset=utf-8',
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
    const frame = frameOf(event, this.#options)
    const prefix = beforeEvent(this.#count++, this.#options)
    // Counted first: whoever has read an event finds it counted.
    this.#scene.sent()
    await this.#out.send(prefix + (isLast ? withoutBlankLine(frame, this.#options) : frame))
  }

  /** The first half of an event, which is not counted. */
  async sendHalf(event: StreamEvent): Promise<void> {
    const frame = frameOf(event, this.#options)
    await this.#out.send(frame.slice(0, Math.ceil(frame.length / 2)))
  }

  /** Writes what the cuts have held back. */
  async flush(): Promise<void> {
    await this.#out.flush()
  }

  async end(): Promise<void> {
    await this.#out.end()
  }
}

function isCompressed({ call }: Scene, { gzip }: StreamOptions): boolean {
  return gzip === 'always' || (gzip === true && /\bgzip\b/.test(call.headers['accept-encoding'] ?? ''))
}
