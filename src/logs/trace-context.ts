import { sha256Hex } from '../platform/encryption'

/** The caller's place in a trace (W3C Trace Context, 3.2). */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits: the caller's span. */
  parentSpanId: string
  isSampled: boolean
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const NO_ID = /^0+$/
const SAMPLED = 1
const SPAN_ID_DIGITS = 16
const SPAN_IDS = 1n << 64n

/** What a `traceparent` header says; undefined for one that is not valid, which starts a new trace. */
export function readTraceparent(header: string | null): TraceContext | undefined {
  if (header === null) return undefined
  const [, version, traceId, parentSpanId, flags, more] = TRACEPARENT.exec(header.trim()) ?? []
  if (traceId === undefined || parentSpanId === undefined || flags === undefined) return undefined
  // Version 255 is forbidden, and version 0 has nothing behind its flags.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (NO_ID.test(traceId) || NO_ID.test(parentSpanId)) return undefined
  return { traceId, parentSpanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED }
}

/** The header that tells a callee its place. */
export function writeTraceparent(traceId: string, spanId: string, isSampled: boolean): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

/** The span of a request, from its log's id: nothing has to be drawn or remembered for it. */
export function spanIdOf(logId: string): string {
  return logId.slice(-SPAN_ID_DIGITS)
}

/** The span of a request's upstream call; the first one has the index 0. */
export function attemptSpanId(logId: string, index: number): string {
  const next = (BigInt(`0x${spanIdOf(logId)}`) + BigInt(index) + 1n) % SPAN_IDS
  return next.toString(16).padStart(SPAN_ID_DIGITS, '0')
}

/** The log id of a span that was sent in, always the same for the same span; it sorts by time like any other. */
export async function spanLogId(span: {
  apiKeyId: string
  traceId: string
  spanId: string
  startMs: number
}): Promise<string> {
  const { apiKeyId, traceId, spanId, startMs } = span
  const time = Math.max(0, Math.round(startMs)).toString(16).padStart(12, '0').slice(-12)
  return `${time}7${(await sha256Hex(`${apiKeyId} ${traceId} ${spanId}`)).slice(0, 19)}`
}
