import type { EncodedRequest, EncodeTarget, StandIns } from '../codec'
import { isObject } from '../fields'
import type { ChatRequest } from '../request'
import { withLegalNames } from '../tool-names'
import { lostExtras, untranslatable } from '../untranslatable'
import { encodeInput } from './encode-input'
import { encodeSettings } from './encode-settings'
import { encodeTools } from './encode-tools'

const OWN = 'openai-responses'
/** Stands in for a JSON Schema where the model takes none. */
const STRUCTURED_OUTPUT = 'structured_output'
const ASK_FOR_JSON = 'Answer with JSON only.'

/** What the provider takes as the name of a function. */
const TOOL_NAMES = { illegal: /[^a-zA-Z0-9_-]/, maxLength: 64 }

/** A request in the words of OpenAI Responses. */
export function encodeResponsesRequest(given: ChatRequest, target: EncodeTarget): EncodedRequest {
  const isOwn = given.protocol === OWN
  const { request, renamed } = isOwn ? { request: given } : withLegalNames(given, TOOL_NAMES)
  const { previousResponseId } = request
  if (previousResponseId !== undefined && !isOwn) {
    throw untranslatable('previous_response_id', 'The answer to continue is stored at another provider.')
  }
  const { instructions, input, losses } = encodeInput(request, target)
  const settings = encodeSettings(request, target, losses)
  const tools = encodeTools(request, losses)
  losses.push(...lostExtras(request.extras, OWN))
  const body: Record<string, unknown> = {
    model: target.model,
    ...(instructions === undefined ? {} : { instructions }),
    input,
    ...(request.stream ? { stream: true } : {}),
    ...(previousResponseId === undefined ? {} : { previous_response_id: previousResponseId }),
    ...settings,
    ...(tools.length === 0 ? {} : { tools }),
  }
  askForJson(request, target, body)
  const standIns = standInForSchema(request, target, body)
  if (isOwn) putBack(body, request.extras?.fields ?? {})
  return { body, losses, standIns: renamed === undefined ? standIns : { ...standIns, renamed } }
}

function standInForSchema(
  { settings, tools }: ChatRequest,
  { traits }: EncodeTarget,
  body: Record<string, unknown>,
): StandIns {
  const format = settings.responseFormat
  if (traits.hasStructuredOutput !== false || format?.kind !== 'json_schema') return {}
  const { description = 'Gives the answer.', schema: parameters, strict = false } = format
  const standIn = { type: 'function', name: STRUCTURED_OUTPUT, description, parameters, strict }
  body.tools = [...(Array.isArray(body.tools) ? body.tools : []), standIn]
  // The client's own tools may be called first, and one that it forces goes before the answer.
  const isFree = tools.length > 0 && settings.toolChoice?.kind !== 'none'
  if (settings.toolChoice?.kind !== 'tool')
    body.tool_choice = isFree ? 'required' : { type: 'function', name: STRUCTURED_OUTPUT }
  removeFormat(body)
  return { structuredOutput: STRUCTURED_OUTPUT }
}

// The provider refuses to give JSON that no message speaks of; other protocols do not ask for that.
function askForJson(
  { settings, protocol }: ChatRequest,
  { traits }: EncodeTarget,
  body: Record<string, unknown>,
): void {
  if (settings.responseFormat?.kind !== 'json' || !Array.isArray(body.input)) return
  const isNative = traits.hasStructuredOutput !== false
  if (!isNative) removeFormat(body)
  if (isNative && (protocol === OWN || /json/i.test(JSON.stringify(body.input)))) return
  const content = [{ type: 'input_text', text: ASK_FOR_JSON }]
  body.input = [{ type: 'message', role: 'developer', content }, ...body.input]
}

function removeFormat(body: Record<string, unknown>): void {
  if (!isObject(body.text)) return
  const { format: _, ...others } = body.text
  if (Object.keys(others).length === 0) delete body.text
  else body.text = others
}

/** Fields of objects inside the body have dotted names; a list that is there already grows. */
function putBack(body: Record<string, unknown>, fields: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(fields)) {
    const [outer = name, inner] = name.split('.')
    const known = body[outer]
    if (inner !== undefined) body[outer] = { ...(isObject(known) ? known : {}), [inner]: value }
    else body[outer] = Array.isArray(known) && Array.isArray(value) ? [...known, ...value] : value
  }
}
