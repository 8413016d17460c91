import { entryOf, fieldsOf, textOf } from '../fields'
import type { Tool, ToolChoice } from '../request'
import { invalidField } from '../untranslatable'
import { missing, readerOf, wrongType } from './read-fields'

/** The tools of a request; those that the provider runs are kept as they are. */
export function decodeTools(tools: readonly unknown[]): Tool[] {
  return tools.map((tool, index) => decodeTool(tool, `tools[${index}]`))
}

function decodeTool(value: unknown, at: string): Tool {
  const fields = readerOf(value, at)
  const type = fields.requiredText('type')
  if (type === 'function') {
    const name = fields.requiredText('name')
    return {
      kind: 'function',
      name,
      description: fields.text('description'),
      parameters: fields.object('parameters'),
      strict: fields.boolean('strict'),
      at,
      extras: fields.extras(),
    }
  }
  if (type === 'custom') {
    const name = fields.requiredText('name')
    const description = fields.text('description')
    return { kind: 'custom', name, description, format: fields.object('format'), at }
  }
  const native = { protocol: 'openai-responses', value: fieldsOf(value), at } as const
  return isWebSearch(type) ? { kind: 'web_search', ...native } : { kind: 'native', type, ...native }
}

/** The choice's name for the provider's own search, in all protocols. */
export const WEB_SEARCH = 'web_search'
const MODES: Readonly<Record<string, Extract<ToolChoice, { kind: 'auto' | 'none' | 'required' }>>> = {
  auto: { kind: 'auto' },
  none: { kind: 'none' },
  required: { kind: 'required' },
}

/** Which tools must or may be called. A tool that the provider runs is chosen by its type. */
export function decodeToolChoice(value: unknown): ToolChoice | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return modeOf(value, 'tool_choice')
  if (typeof value !== 'object') throw wrongType('tool_choice', 'a string or an object', value)
  const fields = readerOf(value, 'tool_choice')
  if (fields.requiredText('type') !== 'allowed_tools') {
    return { kind: 'tool', name: chosenName(value, 'tool_choice') }
  }
  const mode = modeOf(fields.text('mode') ?? 'auto', 'tool_choice.mode')
  const tools = fields.list('tools')
  if (tools === undefined) throw missing('tool_choice.tools')
  if (mode.kind === 'none') return mode
  const names = tools.map((tool, index) => chosenName(tool, `tool_choice.tools[${index}]`))
  return { kind: 'allowed', mode: mode.kind, names }
}

function modeOf(mode: string, at: string) {
  const known = entryOf(MODES, mode)
  if (known !== undefined) return known
  throw invalidField(at, `Invalid value '${mode}': expected one of 'auto', 'none', 'required'.`)
}

function chosenName(value: unknown, at: string): string {
  const fields = readerOf(value, at)
  const type = fields.requiredText('type')
  if (type === 'function' || type === 'custom') return fields.requiredText('name')
  return isWebSearch(type) ? WEB_SEARCH : (textOf(fields.value('name')) ?? type)
}

function isWebSearch(type: string): boolean {
  return type.startsWith(WEB_SEARCH)
}
