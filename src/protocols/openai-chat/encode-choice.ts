import type { ChatEvent } from '../answer'
import type { Citation, Part } from '../parts'
import { encodeAnnotation } from './annotations'
import { encodeAudio, encodeReplyCall, type ReplyStyle } from './encode-reply'
import { encodeFinish } from './finish'
import { encodeImage } from './media'
import { encodeDetails, encodeThoughtSignature } from './reasoning-details'

type Fields = Record<string, unknown>
type ChoiceEvent = Extract<ChatEvent, { choice: number }>
type EventOf<Kind extends ChoiceEvent['kind']> = Extract<ChoiceEvent, { kind: Kind }>

interface OpenCall {
  index: number
  isCustom: boolean
  hasArguments: boolean
  isClosed: boolean
}

/** Writes the deltas of one choice; `finish_reason` and `logprobs` among their fields belong beside the delta. */
export interface ChoiceWriter {
  write(event: ChoiceEvent): Fields[]
}

/** Begins with the role, and is silent behind the finish. */
export function choiceWriter(style: ReplyStyle): ChoiceWriter {
  const calls = callWriter(style)
  const writeReasoning = reasoningWriter()
  let hasBegun = false
  let hasRefusal = false
  let isFinished = false
  let images = 0
  const writeCitation = citationWriter()

  const finish = (event: EventOf<'finish'>): Fields[] => {
    isFinished = true
    const reason = encodeFinish(event.reason, { hasRefusal })
    const told = style.isLegacy && reason === 'tool_calls' ? 'function_call' : reason
    return [...calls.close(), { finish_reason: told }]
  }
  const deltasOf = (event: ChoiceEvent): Fields[] => {
    switch (event.kind) {
      case 'text':
        if (event.text === '' && event.logprobs === undefined) return []
        return [
          { content: event.text, ...(event.logprobs === undefined ? {} : { logprobs: event.logprobs }) },
        ]
      case 'refusal':
        hasRefusal = true
        return event.text === '' ? [] : [{ refusal: event.text }]
      case 'citation':
        return []
      case 'reasoning':
      case 'part_end':
        return style.hidesReasoning ? [] : writeReasoning(event)
      case 'proof':
        if (event.of === 'reasoning') return style.hidesReasoning ? [] : writeReasoning(event)
        return filled(encodeThoughtSignature(event.proof))
      case 'tool_call':
      case 'tool_arguments':
      case 'tool_call_end':
        return calls.write(event)
      case 'part':
        return partDelta(event.part, () => images++)
      // Only the finish is left, which the compiler checks.
      default:
        return finish(event)
    }
  }
  return {
    write(event) {
      if (isFinished) return []
      const deltas = [...writeCitation(event), ...deltasOf(event)]
      if (hasBegun || deltas.length === 0) return deltas
      hasBegun = true
      return [{ role: 'assistant', content: '' }, ...deltas]
    },
  }
}

// A citation without a place is of the whole text that it stands in, and may come before that. The texts become one,
// so a place in a later one moves by the length of those before.
function citationWriter(): (event: ChoiceEvent) => Fields[] {
  let start = 0
  let length = 0
  let waiting: Citation[] = []
  const told = (citations: readonly Citation[]): Fields[] => {
    const annotations = citations.flatMap(({ startIndex = 0, endIndex = length - start, ...citation }) =>
      encodeAnnotation({ ...citation, startIndex: start + startIndex, endIndex: start + endIndex }),
    )
    return annotations.length === 0 ? [] : [{ annotations }]
  }
  return (event) => {
    if (event.kind === 'text') length += event.text.length
    else if (event.kind === 'citation') {
      if (event.citation.endIndex !== undefined) return told([event.citation])
      waiting.push(event.citation)
    } else {
      const deltas = told(waiting)
      waiting = []
      if (event.kind === 'part_end') start = length
      return deltas
    }
    return []
  }
}

// The text goes out before its proof is known, so the entry with the proof has no text and the same index.
function reasoningWriter(): (event: EventOf<'reasoning' | 'proof' | 'part_end'>) => Fields[] {
  let index = 0
  let isOpen = false
  return (event) => {
    if (event.kind === 'reasoning') {
      if (event.text === '') return []
      isOpen = true
      const { text, isSummary } = event
      return [{ reasoning_content: text, reasoning_details: encodeDetails({ text, isSummary }, index) }]
    }
    if (event.kind === 'part_end') {
      if (isOpen) index++
      isOpen = false
      return []
    }
    const details = encodeDetails({ text: '', proof: event.proof }, index)
    index++
    isOpen = false
    return details.length === 0 ? [] : [{ reasoning_details: details }]
  }
}

function callWriter(style: ReplyStyle) {
  const { isLegacy } = style
  const open = new Map<number, OpenCall>()
  const delta = (known: OpenCall, fields: Fields): Fields[] => {
    if (!isLegacy) return [{ tool_calls: [{ index: known.index, ...fields }] }]
    // The older form has room for one call only.
    return known.index === 0 ? [{ function_call: fields.function }] : []
  }
  const piece = (known: OpenCall, text: string): Fields[] =>
    delta(known, known.isCustom ? { custom: { input: text } } : { function: { arguments: text } })
  // Clients parse what they have put together, and nothing is not JSON.
  const close = (known: OpenCall): Fields[] => {
    const isEmpty = !known.isClosed && !known.hasArguments && !known.isCustom
    known.isClosed = true
    return isEmpty ? piece(known, '{}') : []
  }
  const begin = (event: EventOf<'tool_call'>): Fields[] => {
    if (open.has(event.call)) return []
    const isCustom = event.isCustom === true && !isLegacy
    const known = { index: open.size, isCustom, hasArguments: false, isClosed: false }
    open.set(event.call, known)
    const {
      id,
      type,
      function: called,
      custom,
      extra_content,
    } = encodeReplyCall({ ...event, argumentsJson: ' ' }, style)
    const name = event.name
    return delta(known, {
      ...(isLegacy ? {} : { id, type }),
      ...(called === undefined ? {} : { function: { name, arguments: '' } }),
      ...(custom === undefined ? {} : { custom: { name, input: '' } }),
      ...(extra_content === undefined ? {} : { extra_content }),
    })
  }
  return {
    write(event: EventOf<'tool_call' | 'tool_arguments' | 'tool_call_end'>): Fields[] {
      if (event.kind === 'tool_call') return begin(event)
      const known = open.get(event.call)
      if (known === undefined || known.isClosed) return []
      if (event.kind === 'tool_call_end') return close(known)
      if (event.json === '') return []
      known.hasArguments = true
      return piece(known, event.json)
    },
    close: () => [...open.values()].flatMap(close),
  }
}

function partDelta(part: Part, nextImage: () => number): Fields[] {
  if (part.kind === 'image') {
    const images = encodeImage(part.media, nextImage())
    return images.length === 0 ? [] : [{ images }]
  }
  if (part.kind === 'audio') {
    const audio = encodeAudio(part)
    return audio === undefined ? [] : [{ audio }]
  }
  // Nothing else has a place in this protocol's answers.
  return []
}

function filled(fields: Fields): Fields[] {
  return Object.keys(fields).length === 0 ? [] : [fields]
}
