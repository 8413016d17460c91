import type { ServerResponse } from 'node:http'
import { setImmediate, setTimeout } from 'node:timers/promises'

/** A header may be computed when it is sent; undefined takes a default header away. */
export type HeaderValues = Record<string, string | string[] | (() => string) | undefined>

/**
 * How a connection goes on after the last byte: 'clean' ends the body, 'cut' closes (FIN), 'reset' resets
 * (RST).
 */
export type Ending = 'clean' | 'cut' | 'reset' | 'hang'

/** Thrown out of every wait once the connection is gone; ends the playing of a step. */
export class ClientGone extends Error {}

/**
 * The answering side of one connection. Each write is flushed by itself and is one HTTP chunk; it waits
 * while the client does not read.
 */
export class Wire {
  readonly #response: ServerResponse
  readonly #gone = new AbortController()
  readonly #whenGone: Promise<never>
  readonly #finished: () => void
  #isOver = false

  /** `finished`: we ended the connection or the reply; `closedByClient`: the client was first. */
  constructor(response: ServerResponse, on: { finished(): void; closedByClient(): void }) {
    this.#response = response
    this.#finished = on.finished
    this.#whenGone = new Promise((_, reject) => {
      this.#gone.signal.addEventListener('abort', () => reject(new ClientGone()))
    })
    this.#whenGone.catch(() => {})
    response.on('error', () => {})
    response.on('finish', () => this.#over())
    response.on('close', () => {
      if (!this.#isOver) on.closedByClient()
      this.#gone.abort()
    })
  }

  /** Sends status and headers at once, before any of the body. */
  head(status: number, headers: HeaderValues): void {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.#response.setHeader(name, typeof value === 'function' ? value() : value)
    }
    this.#response.writeHead(status)
    this.#response.flushHeaders()
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#gone.signal.aborted) throw new ClientGone()
    if (bytes.length === 0) return
    const flushed = new Promise<void>((resolve, reject) => {
      this.#response.write(bytes, (error) => (error ? reject(new ClientGone()) : resolve()))
    })
    await Promise.race([flushed, this.#whenGone])
    await setImmediate()
  }

  async sleep(ms: number): Promise<void> {
    if (ms <= 0) return
    const { signal } = this.#gone
    await setTimeout(ms, undefined, { signal }).catch(() => this.#whenGone)
  }

  /** Waits for something else that happens in the test. */
  async until(event: Promise<unknown>): Promise<void> {
    await Promise.race([event, this.#whenGone])
  }

  /** Ends the reply as HTTP wants it. */
  async end(): Promise<void> {
    await Promise.race([new Promise<void>((resolve) => this.#response.end(resolve)), this.#whenGone])
  }

  /** Closes the connection (FIN) with the reply unfinished. */
  cut(): void {
    this.#over()
    this.#response.socket?.destroySoon()
  }

  /** Resets the connection (RST). */
  reset(): void {
    this.#over()
    this.#response.socket?.resetAndDestroy()
  }

  /** Says nothing more until the client leaves. */
  async hang(): Promise<never> {
    return await this.#whenGone
  }

  #over(): void {
    if (!this.#isOver) this.#finished()
    this.#isOver = true
  }
}

/**
 * Ends a reply; what is written may arrive first, because a reset overtakes bytes that nobody has read yet.
 */
export async function settle(wire: Wire, ending: Ending = 'clean'): Promise<void> {
  if (ending === 'clean') return await wire.end()
  if (ending === 'hang') return await wire.hang()
  await wire.sleep(20)
  if (ending === 'reset') wire.reset()
  else wire.cut()
}
