import { SluiceError } from '../platform/failure'
import { JsonSyntaxError, type Member, positionOf, scanObject } from '../platform/json-scan'
import { readBody } from '../platform/read-body'
import type { PromptCall } from '../prompts/prompt-call'
import type { Protocol, RequestFacts } from '../protocols/protocol'
import { type GatewayParameters, type ReadParameters, readParameters } from './gateway-parameters'
import { type Form, FormError, scanForm } from './multipart'
import { formAsJson } from './multipart-intake'
import { calledPrompt, factsBefore } from './prompted-intake'
import type { Exchange } from './stages'

/** A request as it came in: its bytes, where its fields stand in them, and what it asks of the gateway. */
export interface Intake extends RequestFacts, ReadParameters {
  /** JSON; of a form, what it says in JSON, without its files. */
  bytes: Uint8Array
  members: readonly Member[]
  /** The stored prompt that is to be filled in; the facts are checked when it is. */
  promptCall?: PromptCall
  /** What goes on instead of `bytes` when the client sent a form. */
  form?: Form
}

/** Of a body that is a form. */
export const FORM_TYPE = /^\s*multipart\/form-data\b/i
const JSON_TYPE = /^\s*(application|text)\/([\w.-]+\+)?json\b/i

/** Reads and checks a request's body, without building any value that the gateway has no use for. */
export async function readIntake(
  { request, protocol, address }: Pick<Exchange, 'request' | 'protocol' | 'address'>,
  maxBodyBytes: number,
): Promise<Intake> {
  const formType = checkedFormType(request.headers, protocol)
  const body = await readBody(request, maxBodyBytes)
  if (body.byteLength === 0)
    throw malformed(`The request body is empty; send a ${formType === undefined ? 'JSON object' : 'form'}.`)
  const form = formType === undefined ? undefined : formIn(body, formType)
  const bytes = form === undefined ? body : formAsJson(form)
  try {
    const members = scanObject(bytes)
    const read = readParameters(bytes, members, { headers: request.headers, own: protocol.own })
    const called = calledPrompt(read, { bytes, members, protocol, address })
    const isFilledIn = called?.promptCall !== undefined && !called.promptCall.isCustom
    return {
      bytes,
      members,
      ...(form === undefined ? {} : { form }),
      // A request with a prompt may lack what the prompt has.
      ...(isFilledIn
        ? factsBefore(bytes, members, { protocol, address })
        : protocol.readRequest(bytes, members, address)),
      ...read,
      ...called,
      ignored: ignoredBy(protocol, read.parameters, called?.ignored ?? read.ignored),
    }
  } catch (cause) {
    throw cause instanceof JsonSyntaxError ? notJson(bytes, cause) : cause
  }
}

// The other protocols have no place in an answer for it.
function ignoredBy({ id }: Protocol, parameters: GatewayParameters, ignored: string[]): string[] {
  const isDropped = parameters.request_breakdown === true && id !== 'openai-chat'
  return isDropped ? [...ignored, 'request_breakdown'] : ignored
}

/** The content type of a form; undefined for JSON. */
function checkedFormType(headers: Headers, { forms }: Protocol): string | undefined {
  const encoding = headers.get('content-encoding')
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    throw unsupported(`The content encoding '${encoding}' is not supported. Send the body uncompressed.`)
  const type = headers.get('content-type')
  if (type !== null && forms !== undefined && FORM_TYPE.test(type)) return type
  if (forms !== 'only' && (type === null || JSON_TYPE.test(type))) return undefined
  const wanted = {
    only: "a form, of type 'multipart/form-data'.",
    too: "JSON with 'content-type: application/json', or a form of type 'multipart/form-data'.",
    none: "JSON with 'content-type: application/json'.",
  }
  throw unsupported(
    `${type === null ? 'A body without a content type' : `The content type '${type}'`} is not supported here. Send ${wanted[forms ?? 'none']}`,
  )
}

function unsupported(message: string): SluiceError {
  return new SluiceError({ kind: 'unsupported_media_type', message })
}

function formIn(body: Uint8Array, contentType: string): Form {
  try {
    return scanForm(body, contentType)
  } catch (cause) {
    if (!(cause instanceof FormError)) throw cause
    const message = `The request body is not a valid form: ${cause.message}`
    throw new SluiceError({ kind: 'invalid_request', code: 'invalid_form', message })
  }
}

function notJson(bytes: Uint8Array, cause: JsonSyntaxError): SluiceError {
  const { line, column } = positionOf(bytes, cause.offset)
  return malformed(`The request body is not valid JSON: ${cause.problem} (line ${line}, column ${column}).`)
}

function malformed(message: string): SluiceError {
  return new SluiceError({ kind: 'invalid_request', code: 'invalid_json', message })
}
