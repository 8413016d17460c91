import type { FailureDescription } from '../../platform/failure'
import type { UpstreamError } from '../answer'
import { fieldsOf, isObject, jsonOf, listOf, numberOf, textOf } from '../fields'
import { codeOfError } from '../plain-error'

/** Google's word for an HTTP status (google.rpc.Code). */
const WORDS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'UNIMPLEMENTED',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
  529: 'UNAVAILABLE',
}
const TYPE = 'type.googleapis.com/google.rpc.'

/** Google's error shape (google.rpc.Status); what it has no field for stands in its own kinds of details. */
export function encodeGeminiError(description: FailureDescription): string {
  return JSON.stringify({ error: errorOf(description) })
}

/** An error as the last event of a stream. The blank lines in front end an event that broke off in the middle. */
export function geminiErrorEvent(description: FailureDescription): string {
  return `\n\ndata: ${encodeGeminiError(description)}\n\n`
}

/** An error of an upstream's stream, for a client of this protocol. */
export function encodeUpstreamError({ status, message }: UpstreamError): Record<string, unknown> {
  return { error: { code: status, message, status: wordFor(status) } }
}

/** The error in a body with an error status: an object, or in streams an array of one. */
export function decodeGeminiError(status: number, body: Uint8Array): UpstreamError | undefined {
  return errorIn(jsonOf(new TextDecoder().decode(body)), status)
}

/** The error that a reply or an event carries instead of an answer. */
export function errorIn(value: unknown, status = 500): UpstreamError | undefined {
  const { error } = fieldsOf(Array.isArray(value) ? value[0] : value)
  if (typeof error === 'string' && error !== '') return { message: error, status }
  if (!isObject(error)) return undefined
  const code = Number(textOf(error.code) ?? numberOf(error.code))
  const message = textOf(error.message) ?? JSON.stringify(error)
  const details = listOf(error.details).map(fieldsOf)
  const delay = textOf(details.find((detail) => detail['@type'] === `${TYPE}RetryInfo`)?.retryDelay)
  const told = Number.isInteger(code) && code >= 400 && code < 600 ? code : status
  return {
    message: message + retryHint(message, delay),
    status: told,
    code: codeOfError({ status: told, message, code: textOf(error.status) }),
    param: fieldIn(details),
    retryAfterSeconds: secondsIn(delay),
  }
}

function errorOf({ status, message, code, param, retryAfterSeconds }: FailureDescription) {
  return {
    code: status,
    message,
    status: wordFor(status),
    details: [
      { '@type': `${TYPE}ErrorInfo`, reason: code.toUpperCase() },
      ...(param === undefined
        ? []
        : [{ '@type': `${TYPE}BadRequest`, fieldViolations: [{ field: param, description: message }] }]),
      ...(retryAfterSeconds === undefined
        ? []
        : [{ '@type': `${TYPE}RetryInfo`, retryDelay: `${retryAfterSeconds}s` }]),
    ],
  }
}

function wordFor(status: number): string {
  return WORDS[status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT')
}

// Google tells the waiting time in a detail only, or in its words too.
function retryHint(message: string, delay: string | undefined): string {
  return delay === undefined || /retry in/i.test(message) ? '' : ` Please retry in ${delay}.`
}

// A Duration of protobuf's in JSON: `3.5s`.
function secondsIn(delay: string | undefined): number | undefined {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(delay ?? '')?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}

function fieldIn(details: Record<string, unknown>[]): string | undefined {
  const request = details.find((detail) => detail['@type'] === `${TYPE}BadRequest`)
  const [violation] = listOf(request?.fieldViolations)
  return textOf(fieldsOf(violation).field)
}
