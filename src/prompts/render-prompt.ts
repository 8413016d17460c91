import { SluiceError } from '../platform/failure'
import type { PromptMessage } from '../platform/prompt-content'
import type { PromptVersionRow } from '../platform/prompts-schema'
import { type CompiledMessages, compileMessages } from './compiled-version'
import { withImages } from './placed-images'
import { Budget } from './template-budget'
import { MissingVariable, TemplateError } from './template-error'
import { type ChildPrompt, typedVariables } from './typed-variables'

/** A version that was found under a name. */
export interface FoundVersion {
  row: PromptVersionRow
  promptName: string
}

/** A prompt with its variables filled in. */
export interface RenderedPrompt {
  messages: PromptMessage[]
  /** The variables for the log. */
  variables: Record<string, unknown>
}

/** A prompt in a prompt; deeper ones are refused, as Respan does. */
const MAX_CHAIN = 2

const compiled = new WeakMap<PromptVersionRow, CompiledMessages>()

/**
 * Fills in a version of a prompt. Pure, but for the templates it keeps and the marks of images.
 * @param find the version that a variable of type prompt stands for
 * @throws SluiceError `invalid_request`
 */
export function renderPrompt(
  found: FoundVersion,
  given: Readonly<Record<string, unknown>>,
  find: (child: ChildPrompt, variable: string) => FoundVersion,
): RenderedPrompt {
  return rendered(found, given, { find, chain: [found.row.promptId] })
}

interface Composition {
  find: (child: ChildPrompt, variable: string) => FoundVersion
  /** The ids of the prompts that lead here. */
  chain: readonly string[]
}

function rendered(
  found: FoundVersion,
  given: Readonly<Record<string, unknown>>,
  composition: Composition,
): RenderedPrompt {
  const { row } = found
  const { variables: declared, missingVariables } = row.content
  const typed = typedVariables({ ...defaultsOf(declared, given), ...given }, (child, variable) =>
    textOfChild(child, variable, composition),
  )
  const messages = compiled.get(row) ?? compileMessages(row.content)
  compiled.set(row, messages)
  try {
    const isStrict = missingVariables !== 'empty'
    const filled = messages.render({ values: typed.values, isStrict, budget: new Budget() })
    return { messages: withImages(filled, typed.images), variables: typed.logged }
  } catch (cause) {
    throw refusal(found, cause)
  }
}

function defaultsOf(
  declared: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = Object.keys(declared).filter((name) => given[name] === undefined)
  const values = names.map((name): [string, unknown] => {
    const value = declared[name]
    return [name, Array.isArray(value) ? (value[0] ?? null) : value]
  })
  return Object.fromEntries(values.filter(([, value]) => value !== null))
}

function textOfChild(child: ChildPrompt, variable: string, { find, chain }: Composition): string {
  const found = find(child, variable)
  const { promptId } = found.row
  const path = [...chain, promptId]
  if (chain.includes(promptId)) throw composed(variable, `prompts refer to each other: ${path.join(' -> ')}`)
  if (path.length > MAX_CHAIN)
    throw composed(variable, `a prompt in a prompt must not have a prompt in it: ${path.join(' -> ')}`)
  const { messages } = rendered(found, child.variables, { find, chain: path })
  return messages.map(({ content }) => plainText(content)).join('\n')
}

function plainText(content: PromptMessage['content']): string {
  if (content === null || content === undefined) return ''
  if (typeof content === 'string') return content
  return content.map(({ text }) => (typeof text === 'string' ? text : '')).join('')
}

function composed(variable: string, problem: string): SluiceError {
  return new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_prompt_composition',
    param: `variables.${variable}`,
    message: `Variable '${variable}': ${problem}.`,
  })
}

function refusal({ row, promptName }: FoundVersion, cause: unknown): unknown {
  if (!(cause instanceof TemplateError)) return cause
  const which = `The prompt '${promptName}' (version ${row.version})`
  if (cause instanceof MissingVariable)
    return new SluiceError(
      {
        kind: 'invalid_request',
        code: 'missing_prompt_variable',
        param: `variables.${cause.variable}`,
        message: `${which} uses the variable '${cause.variable}', which has no value. Give it in 'variables', or let the version have a default for it.`,
      },
      { cause },
    )
  return new SluiceError(
    {
      kind: 'invalid_request',
      code: 'prompt_not_rendered',
      param: 'variables',
      message: `${which} cannot be rendered with these variables: ${cause.message}.`,
    },
    { cause },
  )
}
