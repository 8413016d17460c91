import type { UpstreamError } from '../answer'
import { fieldsOf, jsonOf, listOf, textOf } from '../fields'
import { errorOf } from './reply'

/** What an error's own words stand for, when no status comes with them. */
const STATUSES: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['context_length_exceeded', 400],
  ['content_filter', 400],
  ['invalid_api_key', 401],
  ['authentication_error', 401],
  ['permission_denied', 403],
  ['permission_error', 403],
  ['model_not_found', 404],
  ['not_found_error', 404],
  ['rate_limit_exceeded', 429],
  ['rate_limit_error', 429],
  ['insufficient_quota', 429],
  ['tokens', 429],
  ['requests', 429],
  ['server_error', 500],
  ['api_error', 500],
  ['internal_server_error', 500],
  ['overloaded_error', 503],
  ['service_unavailable', 503],
])
const decoder = new TextDecoder()

/**
 * The error in the body of an answer, in the spellings of compatible servers. Where the status of the answer tells of
 * no error the body's own words do.
 */
export function decodeChatError(status: number, body: Uint8Array): UpstreamError | undefined {
  const value = jsonOf(decoder.decode(body))
  // Google's compatible endpoint puts its errors into a list.
  const fields = Array.isArray(value) ? fieldsOf(listOf(value)[0]) : fieldsOf(value)
  const error = chatErrorIn(fields)
  if (status < 400) return error
  if (error !== undefined) return { ...error, status }
  const message = textOf(fields.message) ?? textOf(fields.detail)
  return message === undefined ? undefined : { message, status, ...codeOf(fields) }
}

/** The error that a reply or a chunk carries although its status was 200. */
export function chatErrorIn(fields: Record<string, unknown>): UpstreamError | undefined {
  const error = errorOf(fields)
  if (error === undefined) return undefined
  const inner = typeof fields.error === 'object' ? fieldsOf(fields.error) : fields
  const code = codeOf(inner)
  const param = textOf(inner.param)
  const known = [code.code, textOf(inner.type)].map((word) => STATUSES.get(word ?? '')).find(Boolean)
  return {
    message: error.message,
    status: error.status ?? known ?? 500,
    ...code,
    ...(param === undefined ? {} : { param }),
  }
}

function codeOf({ code, type, status }: Record<string, unknown>): { code?: string } {
  const word = textOf(code) ?? textOf(type) ?? textOf(status)
  return word === undefined ? {} : { code: word }
}
