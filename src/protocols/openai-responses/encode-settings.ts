import type { EncodeTarget, ModelTraits } from '../codec'
import { entryOf } from '../fields'
import type { ChatRequest, Effort, Reasoning, ResponseFormat, Settings } from '../request'
import { withStrictness } from '../strict-schema'
import { lostSettings } from '../untranslatable'
import { ENCRYPTED_REASONING, LOGPROBS } from './decode-settings'
import { encodeToolChoice } from './encode-tools'

/** A lower limit of output is an error. */
const LEAST_OUTPUT_TOKENS = 16
/** A longer id of an end user is an error. */
const MOST_USER_ID_LENGTH = 64
const SERVICE_TIERS: Readonly<Record<string, string>> = {
  auto: 'auto',
  default: 'default',
  flex: 'flex',
  priority: 'priority',
  scale: 'scale',
  standard_only: 'default',
}

/** The settings in this protocol's words; the client's names of those that do not go along are added to `losses`. */
export function encodeSettings(
  request: ChatRequest,
  { traits }: EncodeTarget,
  losses: string[],
): Record<string, unknown> {
  const isOwn = request.protocol === 'openai-responses'
  const carried = carriedBy(request.settings, traits)
  losses.push(...lostSettings(request, carried))
  const settings = { ...request.settings }
  for (const name of CARRIED) if (!carried.has(name)) delete settings[name]
  const { serviceTier = '', endUserId, toolChoice, store } = settings
  const reasoning = reasoningOf(settings.reasoning, traits)
  // Some models always think, and the least that they do is as good as nothing.
  const isOff = settings.reasoning !== undefined && effortOf(settings.reasoning) === 'none'
  const sent = reasoning?.effort ?? 'none'
  if (isOff && sent !== 'none' && sent !== 'minimal') losses.push(request.names.reasoning ?? 'reasoning')
  const include = [
    ...(wantsEncrypted(request, settings, traits) ? [ENCRYPTED_REASONING] : []),
    ...(settings.logprobs === true ? [LOGPROBS] : []),
  ]
  return onlySet({
    max_output_tokens: outputLimit(request, losses),
    temperature: settings.temperature,
    top_p: settings.topP,
    top_logprobs: settings.topLogprobs,
    text: textOf(settings, request, losses),
    reasoning,
    include: include.length === 0 ? undefined : include,
    service_tier: entryOf(SERVICE_TIERS, serviceTier),
    [isOwn && request.names.endUserId === 'user' ? 'user' : 'safety_identifier']: endUserId,
    // Here answers are stored unless the client says otherwise, in the other protocols it is the other way round.
    store: store ?? (isOwn ? undefined : false),
    metadata: settings.metadata,
    prompt_cache_key: settings.promptCacheKey,
    prompt_cache_retention: settings.promptCacheRetention,
    parallel_tool_calls: settings.parallelToolCalls,
    tool_choice: toolChoice === undefined ? undefined : encodeToolChoice(toolChoice, request.tools),
  })
}

/** `text.format` of a form of the answer. */
export function encodeFormat(format: ResponseFormat): Record<string, unknown> {
  if (format.kind !== 'json_schema') return { type: format.kind === 'json' ? 'json_object' : 'text' }
  const { name = 'answer', description, schema, strict } = format
  return onlySet({ type: 'json_schema', name, description, schema, strict: strict ?? false })
}

function carriedBy(settings: Settings, traits: ModelTraits): ReadonlySet<keyof Settings> {
  const { serviceTier = '', endUserId = '', choiceCount, responseFormat, reasoning } = settings
  const names = new Set<keyof Settings>()
  for (const name of CARRIED) names.add(name)
  for (const name of traits.refuses ?? []) names.delete(name)
  if (!names.has('logprobs') || settings.logprobs === false) names.delete('topLogprobs')
  if (choiceCount === 1) names.add('choiceCount')
  if (entryOf(SERVICE_TIERS, serviceTier) === undefined) names.delete('serviceTier')
  if (endUserId.length > MOST_USER_ID_LENGTH) names.delete('endUserId')
  const isOff = reasoning?.effort === 'none' || reasoning?.isEnabled === false
  if (traits.reasoning === 'none' && !isOff) names.delete('reasoning')
  // The tool that stands in for a schema carries it.
  if (traits.hasStructuredOutput === false && responseFormat?.kind === 'json') names.delete('responseFormat')
  return names
}

const CARRIED: readonly (keyof Settings)[] = [
  ...(['maxOutputTokens', 'temperature', 'topP', 'logprobs', 'topLogprobs', 'responseFormat'] as const),
  ...(['reasoning', 'verbosity', 'serviceTier', 'endUserId', 'store', 'metadata'] as const),
  ...(['promptCacheKey', 'promptCacheRetention', 'parallelToolCalls', 'toolChoice'] as const),
]

function outputLimit({ settings, names, protocol }: ChatRequest, losses: string[]): number | undefined {
  const limit = settings.maxOutputTokens
  if (limit === undefined || limit >= LEAST_OUTPUT_TOKENS || protocol === 'openai-responses') return limit
  losses.push(names.maxOutputTokens ?? 'maxOutputTokens')
  return LEAST_OUTPUT_TOKENS
}

// A model that keeps nothing for the client must give its reasoning away, or an agent would lose it at every step.
function wantsEncrypted(
  { protocol, messages }: ChatRequest,
  { reasoning, store }: Settings,
  traits: ModelTraits,
): boolean {
  if (reasoning?.wantsEncrypted === true) return true
  // To ask a model that does not reason is an error.
  if (protocol === 'openai-responses' || store === true || traits.reasoning === 'none') return false
  const isAsked = reasoning !== undefined && reasoning.effort !== 'none' && reasoning.isEnabled !== false
  const hasProof = messages.some(({ parts }) =>
    parts.some((part) => part.kind === 'reasoning' && part.proof?.family === 'openai'),
  )
  return isAsked || hasProof
}

function textOf(
  { responseFormat, verbosity }: Settings,
  request: ChatRequest,
  losses: string[],
): Record<string, unknown> | undefined {
  if (responseFormat === undefined && verbosity === undefined) return undefined
  const format =
    responseFormat === undefined ? undefined : encodeFormat(withStrictness(responseFormat, request, losses))
  return onlySet({ format, verbosity })
}

const EFFORTS: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']
/** From this budget of tokens on, the effort is as great. */
const EFFORT_OF_BUDGET: readonly [number, Effort][] = [
  [16_384, 'high'],
  [2_048, 'medium'],
  [1, 'low'],
  [0, 'none'],
]

function reasoningOf(
  reasoning: Reasoning | undefined,
  traits: ModelTraits,
): Record<string, unknown> | undefined {
  if (reasoning === undefined || traits.reasoning === 'none') return undefined
  const effort = effortOf(reasoning)
  const { shown } = reasoning
  const summary = shown === 'none' || effort === 'none' ? undefined : shown
  const told = onlySet({ effort: effort && nearest(effort, traits.efforts), summary })
  return Object.keys(told).length === 0 ? undefined : told
}

function effortOf({ effort, budgetTokens, isEnabled }: Reasoning): Effort | undefined {
  if (isEnabled === false) return 'none'
  if (effort !== undefined || budgetTokens === undefined) return effort
  return EFFORT_OF_BUDGET.find(([least]) => budgetTokens >= least)?.[1]
}

function nearest(effort: Effort, known: readonly string[] | undefined): string {
  if (known === undefined || known.length === 0 || known.includes(effort)) return effort
  const wanted = EFFORTS.indexOf(effort)
  const byDistance = EFFORTS.filter((name) => known.includes(name)).sort(
    (a, b) => Math.abs(EFFORTS.indexOf(a) - wanted) - Math.abs(EFFORTS.indexOf(b) - wanted),
  )
  return byDistance[0] ?? effort
}

function onlySet(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
