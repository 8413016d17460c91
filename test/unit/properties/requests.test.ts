import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import type { EncodedRequest, ModelTraits } from '../../../src/protocols/codec'
import type { Part } from '../../../src/protocols/parts'
import type { ProtocolId, WireProtocolId } from '../../../src/protocols/protocol'
import type { ChatRequest, Settings } from '../../../src/protocols/request'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'
import { isNeutral } from '../../../src/protocols/untranslatable'
import { type Dice, diceOf, expectSame, listOf } from '../dice'
import { makerOf, randomRequest } from './random-request'

const SEEDS = 400
const CLIENTS: readonly ProtocolId[] = ['openai-chat', 'openai-responses', 'anthropic', 'gemini']
const UPSTREAMS: readonly WireProtocolId[] = [...CLIENTS, 'bedrock-converse']
const TARGET = { model: 'model-1', traits: {} }
const pairs = CLIENTS.flatMap((from) => UPSTREAMS.map((to) => [from, to] as const))
const seeds = listOf(SEEDS, (seed) => seed)

describe.each(pairs)('requests of %s told in %s', (from, to) => {
  test(`are whole but for what is told as lost or refused as untranslatable (${SEEDS} seeds)`, () => {
    let told = 0
    for (const seed of seeds) {
      const request = randomRequest(makerOf(diceOf(seed)), from)
      const traits = seed % 2 === 0 ? {} : randomTraits(diceOf(seed))
      const encoded = encodeOrRefuse(request, to, traits)
      if (encoded === undefined) continue
      told++
      expectJson(encoded.body, () => `seed ${seed}`)
      const decoded = to === 'bedrock-converse' ? undefined : decode(to, encoded.body, request.stream)
      const missing = [
        ...(decoded === undefined ? lostTexts(request, encoded) : lostContent(request, decoded, encoded)),
        ...(decoded === undefined ? [] : lostSettings(request, decoded, encoded)),
      ]
      expectSame(missing, [], () => `seed ${seed}, sent ${JSON.stringify(encoded).slice(0, 3_000)}`)
    }
    // A generator of refused requests only would prove nothing.
    expect(told).toBeGreaterThan(SEEDS / 6)
  })
})

describe.each(CLIENTS)('requests of %s', (protocol) => {
  test(`are the same after another round trip (${SEEDS} seeds)`, () => {
    for (const seed of seeds) {
      const encoded = encodeOrRefuse(randomRequest(makerOf(diceOf(seed)), protocol), protocol)
      if (encoded === undefined) continue
      const request = decode(protocol, encoded.body, false)
      const again = upstreamCodecs[protocol].encodeRequest(request, TARGET)
      expectSame(again.losses, [], () => `seed ${seed}: losses`)
      expectSame(decode(protocol, again.body, false), request, () => `seed ${seed}`)
    }
  })
})

function decode(protocol: ProtocolId, body: unknown, stream: boolean): ChatRequest {
  const { codec } = protocols[protocol]
  if (codec === undefined) throw new Error(`${protocol} has no codec`)
  return codec.decodeRequest(JSON.parse(JSON.stringify(body)), { model: 'model-1', stream })
}

function encodeOrRefuse(
  request: ChatRequest,
  to: WireProtocolId,
  traits: ModelTraits = {},
): EncodedRequest | undefined {
  try {
    return upstreamCodecs[to].encodeRequest(request, { ...TARGET, traits })
  } catch (cause) {
    if (cause instanceof SluiceError && cause.failure.kind === 'untranslatable' && cause.failure.param !== '')
      return undefined
    throw cause
  }
}

/** A model that is known, and takes less than others. */
function randomTraits(dice: Dice): ModelTraits {
  const all = [
    'temperature',
    'topP',
    'topK',
    'presencePenalty',
    'frequencyPenalty',
    'stop',
    'logprobs',
    'logitBias',
    'seed',
  ] as const
  return {
    refuses: all.filter(() => dice.chance(0.3)),
    reasoning: dice.pick(['effort', 'budget', 'adaptive', 'none']),
    ...(dice.chance(0.5) ? { efforts: ['low', 'medium', 'high'] } : {}),
    hasStructuredOutput: dice.chance(0.5),
    wantsMaxCompletionTokens: dice.chance(0.5),
    hasOneSampler: dice.chance(0.5),
    ...(dice.chance(0.5) ? { maxOutputTokens: dice.pick([1_000, 64_000]) } : {}),
  }
}

/** Nothing that JSON would change or leave out: undefined, NaN, infinities. */
function expectJson(body: unknown, about: () => string): void {
  const walk = (value: unknown, path: string): void => {
    if (value === undefined || (typeof value === 'number' && !Number.isFinite(value)))
      throw new Error(`${about()}: ${path} is ${value}`)
    if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`)
  }
  walk(body, 'body')
}

/** Who says a marked text, and as what. */
interface Telling {
  as: string
  at: string
}

/** Every marked text of a conversation, in order. Results are named by what they answer. */
function tellings({ messages, tools, extras }: ChatRequest): Map<string, Telling> {
  const all = new Map<string, Telling>()
  const calls = new Map<string, string>()
  const add = (value: unknown, telling: Telling) => {
    for (const mark of marksIn(value)) all.set(mark, telling)
  }
  const addPart = (part: Part, speaker: string, outer: string) => {
    const at = part.at ?? outer
    if (part.kind === 'tool_result') {
      for (const inner of part.parts) addPart(inner, `result of ${calls.get(part.callId)}`, at)
      return
    }
    if (part.kind === 'tool_call') calls.set(part.id, marksIn(part.argumentsJson).join())
    const { proof, ...rest } = { proof: undefined, ...part }
    add(rest, { as: `${speaker} ${part.kind}`, at })
    add(proof, { as: `proof of ${part.kind}`, at })
  }
  for (const { role, parts, at } of messages)
    for (const part of parts) addPart(part, role === 'developer' ? 'system' : role, at)
  for (const tool of tools) add(tool, { as: 'tool', at: tool.at })
  add(extras?.fields, { as: 'extra', at: 'odd_field' })
  return all
}

/** The marks in the strings of a value, plain or in base64. */
function marksIn(value: unknown): string[] {
  if (typeof value === 'string') {
    const plain = value.match(/~\d+~/g)
    return (
      plain ??
      Buffer.from(value, 'base64')
        .toString()
        .match(/^[^~]{0,9}~\d+~/)?.[0]
        .match(/~\d+~/g) ??
      []
    )
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(marksIn) : []
}

/** What a text may become where the target has no place of its own for it. */
const MAY_BECOME: readonly (readonly [RegExp, RegExp])[] = [
  [/^system text$/, /^user text$/],
  // A document of plain text is read as text by every model.
  [/^user file$/, /^user text$/],
  // Results are text only in chat completions: what they show follows them.
  [/^result of .* image$/, /^user image$/],
]

function lostContent(request: ChatRequest, decoded: ChatRequest, { losses }: EncodedRequest): string[] {
  const after = tellings(decoded)
  const before = [...tellings(request)].filter(([, { as, at }]) => !isExempt(request, as, at))
  const changed = before.flatMap(([mark, { as, at }]) => {
    const told = after.get(mark)
    if (told === undefined) return isCovered(losses, at) ? [] : [`${mark} (${as}) at ${at} is gone`]
    const isLegal = told.as === as || MAY_BECOME.some(([from, to]) => from.test(as) && to.test(told.as))
    return isLegal ? [] : [`${mark} at ${at} was ${as} and is ${told.as}`]
  })
  const order = (all: Iterable<[string, Telling]>) =>
    [...all].filter(([, { as }]) => as === 'assistant text').map(([mark]) => mark)
  const isOrdered = order(before).join() === order(after).join()
  return [
    ...changed,
    ...(isOrdered ? [] : [`another order: ${order(before)} is ${order(after)}`]),
    ...brokenCalls(request, decoded),
  ]
}

/** Calls whose arguments are not the same JSON any more. */
function brokenCalls(request: ChatRequest, decoded: ChatRequest): string[] {
  const inputs = ({ messages }: ChatRequest) =>
    messages
      .flatMap(({ parts }) => parts)
      .flatMap((part) => (part.kind === 'tool_call' ? [part] : []))
      .map(({ argumentsJson, isCustom }) =>
        isCustom === true ? { input: argumentsJson } : JSON.parse(argumentsJson),
      )
  const [before, after] = [inputs(request), inputs(decoded)].map((all) =>
    all.map((one) => JSON.stringify(one)),
  )
  return before?.join() === after?.join() ? [] : [`calls ${before} are ${after}`]
}

/** For a target that is no client's protocol: every text stands somewhere in the body. */
function lostTexts(request: ChatRequest, { body, losses }: EncodedRequest): string[] {
  const sent = new Set(marksIn(body))
  return [...tellings(request)]
    .filter(([mark, { as, at }]) => !sent.has(mark) && !isExempt(request, as, at) && !isCovered(losses, at))
    .map(([mark, { as, at }]) => `${mark} (${as}) at ${at} is gone`)
}

// A signature of a text or a call proves something to its own provider only, and a tool that may not be called may be absent.
function isExempt({ settings, tools }: ChatRequest, as: string, at: string): boolean {
  if (as === 'proof of text' || as === 'proof of tool_call') return true
  const { toolChoice } = settings
  if (as === 'tool' && toolChoice?.kind === 'none') return true
  if (as !== 'tool' || toolChoice?.kind !== 'allowed') return false
  return tools.some((tool) => tool.at === at && 'name' in tool && !toolChoice.names.includes(tool.name))
}

function isCovered(losses: readonly string[], at: string): boolean {
  return losses.some((loss) => loss === at || loss.startsWith(`${at}.`))
}

function lostSettings(
  { settings, tools }: ChatRequest,
  decoded: ChatRequest,
  { losses, standIns }: EncodedRequest,
): string[] {
  // A tool that must be called stands in for the form.
  const isEmulated = standIns.structuredOutput !== undefined
  return Object.entries(settings).flatMap(([name, value]) => {
    const after = Object.entries(decoded.settings).find(([other]) => other === name)?.[1]
    const isTold = losses.includes(`its_${name}`)
    if (isEmulated && (name === 'responseFormat' || name === 'toolChoice')) return []
    if (isTold || JSON.stringify(after) === JSON.stringify(value)) return []
    if (SETTINGS.some((setting) => setting === name && isNeutral(setting, value))) return []
    // Neither means anything where there is nothing of the client's to call.
    if ((name === 'parallelToolCalls' || name === 'toolChoice') && !tools.some((tool) => 'name' in tool))
      return []
    if (name === 'parallelToolCalls' && settings.toolChoice?.kind === 'none') return []
    if (LIKE[name]?.(settings, decoded.settings) === true) return []
    return [`${name} ${JSON.stringify(value)} is ${JSON.stringify(after)}`]
  })
}

const SETTINGS = [
  'presencePenalty',
  'frequencyPenalty',
  'choiceCount',
  'logprobs',
  'topLogprobs',
  'store',
  'parallelToolCalls',
  'serviceTier',
  'verbosity',
] as const

/** Settings that protocols say in words of their own: when two of them mean the same. */
const LIKE: Readonly<Record<string, (before: Settings, after: Settings) => boolean>> = {
  reasoning: ({ reasoning: before }, { reasoning: after }) => {
    const isOff = (one: Settings['reasoning']) =>
      one?.effort === 'none' || one?.isEnabled === false || one?.budgetTokens === 0
    // That it thinks at all is what a model of which nothing is known does by itself.
    const isBare = before?.effort === undefined && before?.budgetTokens === undefined
    // A model that does not think by itself is told nothing of that.
    return isOff(before)
      ? isOff(after) || after === undefined
      : !isOff(after) && (isBare || after !== undefined)
  },
  // Thinking counts as output, so its budget is added to a limit that has no room for it.
  maxOutputTokens: ({ maxOutputTokens: before = 0 }, { maxOutputTokens: after = 0, reasoning }) =>
    after === before + (reasoning?.budgetTokens ?? 0),
  // 1 is what both are by themselves, and some models take one of the two only.
  temperature: ({ temperature: before }, { temperature: after }) => before === 1 && after === undefined,
  topP: ({ topP: before }, { topP: after }) => before === 1 && after === undefined,
  responseFormat: ({ responseFormat: before }, { responseFormat: after }) => {
    if (before?.kind !== 'json_schema') return before?.kind === 'text' && after === undefined
    return after?.kind === 'json_schema' && JSON.stringify(after.schema) === JSON.stringify(before.schema)
  },
  serviceTier: ({ serviceTier: before }, { serviceTier: after }) =>
    (before === 'default' && after === 'standard_only') || (before === 'priority' && after === 'auto'),
  toolChoice: ({ toolChoice: before }, { toolChoice: after }) => {
    if (before?.kind === 'tool') return after?.kind === 'tool' && legal(after.name) === legal(before.name)
    if (before?.kind !== 'allowed') return false
    if (after?.kind === 'allowed') return legal(after.names.join()) === legal(before.names.join())
    return (
      after?.kind === 'required' ||
      (after?.kind === 'tool' && legal(after.name) === legal(before.names.join()))
    )
  },
}

/** Most protocols have no dots in names. */
function legal(name: string): string {
  return name.replaceAll('.', '_')
}
