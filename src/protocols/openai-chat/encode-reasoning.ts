import type { ModelTraits } from '../codec'
import type { ChatRequest, Effort, Reasoning } from '../request'
import { EFFORTS } from './reasoning-settings'

/** A budget as a grade, and back: what the common gateways take for about the same. */
const BUDGETS = {
  minimal: 1_024,
  low: 1_024,
  medium: 2_048,
  high: 16_384,
  xhigh: 32_768,
  max: 65_536,
} as const satisfies Record<Exclude<Effort, 'none'>, number>
const MOST_TOKENS_OF_LOW = 1_024
const MOST_TOKENS_OF_MEDIUM = 8_192

/** What to ask of the model's reasoning; `isLost` when a wish of the client's has no words here. */
export function encodeReasoning(
  { settings, names, protocol }: ChatRequest,
  traits: ModelTraits,
): { fields: Record<string, unknown>; isLost: boolean } {
  const { reasoning } = settings
  if (reasoning === undefined) return { fields: {}, isLost: false }
  const isOff = reasoning.isEnabled === false || reasoning.effort === 'none'
  if (traits.reasoning === 'none') return { fields: {}, isLost: !isOff }
  if (protocol === 'openai-chat' && traits.reasoning === undefined && traits.efforts === undefined)
    return { fields: asClientSaid(reasoning, names.reasoning), isLost: false }
  if (traits.reasoning === 'budget') return { fields: budgetFields(reasoning, isOff), isLost: false }
  const effort = isOff ? offOf(reasoning, traits) : gradeOf(reasoning)
  if (effort === undefined) return { fields: {}, isLost: isOff }
  const sent = nearest(effort, traits.efforts)
  // Some models always think, and the least that they do is as good as nothing.
  return { fields: { reasoning_effort: sent }, isLost: isOff && sent !== 'none' && sent !== 'minimal' }
}

function asClientSaid(reasoning: Reasoning, name: string | undefined): Record<string, unknown> {
  const { effort, budgetTokens, isEnabled, isAdaptive, shown } = reasoning
  if (name === 'reasoning')
    return {
      reasoning: given({
        effort,
        max_tokens: budgetTokens,
        enabled: isEnabled,
        exclude: shown === 'none' ? true : undefined,
        summary: shown === 'none' ? undefined : shown,
      }),
    }
  const type = isEnabled === false ? 'disabled' : isAdaptive === true ? 'adaptive' : 'enabled'
  const isThinking = isEnabled !== undefined || budgetTokens !== undefined
  return given({
    reasoning_effort: effort,
    thinking: isThinking ? given({ type, budget_tokens: budgetTokens }) : undefined,
  })
}

function budgetFields({ effort, budgetTokens }: Reasoning, isOff: boolean): Record<string, unknown> {
  if (isOff) return { thinking: { type: 'disabled' } }
  const tokens = budgetTokens ?? (effort === undefined || effort === 'none' ? undefined : BUDGETS[effort])
  return { thinking: given({ type: 'enabled', budget_tokens: tokens === -1 ? undefined : tokens }) }
}

// To a model of which nothing is known, that it may not think is only said when the client used this very word.
function offOf({ effort }: Reasoning, { reasoning, efforts }: ModelTraits): Effort | undefined {
  return effort === 'none' || reasoning !== undefined || efforts !== undefined ? 'none' : undefined
}

function gradeOf({ effort, budgetTokens }: Reasoning): Effort | undefined {
  if (effort !== undefined) return effort
  if (budgetTokens === undefined || budgetTokens === -1) return undefined
  if (budgetTokens <= MOST_TOKENS_OF_LOW) return 'low'
  return budgetTokens <= MOST_TOKENS_OF_MEDIUM ? 'medium' : 'high'
}

// Of two that are as near the weaker one, which costs less.
function nearest(effort: Effort, efforts: readonly string[] | undefined): string {
  if (efforts === undefined || efforts.length === 0 || efforts.includes(effort)) return effort
  const wanted = EFFORTS.indexOf(effort)
  const ranked = efforts
    .map((known) => ({ known, rank: EFFORTS.indexOf(known) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => Math.abs(a.rank - wanted) - Math.abs(b.rank - wanted) || a.rank - b.rank)
  return ranked[0]?.known ?? effort
}

function given(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
