import * as z from 'zod'
import type { PromptContent, PromptMessage } from '../platform/prompt-content'
import { type CompiledMessages, compileMessages } from './compiled-version'
import { TemplateError } from './template-error'

const json = z.record(z.string(), z.unknown())
const modelName = z.string().trim().min(1, 'must not be empty')
const positiveInteger = z.int('must be a whole number').positive('must be greater than 0')
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(json), z.null()]).optional(),
})
const messagesSchema = z.array(message).min(1, 'must have at least one message')

/** What is sent with the messages, by the names of chat completions. */
const parameterShape = {
  temperature: z.number().min(0).nullish(),
  max_tokens: positiveInteger.nullish(),
  max_completion_tokens: positiveInteger.nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  reasoning_effort: z.string().min(1).nullish(),
  verbosity: z.string().min(1).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  n: positiveInteger.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).nullish(),
  logit_bias: json.nullish(),
  thinking: json.nullish(),
  tools: z.array(json).nullish(),
  tool_choice: z.union([z.string(), json]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: json.nullish(),
}

/** The names of all of them. */
export const PARAMETER_NAMES: readonly string[] = Object.keys(parameterShape)

// What a client reads and may send back; it changes nothing.
const readOnly = Object.fromEntries(
  [
    ...['id', 'prompt_version_id', 'version', 'readonly', 'is_deployed', 'edited_by', 'created_at'],
    ...['updated_at', 'parent_prompt', 'labels'],
  ].map((name) => [name, z.unknown().optional()]),
)

/** A change of a version: what is absent stays, and null takes a field away. */
export const versionPatchSchema = z.strictObject({
  ...readOnly,
  ...parameterShape,
  messages: messagesSchema.optional(),
  description: z.string().max(2_000).nullish(),
  deploy: z.boolean().nullish(),
  model: modelName.nullish(),
  stream: z.boolean().nullish(),
  variables: json.nullish(),
  missing_variables: z.enum(['empty', 'error'], 'must be "error" or "empty"').nullish(),
  fallback_models: z.array(modelName).nullish(),
  load_balance_models: z
    .array(
      z.object({ model: modelName, weight: z.number().gt(0, 'Weight has to be greater than 0').default(1) }),
    )
    .nullish(),
  json_schema: json.nullish(),
  is_enforcing_response_format: z.boolean().nullish(),
})

/** A new version, in Respan's words. */
export const newVersionSchema = versionPatchSchema.extend({ messages: messagesSchema })

/** The fields of a version as they were sent. */
export type VersionFields = z.infer<typeof versionPatchSchema>

/** A version's content with changes. */
export function changedContent(before: PromptContent | undefined, given: VersionFields): PromptContent {
  const { messages = before?.messages ?? [] } = given
  const parameters = { ...before?.parameters }
  for (const [name, value] of Object.entries(given)) {
    if (!PARAMETER_NAMES.includes(name)) continue
    if (value === null || value === undefined) delete parameters[name]
    else parameters[name] = value
  }
  const kept = <T>(sent: T | null | undefined, old: T | undefined) =>
    sent === undefined ? old : (sent ?? undefined)
  const model = kept(given.model, before?.model)
  const stream = kept(given.stream, before?.stream)
  const fallbackModels = filled(kept(given.fallback_models, before?.fallbackModels))
  const loadBalanceModels = filled(kept(given.load_balance_models, before?.loadBalanceModels))
  const jsonSchema = kept(given.json_schema, before?.jsonSchema)
  const isEnforced = kept(given.is_enforcing_response_format, before?.isEnforcingResponseFormat)
  const missing = given.missing_variables === undefined ? before?.missingVariables : given.missing_variables
  return {
    messages: messages.map((one) => withoutAbsent(one)),
    parameters,
    variables: kept(given.variables, before?.variables) ?? {},
    ...(model === undefined ? {} : { model }),
    ...(stream === undefined ? {} : { stream }),
    ...(fallbackModels === undefined ? {} : { fallbackModels }),
    ...(loadBalanceModels === undefined ? {} : { loadBalanceModels }),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
    ...(isEnforced === undefined ? {} : { isEnforcingResponseFormat: isEnforced }),
    ...(missing === 'empty' ? { missingVariables: missing } : {}),
  }
}

/** The templates of a version; what is wrong with one, by message. */
export function readTemplates(content: PromptContent): CompiledMessages | { problem: string } {
  try {
    return compileMessages(content)
  } catch (cause) {
    if (cause instanceof TemplateError) return { problem: cause.message }
    throw cause
  }
}

function withoutAbsent(given: z.infer<typeof message> | PromptMessage): PromptMessage {
  const { content, ...others } = given
  return content === undefined ? others : { ...others, content }
}

// An empty list says the same as none.
function filled<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list
}
