import * as z from 'zod'
import type { Caller } from '../keys/authenticate'
import { deliverLogs } from '../logs/emit'
import { type GivenLog, givenLogSchema } from '../logs/given-log'
import type { LogRecord } from '../logs/log-record'
import { type SpanLog, spansIn } from '../logs/otlp/ingest'
import { decodeProtobuf, encodeProtobuf } from '../logs/otlp/protobuf'
import { redactedRecord } from '../logs/redacted-record'
import { spanLogId } from '../logs/trace-context'
import { SluiceError } from '../platform/failure'
import { MAX_MANAGEMENT_BODY_BYTES, readBody } from '../platform/read-body'
import { fieldsOf, isObject } from '../protocols/fields'
import { redactorOfLogs } from '../redaction/redactor'
import { pricing } from './given-price'
import { recordOfGiven } from './given-record'
import { checked, parseJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const MAX_SPANS = 10_000
const PROTOBUF = 'application/x-protobuf'
/** gRPC's code for a bad argument, which OTLP's errors have. */
const INVALID_ARGUMENT = 3

const spansSchema = z
  .array(givenLogSchema)
  .min(1, 'must have at least one span')
  .max(MAX_SPANS, `must have at most ${MAX_SPANS} spans`)

/** Spans of other programs: OTLP over HTTP, and a list of spans in the fields of a log. Any key may send them. */
export const ingestTraceRoutes: ManagementRoute[] = [
  {
    method: 'POST',
    paths: ['/api/v2/traces', '/api/v1/traces', '/v1/traces'],
    auth: 'any_key',
    logging: 'none',
    handle: otlp,
  },
  {
    method: 'POST',
    paths: ['/api/v1/traces/ingest', '/api/traces/ingest'],
    auth: 'any_key',
    logging: 'none',
    handle: ingest,
  },
]

async function otlp(context: ManagementContext, caller: Caller): Promise<Response> {
  const { request, env } = context
  const isProtobuf = (request.headers.get('content-type') ?? '').includes('protobuf')
  let told: ReturnType<typeof spansIn>
  try {
    told = spansIn(requestIn(await bodyOf(request), isProtobuf))
  } catch (cause) {
    if (cause instanceof SluiceError && cause.failure.kind === 'body_too_large') throw cause
    return answer(isProtobuf, 400, { code: INVALID_ARGUMENT, message: reasonOf(cause) })
  }
  await deliverLogs(env, await recordsOf(context, { caller, logMethod: 'otlp', logs: told.logs }))
  if (told.rejected === 0) return answer(isProtobuf, 200, {})
  const partialSuccess = { rejectedSpans: String(told.rejected), errorMessage: told.problem ?? '' }
  return answer(isProtobuf, 200, { partialSuccess })
}

function requestIn(bytes: Uint8Array, isProtobuf: boolean): Record<string, unknown> {
  if (isProtobuf) return decodeProtobuf(bytes, 'ExportTraceServiceRequest')
  const value = parseJson(new TextDecoder().decode(bytes))
  if (isObject(value)) return value
  throw new Error('the body is not an export request')
}

async function ingest(context: ManagementContext, caller: Caller): Promise<Response> {
  const value = parseJson(new TextDecoder().decode(await bodyOf(context.request)))
  const spans = Array.isArray(value) ? value : (fieldsOf(value).spans ?? fieldsOf(value).logs ?? [value])
  const logs = checked(spans, spansSchema).map((given) => ({ given }))
  await deliverLogs(context.env, await recordsOf(context, { caller, logMethod: 'api', logs }))
  return Response.json({ success: true, ingested_count: logs.length }, { status: 201 })
}

async function recordsOf(
  { env, request, effects, isolate, background }: ManagementContext,
  given: { caller: Caller; logMethod: 'api' | 'otlp'; logs: readonly SpanLog[] },
): Promise<LogRecord[]> {
  const { caller, logMethod, logs } = given
  const config = await isolate.config.get(background)
  const by = {
    ...{ caller, logMethod, pricedAs: pricing(env, config), method: request.method },
    path: new URL(request.url).pathname,
    userAgent: request.headers.get('user-agent'),
    nowMs: effects.now(),
  }
  return Promise.all(
    logs.map(async ({ given: log, finishReason, responseId }) => {
      const id = (await idOf(caller, log)) ?? effects.newId()
      const record = recordOfGiven(log, { ...by, id })
      const own = {
        finishReason: finishReason ?? record.finishReason,
        responseId: responseId ?? record.responseId,
      }
      return redactedRecord({ ...record, ...own }, redactorOfLogs(config.settings))
    }),
  )
}

// Exporters send again what they had no answer for: the same span is the same log.
async function idOf({ apiKeyId }: Caller, log: GivenLog): Promise<string | undefined> {
  const { trace_unique_id: traceId, span_unique_id: spanId } = log
  const startMs = log.start_time ?? log.timestamp
  if (!traceId || !spanId || !startMs) return undefined
  return spanLogId({ apiKeyId, traceId, spanId, startMs })
}

/** The body of a request, unpacked: exporters are free to compress. */
async function bodyOf(request: Request): Promise<Uint8Array> {
  const encoding = request.headers.get('content-encoding')
  if (encoding === null || encoding === 'identity') return readBody(request, MAX_MANAGEMENT_BODY_BYTES)
  if (encoding !== 'gzip')
    throw new SluiceError({
      kind: 'unsupported_media_type',
      message: `The content encoding '${encoding}' is not supported; gzip is.`,
    })
  const unpacked = request.body?.pipeThrough(new DecompressionStream('gzip')) ?? null
  return readBody(new Request(request.url, { method: 'POST', body: unpacked }), MAX_MANAGEMENT_BODY_BYTES)
}

function answer(isProtobuf: boolean, status: number, value: Record<string, unknown>): Response {
  if (!isProtobuf) return Response.json(value, { status })
  const message = status === 200 ? 'ExportTraceServiceResponse' : 'RpcStatus'
  return new Response(encodeProtobuf(value, message), { status, headers: { 'content-type': PROTOBUF } })
}

function reasonOf(cause: unknown): string {
  if (cause instanceof SluiceError && 'message' in cause.failure) return cause.failure.message
  return `The body is not an OTLP export request: ${cause instanceof Error ? cause.message : 'unknown'}.`
}
