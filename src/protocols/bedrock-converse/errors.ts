import type { UpstreamError } from '../answer'
import { countOf, entryOf, fieldsOf, isObject, jsonOf, textOf } from '../fields'
import { codeOfError } from '../plain-error'
import type { Frame } from './frames'

const decoder = new TextDecoder()

/** Statuses that mean something else to other protocols: a model that took too long, or failed, or an error in a 200. */
const STANDS_FOR: Readonly<Record<number, number>> = { 200: 500, 408: 504, 424: 500 }
/** The errors of Converse by status, since the header that names them is not at hand. */
const CODES: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
}
/** What the exceptions inside a stream stand for. */
const STATUSES: Readonly<Record<string, number>> = {
  validationException: 400,
  throttlingException: 429,
  modelStreamErrorException: 500,
  internalServerException: 500,
  serviceUnavailableException: 503,
  modelTimeoutException: 504,
}
/** The error in a body with an error status, in the spellings of the service and of what stands before it. */
export function decodeConverseError(status: number, body: Uint8Array): UpstreamError | undefined {
  const value = jsonOf(decoder.decode(body))
  if (!isObject(value)) return undefined
  const type = shortType(textOf(value.__type) ?? textOf(fieldsOf(value.Output).__type))
  const message = textOf(value.message) ?? textOf(value.Message) ?? type
  if (message === undefined) return undefined
  const code = codeOfError({ status, message, code: type ?? CODES[status] })
  return { message, status: STANDS_FOR[status] ?? status, code }
}

/** The error that a frame reports, whether modelled (`exception`) or not (`error`); undefined for an event. */
export function errorOfFrame({ headers, payload }: Frame): UpstreamError | undefined {
  const type = headers[':message-type']
  if (type !== 'exception' && type !== 'error') return undefined
  const name = headers[':exception-type'] ?? headers[':error-code'] ?? 'unknown'
  const fields = fieldsOf(jsonOf(payload))
  const message =
    textOf(fields.message) ?? textOf(fields.Message) ?? textOf(headers[':error-message'] ?? payload) ?? name
  const status = originalStatus(fields) ?? entryOf(STATUSES, withSmallInitial(name)) ?? 500
  return { message, status, code: codeOfError({ status, message, code: name }) }
}

// Told by a model that failed while it streamed.
function originalStatus({ originalStatusCode }: Record<string, unknown>): number | undefined {
  const status = countOf(originalStatusCode)
  return status !== undefined && status >= 400 && status < 600 ? (STANDS_FOR[status] ?? status) : undefined
}

// `com.amazon.coral.service#UnknownOperationException`, or with an address behind a colon.
function shortType(type: string | undefined): string | undefined {
  return type?.split('#').at(-1)?.split(':')[0]
}

function withSmallInitial(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}
