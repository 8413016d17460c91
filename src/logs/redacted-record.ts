import { isObject, jsonOf } from '../protocols/fields'
import type { LogBody, LogRecord } from './log-record'
import { partsOfBodies } from './present-bodies'

/** What is larger is not kept at all where texts are masked: nobody would look at each of its characters in time. */
const MAX_REDACTED_BYTES = 8 * 1024 * 1024
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Masks what an operator wants masked. */
export interface Mask {
  text(text: string): string
  /** The same value when nothing was found. */
  value(value: unknown): unknown
}

/**
 * The record as it may be stored: without what is to be masked. What cannot be masked is left out. The same record
 * without a mask.
 */
export function redactedRecord(record: LogRecord, mask: Mask | undefined): LogRecord {
  return mask === undefined ? record : { ...withMaskedFields(record, mask), ...bodiesOf(record, mask) }
}

function withMaskedFields(record: LogRecord, redactor: Mask): LogRecord {
  const { tags, attempts, prompt, trace } = record
  const masked = (text: string | undefined) => (text === undefined ? undefined : redactor.text(text))
  return {
    ...record,
    errorMessage: masked(record.errorMessage),
    attempts: attempts.map((attempt) =>
      attempt.errorMessage === undefined
        ? attempt
        : { ...attempt, errorMessage: redactor.text(attempt.errorMessage) },
    ),
    tags: {
      ...tags,
      metadata: maskedFields(tags.metadata, redactor),
      properties: maskedFields(tags.properties, redactor),
      note: masked(tags.note),
    },
    ...(prompt === undefined
      ? {}
      : { prompt: { ...prompt, variables: maskedFields(prompt.variables, redactor) } }),
    ...(trace === undefined ? {} : { trace: { ...trace, spanName: masked(trace.spanName) } }),
  }
}

function maskedFields(
  fields: Record<string, unknown> | undefined,
  redactor: Mask,
): Record<string, unknown> | undefined {
  if (fields === undefined) return undefined
  const masked = redactor.value(fields)
  return isObject(masked) ? masked : undefined
}

function bodiesOf(record: LogRecord, redactor: Mask): Pick<LogRecord, 'requestBody' | 'responseBody'> {
  const { requestBody, responseBody } = record
  return {
    ...(requestBody === undefined
      ? {}
      : { requestBody: keptOrLost(requestBody, (bytes) => maskedBody(bytes, redactor)) }),
    ...(responseBody === undefined
      ? {}
      : {
          responseBody: keptOrLost(responseBody, (bytes) =>
            record.stream && !isJson(bytes) ? maskedStream(record, redactor) : maskedBody(bytes, redactor),
          ),
        }),
  }
}

function keptOrLost(body: LogBody, mask: (bytes: Uint8Array) => Uint8Array): LogBody {
  if (body.kind !== 'inline') return body
  const sizeBytes = body.bytes.byteLength
  if (sizeBytes > MAX_REDACTED_BYTES)
    return { kind: 'lost', reason: 'it is too large for what is masked in logs', sizeBytes }
  try {
    return { kind: 'inline', bytes: mask(body.bytes) }
  } catch (cause) {
    const reason = `it could not be masked: ${cause instanceof Error ? cause.message : 'unknown'}`
    return { kind: 'lost', reason, sizeBytes }
  }
}

function maskedBody(bytes: Uint8Array, redactor: Mask): Uint8Array {
  const text = decoder.decode(bytes)
  const value = jsonOf(text)
  if (value === undefined) {
    const masked = redactor.text(text)
    return masked === text ? bytes : encoder.encode(masked)
  }
  const masked = redactor.value(value)
  return masked === value ? bytes : encoder.encode(JSON.stringify(masked))
}

/**
 * A stream may cut a value anywhere, so that its own bytes can hold it in pieces that are nothing each: they are kept
 * only when the whole that they add up to has nothing to mask either. Otherwise that whole is kept, masked.
 */
function maskedStream(record: LogRecord, redactor: Mask): Uint8Array {
  const bytes = inlineBytes(record.responseBody) ?? new Uint8Array(0)
  const facts = {
    protocol: record.protocol ?? null,
    stream: true,
    statusCode: record.statusCode,
    upstreamModel: record.upstreamModel ?? null,
  }
  const bodies = { request: inlineBytes(record.requestBody), response: bytes }
  const whole = partsOfBodies(facts, bodies, {}).full_response
  if (whole === null || whole === undefined) throw new Error('its events do not add up to a reply')
  const masked = redactor.value(whole)
  const text = decoder.decode(bytes)
  const isClean = masked === whole && redactor.text(text) === text && eventsAreClean(text, redactor)
  return isClean ? bytes : encoder.encode(JSON.stringify(masked))
}

// What no reader takes for content may hold something as well.
function eventsAreClean(text: string, redactor: Mask): boolean {
  for (const [, data = ''] of text.matchAll(/^data: ?(.*)$/gm)) {
    const value = jsonOf(data)
    if (value !== undefined && redactor.value(value) !== value) return false
  }
  return true
}

function isJson(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b || bytes[0] === 0x5b
}

function inlineBytes(body: LogBody | undefined): Uint8Array | undefined {
  return body?.kind === 'inline' ? body.bytes : undefined
}
