import { textOf } from '../fields'
import type { Tool, ToolChoice } from '../request'
import { invalidField } from '../untranslatable'
import { arrayAt, objectAt, optionalFlagAt, optionalTextAt, textAt } from './checks'
import { type Block, commonOf } from './own-fields'

/** The tools of a request: the client's own functions, web search, and what else the provider runs. */
export function decodeTools(tools: unknown): Tool[] {
  return arrayAt(tools, 'tools').map((tool, index) => {
    const at = `tools[${index}]`
    return decodeTool(objectAt(tool, at), at)
  })
}

/** Which tools are called, and whether several at once; undefined when the client leaves both open. */
export function decodeToolChoice(value: unknown): {
  toolChoice?: ToolChoice
  parallelToolCalls?: boolean
} {
  if (value === undefined || value === null) return {}
  const choice = objectAt(value, 'tool_choice')
  const field = 'tool_choice.disable_parallel_tool_use'
  const isSerial = optionalFlagAt(choice.disable_parallel_tool_use, field)
  return {
    toolChoice: choiceOf(choice),
    ...(isSerial === undefined ? {} : { parallelToolCalls: !isSerial }),
  }
}

function decodeTool(tool: Block, at: string): Tool {
  const type = optionalTextAt(tool.type, `${at}.type`)
  if (type?.startsWith('web_search_') === true) {
    return { kind: 'web_search', protocol: 'anthropic', value: tool, at }
  }
  if (type !== undefined && type !== 'custom') {
    return { kind: 'native', type, protocol: 'anthropic', value: tool, at }
  }
  const strict = optionalFlagAt(tool.strict, `${at}.strict`)
  const description = textOf(optionalTextAt(tool.description, `${at}.description`))
  return {
    kind: 'function',
    name: textAt(tool.name, `${at}.name`),
    parameters: objectAt(tool.input_schema, `${at}.input_schema`),
    ...(description === undefined ? {} : { description }),
    ...(strict === undefined ? {} : { strict }),
    ...commonOf(tool, ['name', 'description', 'input_schema', 'strict'], at),
  }
}

function choiceOf(choice: Block): ToolChoice {
  switch (choice.type) {
    case 'auto':
      return { kind: 'auto' }
    case 'any':
      return { kind: 'required' }
    case 'none':
      return { kind: 'none' }
    case 'tool':
      return { kind: 'tool', name: textAt(choice.name, 'tool_choice.name') }
    default:
      throw invalidField('tool_choice.type', 'tool_choice.type: Expected auto, any, tool or none.')
  }
}
