import type { PromptContent } from '../platform/prompt-content'

const known = new WeakMap<PromptContent, Readonly<Record<string, unknown>>>()

/** A version's parameters as they are sent: `json_schema` is a response format, and one may be switched off. */
export function sentParameters(content: PromptContent): Readonly<Record<string, unknown>> {
  const before = known.get(content)
  if (before !== undefined) return before
  const { parameters, jsonSchema, isEnforcingResponseFormat: isEnforced = true } = content
  const { response_format: given, ...others } = parameters
  const format = given ?? (jsonSchema === undefined ? undefined : formatOf(jsonSchema))
  const sent = isEnforced && format !== undefined ? { ...others, response_format: format } : others
  known.set(content, sent)
  return sent
}

// Some write the schema itself, others the object around it.
function formatOf(schema: Readonly<Record<string, unknown>>): object {
  const isNamed = Object.hasOwn(schema, 'schema')
  return { type: 'json_schema', json_schema: isNamed ? schema : { name: 'answer', schema } }
}
