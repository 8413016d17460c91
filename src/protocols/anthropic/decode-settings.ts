import { entryOf, isObject } from '../fields'
import type { ChatRequest, Effort, Reasoning, ResponseFormat, Settings } from '../request'
import { invalidField } from '../untranslatable'
import { arrayAt, objectAt, optionalNumberAt, optionalTextAt, textAt } from './checks'
import { decodeToolChoice } from './decode-tools'
import type { Block } from './own-fields'

/** The fields of a request that are read here, and wholly; `output_config` may have others than these. */
export const SETTING_FIELDS = [
  ...(['max_tokens', 'temperature', 'top_p', 'top_k', 'stop_sequences', 'service_tier', 'metadata'] as const),
  ...(['thinking', 'output_format', 'tool_choice'] as const),
]

const EFFORTS: ReadonlySet<unknown> = new Set(['low', 'medium', 'high', 'xhigh', 'max'])

/** The settings of a request, and what the client calls each of them. */
export function decodeSettings(body: Block): Pick<ChatRequest, 'settings' | 'names'> {
  const config = optionalObject(body.output_config, 'output_config')
  const { user_id: userId, ...metadata } = optionalObject(body.metadata, 'metadata')
  const settings: Settings = {
    maxOutputTokens: optionalNumberAt(body.max_tokens, 'max_tokens'),
    temperature: optionalNumberAt(body.temperature, 'temperature'),
    topP: optionalNumberAt(body.top_p, 'top_p'),
    topK: optionalNumberAt(body.top_k, 'top_k'),
    stop: stopSequences(body.stop_sequences),
    serviceTier: optionalTextAt(body.service_tier, 'service_tier'),
    endUserId: optionalTextAt(userId, 'metadata.user_id'),
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    reasoning: decodeReasoning(body.thinking, config.effort),
    responseFormat: decodeFormat(body.output_format, config.format),
    ...decodeToolChoice(body.tool_choice),
  }
  return { settings, names: namesFor(body) }
}

function namesFor(body: Block): ChatRequest['names'] {
  return {
    maxOutputTokens: 'max_tokens',
    temperature: 'temperature',
    topP: 'top_p',
    topK: 'top_k',
    stop: 'stop_sequences',
    serviceTier: 'service_tier',
    endUserId: 'metadata.user_id',
    metadata: 'metadata',
    reasoning: isObject(body.thinking) ? 'thinking' : 'output_config.effort',
    responseFormat: isObject(body.output_format) ? 'output_format' : 'output_config.format',
    toolChoice: 'tool_choice',
    parallelToolCalls: 'tool_choice.disable_parallel_tool_use',
  }
}

function optionalObject(value: unknown, at: string): Block {
  return value === undefined || value === null ? {} : objectAt(value, at)
}

function stopSequences(value: unknown): string[] | undefined {
  if (value === undefined || value === null) return undefined
  return arrayAt(value, 'stop_sequences').map((one, index) => textAt(one, `stop_sequences[${index}]`))
}

const THINKING_TYPES: Readonly<Record<string, Reasoning>> = {
  enabled: { isEnabled: true },
  adaptive: { isEnabled: true, isAdaptive: true },
  between_tools: { isEnabled: true, isAdaptive: true },
  disabled: { isEnabled: false },
}

/** How the thinking is shown; `auto` leaves it to the model, as a request without the field does. */
const SHOWN: Readonly<Record<string, Reasoning['shown']>> = { summarized: 'detailed', omitted: 'none' }

function decodeReasoning(thinking: unknown, effort: unknown): Reasoning | undefined {
  const grade = decodeEffort(effort)
  const graded = grade === undefined ? {} : { effort: grade }
  if (thinking === undefined || thinking === null) return grade === undefined ? undefined : graded
  const { type, budget_tokens: budget, display } = objectAt(thinking, 'thinking')
  const told = entryOf(THINKING_TYPES, textAt(type, 'thinking.type'))
  if (told === undefined) {
    throw invalidField(
      'thinking.type',
      'thinking.type: Expected enabled, adaptive, between_tools or disabled.',
    )
  }
  const budgetTokens = optionalNumberAt(budget, 'thinking.budget_tokens')
  const shown = entryOf(SHOWN, optionalTextAt(display, 'thinking.display') ?? '') ?? 'auto'
  return {
    ...told,
    ...graded,
    ...(budgetTokens === undefined ? {} : { budgetTokens }),
    ...(told.isEnabled === true ? { shown } : {}),
  }
}

function decodeEffort(value: unknown): Effort | undefined {
  if (value === undefined || value === null) return undefined
  if (!isEffort(value)) {
    throw invalidField(
      'output_config.effort',
      'output_config.effort: Expected low, medium, high, xhigh or max.',
    )
  }
  return value
}

function isEffort(value: unknown): value is Effort {
  return EFFORTS.has(value)
}

function decodeFormat(beta: unknown, format: unknown): ResponseFormat | undefined {
  const given = format ?? beta ?? undefined
  if (given === undefined) return undefined
  const at = format === undefined || format === null ? 'output_format' : 'output_config.format'
  const { type, schema } = objectAt(given, at)
  if (type !== 'json_schema') throw invalidField(`${at}.type`, `${at}.type: Expected json_schema.`)
  return { kind: 'json_schema', schema: objectAt(schema, `${at}.schema`), strict: true }
}
