import type { EncodeTarget, StandIns } from '../codec'
import { fieldsOf, textOf } from '../fields'
import type { ChatRequest, Tool, ToolChoice } from '../request'
import { strictnessOf, withStrictness } from '../strict-schema'
import { objectSchema } from '../tool-schema'
import { lostExtras, lostSearchFields, untranslatable } from '../untranslatable'
import { encodeFormat, isRich } from './encode-settings'

type FunctionTool = Extract<Tool, { kind: 'function' }>
type CustomTool = Extract<Tool, { kind: 'custom' }>
type SearchTool = Extract<Tool, { kind: 'web_search' }>

interface Encoded {
  fields: Record<string, unknown>
  losses: string[]
  standIns: StandIns
}

const STRUCTURED_OUTPUT = 'structured_output'

/** The tools, which of them to call, and the form of the answer, for which a tool may stand in. */
export function encodeTools(request: ChatRequest, target: EncodeTarget): Encoded {
  const canCustom = isRich(request, target)
  const losses: string[] = []
  const tools = allowedOf(request, canCustom).flatMap((tool) =>
    encodeTool(tool, { request, canCustom, losses }),
  )
  const searches = request.tools.filter((tool) => tool.kind === 'web_search')
  const custom = canCustom
    ? []
    : request.tools.filter(({ kind }) => kind === 'custom').map((tool) => ('name' in tool ? tool.name : ''))
  const format = request.settings.responseFormat
  const isEmulated = format?.kind === 'json_schema' && target.traits.hasStructuredOutput === false
  if (isEmulated) tools.push(structuredOutput(format))
  const standIns: StandIns = {
    ...(isEmulated ? { structuredOutput: STRUCTURED_OUTPUT } : {}),
    ...(custom.length === 0 ? {} : { customTools: custom }),
  }
  return {
    fields: {
      ...(tools.length === 0 ? {} : { tools }),
      ...choiceFields(request, { hasTools: tools.length > 0, isEmulated, canCustom, losses }),
      ...searchFields(searches, losses),
      ...(format === undefined || isEmulated
        ? {}
        : { response_format: encodeFormat(withStrictness(format, request, losses)) }),
    },
    losses,
    standIns,
  }
}

/** The argument under which a custom tool's free text goes to a function that stands in for it. */
export function encodeStandInInput(text: string): string {
  return JSON.stringify({ input: text })
}

// Only OpenAI can be told of tools that may not be called now; elsewhere they are left out, which comes to the same.
function allowedOf({ tools, settings }: ChatRequest, canAllow: boolean): readonly Tool[] {
  const choice = settings.toolChoice
  if (choice?.kind !== 'allowed' || canAllow) return tools
  return tools.filter((tool) => !('name' in tool) || choice.names.includes(tool.name))
}

function encodeTool(
  tool: Tool,
  { request, canCustom, losses }: { request: ChatRequest; canCustom: boolean; losses: string[] },
): Record<string, unknown>[] {
  switch (tool.kind) {
    case 'function':
      losses.push(...lostExtras(tool.extras, 'openai-chat'))
      return [encodeFunction(tool, { request, losses })]
    case 'custom':
      if (canCustom) return [encodeCustom(tool)]
      if (tool.format !== undefined && tool.format.type !== 'text') losses.push(`${tool.at}.format`)
      return [standIn(tool)]
    case 'web_search':
      return tool.protocol === 'openai-chat' && 'type' in tool.value ? [{ ...tool.value }] : []
    case 'native':
      if (tool.protocol === 'openai-chat') return [{ ...tool.value }]
      throw untranslatable(
        tool.at,
        `The tool '${tool.type}' is run by its provider and is not known to the model that was chosen. Leave '${tool.at}' out, or choose a model of that provider.`,
      )
  }
}

function encodeFunction(
  tool: FunctionTool,
  { request, losses }: { request: ChatRequest; losses: string[] },
): Record<string, unknown> {
  const { name, description, parameters, strict, cache, at, extras } = tool
  const isOwn = request.protocol === 'openai-chat'
  if (cache !== undefined && !isOwn) losses.push(`${at}.cache_control`)
  return {
    type: 'function',
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters: isOwn ? parameters : objectSchema(parameters) }),
      ...(strict === undefined ? {} : { strict: strictnessOf(tool, request, losses) }),
    },
    ...(cache === undefined || !isOwn ? {} : { cache_control: { type: 'ephemeral', ...cache } }),
    ...(extras?.protocol === 'openai-chat' ? extras.fields : {}),
  }
}

function encodeCustom({ name, description, format }: CustomTool): Record<string, unknown> {
  const { type, ...grammar } = format ?? {}
  const nested = type === 'grammar' && !('grammar' in grammar) ? { type, grammar } : format
  return {
    type: 'custom',
    custom: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(nested === undefined ? {} : { format: nested }),
    },
  }
}

// The grammar is not enforced by a function, so at least the model is told of it.
function standIn({ name, description, format }: CustomTool): Record<string, unknown> {
  const { syntax, definition } = fieldsOf(format?.grammar ?? format)
  const grammar =
    typeof definition === 'string'
      ? [`The input must follow this grammar (${textOf(syntax) ?? 'of an unnamed kind'}):\n${definition}`]
      : []
  const words = [...(description === undefined ? [] : [description]), ...grammar].join('\n\n')
  return {
    type: 'function',
    function: {
      name,
      ...(words === '' ? {} : { description: words }),
      parameters: {
        type: 'object',
        properties: { input: { type: 'string' } },
        required: ['input'],
        additionalProperties: false,
      },
    },
  }
}

function structuredOutput(
  format: Extract<NonNullable<ChatRequest['settings']['responseFormat']>, { kind: 'json_schema' }>,
): Record<string, unknown> {
  const { description = 'Give the answer by calling this tool.', schema } = format
  return { type: 'function', function: { name: STRUCTURED_OUTPUT, description, parameters: schema } }
}

function choiceFields(
  { settings, tools, names, protocol }: ChatRequest,
  given: { hasTools: boolean; isEmulated: boolean; canCustom: boolean; losses: string[] },
): Record<string, unknown> {
  const { toolChoice, parallelToolCalls } = settings
  const { hasTools, isEmulated, canCustom } = given
  const parallel =
    parallelToolCalls === undefined || !hasTools ? {} : { parallel_tool_calls: parallelToolCalls }
  // The model may still call the client's own tools before it answers in the form.
  if (isEmulated && toolChoice?.kind !== 'tool') {
    const mayCall = tools.length > 0 && toolChoice?.kind !== 'none'
    return { tool_choice: mayCall ? 'required' : named(STRUCTURED_OUTPUT), ...parallel }
  }
  if (toolChoice === undefined) return parallel
  // Only functions are chosen by their names, and only where there are some.
  const isKnown =
    toolChoice.kind !== 'tool' || tools.some((tool) => 'name' in tool && tool.name === toolChoice.name)
  if (!hasTools || (!isKnown && protocol !== 'openai-chat')) {
    if (toolChoice.kind === 'required' || toolChoice.kind === 'tool')
      given.losses.push(names.toolChoice ?? 'tool_choice')
    return parallel
  }
  return { tool_choice: encodeChoice(toolChoice, { tools, canCustom }), ...parallel }
}

function encodeChoice(
  choice: ToolChoice,
  { tools, canCustom }: { tools: readonly Tool[]; canCustom: boolean },
): unknown {
  const choose = (name: string) => {
    const isCustom = canCustom && tools.some((tool) => tool.kind === 'custom' && tool.name === name)
    return isCustom ? { type: 'custom', custom: { name } } : named(name)
  }
  if (choice.kind === 'tool') return choose(choice.name)
  if (choice.kind !== 'allowed') return choice.kind
  if (!canCustom) return choice.mode
  return {
    type: 'allowed_tools',
    allowed_tools: { mode: choice.mode, tools: choice.names.map(choose) },
  }
}

function named(name: string): Record<string, unknown> {
  return { type: 'function', function: { name } }
}

// What another protocol's search is told beside its name has no place in this one's.
function searchFields(searches: readonly SearchTool[], losses: string[]): Record<string, unknown> {
  const own = searches.find(({ protocol, value }) => protocol === 'openai-chat' && !('type' in value))
  if (own !== undefined) return { web_search_options: own.value }
  const foreign = searches.filter(({ protocol }) => protocol !== 'openai-chat')
  losses.push(...foreign.flatMap(lostSearchFields))
  return foreign.length === 0 ? {} : { web_search_options: {} }
}
