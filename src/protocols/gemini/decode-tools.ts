import { isObject, textOf } from '../fields'
import type { JsonSchema, Tool, ToolChoice } from '../request'
import { invalidField } from '../untranslatable'
import { fromGoogleSchema } from './schema'
import { listAt, objectAt, textAt } from './spelling'

/** Both names of Google's search: the tool since Gemini 2, and the one before. */
const SEARCHES = new Set(['googleSearch', 'googleSearchRetrieval'])

/** The client's tools; one of Google's tools may hold several functions, and tools that Google runs beside them. */
export function decodeTools(value: unknown): Tool[] {
  if (value === undefined) return []
  return listAt(value, 'tools').flatMap((tool, index) => decodeTool(tool, `tools[${index}]`))
}

function decodeTool(value: unknown, at: string): Tool[] {
  return Object.entries(objectAt(value, at)).flatMap(([type, inner]): Tool[] => {
    if (type === 'functionDeclarations') {
      const path = `${at}.functionDeclarations`
      return listAt(inner, path).map((one, index) => decodeFunction(one, `${path}[${index}]`))
    }
    const own = { protocol: 'gemini', value: { [type]: inner }, at } as const
    return [SEARCHES.has(type) ? { kind: 'web_search', ...own } : { kind: 'native', type, ...own }]
  })
}

function decodeFunction(value: unknown, at: string): Tool {
  const { name, description, parameters, parametersJsonSchema, ...others } = objectAt(value, at)
  return {
    kind: 'function',
    name: textAt(name, `${at}.name`),
    description: textOf(description),
    parameters:
      parametersJsonSchema === undefined
        ? schemaAt(parameters, `${at}.parameters`, fromGoogleSchema)
        : schemaAt(parametersJsonSchema, `${at}.parametersJsonSchema`, (schema) => schema),
    at,
    ...(Object.keys(others).length === 0 ? {} : { extras: { protocol: 'gemini', fields: others, at } }),
  }
}

function schemaAt(
  value: unknown,
  at: string,
  read: (schema: Record<string, unknown>) => JsonSchema,
): JsonSchema | undefined {
  if (value === undefined) return undefined
  if (!isObject(value)) throw invalidField(at, `Invalid value at '${at}': expected an object.`)
  return read(value)
}

/** What a `functionCallingConfig` asks for, and whether its mode is one that only Google has. */
export function decodeToolChoice(value: unknown): { choice: ToolChoice | undefined; isValidated: boolean } {
  if (value === undefined) return { choice: undefined, isValidated: false }
  const at = 'toolConfig.functionCallingConfig'
  const { mode, allowedFunctionNames } = objectAt(value, at)
  const names =
    allowedFunctionNames === undefined
      ? []
      : listAt(allowedFunctionNames, `${at}.allowedFunctionNames`).map((name, index) =>
          textAt(name, `${at}.allowedFunctionNames[${index}]`),
        )
  const written = mode === undefined ? 'AUTO' : textAt(mode, `${at}.mode`).toUpperCase()
  return { choice: choiceOf(written, names, `${at}.mode`), isValidated: written === 'VALIDATED' }
}

function choiceOf(mode: string, names: string[], at: string): ToolChoice {
  const [name] = names
  switch (mode) {
    case 'NONE':
      return { kind: 'none' }
    case 'ANY':
      if (name === undefined) return { kind: 'required' }
      return names.length === 1 ? { kind: 'tool', name } : { kind: 'allowed', mode: 'required', names }
    case 'AUTO':
    case 'VALIDATED':
    case 'MODE_UNSPECIFIED':
      return name === undefined ? { kind: 'auto' } : { kind: 'allowed', mode: 'auto', names }
    default:
      throw invalidField(at, `Invalid value at '${at}': expected AUTO, ANY, NONE or VALIDATED.`)
  }
}
