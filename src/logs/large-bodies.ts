import type { Env } from '../platform/env'
import type { LogBody, LogRecord } from './log-record'

/** A queue message may have 128 KB in all (Queues, "Limits"); bodies beyond this go to R2 first. */
const MAX_INLINE_BYTES = 90_000
/** What a record weighs beside its bodies, generously. */
const RECORD_BYTES = 2_000

/** The record with bodies that are too large for a message put into R2, the largest first. At once when none is. */
export function spillLargeBodies(
  env: Pick<Env, 'BODIES'>,
  record: LogRecord,
): LogRecord | Promise<LogRecord> {
  return sizeOf(record) <= MAX_INLINE_BYTES ? record : spill(env, record)
}

/** What a record takes in a queue message, in bytes. */
export function sizeOf(record: LogRecord): number {
  return RECORD_BYTES + tagsSize(record) + inlineSize(record.requestBody) + inlineSize(record.responseBody)
}

async function spill(env: Pick<Env, 'BODIES'>, record: LogRecord): Promise<LogRecord> {
  const { requestBody, responseBody } = record
  const isRequestLarger = inlineSize(requestBody) >= inlineSize(responseBody)
  const spilled =
    isRequestLarger && requestBody !== undefined
      ? { ...record, requestBody: await put(env, record, 'request', requestBody) }
      : responseBody === undefined
        ? record
        : { ...record, responseBody: await put(env, record, 'response', responseBody) }
  const isSmaller = sizeOf(spilled) < sizeOf(record)
  return isSmaller && sizeOf(spilled) > MAX_INLINE_BYTES ? spill(env, spilled) : spilled
}

async function put(
  env: Pick<Env, 'BODIES'>,
  record: LogRecord,
  side: 'request' | 'response',
  body: LogBody,
): Promise<LogBody> {
  if (body.kind !== 'inline') return body
  const sizeBytes = body.bytes.byteLength
  const day = new Date(record.startedAtMs).toISOString().slice(0, 10)
  const key = `bodies/large/${day}/${record.id}.${side}`
  try {
    await env.BODIES.put(key, body.bytes)
    return { kind: 'object', key, sizeBytes }
  } catch (cause) {
    return { kind: 'lost', reason: `R2 refused it: ${String(cause)}`, sizeBytes }
  }
}

function inlineSize(body: LogBody | undefined): number {
  return body?.kind === 'inline' ? body.bytes.byteLength : 0
}

function tagsSize({ tags }: LogRecord): number {
  // A character may weigh up to three bytes.
  return JSON.stringify(tags).length * 3
}
