import type { Budget } from './template-budget'
import { TemplateError } from './template-error'
import { kindOf } from './template-operators'
import { numberOf, type Value } from './template-values'

/** What stands in the brackets of a filter, a test or a method. */
export interface Arguments {
  given: readonly Value[]
  named: ReadonlyMap<string, Value>
}

/** The argument at a position or by its name. */
export function argument({ given, named }: Arguments, at: number, name: string): Value | undefined {
  return given[at] ?? named.get(name)
}

/** The number of an argument, or what it is when absent. */
export function numberArgument(given: Arguments, at: number, name: string, usual: number): number {
  const value = argument(given, at, name)
  if (value === undefined) return usual
  const number = numberOf(value)
  if (number === undefined) throw new TemplateError(`'${name}' must be a number, not ${kindOf(value)}`)
  return number
}

/** A filter: what is left of the bar, what stands in its brackets, and what it may take. */
export type Filter = (value: Value, given: Arguments, budget: Budget) => Value

/** @throws TemplateError when it is absent */
export function required(given: Arguments, at: number, name: string): Value {
  const value = argument(given, at, name)
  if (value === undefined) throw new TemplateError(`'${name}' is missing in the brackets`)
  return value
}
