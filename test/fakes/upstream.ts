import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { dialectOf } from './dialects'
import { pathOf } from './fields'
import { play } from './play'
import { type RecordedCall, Recorder } from './recorder'
import type { Step } from './steps'
import { emptyStore } from './store'
import { ClientGone, Wire } from './wire'

/** A provider on a loopback port. */
export interface FakeUpstream {
  /** http://127.0.0.1:<port>/v1 */
  url: string
  /** http://127.0.0.1:<port>, for protocols that do not live below /v1. */
  origin: string
  port: number
  /** All calls since the start or the last `reset`, in the order in which their bodies were complete. */
  calls: RecordedCall[]
  /** Forgets calls and scripts, and drops the connections of calls still open. */
  reset(): void
  close(): Promise<void>
  /**
   * What is done with the calls for an upstream model, in order; the last step repeats. Replaces an earlier
   * script. Calls without a model have a name such as `GET /v1/files`.
   */
  script(model: string, ...steps: Step[]): void
  /** The first call that fits, now or within `ms` (2000); looks again whenever a call changes. */
  waitFor(predicate: (call: RecordedCall) => boolean, ms?: number): Promise<RecordedCall>
  /** Stops listening and drops all connections: further ones are refused by the operating system. */
  goDown(): Promise<void>
  /** Listens on the same port again. */
  comeBack(): Promise<void>
}

/** Starts a provider that behaves like the one whose path is called, until a script says otherwise. */
export async function startFakeUpstream(): Promise<FakeUpstream> {
  const upstream = new Upstream()
  await upstream.listen(0)
  return upstream
}

/** The URL of a port where nobody listens. */
export async function closedPortUrl(): Promise<string> {
  const upstream = await startFakeUpstream()
  await upstream.close()
  return upstream.url
}

class Upstream implements FakeUpstream {
  port = 0
  readonly #recorder = new Recorder()
  readonly #scripts = new Map<string, { steps: Step[]; next: number }>()
  readonly #wires = new Set<Wire>()
  #store = emptyStore()
  #server: Server | undefined

  get url(): string {
    return `${this.origin}/v1`
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get calls(): RecordedCall[] {
    return this.#recorder.calls
  }

  async listen(port: number): Promise<void> {
    // Never the one to close an idle connection: that would be a fault that no script asked for.
    const options = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, noDelay: true }
    const server = createServer(options, (request, response) => void this.#serve(request, response))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    this.port = (server.address() as AddressInfo).port
    this.#server = server
  }

  script(model: string, ...steps: Step[]): void {
    this.#scripts.set(model, { steps, next: 0 })
  }

  reset(): void {
    this.#scripts.clear()
    this.#store = emptyStore()
    for (const wire of this.#wires) wire.reset()
    this.#recorder.clear()
  }

  async waitFor(predicate: (call: RecordedCall) => boolean, ms = 2000): Promise<RecordedCall> {
    return await this.#recorder.waitFor(predicate, ms)
  }

  async goDown(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = new Promise((resolve) => server.close(resolve))
    for (const wire of this.#wires) wire.reset()
    server.closeAllConnections()
    await closed
    // Clients with idle connections in a pool see that these are gone.
    await setTimeout(10)
  }

  async comeBack(): Promise<void> {
    if (this.#server === undefined) await this.listen(this.port)
  }

  async close(): Promise<void> {
    await this.goDown()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = this.#recorder.begin(request)
    const wire = this.#wireOf(call, response)
    const { bytes, isComplete } = await readBody(request)
    // Dropped by `reset` or `goDown` while it came in.
    if (call.finishedAt !== undefined) return
    await this.#recorder.list(call, bytes)
    if (!isComplete) return
    const sent = () => {
      if (call.closedByClientAt === undefined) call.eventsSent++
      this.#recorder.changed()
    }
    try {
      await play(await this.#stepFor(call), { wire, call, sent, store: this.#store })
    } catch (error) {
      if (error instanceof ClientGone) return
      console.error('The fake upstream failed:', error)
      wire.reset()
    }
  }

  #wireOf(call: RecordedCall, response: ServerResponse): Wire {
    const over = (field: 'finishedAt' | 'closedByClientAt') => {
      call[field] = Date.now()
      this.#recorder.changed()
    }
    const wire = new Wire(response, {
      finished: () => over('finishedAt'),
      closedByClient: () => over('closedByClientAt'),
    })
    this.#wires.add(wire)
    response.on('close', () => this.#wires.delete(wire))
    return wire
  }

  async #stepFor(call: RecordedCall): Promise<Step> {
    const script = this.#scripts.get(call.model) ?? this.#scripts.get(`${call.method} ${pathOf(call)}`)
    const step = script?.steps[Math.min(script.next++, script.steps.length - 1)]
    return step ?? (await dialectOf(call).unscripted({ call, store: this.#store }))
  }
}

async function readBody(request: IncomingMessage): Promise<{ bytes: Buffer; isComplete: boolean }> {
  const parts: Buffer[] = []
  try {
    for await (const part of request) parts.push(part)
    return { bytes: Buffer.concat(parts), isComplete: request.complete }
  } catch {
    return { bytes: Buffer.concat(parts), isComplete: false }
  }
}
