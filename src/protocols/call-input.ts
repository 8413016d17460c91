import { isObject, jsonOf } from './fields'
import type { Part } from './parts'
import type { WireProtocolId } from './protocol'
import { invalidField } from './untranslatable'

/** Where each protocol has the arguments of a call, behind the call's path. */
const ARGUMENTS: Readonly<Record<WireProtocolId, string>> = {
  'openai-chat': 'function.arguments',
  'openai-responses': 'arguments',
  anthropic: 'input',
  gemini: 'functionCall.args',
  'bedrock-converse': 'toolUse.input',
}

/**
 * The arguments of a call in the history as an object, for protocols that have one; a free text is the one argument
 * of the function that stands in for a custom tool.
 * @param client whose path the error names
 * @throws SluiceError `invalid_request` for what is no object
 */
export function inputOfCall(
  { argumentsJson, isCustom, at = '' }: Extract<Part, { kind: 'tool_call' }>,
  client: WireProtocolId,
): Record<string, unknown> {
  if (isCustom === true) return { input: argumentsJson }
  const json = argumentsJson.trim()
  // Models call a tool without parameters with nothing, and some with null.
  if (json === '' || json === 'null') return {}
  const input = jsonOf(json)
  if (isObject(input)) return input
  const path = argumentsPath(at, client)
  throw invalidField(path, `Invalid '${path}': the arguments of a call must be a JSON object.`)
}

/** The path of a call's arguments in the client's own words. */
export function argumentsPath(at: string, client: WireProtocolId): string {
  return `${at}.${ARGUMENTS[client]}`
}
