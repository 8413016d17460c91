import type { ModelTraits } from '../codec'
import type { ChatRequest, Settings } from '../request'
import { lostSettings } from '../untranslatable'
import type { Block } from './own-fields'

/** What the protocol has words for, here or in what else the request holds. */
const CARRIED: ReadonlySet<keyof Settings> = new Set<keyof Settings>([
  ...(['maxOutputTokens', 'temperature', 'topP', 'topK', 'stop', 'responseFormat', 'reasoning'] as const),
  ...(['serviceTier', 'endUserId', 'parallelToolCalls', 'toolChoice'] as const),
])

/** Tiers of other protocols in this one's words (Claude docs, "Service tiers"). */
const TIERS: ReadonlyMap<string, string> = new Map([
  ['auto', 'auto'],
  ['priority', 'auto'],
  ['default', 'standard_only'],
  ['standard', 'standard_only'],
  ['standard_only', 'standard_only'],
])
/** The least part of the likely words that thinking leaves open to choose (Claude docs, "Extended thinking"). */
const LEAST_TOP_P_OF_THINKING = 0.95

/** The settings that steer the sampling, and the few others; what cannot be said is a loss by the client's name. */
export function encodeSampling(
  request: ChatRequest,
  traits: ModelTraits,
  isThinking: boolean,
  losses: string[],
): Block {
  const { settings, names, protocol } = request
  const isOwn = protocol === 'anthropic'
  const others = isOwn ? { ...settings, metadata: undefined } : settings
  losses.push(...lostSettings({ ...request, settings: others }, CARRIED))
  const lose = (name: keyof Settings) => {
    losses.push(names[name] ?? name)
    return {}
  }
  const refused = new Set<string>(traits.refuses ?? [])
  const { endUserId } = settings
  const metadata = {
    ...(isOwn ? settings.metadata : {}),
    ...(endUserId === undefined ? {} : { user_id: endUserId }),
  }
  return {
    ...encodeNumbers(isOwn ? settings : oneSampler(settings, traits, lose), { refused, isThinking }, lose),
    ...encodeStop(settings.stop, refused.has('stop'), lose),
    ...encodeTier(settings.serviceTier, isOwn, lose),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

type Lose = (name: keyof Settings) => Block

// Some models take one of the two only; 1 is what each of them is without a word.
function oneSampler(settings: Settings, { hasOneSampler }: ModelTraits, lose: Lose): Settings {
  const { temperature, topP } = settings
  if (temperature === undefined || topP === undefined || hasOneSampler !== true) return settings
  if (temperature === 1 && topP !== 1) return { ...settings, temperature: undefined }
  if (topP !== 1) lose('topP')
  return { ...settings, topP: undefined }
}

// Thinking sets its own temperature, and takes no choice of words but a wide one.
function encodeNumbers(
  { temperature, topP, topK }: Settings,
  { refused, isThinking }: { refused: ReadonlySet<string>; isThinking: boolean },
  lose: Lose,
): Block {
  const isNarrow = isThinking && (topP ?? 1) < LEAST_TOP_P_OF_THINKING
  const numbers: Block = {}
  if (temperature !== undefined) {
    const isLost = refused.has('temperature') || (isThinking && temperature !== 1)
    Object.assign(numbers, isLost ? lose('temperature') : clamped(temperature, lose))
  }
  if (topP !== undefined) {
    Object.assign(numbers, refused.has('topP') || isNarrow ? lose('topP') : { top_p: topP })
  }
  if (topK !== undefined) {
    Object.assign(numbers, refused.has('topK') || isThinking ? lose('topK') : { top_k: topK })
  }
  return numbers
}

function encodeTier(serviceTier: string | undefined, isOwn: boolean, lose: Lose): Block {
  if (serviceTier === undefined) return {}
  const tier = TIERS.get(serviceTier) ?? (isOwn ? serviceTier : undefined)
  return tier === undefined ? lose('serviceTier') : { service_tier: tier }
}

function clamped(temperature: number, lose: Lose): Block {
  if (temperature <= 1) return { temperature }
  lose('temperature')
  return { temperature: 1 }
}

// The provider refuses a sequence of nothing but white space.
function encodeStop(stop: readonly string[] | undefined, isRefused: boolean, lose: Lose): Block {
  if (stop === undefined || stop.length === 0) return {}
  const legal = isRefused ? [] : stop.filter((sequence) => sequence.trim() !== '')
  if (legal.length < stop.length) lose('stop')
  return legal.length === 0 ? {} : { stop_sequences: legal }
}
