import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** One request that the sink got. */
export interface SunkRequest {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** A receiver of alerts on a loopback port. */
export interface AlertSink {
  /** The URL of a path. */
  url(path: string): string
  /** What came to a path so far. */
  at(path: string): SunkRequest[]
  /** Waits until so many came to a path, and a moment longer for more. */
  settled(path: string, count: number): Promise<SunkRequest[]>
  /** The statuses of the next answers at a path; 200 behind them. */
  answer(path: string, ...statuses: number[]): void
  close(): Promise<void>
}

/** Starts a sink. */
export async function startSink(): Promise<AlertSink> {
  const got: SunkRequest[] = []
  const scripted = new Map<string, number[]>()
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk)
    const path = request.url ?? ''
    got.push({ path, headers: request.headers, body: Buffer.concat(chunks).toString() })
    response.writeHead(scripted.get(path)?.shift() ?? 200).end('noted')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const at = (path: string) => got.filter((one) => one.path === path)
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    at,
    async settled(path, count) {
      for (const until = Date.now() + 20_000; at(path).length < count && Date.now() < until; ) await sleep(50)
      await sleep(2_500)
      return at(path)
    },
    answer: (path, ...statuses) => void scripted.set(path, statuses),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
