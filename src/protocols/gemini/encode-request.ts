import type { EncodedRequest, EncodeTarget } from '../codec'
import { isObject } from '../fields'
import type { ChatRequest } from '../request'
import { withLegalNames } from '../tool-names'
import { lostExtras, lostSettings, untranslatable } from '../untranslatable'
import { CARRIED, encodeConfig, encodeTopSettings, hasNativeFormat } from './encode-config'
import { encodeMessages } from './encode-contents'
import { encodeTools, structuredOutputTool } from './encode-tools'

/** What Google takes as the name of a function; the length is the one of its older models. */
const TOOL_NAMES = { illegal: /[^a-zA-Z0-9_.:-]/, begin: /^[a-zA-Z_]/, maxLength: 64 }

/** A request as the body of generateContent; the model and the way to answer are the path's to say. */
export function encodeGeminiRequest(given: ChatRequest, target: EncodeTarget): EncodedRequest {
  const { request, renamed } = withLegalNames(given, TOOL_NAMES)
  if (request.previousResponseId !== undefined)
    throw untranslatable(
      'previous_response_id',
      'This model keeps no answers to go on from. Send the whole conversation.',
    )
  const losses = new Set([...lostSettings(request, CARRIED), ...lostExtras(request.extras, 'gemini')])
  const standIn = standInOf(request, target)
  const { systemInstruction, contents } = encodeMessages({ request, target, losses, calls: new Map() })
  const system = [...(systemInstruction?.parts ?? []), ...askForJson(request, target, losses)]
  const { tools, functionCallingConfig, customTools } = encodeTools(request, standIn, losses)
  const generationConfig = encodeConfig(request, target, losses)
  const body = {
    ...(system.length === 0 ? {} : { systemInstruction: { parts: system } }),
    contents,
    ...(tools.length === 0 ? {} : { tools }),
    ...(functionCallingConfig === undefined ? {} : { toolConfig: { functionCallingConfig } }),
    ...(Object.keys(generationConfig).length === 0 ? {} : { generationConfig }),
    ...encodeTopSettings(request, losses),
  }
  return {
    body: withExtras(body, request),
    losses: [...losses],
    standIns: {
      ...(standIn === undefined ? {} : { structuredOutput: standIn.name }),
      ...(customTools.length === 0 ? {} : { customTools }),
      ...(renamed === undefined ? {} : { renamed }),
    },
  }
}

function standInOf(request: ChatRequest, target: EncodeTarget) {
  const { responseFormat } = request.settings
  if (responseFormat?.kind !== 'json_schema' || hasNativeFormat(request, target)) return undefined
  return structuredOutputTool(responseFormat.schema, responseFormat.description)
}

// Where neither a setting nor a stand-in asks for JSON, words do.
function askForJson(request: ChatRequest, target: EncodeTarget, losses: Set<string>) {
  const { settings, names } = request
  if (settings.responseFormat?.kind !== 'json' || hasNativeFormat(request, target)) return []
  losses.add(names.responseFormat ?? 'responseFormat')
  return [{ text: 'Answer with one JSON object and nothing else, without a code fence around it.' }]
}

/** Puts the protocol's own fields back to their paths, such as `generationConfig.speechConfig`. */
function withExtras(body: Record<string, unknown>, { extras }: ChatRequest): Record<string, unknown> {
  if (extras?.protocol !== 'gemini') return body
  return Object.entries(extras.fields).reduce(
    (whole, [path, value]) => withField(whole, path.split('.'), value),
    body,
  )
}

function withField(
  object: Record<string, unknown>,
  [name = '', ...rest]: string[],
  value: unknown,
): Record<string, unknown> {
  if (rest.length === 0) return { ...object, [name]: value }
  const inner = object[name]
  return { ...object, [name]: withField(isObject(inner) ? inner : {}, rest, value) }
}
