import type { EncodeTarget, StandIns } from '../codec'
import type { ChatRequest, JsonSchema, Tool, ToolChoice } from '../request'
import { objectSchema } from '../tool-schema'
import { lostExtras, untranslatable } from '../untranslatable'
import { cachePoint, type Writing } from './blocks'
import { familyOf } from './families'
import type { Block } from './media'
import type { Turn } from './turns'

/** What of a request is about tools. */
export interface EncodedTools {
  toolConfig: { tools: Block[]; toolChoice?: Block } | undefined
  /** Whether the model has no choice but to call one, which it cannot do while it thinks. */
  isForced: boolean
  standIns: StandIns
}

const FREE_TEXT: JsonSchema = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
}
/** The choice that leaves open which tool is called, but not whether. */
const ANY_TOOL = 'any'

/** The tools and which of them to call, with a stand-in for an answer in a form that the model has no setting for. */
export function encodeTools(
  request: ChatRequest,
  target: EncodeTarget,
  writing: Writing,
  turns: readonly Turn[],
): EncodedTools {
  const standIn = structuredStandIn(request, target)
  const choice = chosenOf(request, writing)
  const offered = offeredTools(request.tools, choice, standIn !== undefined)
  const standIns: StandIns = {
    ...(standIn === undefined ? {} : { structuredOutput: standIn.name }),
    ...customNames(offered),
  }
  const called = calledNames(turns)
  if (choice?.kind === 'none' && called.length === 0 && standIn === undefined) {
    return { toolConfig: undefined, isForced: false, standIns: {} }
  }
  const tools = offered.flatMap((tool) => encodeTool(tool, target, writing))
  if (standIn !== undefined) tools.push(standIn.block)
  // Blocks of tools in the history are refused when no tool is defined.
  if (tools.length === 0) tools.push(...called.map((name) => toolSpec(name, undefined, { type: 'object' })))
  if (tools.length === 0) return { toolConfig: undefined, isForced: false, standIns: {} }
  if (choice?.kind === 'none' && standIn === undefined) {
    writing.losses.push(request.names.toolChoice ?? 'tool_choice')
  }
  const toolChoice = encodeChoice(choice, standIn?.name, offered.length > 0)
  return {
    toolConfig: { tools, ...(toolChoice === undefined ? {} : { toolChoice }) },
    isForced: toolChoice !== undefined && !('auto' in toolChoice),
    standIns,
  }
}

// A tool that the provider runs cannot be asked for by its name.
function chosenOf({ settings, tools, names }: ChatRequest, { losses }: Writing): ToolChoice | undefined {
  const { toolChoice } = settings
  if (toolChoice?.kind !== 'tool') return toolChoice
  if (tools.some((tool) => 'name' in tool && tool.name === toolChoice.name)) return toolChoice
  losses.push(names.toolChoice ?? 'tool_choice')
  return undefined
}

// A choice among some leaves the others out; none, beside a stand-in, leaves all out.
function offeredTools(
  tools: readonly Tool[],
  choice: ToolChoice | undefined,
  hasStandIn: boolean,
): readonly Tool[] {
  if (choice?.kind === 'none' && hasStandIn) return []
  if (choice?.kind !== 'allowed') return tools
  return tools.filter((tool) => !('name' in tool) || choice.names.includes(tool.name))
}

function encodeTool(tool: Tool, target: EncodeTarget, { losses }: Writing): Block[] {
  const { at } = tool
  switch (tool.kind) {
    case 'function': {
      losses.push(...lostExtras(tool.extras, 'bedrock-converse'))
      // A model without structured output refuses a strict tool.
      const isStrict = tool.strict === true && target.traits.hasStructuredOutput === true
      if (tool.strict === true && !isStrict) losses.push(`${at}.strict`)
      const block = toolSpec(tool.name, tool.description, objectSchema(tool.parameters), isStrict)
      return [block, ...cachePoint(tool.cache)]
    }
    case 'custom':
      if (tool.format !== undefined && tool.format.type !== 'text') losses.push(`${at}.format`)
      return [toolSpec(tool.name, tool.description, FREE_TEXT)]
    case 'web_search':
      if (familyOf(target.model) === 'nova') return [{ systemTool: { name: 'nova_grounding' } }]
      throw untranslatable(at, 'the model searches nothing on the web here')
    case 'native':
      throw untranslatable(at, `the tool '${tool.type}' is run by another provider`)
  }
}

function toolSpec(name: string, description: string | undefined, json: JsonSchema, isStrict = false): Block {
  return {
    toolSpec: {
      name,
      ...(description === undefined || description === '' ? {} : { description }),
      inputSchema: { json },
      ...(isStrict ? { strict: true } : {}),
    },
  }
}

function customNames(tools: readonly Tool[]): StandIns {
  const customTools = tools.flatMap((tool) => (tool.kind === 'custom' ? [tool.name] : []))
  return customTools.length === 0 ? {} : { customTools }
}

function structuredStandIn({ settings, tools }: ChatRequest, target: EncodeTarget) {
  const format = settings.responseFormat
  if (format?.kind !== 'json_schema' || target.traits.hasStructuredOutput === true) return undefined
  const taken = new Set(tools.map((tool) => ('name' in tool ? tool.name : '')))
  let name = 'structured_output'
  for (let count = 2; taken.has(name); count++) name = `structured_output_${count}`
  const description = format.description ?? 'Give your whole answer as the input of this tool.'
  return { name, block: toolSpec(name, description, format.schema) }
}

function encodeChoice(
  choice: ToolChoice | undefined,
  standIn: string | undefined,
  hasOthers: boolean,
): Block | undefined {
  if (choice?.kind === 'tool') return { tool: { name: choice.name } }
  // With other tools beside it, the model may call one of them before it answers.
  if (standIn !== undefined) return hasOthers ? { [ANY_TOOL]: {} } : { tool: { name: standIn } }
  const mode = choice?.kind === 'allowed' ? choice.mode : choice?.kind
  if (mode === 'required') return { [ANY_TOOL]: {} }
  return mode === 'auto' ? { auto: {} } : undefined
}

function calledNames(turns: readonly Turn[]): string[] {
  const calls = turns.flatMap(({ content }) => content.map(({ toolUse }) => toolUse))
  const names = calls.flatMap((call) =>
    typeof call === 'object' && call !== null && 'name' in call && typeof call.name === 'string'
      ? [call.name]
      : [],
  )
  return [...new Set(names)]
}
