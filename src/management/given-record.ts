import type { Caller } from '../keys/authenticate'
import { GIVEN_PROTOCOL, givenBodies } from '../logs/given-bodies'
import type { GivenLog } from '../logs/given-log'
import { givenUsage } from '../logs/given-usage'
import type { LogBody, LogPrompt, LogRecord, LogTrace } from '../logs/log-record'
import { spanNamesOf, tagsOf } from '../logs/log-tags'
import { LOG_RECORD_VERSION } from '../logs/message-versions'
import { SECRET_NAMES } from '../platform/parameter-names'
import { fieldsOf, listOf, textOf } from '../protocols/fields'
import type { ModelPrices } from '../providers/target'
import type { Priced } from './given-price'

const NANO_USD_PER_USD = 1_000_000_000
const MAX_TEXT = 1_000
const SPAN_ID_DIGITS = 16
/** The status that hosted gateways log for a client that left. */
const CLIENT_GONE = 499

/** Whose log it is, and how it came. */
export interface GivenBy {
  caller: Caller
  id: string
  method: string
  path: string
  userAgent: string | null
  logMethod: 'api' | 'otlp'
  nowMs: number
  /** What the name of a model means here, for its price. */
  pricedAs(model: string, providerId?: string): Priced
}

/** The record of a call that its sender made without the gateway; the consumer writes it like any other. */
export function recordOfGiven(given: GivenLog, by: GivenBy): LogRecord {
  const { caller, id, method, path, logMethod } = by
  const bodies = givenBodies(given, SECRET_NAMES)
  const fullReply = fieldsOf(given.full_response)
  const firstTokenSeconds = given.time_to_first_token ?? given.ttft ?? undefined
  return {
    version: LOG_RECORD_VERSION,
    ...{ id, method, path, logMethod },
    ...timesOf(given, by.nowMs),
    environment: caller.environment,
    apiKeyId: caller.apiKeyId,
    apiKeyName: caller.apiKeyName,
    userAgent: by.userAgent?.slice(0, MAX_TEXT),
    logType: given.log_type ?? 'chat',
    protocol: GIVEN_PROTOCOL,
    stream: given.stream ?? false,
    ...modelOf(given, by),
    ...endingOf(given),
    finishReason: textOf(fieldsOf(listOf(fullReply.choices)[0]).finish_reason),
    responseId: textOf(fullReply.id),
    ...givenUsage(given, bodies),
    timeToFirstTokenMs: firstTokenSeconds === undefined ? undefined : msOf(firstTokenSeconds),
    routingMs: 0,
    attempts: [],
    dropped: [],
    tags: tagsOf(given),
    trace: traceOf(given, id),
    prompt: promptOf(given),
    givenCostNanoUsd: isTold(given.cost) ? Math.round(given.cost * NANO_USD_PER_USD) : undefined,
    ...(given.disable_log === true
      ? {}
      : { requestBody: bodyOf(bodies.request), responseBody: bodyOf(bodies.response) }),
  }
}

function modelOf(given: GivenLog, by: GivenBy) {
  const model = given.model?.slice(0, MAX_TEXT)
  const providerId = given.provider_id ?? undefined
  const priced = model === undefined ? {} : by.pricedAs(model, providerId)
  return {
    model,
    upstreamModel: priced.upstreamModel ?? model,
    providerId: providerId ?? priced.providerId,
    prices: ownPrices(given) ?? priced.prices,
    pricesAs: priced.pricesAs,
  }
}

// A sender's own prices overrule ours; both are US dollars per million tokens.
function ownPrices({ prompt_unit_price, completion_unit_price }: GivenLog): ModelPrices | undefined {
  if (!isTold(prompt_unit_price) && !isTold(completion_unit_price)) return undefined
  const inputCost = prompt_unit_price ?? null
  return {
    inputCost,
    outputCost: completion_unit_price ?? null,
    cacheHitInputCost: null,
    cacheCreationInputCost: null,
  }
}

/** `timestamp` is the end. Where begin, end and `latency` do not agree, the begin and the latency hold. */
function timesOf(given: GivenLog, nowMs: number): { startedAtMs: number; endedAtMs: number } {
  const latency = given.latency ?? given.generation_time ?? undefined
  const latencyMs = latency === undefined ? undefined : msOf(latency)
  const start = given.start_time ?? undefined
  const end = given.timestamp ?? undefined
  if (start !== undefined) {
    const startedAtMs = Math.round(start)
    return {
      startedAtMs,
      endedAtMs: startedAtMs + (latencyMs ?? Math.max(0, Math.round(end ?? start) - startedAtMs)),
    }
  }
  const endedAtMs = Math.round(end ?? nowMs)
  return { startedAtMs: endedAtMs - (latencyMs ?? 0), endedAtMs }
}

function endingOf(given: GivenLog): Pick<LogRecord, 'ending' | 'statusCode' | 'errorCode' | 'errorMessage'> {
  const message = given.error_message ?? ''
  const isError = given.status === 'error' || (given.status_code ?? 0) >= 400
  const statusCode = given.status_code ?? (isError ? 500 : 200)
  return {
    ending: statusCode === CLIENT_GONE ? 'cancelled' : isError ? 'failed' : 'completed',
    statusCode,
    errorMessage: message === '' ? undefined : message.slice(0, MAX_TEXT),
  }
}

// A span needs an id of its own and one of its trace; what is not told is taken from the log's id.
function traceOf(given: GivenLog, id: string): LogTrace | undefined {
  const told = {
    parentSpanId: given.span_parent_id ?? undefined,
    ...spanNamesOf(given),
  }
  const traceId = given.trace_unique_id ?? undefined
  const spanId = given.span_unique_id ?? undefined
  const isSpan = [traceId, spanId, ...Object.values(told)].some((value) => value !== undefined)
  return isSpan ? { traceId: traceId ?? id, spanId: spanId ?? id.slice(-SPAN_ID_DIGITS), ...told } : undefined
}

function promptOf(given: GivenLog): LogPrompt | undefined {
  if (!isTold(given.prompt_id)) return undefined
  return {
    id: given.prompt_id,
    name: given.prompt_name ?? given.prompt_id,
    version: given.prompt_version_number ?? undefined,
    variables: given.variables ?? undefined,
  }
}

function bodyOf(fields: Record<string, unknown> | undefined): LogBody | undefined {
  if (fields === undefined) return undefined
  return { kind: 'inline', bytes: new TextEncoder().encode(JSON.stringify(fields)) }
}

function msOf(seconds: number): number {
  return Math.round(seconds * 1_000)
}

function isTold<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null
}
