import type { IncomingMessage } from 'node:http'
import { bodyOf } from './fields'
import { proofsIn } from './proofs'

/** One call that the provider got, kept up to date while it is answered. Times are those of Date.now. */
export interface RecordedCall {
  /** Never the same twice in a test run; the ids in replies are made from it. */
  id: number
  method: string
  /** With the query. */
  path: string
  query: URLSearchParams
  headers: Record<string, string>
  /** The request body, byte for byte. */
  bodyBytes: Buffer
  json(): unknown
  /** The fields of a multipart body. */
  form?: FormData
  /** Signatures, encrypted reasoning and thought signatures that came back with the request, in their order. */
  proofs: string[]
  /**
   * From a path such as /models/<model>:generateContent, /model/<model>/converse or /deployments/<model>/..., else from
   * the body; empty when neither names one.
   */
  model: string
  startedAt: number
  /** The client closed the connection before the reply had ended. */
  closedByClientAt?: number
  /** The reply ended, or the fake broke the connection as scripted. */
  finishedAt?: number
  /** Events of a stream, or chunks of a raw reply, given to the connection while the client was there. */
  eventsSent: number
}

let lastId = 0

/** The calls, and who waits for one of them. */
export class Recorder {
  readonly calls: RecordedCall[] = []
  readonly #waiters = new Set<() => void>()

  /** Begins a record; it is listed once the request is complete or broken off. */
  begin(request: IncomingMessage): RecordedCall {
    const call: RecordedCall = {
      id: ++lastId,
      method: request.method ?? '',
      path: request.url ?? '',
      query: new URL(request.url ?? '', 'http://fake').searchParams,
      proofs: [],
      headers: headersOf(request),
      bodyBytes: Buffer.alloc(0),
      json: () => JSON.parse(call.bodyBytes.toString()),
      model: '',
      startedAt: Date.now(),
      eventsSent: 0,
    }
    return call
  }

  async list(call: RecordedCall, bodyBytes: Buffer): Promise<void> {
    call.bodyBytes = bodyBytes
    const form = await formOf(call)
    if (form !== undefined) call.form = form
    call.model = modelOf(call)
    call.proofs = proofsIn(bodyOf(call))
    this.calls.push(call)
    this.changed()
  }

  /** Lets those who wait look again. */
  changed(): void {
    for (const look of this.#waiters) look()
  }

  clear(): void {
    this.calls.length = 0
  }

  async waitFor(predicate: (call: RecordedCall) => boolean, ms: number): Promise<RecordedCall> {
    return await new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer)
        this.#waiters.delete(look)
      }
      const timer = setTimeout(() => {
        stop()
        reject(new Error(`No such call within ${ms} ms. Calls: ${this.#summary()}`))
      }, ms)
      const look = () => {
        try {
          const found = this.calls.find(predicate)
          if (found === undefined) return
          resolve(found)
        } catch (error) {
          reject(error)
        }
        stop()
      }
      this.#waiters.add(look)
      look()
    })
  }

  #summary(): string {
    const lines = this.calls.map((call) => {
      const state = call.closedByClientAt ? 'closed by client' : call.finishedAt ? 'finished' : 'open'
      return `${call.id} ${call.method} ${call.path} model=${call.model} events=${call.eventsSent} ${state}`
    })
    return lines.join('; ') || 'none'
  }
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const entries = Object.entries(request.headersDistinct).map(([name, values]) => [
    name,
    (values ?? []).join(', '),
  ])
  return Object.fromEntries(entries)
}

function modelOf(call: RecordedCall): string {
  const inPath = /\/(?:models|deployments)\/([^/:?]+)|\/model\/([^?]+)\/converse/.exec(call.path)
  const { model } = bodyOf(call)
  const inBody = typeof model === 'string' ? model : call.form?.get('model')
  return typeof inBody === 'string' && !call.path.includes('/deployments/')
    ? inBody
    : decodeURIComponent(inPath?.[1] ?? inPath?.[2] ?? '')
}

async function formOf(call: RecordedCall): Promise<FormData | undefined> {
  const type = call.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return undefined
  const body = new Response(new Uint8Array(call.bodyBytes), { headers: { 'content-type': type } })
  return await body.formData().catch(() => undefined)
}
