import type { ChatEvent, ChatReply, Choice, FinishReason } from '../../../src/protocols/answer'
import type { Usage } from '../../../src/protocols/canonical'
import type { Part } from '../../../src/protocols/parts'
import { unfold } from '../../../src/protocols/unfold'
import { type Dice, listOf } from '../dice'
import { type Maker, randomArguments, randomProof } from './random-request'

const FINISHES: readonly FinishReason[] = [
  ...(['stop', 'stop', 'stop', 'stop_sequence', 'length', 'content_filter', 'refusal'] as const),
  ...(['pause', 'context_length', 'malformed_tool_call', 'other'] as const),
]

/** An answer of one or two choices, as rich as any provider's; its calls are numbered in their order. */
export function randomReply(maker: Maker): ChatReply {
  const { dice } = maker
  const count = dice.chance(0.15) ? 2 : 1
  return {
    id: `resp-${dice.below(1e6)}`,
    model: 'model-2',
    createdAtSeconds: 1_700_000_000 + dice.below(1_000),
    choices: listOf(count, (index) => randomChoice(maker, index)),
    ...(dice.chance(0.9) ? { usage: randomUsage(dice) } : {}),
  }
}

/** Counts whose parts are not larger than their wholes. */
export function randomUsage(dice: Dice): Usage {
  const some = () => (dice.chance(0.4) ? 0 : dice.below(5_000))
  const [inputTokens, outputTokens] = [some(), some()]
  const reasoningTokens = dice.chance(0.5) ? dice.below(outputTokens + 1) : 0
  return {
    inputTokens,
    cacheReadTokens: some(),
    cacheWrite5mTokens: some(),
    cacheWrite1hTokens: some(),
    outputTokens,
    reasoningTokens,
    audioInputTokens: dice.chance(0.2) ? dice.below(inputTokens + 1) : 0,
    audioOutputTokens: dice.chance(0.2) ? dice.below(outputTokens - reasoningTokens + 1) : 0,
  }
}

/** The events of an answer as an unruly provider sends them: in small pieces, its calls in turns, its choices too. */
export function randomEvents(reply: ChatReply, dice: Dice): ChatEvent[] {
  const [start, ...rest] = unfold(reply).flatMap((event) => piecesOf(event, dice))
  if (start === undefined) throw new Error('an answer without a start')
  const isOfChoice = (event: ChatEvent) => 'choice' in event
  const lanes = reply.choices.map(({ index }) =>
    delayed(
      rest.filter((event) => 'choice' in event && event.choice === index),
      dice,
    ),
  )
  const early =
    reply.usage !== undefined && dice.chance(0.3) ? [{ kind: 'usage', usage: reply.usage } as const] : []
  return [start, ...early, ...interleaved(lanes, dice), ...rest.filter((event) => !isOfChoice(event))]
}

function randomChoice(maker: Maker, index: number): Choice {
  const { dice, marked } = maker
  if (dice.chance(0.1)) return { index, parts: [{ kind: 'refusal', text: marked() }], finish: 'refusal' }
  const parts = listOf(1 + dice.below(5), () => randomPart(maker))
  const hasCalls = parts.some(({ kind }) => kind === 'tool_call')
  return {
    index,
    parts: parts.map((part, place) =>
      part.kind === 'tool_call' ? { ...part, id: `toolu_${index}_${place}` } : part,
    ),
    finish: hasCalls ? dice.pick(['tool_calls', 'tool_calls', 'length']) : dice.pick(FINISHES),
  }
}

function randomPart(maker: Maker): Part {
  const { dice, marked } = maker
  const kind = dice.pick(['text', 'reasoning', 'tool_call'] as const)
  const signed = dice.chance(0.25) ? { proof: randomProof(maker, 'gemini') } : {}
  if (kind === 'text') return { kind, text: marked(), ...signed }
  if (kind === 'tool_call')
    return {
      kind,
      id: '',
      name: `tool_${dice.below(3)}`,
      argumentsJson: dice.chance(0.2) ? '' : randomArguments(maker),
      ...signed,
    }
  const proof = dice.chance(0.7) ? randomProof(maker) : undefined
  const isOpaque = proof?.family === 'anthropic' && proof.encrypted !== undefined
  const text = isOpaque || (proof?.encrypted !== undefined && dice.chance(0.4)) ? '' : marked()
  return {
    kind,
    text,
    ...(proof?.family === 'openai' && text !== '' ? { isSummary: true } : {}),
    ...(proof === undefined ? {} : { proof }),
  }
}

// Letters are not cut in two: no provider's JSON does that.
function piecesOf(event: ChatEvent, dice: Dice): ChatEvent[] {
  const cut = (text: string) => {
    const letters = [...text]
    const at = [
      0,
      ...listOf(dice.below(4), () => dice.below(letters.length + 1)).sort((a, b) => a - b),
      letters.length,
    ]
    return at.slice(1).map((end, place) => letters.slice(at[place], end).join(''))
  }
  if (event.kind === 'text' || event.kind === 'reasoning' || event.kind === 'refusal')
    return cut(event.text).map((text) => ({ ...event, text }))
  return event.kind === 'tool_arguments' ? cut(event.json).map((json) => ({ ...event, json })) : [event]
}

// What comes of a call may come while later ones have begun already, but not behind the finish.
function delayed(events: readonly ChatEvent[], dice: Dice): ChatEvent[] {
  if (dice.chance(0.4)) return [...events]
  const lanes = new Map<number, ChatEvent[]>()
  const told: ChatEvent[] = []
  const flush = (until: number) => {
    while ([...lanes.values()].some(({ length }) => length > 0) && dice.chance(until)) {
      const open = [...lanes.values()].filter(({ length }) => length > 0)
      const next = dice.pick(open).shift()
      if (next !== undefined) told.push(next)
    }
  }
  for (const event of events) {
    if (event.kind === 'finish') flush(1)
    if (event.kind === 'tool_arguments' || event.kind === 'tool_call_end')
      lanes.set(event.call, [...(lanes.get(event.call) ?? []), event])
    else told.push(event)
    flush(0.6)
  }
  return told
}

function interleaved(lanes: readonly (readonly ChatEvent[])[], dice: Dice): ChatEvent[] {
  const rests = lanes.map((lane) => [...lane])
  const told: ChatEvent[] = []
  for (let open = rests; open.length > 0; open = rests.filter(({ length }) => length > 0)) {
    const next = dice.pick(open).shift()
    if (next !== undefined) told.push(next)
  }
  return told
}
