import type { LogTrace } from '../logs/log-record'
import { spanNamesOf } from '../logs/log-tags'
import { attemptSpanId, readTraceparent, spanIdOf, writeTraceparent } from '../logs/trace-context'
import type { Env } from '../platform/env'
import type { GatewayParameters } from './gateway-parameters'

const MAX_TRACESTATE = 512
const IS_TRACE_ID = /^[0-9a-f]{32}$/
const PARAMETERS = [
  ...['trace_unique_id', 'trace_name', 'trace_group_identifier', 'session_identifier', 'span_unique_id'],
  ...['span_name', 'span_parent_id', 'span_path', 'span_workflow_name'],
] as const

/** Where a request stands in a trace, by its parameters and its `traceparent`; undefined when neither says anything. */
export function traceOf(
  headers: Headers,
  parameters: GatewayParameters,
  logId: string,
): LogTrace | undefined {
  const header = readTraceparent(headers.get('traceparent'))
  if (header === undefined && PARAMETERS.every((name) => isAbsent(parameters[name]))) return undefined
  const traceId = parameters.trace_unique_id ?? header?.traceId ?? logId
  // A span of another trace is no parent.
  const parent = traceId === header?.traceId ? header.parentSpanId : undefined
  const traceState = header === undefined ? null : headers.get('tracestate')
  return {
    traceId,
    spanId: parameters.span_unique_id ?? spanIdOf(logId),
    parentSpanId: parameters.span_parent_id ?? parent,
    ...spanNamesOf(parameters),
    ...(traceState === null ? {} : { traceState: traceState.slice(0, MAX_TRACESTATE) }),
    ...(header?.isSampled === false ? { isUnsampled: true } : {}),
  }
}

/**
 * The headers that continue a request's trace at the upstream, as the call with this index; undefined unless the client
 * is in a trace, or every call is to be in one.
 */
export function traceHeaders(
  { headers, env, parameters, logId }: TracedCall,
  index: number,
): Record<string, string> | undefined {
  const header = readTraceparent(headers.get('traceparent'))
  if (header === undefined && env.OTEL_PROPAGATORS?.includes('tracecontext') !== true) return undefined
  const own = parameters.trace_unique_id
  const traceId = typeof own === 'string' && IS_TRACE_ID.test(own) ? own : (header?.traceId ?? logId)
  const state = header === undefined ? null : headers.get('tracestate')
  return {
    traceparent: writeTraceparent(traceId, attemptSpanId(logId, index), header?.isSampled ?? true),
    ...(state === null ? {} : { tracestate: state.slice(0, MAX_TRACESTATE) }),
  }
}

/** What the place of an upstream call depends on. */
export interface TracedCall {
  headers: Headers
  env: Env
  parameters: GatewayParameters
  logId: string
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}
