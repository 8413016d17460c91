import type { ChatEvent, ChatReply, Choice, FinishReason } from './answer'
import type { Usage } from './canonical'
import type { Part } from './parts'

type Open = Extract<Part, { kind: 'text' | 'refusal' | 'reasoning' }>
type ToolCall = Extract<Part, { kind: 'tool_call' }>
type EventOf<Kind extends ChatEvent['kind']> = Extract<ChatEvent, { kind: Kind }>

interface Collected {
  parts: Part[]
  open: Open | undefined
  calls: Map<number, ToolCall>
  finish: FinishReason | undefined
  stopSequence: string | undefined
  logprobs: unknown[]
}

/** A reply that grows with the events of its stream. */
export interface Collector {
  add(event: ChatEvent): void
  /** As far as it came; an answer without a finish ends with `other`. */
  reply(): ChatReply
}

/** Adds the events of a stream up to the reply that they tell. */
export function createCollector(): Collector {
  const choices = new Map<number, Collected>()
  let head: Omit<EventOf<'start'>, 'kind'> = {}
  let usage: Usage | undefined
  const choiceAt = (index: number) => {
    const known = choices.get(index) ?? newChoice()
    choices.set(index, known)
    return known
  }
  return {
    add(event) {
      if (event.kind === 'start') {
        const { kind: _, ...told } = event
        head = { ...head, ...told }
      } else if (event.kind === 'usage') usage = event.usage
      else if ('choice' in event) addTo(choiceAt(event.choice), event)
    },
    reply: () => ({ ...head, choices: [...choices].map(closed).sort((a, b) => a.index - b.index), usage }),
  }
}

/** The whole reply of these events. */
export function collect(events: readonly ChatEvent[]): ChatReply {
  const collector = createCollector()
  for (const event of events) collector.add(event)
  return collector.reply()
}

function newChoice(): Collected {
  return {
    parts: [],
    open: undefined,
    calls: new Map(),
    finish: undefined,
    stopSequence: undefined,
    logprobs: [],
  }
}

function closed([index, choice]: [number, Collected]): Choice {
  const { parts, finish = 'other', stopSequence, logprobs } = choice
  return {
    index,
    parts,
    finish,
    stopSequence,
    logprobs: logprobs.length === 0 ? undefined : { content: logprobs },
  }
}

function addTo(choice: Collected, event: ChatEvent): void {
  switch (event.kind) {
    case 'text':
      openPart(choice, 'text').text += event.text
      for (const token of tokensOf(event.logprobs)) choice.logprobs.push(token)
      return
    case 'refusal':
      openPart(choice, 'refusal').text += event.text
      return
    case 'reasoning':
      addReasoning(choice, event)
      return
    case 'citation': {
      const text = openPart(choice, 'text')
      if (text.kind === 'text') text.citations = [...(text.citations ?? []), event.citation]
      return
    }
    case 'proof':
      addProof(choice, event)
      return
    case 'part_end':
      choice.open = undefined
      return
    case 'tool_call':
      addCall(choice, event)
      return
    case 'tool_arguments': {
      const call = choice.calls.get(event.call)
      if (call !== undefined) call.argumentsJson += event.json
      return
    }
    case 'tool_call_end':
      return
    case 'part':
      choice.open = undefined
      choice.parts.push(event.part)
      return
    case 'finish':
      choice.open = undefined
      choice.finish = event.reason
      choice.stopSequence = event.stopSequence
      return
    // They are of no choice.
    case 'start':
    case 'usage':
    case 'error':
    case 'end':
  }
}

function openPart(choice: Collected, kind: Open['kind']): Open {
  if (choice.open?.kind === kind) return choice.open
  const part: Open = { kind, text: '' }
  choice.open = part
  choice.parts.push(part)
  return part
}

function addReasoning(choice: Collected, { text, isSummary }: EventOf<'reasoning'>): void {
  const part = openPart(choice, 'reasoning')
  part.text += text
  if (part.kind === 'reasoning' && isSummary === true) part.isSummary = true
}

// A proof ends its part: what comes next, even of the same kind, is signed anew.
function addProof(choice: Collected, { of, proof }: EventOf<'proof'>): void {
  const part = openPart(choice, of)
  if (part.kind !== 'refusal') part.proof = { ...part.proof, ...proof }
  choice.open = undefined
}

function addCall(choice: Collected, event: EventOf<'tool_call'>): void {
  const { id, name, isCustom, proof } = event
  const part: ToolCall = { kind: 'tool_call', id, name, argumentsJson: '', isCustom, proof }
  choice.open = undefined
  choice.calls.set(event.call, part)
  choice.parts.push(part)
}

function tokensOf(logprobs: unknown): unknown[] {
  const content =
    typeof logprobs === 'object' && logprobs !== null && 'content' in logprobs ? logprobs.content : []
  return Array.isArray(content) ? content : []
}
