import * as z from 'zod'
import type { Caller } from '../keys/authenticate'
import { deliverLogs } from '../logs/emit'
import { type GivenLog, givenLogSchema } from '../logs/given-log'
import type { LogRecord } from '../logs/log-record'
import { redactedRecord } from '../logs/redacted-record'
import { MAX_MANAGEMENT_BODY_BYTES, readBody } from '../platform/read-body'
import { fieldsOf } from '../protocols/fields'
import { redactorOfLogs } from '../redaction/redactor'
import { pricing } from './given-price'
import { recordOfGiven } from './given-record'
import { checked, parseJson } from './replies'
import type { ManagementContext, ManagementRoute } from './route'

const MAX_LOGS = 1_000

const listSchema = z
  .array(givenLogSchema)
  .min(1, 'must have at least one log')
  .max(MAX_LOGS, `must have at most ${MAX_LOGS} logs`)
const batchSchema = z.looseObject({ logs: listSchema })

/** Logs of calls that did not go through the gateway. Any key may send them; they are its own. */
export const createLogRoutes: ManagementRoute[] = [
  {
    method: 'POST',
    paths: ['/api/request-logs', '/api/request-logs/create'],
    auth: 'any_key',
    logging: 'none',
    handle: create,
  },
]

async function create(context: ManagementContext, caller: Caller): Promise<Response> {
  const { env, request, background } = context
  const bytes = await readBody(request, MAX_MANAGEMENT_BODY_BYTES)
  const value = parseJson(new TextDecoder().decode(bytes))
  const { logs, isBatch, isBlocking } = readLogs(value)
  const records = await recordsOf(context, { caller, logs })
  const delivered = deliverLogs(env, records)
  if (isBlocking) await delivered
  else background(delivered)
  const shown = records.map(shownRecord)
  return Response.json(isBatch ? { count: shown.length, logs: shown } : shown[0], { status: 201 })
}

async function recordsOf(
  { env, request, effects, isolate, background }: ManagementContext,
  { caller, logs }: { caller: Caller; logs: readonly GivenLog[] },
): Promise<LogRecord[]> {
  const config = await isolate.config.get(background)
  const pricedAs = pricing(env, config)
  const by = {
    ...{ caller, pricedAs, method: request.method, path: new URL(request.url).pathname },
    userAgent: request.headers.get('user-agent'),
    logMethod: 'api' as const,
    nowMs: effects.now(),
  }
  return logs.map((given) =>
    redactedRecord(recordOfGiven(given, { ...by, id: effects.newId() }), redactorOfLogs(config.settings)),
  )
}

/** One log, a list of them, or an object with a list; `block: false` of any of them is an answer before they are kept. */
function readLogs(value: unknown): { logs: GivenLog[]; isBatch: boolean; isBlocking: boolean } {
  const isList = Array.isArray(value)
  const isBatch = isList || Array.isArray(fieldsOf(value).logs)
  const logs = isList
    ? checked(value, listSchema)
    : isBatch
      ? checked(value, batchSchema).logs
      : [checked(value, givenLogSchema)]
  const controls = [fieldsOf(value).respan_api_controls, ...logs.map((log) => log.respan_api_controls)]
  return { logs, isBatch, isBlocking: controls.every((each) => fieldsOf(each).block !== false) }
}

function shownRecord(record: LogRecord) {
  return {
    unique_id: record.id,
    id: record.id,
    log_type: record.logType,
    model: record.model ?? null,
    status_code: record.statusCode,
    start_time: new Date(record.startedAtMs).toISOString(),
    timestamp: new Date(record.endedAtMs).toISOString(),
    trace_unique_id: record.trace?.traceId ?? null,
    span_unique_id: record.trace?.spanId ?? null,
  }
}
