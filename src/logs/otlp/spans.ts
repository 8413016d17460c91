import { sha256Hex } from '../../platform/encryption'
import { otelProviderName } from '../../providers/otel-names'
import type { LogAttempt, LogRecord } from '../log-record'
import { attemptSpanId, spanIdOf } from '../trace-context'
import { requestAttributes } from './attributes'
import { attributesOf, type KeyValue } from './values'

/** A span in the form of OTLP's JSON. */
export interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  traceState?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: KeyValue[]
  status: { code: number; message?: string }
}

/** What the spans of a record are made with. */
export interface SpanOptions {
  costNanoUsd: number | null
  /** With the messages themselves. */
  hasContent: boolean
}

const KIND = { internal: 1, server: 2, client: 3 } as const
const STATUS = { unset: 0, error: 2 } as const
const TRACE_ID = /^[0-9a-f]{32}$/
const SPAN_ID = /^[0-9a-f]{16}$/

/**
 * A record as spans: one for the request, and below it one for each upstream call. Usage and cost are told once, on the
 * request's, so that nobody adds them up twice.
 */
export async function spansOf(record: LogRecord, options: SpanOptions): Promise<OtlpSpan[]> {
  const { trace, id } = record
  const traceId = await hexId(trace?.traceId ?? id, TRACE_ID)
  const spanId = await hexId(trace?.spanId ?? spanIdOf(id), SPAN_ID)
  const parentSpanId =
    trace?.parentSpanId === undefined ? undefined : await hexId(trace.parentSpanId, SPAN_ID)
  const { operation, values } = requestAttributes(record, options)
  const isOurs = record.logMethod === undefined || record.logMethod === 'gateway'
  const request: OtlpSpan = {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    ...(trace?.traceState === undefined ? {} : { traceState: trace.traceState }),
    name: trace?.spanName ?? `${operation}${record.model === undefined ? '' : ` ${record.model}`}`,
    kind: isOurs ? KIND.server : KIND.client,
    ...timesOf(record.startedAtMs, record.endedAtMs),
    attributes: attributesOf(values),
    status: statusOf(record.ending === 'failed', record.errorMessage ?? record.errorCode),
  }
  const attempts = record.attempts.map((attempt, index) =>
    attemptSpan(attempt, { traceId, spanId: attemptSpanId(id, index), parentSpanId: spanId, index, record }),
  )
  return [request, ...attempts]
}

function attemptSpan(
  attempt: LogAttempt,
  at: { traceId: string; spanId: string; parentSpanId: string; index: number; record: LogRecord },
): OtlpSpan {
  const { traceId, spanId, parentSpanId, index, record } = at
  const isLast = index === record.attempts.length - 1
  // An attempt's own latency ends at its first content; the last one goes on as long as the request.
  const endMs = isLast ? record.endedAtMs : attempt.startedAtMs + attempt.latencyMs
  const isFailed = attempt.errorCode !== undefined
  return {
    ...{ traceId, spanId, parentSpanId },
    name: `attempt ${attempt.providerId}/${attempt.upstreamModel}`,
    kind: KIND.client,
    ...timesOf(attempt.startedAtMs, Math.max(endMs, attempt.startedAtMs)),
    attributes: attributesOf({
      'gen_ai.provider.name': otelProviderName(attempt.providerId),
      'gen_ai.request.model': attempt.upstreamModel,
      'http.response.status_code': attempt.statusCode,
      'error.type': attempt.errorCode,
      'sluice.attempt.index': index,
      'sluice.attempt.reason': attempt.reason,
      'sluice.attempt.is_retry': attempt.isRetry ?? false,
      'sluice.attempt.error_class': attempt.errorClass,
      'sluice.attempt.waited': seconds(attempt.waitedMs),
      'sluice.attempt.first_content_after': isFailed ? undefined : seconds(attempt.latencyMs),
      'sluice.credential_kind': attempt.credentialKind,
    }),
    status: statusOf(isFailed, attempt.errorMessage ?? attempt.errorCode),
  }
}

function statusOf(isFailed: boolean, message: string | undefined): OtlpSpan['status'] {
  if (!isFailed) return { code: STATUS.unset }
  return { code: STATUS.error, ...(message === undefined ? {} : { message }) }
}

function timesOf(startMs: number, endMs: number) {
  return { startTimeUnixNano: nanos(startMs), endTimeUnixNano: nanos(endMs) }
}

function nanos(ms: number): string {
  return String(BigInt(Math.round(ms)) * 1_000_000n)
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000
}

// Senders of logs may name traces and spans as they like; an exporter needs bytes of a fixed length.
async function hexId(id: string, shape: RegExp): Promise<string> {
  const plain = id.replaceAll('-', '').toLowerCase()
  if (shape.test(plain)) return plain
  const digits = await sha256Hex(id)
  return digits.slice(0, shape === TRACE_ID ? 32 : 16)
}
