import { encodeProtobuf } from './protobuf'
import type { OtlpSpan } from './spans'
import { attributesOf } from './values'

/** OpenTelemetry's usual variables; without an endpoint nothing is exported. */
export interface ExporterEnv {
  /** The base URL: `/v1/traces` is put behind it. */
  OTEL_EXPORTER_OTLP_ENDPOINT?: string
  /** The whole URL. */
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string
  /** `name=value` pairs with commas between, values percent-encoded. */
  OTEL_EXPORTER_OTLP_HEADERS?: string
  /** `http/protobuf`, the default, or `http/json`. */
  OTEL_EXPORTER_OTLP_PROTOCOL?: string
  /** `gzip` or `none`, the default. */
  OTEL_EXPORTER_OTLP_COMPRESSION?: string
  /** Milliseconds. */
  OTEL_EXPORTER_OTLP_TIMEOUT?: string
  OTEL_SERVICE_NAME?: string
  OTEL_RESOURCE_ATTRIBUTES?: string
  /** `true` puts the messages themselves on the spans. */
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT?: string
}

/** How an export ended; what is `refused` would be refused each time. */
export type Exported =
  | { kind: 'done'; rejected?: string }
  | { kind: 'failed'; reason: string; retryAfterSeconds?: number }
  | { kind: 'refused'; reason: string }

/** The version of the semantic conventions that the spans follow. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.41.1'

const DEFAULT_TIMEOUT_MS = 10_000
/** What a receiver refuses for what is in it (OTLP, "Failures"); anything else may be mended. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422])
const MAX_REASON = 300

/** Where spans go; undefined when nothing is exported. */
export function exportUrl(env: ExporterEnv): string | undefined {
  const whole = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
  if (whole !== undefined && whole !== '') return whole
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT
  return base === undefined || base === '' ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`
}

/** Sends spans to the collector in one request; never rejects. */
export async function exportSpans(env: ExporterEnv, spans: readonly OtlpSpan[]): Promise<Exported> {
  const url = exportUrl(env)
  if (url === undefined) return { kind: 'done' }
  const isJson = env.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json'
  const request = requestOf(env, spans)
  const bytes = isJson
    ? new TextEncoder().encode(JSON.stringify(request))
    : encodeProtobuf(request, 'ExportTraceServiceRequest')
  const isGzip = env.OTEL_EXPORTER_OTLP_COMPRESSION === 'gzip'
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...pairsOf(env.OTEL_EXPORTER_OTLP_HEADERS),
        'content-type': isJson ? 'application/json' : 'application/x-protobuf',
        'user-agent': 'sluice/0.1',
        ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
      },
      body: isGzip ? await gzip(bytes) : bytes,
      redirect: 'manual',
      signal: AbortSignal.timeout(Number(env.OTEL_EXPORTER_OTLP_TIMEOUT ?? DEFAULT_TIMEOUT_MS)),
    })
    return await outcomeOf(response, isJson)
  } catch (cause) {
    return { kind: 'failed', reason: String(cause).slice(0, MAX_REASON) }
  }
}

function requestOf(env: ExporterEnv, spans: readonly OtlpSpan[]): Record<string, unknown> {
  const resource = {
    'service.name': env.OTEL_SERVICE_NAME ?? 'sluice',
    ...pairsOf(env.OTEL_RESOURCE_ATTRIBUTES),
  }
  const scopeSpans = [{ scope: { name: 'sluice' }, spans, schemaUrl: SCHEMA_URL }]
  return {
    resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans, schemaUrl: SCHEMA_URL }],
  }
}

async function outcomeOf(response: Response, isJson: boolean): Promise<Exported> {
  const text = (await response.text().catch(() => '')).slice(0, MAX_REASON)
  // A receiver that took a part does not want the rest again.
  if (response.ok)
    return { kind: 'done', ...(isJson && text.includes('rejectedSpans') ? { rejected: text } : {}) }
  const reason = `the collector answered with status ${response.status}: ${text}`
  if (REFUSALS.has(response.status)) return { kind: 'refused', reason }
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return { kind: 'failed', reason, ...(Number.isFinite(seconds) ? { retryAfterSeconds: seconds } : {}) }
}

/** `a=1,b=2` as W3C Baggage has it: values are percent-encoded. */
function pairsOf(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(',').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at <= 0 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())] as const]
  })
  return Object.fromEntries(pairs)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Response(new Uint8Array(bytes)).body?.pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
