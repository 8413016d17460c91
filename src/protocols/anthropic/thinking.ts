import type { ModelTraits } from '../codec'
import { EFFORT_SHARES } from '../effort-shares'
import type { ChatRequest, Effort, Reasoning } from '../request'
import type { Block } from './own-fields'

/** How the thinking of a request is asked for, and what that means for the rest of it. */
export interface ThinkingPlan {
  thinking?: Block
  effort?: string
  /** Thinking counts as output, so the limit may have to be higher than the client's. */
  maxTokens: number
  /** Thinking forbids a forced tool, and steers the sampling itself. */
  isOn: boolean
  /** What the client asked for cannot be had. */
  isLost: boolean
}

/** The smallest budget that the provider takes (Claude docs, "Extended thinking"). */
const LEAST_BUDGET = 1_024
/** Grades, weakest first; the model's own are some of them. */
const GRADES: readonly Effort[] = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/**
 * Thinking as the model takes it: as a budget, or adaptively with a grade. With a budget, the last turn must begin
 * with the thinking of its own when it called tools (Claude docs, "Extended thinking with tool use"): `canThink` tells
 * whether it does. Adaptive thinking has no such rule. A call that must be made, `mustCall`, forbids both.
 */
export function planThinking(
  { settings, protocol }: ChatRequest,
  traits: ModelTraits,
  given: { maxTokens: number; canThink: boolean; mustCall: boolean },
): ThinkingPlan {
  const { reasoning } = settings
  const off: ThinkingPlan = { maxTokens: given.maxTokens, isOn: false, isLost: false }
  if (reasoning === undefined) return off
  const isOwn = protocol === 'anthropic'
  if (isSilent(reasoning)) return off
  const mode = modeFor(reasoning, traits, isOwn)
  if (mode === 'none' || given.mustCall) return { ...off, isLost: !isOff(reasoning) }
  const graded = mode === 'adaptive' ? gradeFor(reasoning, traits, given.maxTokens) : {}
  if (isOff(reasoning)) {
    // Models that take a budget do not think unless they are told to.
    return mode === 'budget' ? off : { ...off, ...graded, thinking: { type: 'disabled' } }
  }
  if (mode === 'budget') return given.canThink ? budgeted(reasoning, traits, off) : { ...off, isLost: true }
  // The effort alone is the protocol's own way to leave the thinking to the model.
  if (isOwn && reasoning.isEnabled === undefined) return { ...off, ...graded }
  return { ...off, ...graded, isOn: true, thinking: { type: 'adaptive', ...displayFor(reasoning, isOwn) } }
}

// Only how the reasoning is not to be shown, or that it may come encrypted, which asks for none.
function isSilent({ effort, budgetTokens, isEnabled, isAdaptive, shown = 'none' }: Reasoning): boolean {
  const isAsked = [effort, budgetTokens, isEnabled, isAdaptive].some((wish) => wish !== undefined)
  return !isAsked && shown === 'none'
}

function modeFor(reasoning: Reasoning, traits: ModelTraits, isOwn: boolean): 'budget' | 'adaptive' | 'none' {
  if (traits.reasoning === 'budget' || traits.reasoning === 'none') return traits.reasoning
  const isAsBefore = traits.reasoning === undefined && isOwn && reasoning.budgetTokens !== undefined
  return isAsBefore ? 'budget' : 'adaptive'
}

function isOff({ isEnabled, effort, budgetTokens }: Reasoning): boolean {
  return isEnabled === false || (isEnabled === undefined && (effort === 'none' || budgetTokens === 0))
}

function budgeted(reasoning: Reasoning, { maxOutputTokens }: ModelTraits, off: ThinkingPlan): ThinkingPlan {
  const { effort = 'medium', budgetTokens = -1 } = reasoning
  const wanted = Math.max(
    LEAST_BUDGET,
    budgetTokens > 0 ? budgetTokens : Math.floor(EFFORT_SHARES[effort] * off.maxTokens),
  )
  const room = wanted < off.maxTokens ? off.maxTokens : wanted + off.maxTokens
  const maxTokens = Math.min(room, maxOutputTokens ?? room)
  if (maxTokens <= LEAST_BUDGET) return { ...off, isLost: true }
  const budget = Math.min(wanted, maxTokens - 1)
  const display = reasoning.shown === 'none' ? { display: 'omitted' } : {}
  return {
    ...off,
    maxTokens,
    isOn: true,
    thinking: { type: 'enabled', budget_tokens: budget, ...display },
  }
}

function gradeFor(reasoning: Reasoning, traits: ModelTraits, maxTokens: number): { effort?: string } {
  const grade = reasoning.effort ?? gradeOfBudget(reasoning.budgetTokens, maxTokens)
  if (grade === undefined || grade === 'none') return {}
  const known = GRADES.filter((one) => traits.efforts?.includes(one) ?? one !== 'minimal')
  const distance = (one: Effort) => Math.abs(GRADES.indexOf(one) - GRADES.indexOf(grade))
  const [nearest] = known.toSorted((a, b) => distance(a) - distance(b))
  return nearest === undefined ? {} : { effort: nearest }
}

function gradeOfBudget(budgetTokens: number | undefined, maxTokens: number): Effort | undefined {
  if (budgetTokens === undefined || budgetTokens <= 0) return undefined
  const share = budgetTokens / maxTokens
  const distance = (one: Effort) => Math.abs(EFFORT_SHARES[one] - share)
  return (['low', 'medium', 'high'] as const).toSorted((a, b) => distance(a) - distance(b))[0]
}

// `auto` of a client of this protocol means that it left the display to the model.
function displayFor({ shown }: Reasoning, isOwn: boolean): { display?: string } {
  if (shown === 'none') return { display: 'omitted' }
  return shown === undefined || (shown === 'auto' && isOwn) ? {} : { display: 'summarized' }
}
