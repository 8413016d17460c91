import { connect, type Socket } from 'node:net'
import { unstable_DevEnv } from 'wrangler'

/**
 * Where workerd itself listens. Wrangler's proxy stands before it, and that one does not pass on that a client left
 * before its answer began.
 */
export interface Direct {
  port: number
  headers: Record<string, string>
}

let latest: Direct | undefined
let storageFolder: string | undefined

/** Harnesses that start from now on keep their storage in a folder, where the next one finds it. */
export function keepStorageIn(folder: string): void {
  storageFolder = folder
}

// The harness would make the workers' outbound calls with Node's fetch, which follows redirects, ends a broken reply
// in order and does not hear of an abort. Without that detour workerd calls providers itself, as in production.
const { dispatch } = unstable_DevEnv.prototype
unstable_DevEnv.prototype.dispatch = function (event) {
  if (event.type === 'configUpdate') {
    delete event.config.dev.outboundService
    if (storageFolder !== undefined) event.config.dev.persist = storageFolder
  }
  if (event.type === 'reloadComplete') {
    const { userWorkerUrl, headers } = event.proxyData
    latest = { port: Number(userWorkerUrl.port), headers }
  }
  dispatch.call(this, event)
}

/** Of the harness that was started last. */
export function latestDirect(): Direct {
  if (latest === undefined) throw new Error('No harness has started yet.')
  return latest
}

/** POSTs JSON to workerd over a bare socket, which the test may then reset. */
export function postDirectly(
  to: Direct,
  path: string,
  key: string,
  body: object,
  more: Record<string, string> = {},
): Socket {
  const text = JSON.stringify(body)
  const headers = {
    ...to.headers,
    host: 'localhost',
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    'mf-original-url': `http://localhost${path}`,
    ...more,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = connect({ port: to.port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`)
  return socket
}
