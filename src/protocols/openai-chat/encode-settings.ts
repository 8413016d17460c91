import type { EncodeTarget } from '../codec'
import { entryOf, listOf } from '../fields'
import type { ChatRequest, ResponseFormat, Settings } from '../request'
import { isNeutral } from '../untranslatable'
import { encodeReasoning } from './encode-reasoning'

interface Encoded {
  fields: Record<string, unknown>
  losses: string[]
}

/** Settings that are one field, whatever the model, and are said in the same words. */
const PLAIN = [
  ['temperature', 'temperature'],
  ['topP', 'top_p'],
  ['presencePenalty', 'presence_penalty'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['seed', 'seed'],
  ['stop', 'stop'],
  ['choiceCount', 'n'],
  ['logprobs', 'logprobs'],
  ['topLogprobs', 'top_logprobs'],
  ['logitBias', 'logit_bias'],
] as const satisfies readonly (readonly [keyof Settings, string])[]
/** Settings that OpenAI itself knows, and that simpler servers answer with an error. */
const RICH = [
  ['verbosity', 'verbosity'],
  ['serviceTier', 'service_tier'],
  ['store', 'store'],
  ['metadata', 'metadata'],
  ['promptCacheKey', 'prompt_cache_key'],
  ['promptCacheRetention', 'prompt_cache_retention'],
] as const satisfies readonly (readonly [keyof Settings, string])[]
/** A longer id of an end user is an error at OpenAI; Claude Code's are about 150 letters. */
const MOST_USER_ID_LENGTH = 64
const MOST_STOPS = 4
/** Other protocols' words for service tiers. */
const TIERS: Readonly<Record<string, string>> = { standard_only: 'default', standard: 'default' }

/** Whether a target takes all that OpenAI's own API does: the client wrote for this protocol, or the model is OpenAI's. */
export function isRich({ protocol }: ChatRequest, { traits }: EncodeTarget): boolean {
  return protocol === 'openai-chat' || traits.wantsMaxCompletionTokens === true
}

/** The settings of a request, but for its tools, in the words of chat completions. */
export function encodeSettings(request: ChatRequest, target: EncodeTarget): Encoded {
  const { settings, names } = request
  const refused = new Set<keyof Settings>(target.traits.refuses)
  if (refused.has('logprobs')) refused.add('topLogprobs')
  const isOwn = request.protocol === 'openai-chat'
  const fields: Record<string, unknown> = {}
  const losses: string[] = []
  const put = (setting: keyof Settings, field: string, isTaken = true) => {
    const value = settings[setting]
    if (value === undefined || isDefault(setting, value)) return
    const canGo = isTaken && !refused.has(setting)
    if (!canGo && isNeutral(setting, value)) return
    if (canGo) fields[field] = setting === 'serviceTier' ? (entryOf(TIERS, String(value)) ?? value) : value
    else losses.push(names[setting] ?? setting)
  }
  put('maxOutputTokens', limitName(request, target))
  for (const [setting, field] of PLAIN) put(setting, field)
  if (!isOwn) limitStops(fields, losses, names.stop)
  put('topK', 'top_k', isOwn)
  for (const [setting, field] of RICH) put(setting, field, isRich(request, target))
  const isLongId = !isOwn && (settings.endUserId ?? '').length > MOST_USER_ID_LENGTH
  put('endUserId', names.endUserId === 'safety_identifier' && isOwn ? 'safety_identifier' : 'user', !isLongId)
  const reasoning = encodeReasoning(request, target.traits)
  return {
    fields: { ...fields, ...reasoning.fields },
    losses: [...losses, ...(reasoning.isLost ? [names.reasoning ?? 'reasoning'] : [])],
  }
}

/** `response_format`. */
export function encodeFormat(format: ResponseFormat): Record<string, unknown> {
  if (format.kind !== 'json_schema') return { type: format.kind === 'json' ? 'json_object' : 'text' }
  const { name = 'answer', description, schema, strict } = format
  return {
    type: 'json_schema',
    json_schema: {
      name,
      ...(description === undefined ? {} : { description }),
      schema,
      ...(strict === undefined ? {} : { strict }),
    },
  }
}

// OpenAI takes four sequences, and neither an empty one nor an empty list.
function limitStops(fields: Record<string, unknown>, losses: string[], name = 'stop'): void {
  const given = listOf(fields.stop)
  const legal = given.filter((sequence) => sequence !== '').slice(0, MOST_STOPS)
  if (legal.length < given.length) losses.push(name)
  if (legal.length > 0) fields.stop = legal
  else delete fields.stop
}

// Nothing is stored unless it is asked for, so there is nothing to say.
function isDefault(setting: keyof Settings, value: unknown): boolean {
  return setting === 'store' && value === false
}

function limitName({ protocol, names }: ChatRequest, { traits }: EncodeTarget): string {
  if (traits.wantsMaxCompletionTokens !== undefined)
    return traits.wantsMaxCompletionTokens ? 'max_completion_tokens' : 'max_tokens'
  const isOwn = protocol === 'openai-chat' && names.maxOutputTokens === 'max_completion_tokens'
  return isOwn ? 'max_completion_tokens' : 'max_tokens'
}
