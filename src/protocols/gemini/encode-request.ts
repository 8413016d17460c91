import type { EncodedRequest, EncodeTarget } from '../codec'
import { isObject } from '../fields'
import type { ChatRequest } from '../request'
import { lostExtras, lostSettings, untranslatable } from '../untranslatable'
import { CARRIED, encodeConfig, encodeTopSettings } from './encode-config'
import { encodeMessages } from './encode-contents'
import { encodeTools, structuredOutputTool } from './encode-tools'

/** A request as the body of generateContent; the model and the way to answer are the path's to say. */
export function encodeGeminiRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  if (request.previousResponseId !== undefined)
    throw untranslatable(
      'previous_response_id',
      'This model keeps no answers to go on from. Send the whole conversation.',
    )
  const losses = new Set([...lostSettings(request, CARRIED), ...lostExtras(request.extras, 'gemini')])
  const standIn = standInOf(request, target)
  const { systemInstruction, contents } = encodeMessages({ request, target, losses, calls: new Map() })
  const { tools, functionCallingConfig, customTools } = encodeTools(request, standIn, losses)
  const generationConfig = encodeConfig(request, target, losses)
  const body = {
    ...(systemInstruction === undefined ? {} : { systemInstruction }),
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
    },
  }
}

function standInOf({ settings }: ChatRequest, { traits }: EncodeTarget) {
  const { responseFormat } = settings
  if (responseFormat?.kind !== 'json_schema' || traits.hasStructuredOutput !== false) return undefined
  return structuredOutputTool(responseFormat.schema, responseFormat.description)
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
