import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** What came over the wire: the whole response in bytes, and what became of the connection. */
export interface RawResponse {
  bytes: Buffer
  /** `open`: the server kept it, as it does after a complete reply. */
  ending: 'FIN' | 'RST' | 'open'
}

/**
 * POSTs JSON over a bare socket, to see what HTTP clients hide: the framing, and how a connection breaks.
 * Listens for `ms`, or until the server closes.
 */
export async function rawCall(url: string, body: object, ms = 60): Promise<RawResponse> {
  const { hostname, port, pathname } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  const text = JSON.stringify(body)
  const length = `Content-Length: ${Buffer.byteLength(text)}`
  socket.write(`POST ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${length}\r\n\r\n${text}`)
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  const closed = once(socket, 'end').then(
    () => 'FIN' as const,
    () => 'RST' as const,
  )
  const ending = await Promise.race([closed, setTimeout(ms, 'open' as const)])
  socket.destroy()
  return { bytes: Buffer.concat(parts), ending }
}
