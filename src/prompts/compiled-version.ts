import type { PromptContent, PromptMessage } from '../platform/prompt-content'
import { compileTemplate, type Template } from './template'
import { TemplateError } from './template-error'
import type { Variables } from './template-interpreter'

/** The messages of a version, read once. */
export interface CompiledMessages {
  /** What the templates use and do not set themselves. */
  variables: ReadonlySet<string>
  /** @throws TemplateError */
  render(variables: Variables): PromptMessage[]
}

type Rendered = (variables: Variables) => unknown

/** Where a template may stand, among the parts of a message; a word of the protocol is none. */
const NO_TEMPLATES = new Set(['type', 'detail', 'format', 'cache_control', 'file_id'])
/** All templates of a version together: as much as a stored version may have at most. */
const MAX_MESSAGES = 200

/**
 * Reads the templates of a version.
 * @throws TemplateError naming the message
 */
export function compileMessages({ messages }: Pick<PromptContent, 'messages'>): CompiledMessages {
  if (messages.length > MAX_MESSAGES) throw new TemplateError(`there are more than ${MAX_MESSAGES} messages`)
  const variables = new Set<string>()
  const compiled = messages.map((message, index) => {
    try {
      const content = compiledValue(message.content, variables)
      return (given: Variables) => withContent(message, content(given))
    } catch (cause) {
      if (!(cause instanceof TemplateError)) throw cause
      throw new TemplateError(`messages[${index}]: ${cause.message}`, { cause })
    }
  })
  return { variables, render: (given) => compiled.map((message) => message(given)) }
}

function withContent(message: PromptMessage, content: unknown): PromptMessage {
  if (typeof content === 'string' || content === null) return { ...message, content }
  return Array.isArray(content) ? { ...message, content } : message
}

function compiledValue(value: unknown, variables: Set<string>): Rendered {
  if (typeof value === 'string') return compiledText(value, variables)
  if (Array.isArray(value)) {
    const items = value.map((item) => compiledValue(item, variables))
    return (given) => items.map((item) => item(given))
  }
  if (typeof value !== 'object' || value === null) return () => value
  const fields = Object.entries(value).map(([name, below]): [string, Rendered] => [
    name,
    NO_TEMPLATES.has(name) ? () => below : compiledValue(below, variables),
  ])
  return (given) => Object.fromEntries(fields.map(([name, field]) => [name, field(given)]))
}

function compiledText(text: string, variables: Set<string>): Rendered {
  if (!/\{[{%#]/.test(text)) return () => text
  const template: Template = compileTemplate(text)
  for (const name of template.variables) variables.add(name)
  return (given) => template.render(given)
}
