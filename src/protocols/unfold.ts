import type { ChatEvent, ChatReply, Choice } from './answer'
import type { Part } from './parts'

/** The events of a stream that tells this reply; `collect` of them is the reply again. */
export function unfold(reply: ChatReply): ChatEvent[] {
  const { id, model, createdAtSeconds, serviceTier, choices, usage } = reply
  return [
    { kind: 'start', id, model, createdAtSeconds, serviceTier },
    ...choices.flatMap(eventsOfChoice),
    ...(usage === undefined ? [] : [{ kind: 'usage', usage } as const]),
    { kind: 'end' },
  ]
}

/** A word with what stands before it. */
const WORD = /\s*\S+\s*$|\s*\S+/g

/** The same events with their texts told word by word, as models tell them. */
export function inWords(events: readonly ChatEvent[]): ChatEvent[] {
  return events.flatMap((event): ChatEvent[] => {
    // The probabilities are those of the whole text.
    if (event.kind === 'text' && event.logprobs !== undefined) return [event]
    if (event.kind !== 'text' && event.kind !== 'reasoning') return [event]
    const words = event.text.match(WORD)
    return words === null ? [event] : words.map((text) => ({ ...event, text }))
  })
}

function eventsOfChoice({ index, parts, finish, stopSequence, logprobs }: Choice): ChatEvent[] {
  let calls = 0
  let isTold = false
  const events = parts.flatMap((part): ChatEvent[] => {
    if (part.kind === 'tool_call') return eventsOfCall(index, calls++, part)
    const own = part.kind === 'text' && !isTold ? logprobs : undefined
    isTold ||= part.kind === 'text'
    return eventsOfPart(index, part, own)
  })
  return [...events, { kind: 'finish', choice: index, reason: finish, stopSequence }]
}

function eventsOfCall(choice: number, call: number, part: Extract<Part, { kind: 'tool_call' }>): ChatEvent[] {
  const { id, name, isCustom, proof, argumentsJson: json } = part
  return [
    { kind: 'tool_call', choice, call, id, name, isCustom, proof },
    ...(json === '' ? [] : [{ kind: 'tool_arguments', choice, call, json } as const]),
    { kind: 'tool_call_end', choice, call },
  ]
}

function eventsOfPart(choice: number, part: Part, logprobs: unknown): ChatEvent[] {
  switch (part.kind) {
    case 'text': {
      const { text, citations = [], proof } = part
      return [
        { kind: 'text', choice, text, logprobs },
        ...citations.map((citation) => ({ kind: 'citation', choice, citation }) as const),
        ...(proof === undefined ? [] : [{ kind: 'proof', choice, of: 'text', proof } as const]),
        { kind: 'part_end', choice },
      ]
    }
    case 'refusal':
      return [
        { kind: 'refusal', choice, text: part.text },
        { kind: 'part_end', choice },
      ]
    case 'reasoning': {
      const { text, isSummary, proof } = part
      return [
        ...(text === '' ? [] : [{ kind: 'reasoning', choice, text, isSummary } as const]),
        ...(proof === undefined ? [] : [{ kind: 'proof', choice, of: 'reasoning', proof } as const]),
        { kind: 'part_end', choice },
      ]
    }
    default:
      return [{ kind: 'part', choice, part }]
  }
}
