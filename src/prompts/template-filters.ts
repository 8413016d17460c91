import type { Arguments, Filter } from './template-arguments'
import type { Budget } from './template-budget'
import { TemplateError } from './template-error'
import { attributeOf, items, listFilters } from './template-list-filters'
import { textFilters } from './template-text-filters'
import { isUndefined, listValue, textOf, UNDEFINED, type Value } from './template-values'

/** Filters by name (Jinja, "List of Builtin Filters"). */
const filters: Readonly<Record<string, Filter>> = { ...textFilters, ...listFilters, map: mapped }

/** Filters that say what is to be done when there is no value. */
export const TAKES_UNDEFINED: ReadonlySet<string> = new Set(['default', 'd'])

/** @throws TemplateError for a name that is no filter */
export function filterNamed(name: string): Filter {
  const filter = Object.hasOwn(filters, name) ? filters[name] : undefined
  if (filter === undefined) throw new TemplateError(`there is no filter '${name}'`)
  return filter
}

function mapped(value: Value, given: Arguments, budget: Budget): Value {
  const field = given.named.get('attribute')
  if (field !== undefined) {
    const otherwise = given.named.get('default') ?? UNDEFINED
    return listValue(
      items(value, budget).map((item) => {
        const found = attributeOf(item, textOf(field))
        return isUndefined(found) ? otherwise : found
      }),
    )
  }
  const [name, ...others] = given.given
  const filter = filterNamed(textOf(name ?? UNDEFINED))
  return listValue(
    items(value, budget).map((item) => filter(item, { given: others, named: given.named }, budget)),
  )
}
