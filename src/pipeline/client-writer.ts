/** The client's side of a stream that is written piece by piece. Nothing of it ever rejects. */
export interface ClientWriter {
  readonly hasLeft: boolean
  write(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
  /** Breaks the connection off. */
  abort(cause: unknown): Promise<void>
}

/** Writes to a client for as long as it is there; `onLeft` is called when a write shows that it is not. */
export function clientWriter(
  out: WritableStream<Uint8Array>,
  signal: AbortSignal,
  onLeft: () => void,
): ClientWriter {
  const writer = out.getWriter()
  const gone = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  )
  let hasLeft = signal.aborted
  return {
    get hasLeft() {
      return hasLeft || signal.aborted
    },
    async write(bytes) {
      if (hasLeft) return
      await Promise.race([writer.write(bytes), gone]).catch(() => {
        hasLeft = true
        onLeft()
      })
      hasLeft ||= signal.aborted
    },
    // A client that has left is not told.
    close: () => writer.close().catch(() => undefined),
    abort: (cause) => writer.abort(cause).catch(() => undefined),
  }
}
