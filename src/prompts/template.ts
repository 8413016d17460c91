import { MissingVariable, templateError } from './template-error'
import { BoundedInterpreter, type Variables } from './template-interpreter'
import type { Node } from './template-nodes'
import { parseTemplate } from './template-syntax'
import { isUndefined, textOf, type Value, valueOf } from './template-values'
import { variablesOf } from './template-variables'

/** A template that was read once and is rendered many times. */
export interface Template {
  /** What it prints, loops over or asks for, and does not set itself. */
  variables: ReadonlySet<string>
  /** @throws TemplateError, of the class MissingVariable for a variable that is not there */
  render(variables: Variables): string
}

const NAME = /^[A-Za-z_]\w*$/

/**
 * Reads a template.
 * @throws TemplateError with the reason
 */
export function compileTemplate(source: string): Template {
  const { pieces, program } = parseTemplate(source)
  const isPlain = pieces.every(
    (piece) => piece.kind === 'text' || (piece.opener === '{{' && NAME.test(piece.words)),
  )
  const variables = variablesIn(program)
  // Most templates are names between texts; they need no interpreter.
  if (isPlain && pieces.every((piece) => piece.kind === 'text' || variables.has(piece.words)))
    return {
      variables,
      render: (given) =>
        pieces.map((piece) => (piece.kind === 'text' ? piece.text : named(piece.words, given))).join(''),
    }
  return {
    variables,
    render(given) {
      try {
        return textOf(new BoundedInterpreter(given).run(program))
      } catch (cause) {
        throw templateError(cause)
      }
    },
  }
}

function variablesIn(program: Node): Set<string> {
  try {
    return variablesOf(program)
  } catch (cause) {
    throw templateError(cause)
  }
}

function named(name: string, { values, isStrict, budget }: Variables): string {
  const value = values.get(name)
  if (value === undefined || isUndefined(value)) {
    if (isStrict) throw new MissingVariable(name)
    return ''
  }
  const text = textOf(value)
  budget.make(text.length)
  return text
}

/** JSON values for a template. */
export function variableValues(given: Readonly<Record<string, unknown>>): Map<string, Value> {
  return new Map(Object.entries(given).map(([name, value]) => [name, valueOf(value)]))
}
