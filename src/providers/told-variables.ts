import { baseUrlVariable, placeVariable } from './base-url'
import { catalog } from './catalog'

/** Stands for a secret's value where only that there is one may be known. */
const IS_SET = 'set'
const PLACEHOLDER = /\{(\w+)\}/g

const secretNames = new Set(catalog.flatMap(({ secrets }) => secrets))
/** What URLs and the choice of endpoints hang on. */
const placeNames = new Set(
  catalog.flatMap((row) => [
    ...row.endpoints.flatMap(({ baseUrl, onlyWith, onlyWithout }) => [
      ...[...baseUrl.matchAll(PLACEHOLDER)].map(([, name = '']) => name),
      ...[onlyWith, onlyWithout].filter((name) => name !== undefined),
    ]),
    baseUrlVariable(row),
  ]),
)

/**
 * What another worker must be told of this one's variables to know which built-in providers are set up, and where:
 * places as they are, of secrets only that they are set.
 */
export function toldVariables(variable: (name: string) => string | undefined): Record<string, string> {
  const secrets = [...secretNames].filter((name) => variable(name) !== undefined)
  const places = [...placeNames].flatMap((name) => {
    const value = secretNames.has(name) ? undefined : placeVariable(name, variable)
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries([...secrets.map((name) => [name, IS_SET] as const), ...places])
}
