import type { FailureDescription } from '../../platform/failure'
import type { UpstreamError } from '../answer'
import { fieldsOf, jsonOf, textOf } from '../fields'
import { codeOfError, plainMessage } from '../plain-error'

/** The type of an error by its status (Claude API docs, "Errors"). */
const TYPES: ReadonlyMap<number, string> = new Map([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [503, 'overloaded_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
])

/** The status that a type stands for, where an error comes without one: in a stream that began well. */
const STATUSES: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
])

/** The provider's code for a thread that it does not hold, upon which clients send the whole conversation again. */
export const THREAD_NOT_FOUND = 'thread_not_found'

/** The provider's own error shape (Claude API docs, "Errors"). */
export function encodeMessagesError(description: FailureDescription): string {
  return JSON.stringify(errorBody(description.status, messageOf(description), description.code))
}

/** An error as the last event of a stream. The blank lines in front end an event that broke off in the middle. */
export function messagesErrorEvent(description: FailureDescription): string {
  return `\n\n${encodedErrorEvent(description.status, messageOf(description))}`
}

/** The event that tells of an error, for a stream whose events are all whole. */
export function encodedErrorEvent(status: number, message: string): string {
  return `event: error\ndata: ${JSON.stringify(errorBody(status, message))}\n\n`
}

/** The error in a body with an error status; undefined when the body is not the protocol's. */
export function decodeMessagesError(status: number, body: Uint8Array): UpstreamError | undefined {
  const value = jsonOf(new TextDecoder().decode(body))
  // Clouds that host the provider's models answer in their own shapes, streams in a list.
  const fields = fieldsOf(Array.isArray(value) ? value[0] : value)
  const error = errorOf(fields)
  if (status < 400) return error
  const message = error?.message ?? plainMessage(fields)
  return message === undefined
    ? undefined
    : { message, status, code: codeOfError({ status, message, code: error?.code }) }
}

/** The error that a body or an event tells of; its status is what its type stands for. */
export function errorOf(fields: Record<string, unknown>): UpstreamError | undefined {
  const error = fieldsOf(fields.error)
  const type = textOf(error.type)
  const message = textOf(error.message) ?? textOf(fields.error)
  if (message === undefined && type === undefined && fields.type !== 'error') return undefined
  const code = textOf(fieldsOf(error.details).error_code) ?? type ?? textOf(error.status)
  return { message: message ?? type ?? 'unknown error', status: STATUSES.get(type ?? '') ?? 500, code }
}

function errorBody(status: number, message: string, code?: string): Record<string, unknown> {
  const type = TYPES.get(status) ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
  const details = code === THREAD_NOT_FOUND ? { details: { error_code: code } } : {}
  return { type: 'error', error: { type, message, ...details } }
}

// The protocol has no field of its own for the place of a mistake.
function messageOf({ message, param }: FailureDescription): string {
  return param === undefined || message.includes(param) ? message : `${param}: ${message}`
}
