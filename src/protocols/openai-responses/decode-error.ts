import type { UpstreamError } from '../answer'
import { entryOf, fieldsOf, isObject, jsonOf, numberOf, textOf } from '../fields'
import { codeOfError, plainMessage } from '../plain-error'

/** The HTTP statuses that errors stand for when they come with another one, by `code` or `type`. */
const STATUSES: Readonly<Record<string, number>> = {
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  insufficient_quota: 429,
  context_length_exceeded: 400,
  invalid_prompt: 400,
  invalid_request_error: 400,
  invalid_api_key: 401,
  authentication_error: 401,
  permission_error: 403,
  model_not_found: 404,
  not_found_error: 404,
  server_is_overloaded: 503,
  slow_down: 503,
  overloaded_error: 503,
  vector_store_timeout: 504,
}
/** `invalid_image_url`, `image_too_large`, `empty_image_file` and the like. */
const ABOUT_INPUT = /image|^invalid_|policy/
const decoder = new TextDecoder()

/** The error in a body, as OpenAI and compatible servers write it; undefined when there is none. */
export function decodeResponsesError(status: number, body: Uint8Array): UpstreamError | undefined {
  const fields = fieldsOf(jsonOf(decoder.decode(body)))
  const error = responsesErrorIn(fields) ?? (status < 400 ? undefined : plainError(fields))
  if (error === undefined || status < 400) return error
  return { ...error, status, code: codeOfError({ ...error, status }) }
}

/** The error that a response, an event or an error body carries, with the status that it stands for. */
export function responsesErrorIn(fields: Record<string, unknown>): UpstreamError | undefined {
  const { error } = fields
  if (typeof error === 'string' && error !== '') return errorOf({ ...fields, message: error })
  if (isObject(error)) return errorOf(error)
  if (fields.type === 'error' || fields.object === 'error') return errorOf(fields)
  return fields.status === 'failed' ? errorOf({ message: 'the response failed' }) : undefined
}

function errorOf(fields: Record<string, unknown>): UpstreamError {
  const word = textOf(fields.code) ?? textOf(fields.type)
  return {
    message: textOf(fields.message) ?? JSON.stringify(fields),
    status: statusOf(fields, word),
    code: word === 'error' ? undefined : word,
    param: textOf(fields.param),
  }
}

function plainError(fields: Record<string, unknown>): UpstreamError | undefined {
  const message = plainMessage(fields)
  return message === undefined ? undefined : errorOf({ ...fields, message })
}

function statusOf(fields: Record<string, unknown>, word: string | undefined): number {
  const told = numberOf(fields.status) ?? numberOf(fields.code) ?? 0
  if (Number.isInteger(told) && told >= 400 && told < 600) return told
  const known = entryOf(STATUSES, word ?? '') ?? entryOf(STATUSES, textOf(fields.type) ?? '')
  return known ?? (ABOUT_INPUT.test(word ?? '') ? 400 : 500)
}
