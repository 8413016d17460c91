import type { ChatRequest, Settings, Tool, ToolChoice } from '../request'
import { objectSchema } from '../tool-schema'
import { lostExtras, lostSearchFields, untranslatable } from '../untranslatable'

/** The tools of a request in Google's words, and which of them stand in for something else. */
export interface EncodedTools {
  tools: Record<string, unknown>[]
  functionCallingConfig: Record<string, unknown> | undefined
  customTools: string[]
}

const CUSTOM_PARAMETERS = {
  type: 'object',
  properties: { input: { type: 'string', description: 'The free text that the tool is called with.' } },
  required: ['input'],
}

/** All functions are one tool of Google's; each of those that Google runs is one of its own. */
export function encodeTools(
  { tools, settings, names, protocol }: ChatRequest,
  standIn: Record<string, unknown> | undefined,
  losses: Set<string>,
): EncodedTools {
  const functions = tools.flatMap((tool) => functionOf(tool, protocol === 'gemini', losses))
  const declared = standIn === undefined ? functions : [...functions, standIn]
  const served = tools.flatMap((tool) => servedBy(tool, losses))
  const choice =
    standIn === undefined ? calledOf(settings, declared) : standInChoice(settings, functions, standIn)
  if (choice === undefined && settings.toolChoice?.kind === 'tool')
    losses.add(names.toolChoice ?? 'toolChoice')
  const isIdle = choice === undefined || choice.kind === 'auto'
  if (declared.length === 0 && !isIdle && choice.kind !== 'none') losses.add(names.toolChoice ?? 'toolChoice')
  return {
    tools: [...(declared.length === 0 ? [] : [{ functionDeclarations: declared }]), ...served],
    functionCallingConfig:
      choice === undefined || declared.length === 0 ? undefined : functionCallingConfigOf(choice),
    customTools: tools.flatMap((tool) => (tool.kind === 'custom' ? [tool.name] : [])),
  }
}

// A tool that the provider runs cannot be asked for by its name.
function calledOf(
  { toolChoice }: Settings,
  functions: readonly Record<string, unknown>[],
): ToolChoice | undefined {
  if (toolChoice?.kind !== 'tool') return toolChoice
  return functions.some(({ name }) => name === toolChoice.name) ? toolChoice : undefined
}

// A tool that the client itself forces goes first; of several, the model may call its own before it answers.
function standInChoice(
  { toolChoice }: Settings,
  functions: readonly Record<string, unknown>[],
  standIn: Record<string, unknown>,
): ToolChoice {
  if (toolChoice?.kind === 'tool') return toolChoice
  const isFree = functions.length > 0 && toolChoice?.kind !== 'none'
  return isFree ? { kind: 'required' } : { kind: 'tool', name: String(standIn.name) }
}

/** The tool whose arguments are the answer, for models that take no schema for it. */
export function structuredOutputTool(schema: Readonly<Record<string, unknown>>, description?: string) {
  const purpose = description ?? 'Gives the final answer. Call it exactly once.'
  return { name: 'structured_output', description: purpose, parametersJsonSchema: schema }
}

function functionOf(tool: Tool, isOwn: boolean, losses: Set<string>): Record<string, unknown>[] {
  if (tool.kind === 'custom') {
    const { name, description, format, at } = tool
    if (format !== undefined) losses.add(`${at}.format`)
    return [{ name, ...described(description), parametersJsonSchema: CUSTOM_PARAMETERS }]
  }
  if (tool.kind !== 'function') return []
  const { name, description, parameters, strict, cache, at, extras } = tool
  if (strict === true) losses.add(`${at}.strict`)
  if (cache !== undefined) losses.add(`${at}.cache_control`)
  for (const loss of lostExtras(extras, 'gemini')) losses.add(loss)
  return [
    {
      name,
      ...described(description),
      ...(parameters === undefined
        ? {}
        : { parametersJsonSchema: isOwn ? parameters : objectSchema(parameters) }),
      ...(extras?.protocol === 'gemini' ? extras.fields : {}),
    },
  ]
}

function described(description: string | undefined): { description?: string } {
  return description === undefined ? {} : { description }
}

function servedBy(tool: Tool, losses: Set<string>): Record<string, unknown>[] {
  if (tool.kind !== 'web_search' && tool.kind !== 'native') return []
  const { protocol, value, at } = tool
  if (protocol === 'gemini') return [{ ...value }]
  if (tool.kind === 'native')
    throw untranslatable(
      at,
      `The tool '${tool.type}' is run by its own provider only; this model has none such.`,
    )
  for (const loss of lostSearchFields(tool)) losses.add(loss)
  return [{ googleSearch: {} }]
}

// Names are taken with ANY and VALIDATED only; the latter leaves it to the model whether to call one of them.
function functionCallingConfigOf(choice: ToolChoice): Record<string, unknown> {
  switch (choice.kind) {
    case 'auto':
      return { mode: 'AUTO' }
    case 'none':
      return { mode: 'NONE' }
    case 'required':
      return { mode: 'ANY' }
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] }
    case 'allowed':
      return {
        mode: choice.mode === 'required' ? 'ANY' : 'VALIDATED',
        allowedFunctionNames: [...choice.names],
      }
  }
}
