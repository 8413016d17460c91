import type { ChatEvent } from './answer'
import type { AnswerFacts } from './canonical'
import type { EventDecoder, EventEncoder, StandIns } from './codec'
import type { StreamFilter, StreamReader } from './protocol'
import { standInFilter } from './stand-ins'

const CONTENT: ReadonlySet<ChatEvent['kind']> = new Set([
  ...(['text', 'refusal', 'citation', 'reasoning', 'proof'] as const),
  ...(['tool_call', 'tool_arguments', 'part', 'finish'] as const),
])
const encoder = new TextEncoder()

/** A stream read in one protocol and told in another; the filter tells what the reader was fed since. */
export interface StreamTranslation {
  reader: StreamReader
  filter: StreamFilter
}

/** Puts the two halves together: every byte is decoded once, and several events are encoded at a time. */
export function translateStream(given: {
  decoder: EventDecoder
  encoder: EventEncoder
  standIns: StandIns
}): StreamTranslation {
  const turnBack = standInFilter(given.standIns)
  const facts: AnswerFacts = {}
  let pending: ChatEvent[] = []
  let hasContent = false
  let hasEnded = false
  let error: StreamReader['error']
  const take = (events: readonly ChatEvent[]) => {
    for (const event of turnBack(events)) {
      if (event.kind === 'error') error ??= { ...event.error, data: event.data }
      // What comes behind an error is not told: the error is the last that the client hears.
      if (error !== undefined) return
      note(event, facts, hasContent)
      hasContent ||= CONTENT.has(event.kind) && !isEmpty(event)
      hasEnded ||= event.kind === 'end'
      pending.push(event)
    }
  }
  const told = () => {
    const events = pending
    pending = []
    return encoder.encode(onOneLine(given.encoder.encode(events)))
  }
  return {
    reader: {
      feed: (bytes) => take(given.decoder.feed(bytes)),
      end: () => take(given.decoder.end()),
      get hasContent() {
        return hasContent
      },
      get isComplete() {
        return hasEnded && error === undefined
      },
      get error() {
        return error
      },
      facts,
    },
    filter: { change: told, rest: told },
  }
}

/** Legal inside JSON, but line ends to readers that cut text as Python's `splitlines` does. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g

/** Text of a stream without the line ends that some readers see inside of JSON. */
export function onOneLine(text: string): string {
  return text.replace(LINE_ENDS, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function isEmpty(event: ChatEvent): boolean {
  return (event.kind === 'text' || event.kind === 'reasoning') && event.text === ''
}

function note(event: ChatEvent, facts: AnswerFacts, hasContent: boolean): void {
  if (event.kind === 'usage') {
    facts.usage = event.usage
    if (hasContent) delete facts.isUsageEarly
    else facts.isUsageEarly = true
  } else if (event.kind === 'start' && event.id !== undefined) facts.responseId ??= event.id
  else if (event.kind === 'finish' && (event.choice === 0 || facts.finishReason === undefined))
    facts.finishReason = event.reason
}
