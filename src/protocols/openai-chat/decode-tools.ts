import { fieldsOf, isObject } from '../fields'
import type { Tool, ToolChoice } from '../request'
import { invalidField } from '../untranslatable'
import { decodeCache } from './decode-content'
import {
  extrasOf,
  needObject,
  needText,
  readBoolean,
  readList,
  readObject,
  readText,
  wrongType,
} from './read-fields'

type Fields = Readonly<Record<string, unknown>>

const TOOL_FIELDS = new Set(['type', 'function', 'cache_control'])
/** `any` is another word for `required` at some providers. */
const SIMPLE_CHOICES: ReadonlyMap<string, 'auto' | 'none' | 'required'> = new Map([
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'required'],
  ['any', 'required'],
])

/** `tools`, the older `functions`, and the search that a field of its own asks for. */
export function decodeTools(body: Fields): Tool[] {
  const tools = readList(body.tools, 'tools').map((tool, index) =>
    decodeTool(needObject(tool, `tools[${index}]`), `tools[${index}]`),
  )
  const functions = readList(body.functions, 'functions').map((value, index) =>
    decodeFunction(needObject(value, `functions[${index}]`), {
      at: `functions[${index}]`,
      path: `functions[${index}]`,
    }),
  )
  const search = readObject(body.web_search_options, 'web_search_options')
  return [
    ...tools,
    ...functions,
    ...(search === undefined
      ? []
      : [{ kind: 'web_search', protocol: 'openai-chat', value: search, at: 'web_search_options' } as const]),
  ]
}

/** `tool_choice`, or the older `function_call`. */
export function decodeToolChoice(value: unknown, path: string): ToolChoice | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return simpleChoice(value, path)
  if (!isObject(value)) throw wrongType(path, 'a string or an object', value)
  if (path === 'function_call') return { kind: 'tool', name: needText(value.name, `${path}.name`) }
  const type = needText(value.type, `${path}.type`)
  if (type === 'allowed_tools') return allowedTools(value, path)
  if (type !== 'function' && type !== 'custom') {
    if (SIMPLE_CHOICES.has(type)) return simpleChoice(type, `${path}.type`)
    throw invalidField(`${path}.type`, `Invalid value for '${path}.type': '${type}'.`)
  }
  return {
    kind: 'tool',
    name: needText(needObject(value[type], `${path}.${type}`).name, `${path}.${type}.name`),
  }
}

function decodeTool(tool: Fields, at: string): Tool {
  const type = needText(tool.type, `${at}.type`)
  if (type === 'function') {
    const called = needObject(tool.function, `${at}.function`)
    const cache = decodeCache(tool.cache_control) ?? decodeCache(called.cache_control)
    const extras = extrasOf(tool, TOOL_FIELDS, at)
    return {
      ...decodeFunction(called, { at, path: `${at}.function` }),
      ...(cache === undefined ? {} : { cache }),
      ...(extras === undefined ? {} : { extras }),
    }
  }
  if (type === 'custom') return decodeCustom(needObject(tool.custom, `${at}.custom`), at)
  const isSearch = type.startsWith('web_search')
  return isSearch
    ? { kind: 'web_search', protocol: 'openai-chat', value: tool, at }
    : { kind: 'native', type, protocol: 'openai-chat', value: tool, at }
}

function decodeFunction(
  called: Fields,
  { at, path }: { at: string; path: string },
): Extract<Tool, { kind: 'function' }> {
  return {
    kind: 'function',
    name: needText(called.name, `${path}.name`),
    description: readText(called.description, `${path}.description`),
    parameters: readObject(called.parameters, `${path}.parameters`),
    strict: readBoolean(called.strict, `${path}.strict`),
    at,
  }
}

// The grammar stands one object deeper here than in Responses, whose form is the canonical one.
function decodeCustom(custom: Fields, at: string): Tool {
  const format = readObject(custom.format, `${at}.custom.format`)
  const grammar = fieldsOf(format?.grammar)
  return {
    kind: 'custom',
    name: needText(custom.name, `${at}.custom.name`),
    description: readText(custom.description, `${at}.custom.description`),
    format: format?.type === 'grammar' ? { type: 'grammar', ...grammar } : format,
    at,
  }
}

function simpleChoice(value: string, path: string): ToolChoice {
  const kind = SIMPLE_CHOICES.get(value)
  if (kind !== undefined) return { kind }
  throw invalidField(
    path,
    `Invalid value for '${path}': '${value}'. Supported values are: none, auto, required.`,
  )
}

function allowedTools(value: Fields, path: string): ToolChoice {
  const at = `${path}.allowed_tools`
  const { mode, tools } = needObject(value.allowed_tools, at)
  if (mode !== 'auto' && mode !== 'required')
    throw invalidField(`${at}.mode`, `Invalid value for '${at}.mode': give 'auto' or 'required'.`)
  const names = readList(tools, `${at}.tools`).map((tool, index) => {
    const { type, ...rest } = needObject(tool, `${at}.tools[${index}]`)
    const named = fieldsOf(type === 'custom' ? rest.custom : rest.function)
    return needText(named.name ?? rest.name, `${at}.tools[${index}].function.name`)
  })
  return { kind: 'allowed', mode, names }
}
