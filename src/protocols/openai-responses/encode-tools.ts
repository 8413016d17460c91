import type { ChatRequest, Tool, ToolChoice } from '../request'
import { strictnessOf } from '../strict-schema'
import { objectSchema } from '../tool-schema'
import { lostExtras, lostSearchFields, untranslatable } from '../untranslatable'
import { WEB_SEARCH } from './decode-tools'

const OWN = 'openai-responses'
type Json = Record<string, unknown>

/** The tools in this protocol's words. */
export function encodeTools(request: ChatRequest, losses: string[]): Json[] {
  return request.tools.map((tool) => encodeTool(tool, request, losses))
}

function encodeTool(tool: Tool, request: ChatRequest, losses: string[]): Json {
  switch (tool.kind) {
    case 'function':
      return encodeFunction(tool, request, losses)
    case 'custom': {
      const { name, description, format } = tool
      return { type: 'custom', name, ...given({ description, format }) }
    }
    case 'web_search':
      if (tool.protocol === OWN) return { ...tool.value }
      losses.push(...lostSearchFields(tool))
      return { type: WEB_SEARCH }
    case 'native':
      if (tool.protocol === OWN) return { ...tool.value }
      throw untranslatable(tool.at, `The OpenAI Responses API has no tool '${tool.type}'.`)
  }
}

function encodeFunction(
  tool: Extract<Tool, { kind: 'function' }>,
  request: ChatRequest,
  losses: string[],
): Json {
  const { name, description, parameters, cache, extras, at } = tool
  const isOwn = request.protocol === OWN
  const strict = strictnessOf(tool, request, losses)
  if (cache !== undefined) losses.push(`${at}.cache_control`)
  losses.push(...lostExtras(extras, OWN))
  return {
    type: 'function',
    name,
    ...given({ description }),
    parameters: isOwn ? (parameters ?? null) : parametersFor(tool),
    // Here a function is strict unless it says otherwise, in the other protocols it is the other way round.
    ...given({ strict: strict ?? (isOwn ? undefined : false) }),
    ...(extras?.protocol === OWN ? extras.fields : {}),
  }
}

// A guaranteed form must be a closed one.
function parametersFor({ parameters, strict }: Extract<Tool, { kind: 'function' }>): Json {
  const isClosed = parameters === undefined && strict === true
  return { ...objectSchema(parameters), ...(isClosed ? { additionalProperties: false, required: [] } : {}) }
}

/** The choice in this protocol's words; the tools tell of what kind a name is. */
export function encodeToolChoice(choice: ToolChoice, tools: readonly Tool[]): unknown {
  switch (choice.kind) {
    case 'auto':
    case 'none':
    case 'required':
      return choice.kind
    case 'tool':
      return chosen(choice.name, tools)
    case 'allowed':
      return {
        type: 'allowed_tools',
        mode: choice.mode,
        tools: choice.names.map((name) => chosen(name, tools)),
      }
  }
}

function chosen(name: string, tools: readonly Tool[]): Json {
  const named = tools.find(
    (tool) => (tool.kind === 'function' || tool.kind === 'custom') && tool.name === name,
  )
  if (named !== undefined) return { type: named.kind, name }
  const hosted = tools.find((tool) => tool.kind === name || (tool.kind === 'native' && isNative(tool, name)))
  if (hosted === undefined || hosted.kind === 'function' || hosted.kind === 'custom') {
    return { type: 'function', name }
  }
  const type = hosted.protocol === OWN ? hosted.value.type : WEB_SEARCH
  const label = hosted.value.server_label
  return { type, ...(label === undefined ? {} : { server_label: label }) }
}

function isNative({ type, value }: Extract<Tool, { kind: 'native' }>, name: string): boolean {
  return type === name || value.name === name
}

function given(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
