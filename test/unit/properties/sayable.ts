import type { ChatReply, Choice, FinishReason } from '../../../src/protocols/answer'
import { NO_USAGE, type Usage } from '../../../src/protocols/canonical'
import type { ProtocolId } from '../../../src/protocols/protocol'
import { essenceOf } from '../golden/essence'

/** Finishes that no protocol has all of, by what a client does about them. */
const MEANINGS: Readonly<Record<FinishReason, string>> = {
  stop: 'whole',
  stop_sequence: 'whole',
  length: 'cut',
  context_length: 'cut',
  tool_calls: 'calls',
  content_filter: 'declined',
  refusal: 'declined',
  pause: 'odd',
  malformed_tool_call: 'odd',
  other: 'odd',
}
/** Protocols whose answers are one choice. */
const SINGLE: ReadonlySet<ProtocolId> = new Set(['openai-responses', 'anthropic'])

/** What a protocol can say of an answer: two answers that are the same to its clients are equal here. */
export function sayable(protocol: ProtocolId, reply: ChatReply) {
  const choices = SINGLE.has(protocol) ? reply.choices.slice(0, 1) : reply.choices
  // Anthropic's answers have a usage always.
  const usage = reply.usage ?? (protocol === 'anthropic' ? NO_USAGE : undefined)
  return {
    usage: usage === undefined ? undefined : sayableUsage(protocol, usage),
    choices: essenceOf({ ...reply, choices: choices.map(named) }).choices.map(
      ({ text, refusal, finish, ...others }) => ({
        ...others,
        words: text + refusal,
        finish: meaningOf(protocol, finish),
      }),
    ),
    order: protocol === 'openai-chat' ? [] : choices.map(orderOf),
  }
}

/** The counts that a protocol tells apart. */
export function sayableUsage(protocol: ProtocolId, usage: Usage): Usage {
  const { inputTokens, cacheWrite5mTokens, cacheWrite1hTokens } = usage
  const written = cacheWrite5mTokens + cacheWrite1hTokens
  const silent = { audioInputTokens: 0, audioOutputTokens: 0 }
  switch (protocol) {
    case 'openai-chat':
      return usage
    case 'openai-responses':
      return { ...usage, ...silent, cacheWrite5mTokens: written, cacheWrite1hTokens: 0 }
    case 'anthropic':
      return { ...usage, ...silent }
    case 'gemini':
      return { ...usage, inputTokens: inputTokens + written, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 }
  }
}

function meaningOf(protocol: ProtocolId, finish: FinishReason): string {
  const meaning = MEANINGS[finish]
  // Anthropic has no word for what went wrong, and chat completions none for a pause.
  const isUntold = meaning === 'odd' && (protocol === 'anthropic' || protocol === 'openai-chat')
  return isUntold ? 'whole' : meaning
}

// Calls without arguments are called with the empty object.
function named(choice: Choice): Choice {
  const parts = choice.parts.map((part) =>
    part.kind === 'tool_call' && part.argumentsJson === '' ? { ...part, argumentsJson: '{}' } : part,
  )
  return { ...choice, parts }
}

/** What follows what, neighbours of one kind as one; reasoning that only its provider can read is not to be seen. */
function orderOf({ parts }: Choice): string[] {
  const kinds = parts.flatMap((part) => {
    if (part.kind === 'tool_call') return [`call ${part.name}`]
    if (part.kind === 'reasoning') return part.text === '' ? [] : ['reasoning']
    return part.kind === 'text' && part.text === '' ? [] : ['words']
  })
  return kinds.filter((kind, place) => kind.startsWith('call') || kind !== kinds[place - 1])
}
