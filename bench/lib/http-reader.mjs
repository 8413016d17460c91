const EMPTY = Buffer.alloc(0)

/**
 * Takes HTTP/1.1 messages of one connection apart, requests or responses alike, without copying bodies.
 * Node's own parser costs several times as much, and the load must never be the bottleneck.
 * `onHead(text)`, `onBody(bytes)` per piece, `onEnd()` per message.
 */
export class HttpReader {
  #rest = EMPTY
  #left = 0
  #state = 'head'
  #events

  constructor(events) {
    this.#events = events
  }

  /** Feeds what came from the socket. */
  push(data) {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, data]) : data
    let at = 0
    while (at < bytes.length) {
      const next = this[this.#state](bytes, at)
      if (next < 0) break
      at = next
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : EMPTY
  }

  head(bytes, at) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end < 0) return -1
    const head = bytes.latin1Slice(at, end)
    this.#events.onHead(head)
    if (/\ntransfer-encoding: *chunked/i.test(head)) {
      this.#state = 'size'
      return end + 4
    }
    this.#left = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    if (this.#left > 0) this.#state = 'body'
    else this.#finish()
    return end + 4
  }

  body(bytes, at) {
    const end = this.#take(bytes, at)
    if (this.#left === 0) this.#finish()
    return end
  }

  size(bytes, at) {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return -1
    this.#left = Number.parseInt(bytes.latin1Slice(at, end), 16)
    this.#state = this.#left > 0 ? 'chunk' : 'trailer'
    return end + 2
  }

  chunk(bytes, at) {
    const end = this.#take(bytes, at)
    if (this.#left === 0) this.#state = 'chunkEnd'
    return end
  }

  chunkEnd(bytes, at) {
    if (bytes.length - at < 2) return -1
    this.#state = 'size'
    return at + 2
  }

  trailer(bytes, at) {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return -1
    if (end === at) this.#finish()
    return end + 2
  }

  #take(bytes, at) {
    const end = Math.min(at + this.#left, bytes.length)
    this.#events.onBody(bytes.subarray(at, end))
    this.#left -= end - at
    return end
  }

  #finish() {
    this.#state = 'head'
    this.#events.onEnd()
  }
}
