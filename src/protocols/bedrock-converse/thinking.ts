import type { EncodeTarget } from '../codec'
import { EFFORT_SHARES } from '../effort-shares'
import type { Effort, Reasoning } from '../request'
import { familyOf } from './families'
import type { Turn } from './turns'

/** How thinking is asked for: members of `additionalModelRequestFields`, since Converse has no words of its own. */
export interface Thinking {
  fields: Record<string, unknown>
  /** Of the output's tokens; the limit of output must be above it. */
  budgetTokens?: number | undefined
  /** While it thinks, the model takes no forced tool, and hardly any sampling. */
  isClaude: boolean
  /** The model takes no sampling at all. */
  refusesSampling: boolean
}

/** Thinking, or `lost` when it was asked for and cannot be; undefined when nothing is to be said. */
export type ThinkingOutcome = Thinking | 'lost' | undefined

type Way = 'budget' | 'adaptive' | 'grade' | 'nova'

const MIN_BUDGET_TOKENS = 1024
const DEFAULT_MAX_OUTPUT_TOKENS = 4096
/** The grades of models that know three. */
const THREE_GRADES: Record<Effort, string> = {
  none: 'low',
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
}

/** What a request's wish to think becomes for a model; `maxOutputTokens` is the client's limit. */
export function encodeThinking(
  reasoning: Reasoning | undefined,
  maxOutputTokens: number | undefined,
  target: EncodeTarget,
  turns: readonly Turn[],
): ThinkingOutcome {
  if (reasoning === undefined || isSilent(reasoning)) return undefined
  const way = wayOf(target)
  if (isOff(reasoning)) return way === 'grade' ? 'lost' : undefined
  if (way === undefined || (way === 'budget' && !canThink(turns))) return 'lost'
  const effort = effortOf(reasoning, maxOutputTokens)
  if (way === 'budget') return withBudget(reasoning, effort, maxOutputTokens, target)
  if (way === 'adaptive') return adaptive(reasoning, effort, target)
  if (way === 'grade') {
    return { fields: { reasoning_effort: gradeOf(effort, target) }, isClaude: false, refusesSampling: false }
  }
  const maxReasoningEffort = THREE_GRADES[effort]
  const fields = { reasoningConfig: { type: 'enabled', maxReasoningEffort } }
  return { fields, isClaude: false, refusesSampling: maxReasoningEffort === 'high' }
}

/** A limit of output that leaves room for the answer behind the thoughts, within what the model can. */
export function limitWith(thinking: Thinking, maxOutputTokens: number | undefined, target: EncodeTarget) {
  const { budgetTokens } = thinking
  const limit = maxOutputTokens ?? target.traits.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS
  if (budgetTokens === undefined) return maxOutputTokens
  if (budgetTokens < limit) return limit
  return Math.min(budgetTokens + limit, Math.max(target.traits.maxOutputTokens ?? Infinity, budgetTokens + 1))
}

// Only how the reasoning is to be shown, which asks for none.
function isSilent({ effort, budgetTokens, isEnabled, isAdaptive }: Reasoning): boolean {
  return (
    effort === undefined && budgetTokens === undefined && isEnabled === undefined && isAdaptive === undefined
  )
}

function isOff({ effort, budgetTokens, isEnabled }: Reasoning): boolean {
  return isEnabled === false || effort === 'none' || budgetTokens === 0
}

function wayOf({ model, traits }: EncodeTarget): Way | undefined {
  const family = familyOf(model)
  if (traits.reasoning === 'none') return undefined
  if (family === 'nova') return 'nova'
  if (traits.reasoning === 'effort') return family === 'claude' ? 'adaptive' : 'grade'
  if (traits.reasoning !== undefined) return traits.reasoning
  return family === 'claude' ? 'budget' : family === 'gpt' ? 'grade' : undefined
}

// With a budget, the last turn must begin with a thought that is proven: neither an answer that the model is to go on
// with, nor a call of a tool that was made without thinking, may be followed by thoughts.
function canThink(turns: readonly Turn[]): boolean {
  if (turns.at(-1)?.role === 'assistant') return false
  const last = turns.findLast(({ role }) => role === 'assistant')
  const calls = last?.content.some((block) => 'toolUse' in block) === true
  return calls ? 'reasoningContent' in (last?.content[0] ?? {}) : true
}

// A budget says how hard, too: as the grade whose share of the output is nearest.
function effortOf({ effort, budgetTokens = -1 }: Reasoning, maxOutputTokens: number | undefined): Effort {
  if (effort !== undefined) return effort
  if (budgetTokens < 0) return 'medium'
  const share = budgetTokens / Math.max(maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS, budgetTokens * 1.25)
  return share < 0.35 ? 'low' : share < 0.65 ? 'medium' : 'high'
}

function withBudget(
  { budgetTokens = -1 }: Reasoning,
  effort: Effort,
  maxOutputTokens: number | undefined,
  { traits }: EncodeTarget,
): Thinking {
  const limit = maxOutputTokens ?? traits.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS
  const wanted = budgetTokens < 0 ? Math.floor(limit * EFFORT_SHARES[effort]) : budgetTokens
  const most = (traits.maxOutputTokens ?? Infinity) - 1
  const budget = Math.max(MIN_BUDGET_TOKENS, Math.min(wanted, most))
  const thinking = { type: 'enabled', budget_tokens: budget }
  return { fields: { thinking }, budgetTokens: budget, isClaude: true, refusesSampling: false }
}

function adaptive({ shown }: Reasoning, effort: Effort, target: EncodeTarget): Thinking {
  const display = shown === undefined ? {} : { display: shown === 'none' ? 'omitted' : 'summarized' }
  const fields = {
    thinking: { type: 'adaptive', ...display },
    output_config: { effort: gradeOf(effort, target) },
  }
  return { fields, isClaude: true, refusesSampling: false }
}

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

// The nearest grade that the model knows, the weaker one of two that are equally near.
function gradeOf(effort: Effort, { traits }: EncodeTarget): string {
  const known = traits.efforts ?? ['low', 'medium', 'high']
  if (known.includes(effort)) return effort
  const wanted = EFFORTS.indexOf(effort)
  const distances = EFFORTS.flatMap((grade, index) =>
    grade !== 'none' && known.includes(grade) ? [{ grade, distance: Math.abs(index - wanted) }] : [],
  )
  const [first, ...others] = distances
  if (first === undefined) return THREE_GRADES[effort]
  return others.reduce((best, other) => (other.distance < best.distance ? other : best), first).grade
}
