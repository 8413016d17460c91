import { SluiceError } from '../platform/failure'
import type { Value } from './template-values'
import { valueOf } from './template-values'

/** A prompt that a variable stands for. */
export interface ChildPrompt {
  name: string
  version: number | 'latest' | undefined
  variables: Readonly<Record<string, unknown>>
}

/** An image that a variable stands for, and the mark that is printed in its place. */
export interface ImageVariable {
  mark: string
  image: Readonly<Record<string, unknown>>
}

/** Variables as templates take them. */
export interface TypedVariables {
  values: Map<string, Value>
  images: ImageVariable[]
  /** For the log: as they were given, and what became of prompts among them. */
  logged: Record<string, unknown>
}

/**
 * Reads variables that say their type: `{_type: "text" | "image_url" | "json" | "prompt", ...}`; any other value is what
 * it is.
 * @param renderChild the text of a prompt that a variable stands for
 * @throws SluiceError `invalid_request` naming the variable
 */
export function typedVariables(
  given: Readonly<Record<string, unknown>>,
  renderChild: (child: ChildPrompt, variable: string) => string,
): TypedVariables {
  const typed: TypedVariables = { values: new Map(), images: [], logged: {} }
  for (const [name, value] of Object.entries(given)) {
    typed.logged[name] = value
    if (!isTyped(value)) {
      typed.values.set(name, valueOf(value))
      continue
    }
    const { _type: type } = value
    if (type === 'prompt') {
      const text = renderChild(childOf(name, value), name)
      typed.values.set(name, valueOf(text))
      typed.logged[name] = { ...value, _rendered_result: text }
    } else if (type === 'image_url') {
      // Nobody who fills in another variable can guess the mark.
      const mark = `\u0002${crypto.randomUUID()}\u0003`
      typed.images.push({ mark, image: imageOf(name, value) })
      typed.values.set(name, valueOf(mark))
    } else if (type === 'text' || type === 'json')
      typed.values.set(name, valueOf(type === 'json' ? parsed(name, value['value']) : (value['value'] ?? '')))
    else throw invalid(name, `the type '${String(type)}' is not one of text, image_url, json, prompt`)
  }
  return typed
}

function isTyped(value: unknown): value is { _type: unknown; [field: string]: unknown } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '_type')
}

function childOf(name: string, value: Readonly<Record<string, unknown>>): ChildPrompt {
  const { prompt_id: id, version, variables } = value
  if ((typeof id !== 'string' && typeof id !== 'number') || id === '')
    throw invalid(name, "a variable of type 'prompt' needs a 'prompt_id'")
  const isFine =
    version === undefined || version === null || version === 'latest' || Number.isInteger(version)
  if (!isFine) throw invalid(name, `'version' must be a whole number or "latest"`)
  const hasFields = typeof variables === 'object' && variables !== null && !Array.isArray(variables)
  if (variables !== undefined && variables !== null && !hasFields)
    throw invalid(name, "'variables' must be an object")
  return {
    name: String(id),
    version: version === 'latest' || typeof version === 'number' ? version : undefined,
    variables: hasFields ? { ...variables } : {},
  }
}

function imageOf(name: string, { value }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (typeof value === 'string' && value !== '') return { url: value }
  if (typeof value === 'object' && value !== null && 'url' in value && typeof value.url === 'string')
    return { ...value }
  throw invalid(name, "a variable of type 'image_url' needs the address of an image in 'value'")
}

function parsed(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value ?? null
  try {
    return JSON.parse(value)
  } catch {
    throw invalid(name, "'value' of a variable of type 'json' is a text, but not JSON")
  }
}

function invalid(name: string, problem: string): SluiceError {
  return new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_prompt_variable',
    param: `variables.${name}`,
    message: `Variable '${name}': ${problem}.`,
  })
}
