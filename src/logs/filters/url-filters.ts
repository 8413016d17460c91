import type { Filter } from './condition'
import { conditionOf, connectorOf, joined, targetOf } from './parse-filters'

const PARTS = /^(.+)\[(value|operator|connector)\]$/

/**
 * Filters in a query string: `field=value`, or `field[value]=v&field[operator]=gte&field[connector]=OR`; a name that is
 * no field is a key of `metadata`.
 */
export function urlFilters(parameters: URLSearchParams, isOther: (name: string) => boolean): Filter {
  const byName = new Map<string, Record<string, string>>()
  for (const [key, value] of parameters) {
    const [, name = key, part = 'value'] = PARTS.exec(key) ?? []
    if (!isOther(name)) byName.set(name, { ...byName.get(name), [part]: value })
  }
  const parts = [...byName].map(([name, { value, operator, connector }]) => ({
    filter: conditionOf(targetOf(name, true), operator ?? '', value === undefined ? [] : [value]),
    connector: connectorOf(connector, 'AND', `${name}[connector]`),
  }))
  return joined(parts)
}
