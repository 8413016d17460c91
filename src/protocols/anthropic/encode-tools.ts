import type { ModelTraits } from '../codec'
import type { ChatRequest, Tool, ToolChoice } from '../request'
import { objectSchema } from '../tool-schema'
import { lostSearchFields, untranslatable } from '../untranslatable'
import { type Block, encodeCommon } from './own-fields'
import { structuredSchema } from './structured-schema'

/** Tools with a guaranteed form that one request may have (Claude docs, "Structured outputs"). */
const MOST_STRICT_TOOLS = 20

/** The tools of a request, and the names of those that stand in for custom ones. */
export function encodeTools(
  { tools, settings, protocol }: ChatRequest,
  traits: ModelTraits,
  losses: string[],
): { tools: Block[]; customTools: string[] } {
  const allowed = settings.toolChoice?.kind === 'allowed' ? new Set(settings.toolChoice.names) : undefined
  const used = tools.filter((tool) => allowed === undefined || nameOf(tool).some((name) => allowed.has(name)))
  const isOwn = protocol === 'anthropic'
  let strictRoom = traits.hasStructuredOutput === false ? 0 : MOST_STRICT_TOOLS
  const mayBeStrict = (tool: Extract<Tool, { kind: 'function' }>) => {
    if (isOwn) return true
    const isPlain = structuredSchema(tool.parameters ?? {}).changes.length === 0
    if (isPlain && strictRoom > 0) return strictRoom-- > 0
    losses.push(`${tool.at}.strict`)
    return false
  }
  return {
    tools: used.map((tool) => {
      if (tool.kind !== 'function') return encodeOther(tool, losses)
      const isStrict = tool.strict === true && mayBeStrict(tool)
      return encodeFunction(
        tool,
        losses,
        isStrict || (isOwn && tool.strict === false) ? tool.strict : undefined,
      )
    }),
    customTools: used.flatMap((tool) => (tool.kind === 'custom' ? [tool.name] : [])),
  }
}

/** Which tools are called; a forced call is a loss where thinking forbids it. */
export function encodeToolChoice(
  { settings, names }: ChatRequest,
  given: { hasTools: boolean; isThinking: boolean },
  losses: string[],
): Block | undefined {
  const { toolChoice, parallelToolCalls } = settings
  const choice = toolChoice === undefined ? undefined : choiceOf(toolChoice)
  if (!given.hasTools) {
    // Without tools nothing is called, so only a call that must be made is missed.
    if (choice?.type === 'any' || choice?.type === 'tool') losses.push(names.toolChoice ?? 'toolChoice')
    return undefined
  }
  const isForced = choice?.type === 'any' || choice?.type === 'tool'
  if (isForced && given.isThinking) losses.push(names.toolChoice ?? 'toolChoice')
  const kept = isForced && given.isThinking ? { type: 'auto' } : choice
  if (parallelToolCalls === undefined || kept?.type === 'none') return kept
  if (parallelToolCalls && kept === undefined) return undefined
  return { ...(kept ?? { type: 'auto' }), ...(parallelToolCalls ? {} : { disable_parallel_tool_use: true }) }
}

function choiceOf(choice: ToolChoice): Block {
  switch (choice.kind) {
    case 'auto':
    case 'none':
      return { type: choice.kind }
    case 'required':
      return { type: 'any' }
    case 'tool':
      return { type: 'tool', name: choice.name }
    case 'allowed':
      return { type: choice.mode === 'auto' ? 'auto' : 'any' }
  }
}

function nameOf(tool: Tool): string[] {
  if (tool.kind === 'function' || tool.kind === 'custom') return [tool.name]
  const { name } = tool.value
  return [tool.kind === 'native' ? tool.type : tool.kind, ...(typeof name === 'string' ? [name] : [])]
}

function encodeFunction(
  tool: Extract<Tool, { kind: 'function' }>,
  losses: string[],
  strict: boolean | undefined,
): Block {
  const { name, description, parameters } = tool
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: objectSchema(parameters),
    ...(strict === undefined ? {} : { strict }),
    ...encodeCommon(tool, losses),
  }
}

function encodeOther(tool: Exclude<Tool, { kind: 'function' }>, losses: string[]): Block {
  if (tool.kind === 'custom') return encodeCustom(tool, losses)
  if (tool.protocol === 'anthropic') return { ...tool.value }
  if (tool.kind === 'native') {
    throw untranslatable(tool.at, `${tool.at}: The target does not know the tool ${tool.type}.`)
  }
  losses.push(...lostSearchFields(tool))
  return { type: 'web_search_20250305', name: 'web_search' }
}

function encodeCustom(tool: Extract<Tool, { kind: 'custom' }>, losses: string[]): Block {
  const { name, description, format, at } = tool
  if (format !== undefined && format.type !== 'text') losses.push(`${at}.format`)
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
  }
}
