import type { UpstreamError } from '../answer'
import { fieldsOf, jsonOf, listOf, textOf } from '../fields'
import { codeOfError, plainMessage } from '../plain-error'
import { errorHolder, errorOf } from './reply'

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
  const message = error?.message ?? plainMessage(fields)
  if (message === undefined) return undefined
  const told = error ?? { message, ...codeOf(fields) }
  return { ...told, status, ...definedCode(codeOfError({ status, message, code: told.code })) }
}

/** The error that a reply or a chunk carries although its status was 200. */
export function chatErrorIn(fields: Record<string, unknown>): UpstreamError | undefined {
  const error = errorOf(fields)
  if (error === undefined) return undefined
  const inner = innerOf(fields)
  const code = codeOf(inner)
  const param = textOf(inner.param)
  return {
    message: error.message,
    status: statusOfError(fields) ?? 500,
    ...code,
    ...(param === undefined ? {} : { param }),
  }
}

/** The status that an error on the top level stands for, where its number or its words tell. */
export function statusOfError(fields: Record<string, unknown>): number | undefined {
  const inner = innerOf(fields)
  const words = [codeOf(inner).code, textOf(inner.type)]
  return errorOf(fields)?.status ?? words.map((word) => STATUSES.get(word ?? '')).find(Boolean)
}

function innerOf(fields: Record<string, unknown>): Record<string, unknown> {
  const holder = errorHolder(fields)
  return typeof holder.error === 'object' ? fieldsOf(holder.error) : holder
}

function definedCode(code: string | undefined): { code?: string } {
  return code === undefined ? {} : { code }
}

function codeOf({ code, type, status }: Record<string, unknown>): { code?: string } {
  const word = textOf(code) ?? textOf(type) ?? textOf(status)
  return word === undefined ? {} : { code: word }
}
