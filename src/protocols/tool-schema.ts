import type { JsonSchema } from './request'

/**
 * A function's parameters as every provider takes them: the schema of an object that says which properties it has.
 * Clients leave both out for tools without parameters, and several providers answer that with an error.
 */
export function objectSchema(parameters: JsonSchema | undefined): Record<string, unknown> {
  const { type, properties } = parameters ?? {}
  return {
    ...(type === undefined ? { type: 'object' } : {}),
    ...parameters,
    ...(properties === undefined ? { properties: {} } : {}),
  }
}
