import { fromBase64 } from '../platform/base64'
import { type LogRecord, logRecordSchema } from './log-record'

/** The record that `recordToJson` wrote. */
export function recordFromJson(text: string): LogRecord {
  const value: unknown = JSON.parse(text)
  const { requestBody, responseBody, ...rest } = Object(value)
  return logRecordSchema.parse({
    ...rest,
    requestBody: bodyFromJson(requestBody),
    responseBody: bodyFromJson(responseBody),
  })
}

function bodyFromJson(body: unknown): unknown {
  const { base64, ...rest } = Object(body)
  return body === undefined
    ? undefined
    : base64 === undefined
      ? body
      : { ...rest, bytes: fromBase64(String(base64)) }
}
