import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import root from '@opentelemetry/otlp-transformer/build/src/generated/root.js'

/** The official definitions of OTLP's messages. */
export const officialRequest = root.lookupType
  ? root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest')
  : Object(root).opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest

/** A span as a receiver sees it, with plain attributes. */
export interface SeenSpan {
  traceId: string
  spanId: string
  parentSpanId: string
  traceState: string
  name: string
  kind: number
  startMs: number
  endMs: number
  attributes: Record<string, unknown>
  status: { code: number; message: string }
}

/** One request that a collector got. */
export interface SeenExport {
  path: string
  headers: Record<string, string | string[] | undefined>
  /** In OTLP's JSON form, decoded by the official definitions when it came as protobuf. */
  request: Record<string, unknown>
}

/** A receiver of OTLP over HTTP. */
export interface Collector {
  url: string
  exports: SeenExport[]
  /** The next answers; 200 when there are none left. */
  answers: { status: number; headers?: Record<string, string> }[]
  /** Waits for the spans that a filter lets through, at least so many. */
  spans(count: number, wanted: (span: SeenSpan) => boolean): Promise<SeenSpan[]>
  close(): Promise<void>
}

/** Starts a receiver on a free port. */
export async function startCollector(): Promise<Collector> {
  const exports: SeenExport[] = []
  const answers: Collector['answers'] = []
  const server = createServer(async (request, response) => {
    const { status, headers } = answers.shift() ?? { status: 200 }
    const decoded = decode(request, await bodyOf(request))
    if (status === 200) exports.push({ path: request.url ?? '', headers: request.headers, request: decoded })
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    exports,
    answers,
    async spans(count, wanted) {
      for (const until = Date.now() + 20_000; Date.now() < until; await sleep(50)) {
        const found = exports.flatMap(({ request }) => spansOf(request)).filter(wanted)
        if (found.length >= count) return found
      }
      const all = exports.flatMap(({ request }) => spansOf(request)).map(({ name }) => name)
      throw new Error(`There are no ${count} such spans among ${JSON.stringify(all)}.`)
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function decode(request: IncomingMessage, body: Buffer): Record<string, unknown> {
  const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
  if (request.headers['content-type'] === 'application/json') return JSON.parse(bytes.toString())
  const message = officialRequest.decode(bytes)
  return officialRequest.toObject(message, { longs: String, bytes: Buffer })
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** All spans of a request, flat. */
export function spansOf(request: Record<string, unknown>): SeenSpan[] {
  const resources = (request.resourceSpans ?? []) as { scopeSpans: { spans: Record<string, unknown>[] }[] }[]
  return resources.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(seen)))
}

function seen(span: Record<string, unknown>): SeenSpan {
  const status = Object(span.status)
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    traceState: String(span.traceState ?? ''),
    name: String(span.name),
    kind: Number(span.kind),
    startMs: Number(BigInt(String(span.startTimeUnixNano)) / 1_000_000n),
    endMs: Number(BigInt(String(span.endTimeUnixNano)) / 1_000_000n),
    attributes: Object.fromEntries(
      ((span.attributes ?? []) as { key: string; value: unknown }[]).map(({ key, value }) => [
        key,
        plain(value),
      ]),
    ),
    status: { code: Number(status.code ?? 0), message: String(status.message ?? '') },
  }
}

function hex(id: unknown): string {
  return id instanceof Uint8Array ? Buffer.from(id).toString('hex') : String(id ?? '')
}

function plain(value: unknown): unknown {
  const { stringValue, boolValue, intValue, doubleValue, arrayValue } = Object(value)
  if (intValue !== undefined) return Number(intValue)
  if (arrayValue !== undefined) return arrayValue.values.map(plain)
  return stringValue ?? boolValue ?? doubleValue
}
