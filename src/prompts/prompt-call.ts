import * as z from 'zod/mini'
import { SluiceError } from '../platform/failure'

const name = z.pipe(z.union([z.string().check(z.minLength(1)), z.number()]), z.transform(String))
const fields = z.record(z.string(), z.unknown())
const versionNumber = z.union([
  z.int().check(z.positive('must be the number of a version, or "latest"')),
  z.pipe(
    z.string().check(z.regex(/^\d+$/, 'must be the number of a version, or "latest"')),
    z.transform(Number),
  ),
])

const promptSchema = z.looseObject({
  prompt_id: z.nullish(name),
  prompt_slug: z.nullish(z.string().check(z.minLength(1))),
  id: z.nullish(z.string().check(z.minLength(1))),
  label: z.nullish(z.string().check(z.minLength(1))),
  version: z.nullish(z.union([z.literal('latest'), versionNumber])),
  variables: z.nullish(fields),
  echo: z.nullish(z.boolean()),
  schema_version: z.nullish(z.union([z.literal(1), z.literal(2)], 'must be 1 or 2')),
  patch: z.nullish(fields),
  override: z.nullish(z.boolean()),
  override_params: z.nullish(fields),
  override_config: z.nullish(
    z.looseObject({ messages_override_mode: z.nullish(z.enum(['override', 'append'])) }),
  ),
  is_custom_prompt: z.nullish(z.boolean()),
})

/** The gateway parameters that name a stored prompt and fill it in (compatibility document, A5.5 and B4). */
export const promptShape = {
  prompt: z.nullish(promptSchema),
  prompt_id: z.nullish(name),
  prompt_variables: z.nullish(fields),
  variables: z.nullish(fields),
  is_custom_prompt: z.nullish(z.boolean()),
}

/** They, validated. */
export type PromptParameters = z.infer<z.ZodMiniObject<typeof promptShape>>

/** Which version of a prompt is wanted. */
export type WantedVersion =
  | { kind: 'live' }
  | { kind: 'latest' }
  | { kind: 'version'; version: number }
  /** An optional label is the live version where the prompt has no such label. */
  | { kind: 'label'; label: string; isOptional?: true }

/**
 * Who wins where the prompt and the request say different things: `request` and `prompt` are version 1 of Respan's
 * schema without and with `override`; in `instructions`, version 2, the prompt wins and its messages come first; in
 * `defaults`, LLMGateway's way, they come first and the request wins everything else.
 */
export type MergeMode = 'request' | 'prompt' | 'instructions' | 'defaults'

/** A stored prompt as a request calls it. */
export interface PromptCall {
  /** Its id, slug or name. */
  name: string
  wanted: WantedVersion
  variables: Readonly<Record<string, unknown>>
  mode: MergeMode
  /** Parameters and messages that beat the prompt and the request. */
  forced?: Readonly<Record<string, unknown>> | undefined
  /** The forced messages come behind the others instead of in their place. */
  appends: boolean
  /** The answer tells the messages that were sent, where its protocol has room for them. */
  echoes: boolean
  /** A prompt of the caller's own: only for the log. */
  isCustom: boolean
  /** What was given and has no effect. */
  ignored: readonly string[]
}

const MODEL_PREFIX = '@prompt/'

/** Whether a model's name is that of a prompt. */
export function isPromptModel(model: string | undefined): model is string {
  return model?.startsWith(MODEL_PREFIX) === true
}

/**
 * The prompt that a request calls: `prompt_id`, the object `prompt`, or a model named `@prompt/...`; undefined when it
 * calls none.
 * @throws SluiceError `invalid_request`
 */
export function promptCallOf(
  parameters: PromptParameters,
  model: string | undefined,
): PromptCall | undefined {
  const { prompt, prompt_id: id } = parameters
  const named = prompt?.prompt_id ?? prompt?.prompt_slug ?? prompt?.id ?? id ?? undefined
  if (isPromptModel(model)) {
    if (named !== undefined)
      throw invalid('model', `'model' names the prompt '${model}', and another one is named beside it`)
    return { ...byModel(model), variables: variablesOf(parameters) }
  }
  if (named === undefined) return undefined
  const isGatewayStyle = prompt?.prompt_id == null && prompt?.prompt_slug == null && prompt?.id != null
  return {
    name: named,
    variables: variablesOf(parameters),
    ...(isGatewayStyle ? byLabel(prompt) : byVersion(prompt ?? {})),
    isCustom: (prompt?.is_custom_prompt ?? parameters.is_custom_prompt) === true,
  }
}

function variablesOf({ prompt, prompt_variables, variables }: PromptParameters): Record<string, unknown> {
  return { ...variables, ...prompt_variables, ...prompt?.variables }
}

type PromptObject = z.infer<typeof promptSchema>
type How = Omit<PromptCall, 'name' | 'variables'>

const DEFAULT_LABEL: WantedVersion = { kind: 'label', label: 'production', isOptional: true }

// The name may have a slash or an @ of its own; the last @ parts it from the label or version.
function byModel(model: string): Omit<PromptCall, 'variables'> {
  const reference = model.slice(MODEL_PREFIX.length)
  const at = reference.lastIndexOf('@')
  const found = at > 0 ? reference.slice(0, at) : reference
  const word = at > 0 ? reference.slice(at + 1) : undefined
  if (found === '' || word === '')
    throw invalid('model', `'${model}' is not of the form @prompt/{name}, @prompt/{name}@{label or version}`)
  const usual = { mode: 'defaults', appends: false, echoes: false, isCustom: false, ignored: [] } as const
  return { name: found, wanted: word === undefined ? DEFAULT_LABEL : wordedVersion(word), ...usual }
}

function wordedVersion(word: string): WantedVersion {
  if (word === 'latest' || word === 'live') return { kind: word }
  return /^v?\d+$/.test(word)
    ? { kind: 'version', version: Number(word.replace('v', '')) }
    : { kind: 'label', label: word }
}

function byLabel({ version, label, echo }: PromptObject): How {
  if (version != null && label != null)
    throw invalid('prompt', "'version' and 'label' of a prompt exclude each other")
  const wanted = label == null ? (numbered(version) ?? DEFAULT_LABEL) : wordedVersion(label)
  return { wanted, mode: 'defaults', appends: false, echoes: echo === true, isCustom: false, ignored: [] }
}

function byVersion(prompt: PromptObject): How {
  const { version, label, echo, schema_version: schema, patch, override, override_params: params } = prompt
  if (version != null && label != null)
    throw invalid('prompt', "'version' and 'label' of a prompt exclude each other")
  const live: WantedVersion = { kind: 'live' }
  const wanted = label == null ? (numbered(version) ?? live) : wordedVersion(label)
  const base = { wanted, echoes: echo !== false, isCustom: false }
  if (schema === 2) {
    for (const key of ['messages', 'input'])
      if (patch != null && Object.hasOwn(patch, key))
        throw invalid('prompt.patch', `'patch' must not contain '${key}'`)
    const ignored = ['override', 'override_params', 'override_config'].filter((key) => prompt[key] != null)
    return {
      ...{ ...base, mode: 'instructions', appends: false },
      forced: patch ?? undefined,
      ignored: ignored.map((key) => `prompt.${key}`),
    }
  }
  // Somebody who says that nothing is to be overridden is taken at their word; who only leaves it out is not.
  const isForced = params != null && override !== false
  return {
    ...{ ...base, mode: override === true ? 'prompt' : 'request' },
    forced: isForced ? params : undefined,
    appends: prompt.override_config?.messages_override_mode === 'append',
    ignored: [
      ...(params != null && !isForced ? ['prompt.override_params'] : []),
      ...(patch == null ? [] : ['prompt.patch']),
    ],
  }
}

function numbered(version: PromptObject['version']): WantedVersion | undefined {
  if (version == null) return undefined
  return version === 'latest' ? { kind: 'latest' } : { kind: 'version', version }
}

function invalid(param: string, message: string): SluiceError {
  return new SluiceError({ kind: 'invalid_request', code: 'invalid_prompt', param, message: `${message}.` })
}
