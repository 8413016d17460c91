import type { Effort, Reasoning } from '../request'
import { invalidField } from '../untranslatable'
import { readBoolean, readNumber, readObject, readText } from './read-fields'

type Fields = Readonly<Record<string, unknown>>

/** The grades, weakest first. */
export const EFFORTS: readonly string[] = [
  'none',
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
  'max',
] satisfies Effort[]
/** Where clients ask for reasoning: OpenAI's field, Anthropic's object as gateways take it, and OpenRouter's. */
export const REASONING_FIELDS = ['reasoning_effort', 'thinking', 'reasoning'] as const

const THINKING_TYPES: ReadonlyMap<string, Reasoning> = new Map([
  ['enabled', { isEnabled: true }],
  ['disabled', { isEnabled: false }],
  ['adaptive', { isEnabled: true, isAdaptive: true }],
  ['auto', { isEnabled: true, isAdaptive: true }],
])

/** What all the ways to ask for reasoning say together, and by which name the client said it first. */
export function decodeReasoning(body: Fields): { reasoning: Reasoning; name: string } | undefined {
  const name = REASONING_FIELDS.find((field) => body[field] !== undefined && body[field] !== null)
  if (name === undefined) return undefined
  const effort = readText(body.reasoning_effort, 'reasoning_effort')
  return {
    name,
    reasoning: {
      ...openRouterReasoning(readObject(body.reasoning, 'reasoning')),
      ...thinking(readObject(body.thinking, 'thinking')),
      ...(isEffort(effort) ? { effort } : {}),
    },
  }
}

/** Whether a grade is one that other protocols know. */
export function isEffort(effort: string | undefined): effort is Effort {
  return effort !== undefined && EFFORTS.includes(effort)
}

function thinking(fields: Fields | undefined): Reasoning {
  if (fields === undefined) return {}
  const type = readText(fields.type, 'thinking.type') ?? 'enabled'
  const kind = THINKING_TYPES.get(type)
  if (kind === undefined)
    throw invalidField(
      'thinking.type',
      `Invalid value for 'thinking.type': '${type}'. Supported values are: enabled, adaptive, disabled.`,
    )
  const budgetTokens = readNumber(fields.budget_tokens, 'thinking.budget_tokens')
  return {
    ...kind,
    ...(budgetTokens === undefined ? {} : { budgetTokens }),
    ...(fields.display === 'omitted' ? { shown: 'none' } : {}),
    ...(fields.display === 'summarized' ? { shown: 'auto' } : {}),
  }
}

function openRouterReasoning(fields: Fields | undefined): Reasoning {
  if (fields === undefined) return {}
  const effort = readText(fields.effort, 'reasoning.effort')
  if (effort !== undefined && !isEffort(effort))
    throw invalidField(
      'reasoning.effort',
      `Invalid value for 'reasoning.effort': '${effort}'. Supported values are: ${EFFORTS.join(', ')}.`,
    )
  const budgetTokens = readNumber(fields.max_tokens, 'reasoning.max_tokens')
  const isEnabled = readBoolean(fields.enabled, 'reasoning.enabled')
  const isHidden = readBoolean(fields.exclude, 'reasoning.exclude') === true
  const { summary } = fields
  return {
    ...(isEffort(effort) ? { effort } : {}),
    ...(budgetTokens === undefined ? {} : { budgetTokens }),
    ...(isEnabled === undefined ? {} : { isEnabled }),
    ...(summary === 'auto' || summary === 'concise' || summary === 'detailed' ? { shown: summary } : {}),
    ...(isHidden ? { shown: 'none' } : {}),
  }
}
