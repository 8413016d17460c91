import { toBase64 } from '../platform/base64'
import type { Env } from '../platform/env'
import type { LogBody, LogRecord } from './log-record'

/** Where records lie that the queue did not take; the consumer's cron brings them in. */
export const UNDELIVERED_PREFIX = 'undelivered/'

/** Puts records that the queue refused into R2. Only when that fails too is a record lost, and the worker's log says so. */
export async function keepUndelivered(
  env: Pick<Env, 'BODIES'>,
  records: readonly LogRecord[],
  cause: unknown,
): Promise<void> {
  for (const record of records) {
    try {
      await env.BODIES.put(`${UNDELIVERED_PREFIX}${record.id}.json`, recordToJson(record))
    } catch (second) {
      // biome-ignore lint/suspicious/noConsole: the last place that is left to say it
      console.error(
        JSON.stringify({ event: 'log_lost', id: record.id, queue: String(cause), r2: String(second) }),
      )
    }
  }
}

/** A record as JSON text, with bodies in base64. */
export function recordToJson(record: LogRecord): string {
  const { requestBody, responseBody, ...rest } = record
  return JSON.stringify({
    ...rest,
    requestBody: bodyToJson(requestBody),
    responseBody: bodyToJson(responseBody),
  })
}

function bodyToJson(body: LogBody | undefined): unknown {
  if (body?.kind !== 'inline') return body
  return { kind: 'inline', base64: toBase64(body.bytes) }
}
