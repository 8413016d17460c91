import type { EncodeTarget } from '../codec'
import type { ChatRequest, Effort, Reasoning } from '../request'

/** Budgets for grades, up to what Gemini 2.5 Flash takes (Gemini API, "Thinking"; the same as Google's OpenAI layer). */
const BUDGETS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 512,
  low: 1_024,
  medium: 8_192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
}
/** The most that every thinking model with budgets takes. */
const MOST_BUDGET = 24_576
const LEVELS: Readonly<Record<Effort, string>> = {
  none: 'MINIMAL',
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
}
const GRADES = ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH']

/** Whether a model's thinking is asked for in levels, as since Gemini 3; these models also check signatures. */
export function hasLevels({ traits }: EncodeTarget): boolean {
  return traits.reasoning === 'effort' || traits.reasoning === 'adaptive'
}

/** The `thinkingConfig` for what a request asks, and whether the model is asked for less or other than that. */
export function thinkingConfigOf(
  request: ChatRequest,
  target: EncodeTarget,
): { config: Record<string, unknown> | undefined; isLoss: boolean } {
  const { reasoning } = request.settings
  if (reasoning === undefined) return { config: undefined, isLoss: false }
  const isOff = reasoning.isEnabled === false || reasoning.effort === 'none'
  if (target.traits.reasoning === 'none') return { config: undefined, isLoss: !isOff }
  // Its own clients say outright which of the two ways their model takes.
  const isOwn = request.protocol === 'gemini' && target.traits.reasoning === undefined
  const wantsLevel = hasLevels(target) || (isOwn && reasoning.effort !== undefined)
  const asked = wantsLevel ? levelOf(reasoning, isOff, target) : budgetOf(reasoning, isOff, isOwn)
  const thoughts = includeThoughts(request, reasoning, isOff)
  const config = { ...asked.config, ...thoughts }
  return { config: Object.keys(config).length === 0 ? undefined : config, isLoss: asked.isLoss }
}

// A model with levels always thinks a little; the lowest is the nearest to none.
function levelOf({ effort, budgetTokens }: Reasoning, isOff: boolean, { traits }: EncodeTarget) {
  const grade = isOff ? 'none' : (effort ?? gradeOfBudget(budgetTokens))
  if (grade === undefined) return { config: {}, isLoss: false }
  const thinkingLevel = nearestLevel(LEVELS[grade], traits.efforts)
  return { config: { thinkingLevel }, isLoss: isOff }
}

function budgetOf(
  { effort, budgetTokens, isEnabled, isAdaptive }: Reasoning,
  isOff: boolean,
  isOwn: boolean,
) {
  if (isOff) return { config: { thinkingBudget: 0 }, isLoss: false }
  if (budgetTokens !== undefined) {
    const thinkingBudget = isOwn ? budgetTokens : Math.min(budgetTokens, MOST_BUDGET)
    return { config: { thinkingBudget }, isLoss: thinkingBudget !== budgetTokens }
  }
  if (effort !== undefined) return { config: { thinkingBudget: BUDGETS[effort] }, isLoss: false }
  const isDynamic = isEnabled === true || isAdaptive === true
  return { config: isDynamic ? { thinkingBudget: -1 } : {}, isLoss: false }
}

function includeThoughts({ protocol }: ChatRequest, { shown }: Reasoning, isOff: boolean) {
  if (isOff) return {}
  // Elsewhere thoughts are shown unless the client says otherwise; here they are not.
  if (shown === undefined && protocol === 'gemini') return {}
  return { includeThoughts: shown !== 'none' }
}

function gradeOfBudget(budgetTokens: number | undefined): Effort | undefined {
  if (budgetTokens === undefined || budgetTokens < 0) return undefined
  if (budgetTokens <= BUDGETS.low) return 'low'
  return budgetTokens <= BUDGETS.medium ? 'medium' : 'high'
}

// The next stronger level that the model knows, else the strongest.
function nearestLevel(level: string, efforts: readonly string[] | undefined): string {
  const known = GRADES.filter((grade) => efforts === undefined || efforts.includes(grade.toLowerCase()))
  return known.find((grade) => GRADES.indexOf(grade) >= GRADES.indexOf(level)) ?? known.at(-1) ?? level
}
