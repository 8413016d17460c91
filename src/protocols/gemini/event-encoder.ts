import type { ChatEvent } from '../answer'
import type { Usage } from '../canonical'
import type { EventEncoder, ReplyContext } from '../codec'
import type { Citation, Part } from '../parts'
import { encodeCitations } from './citations'
import { encodeAnswerPart, malformedCall } from './encode-answer'
import { encodeUpstreamError } from './errors'
import { encodeFinish } from './finish'
import { encodeLogprobs } from './logprobs'
import { signatureFor } from './proof'
import { encodeGeminiUsage } from './usage'

type ToolCall = Extract<Part, { kind: 'tool_call' }>
type EventOf<Kind extends ChatEvent['kind']> = Extract<ChatEvent, { kind: Kind }>

interface Candidate {
  replyId: string
  text: string
  /** Calls whose arguments still come: clients of this protocol take whole ones only. */
  calls: Map<number, ToolCall>
  /** Those of them that are whole, and wait for the ones before them: clients read the order. */
  whole: Set<number>
  citations: Citation[]
  broken: ToolCall | undefined
  finish: EventOf<'finish'>['reason'] | undefined
}

/**
 * Events as the text of a stream of GenerateContentResponses. Finish reasons wait for the end of the answer, so that
 * the last event has them and the usage, as Google's has; an answer that breaks off has none.
 */
export function geminiEventEncoder(context: ReplyContext): EventEncoder {
  const candidates = new Map<number, Candidate>()
  let head = { modelVersion: context.model, responseId: context.replyId }
  let usage: Usage | undefined
  const candidateAt = (choice: number) => {
    const known = candidates.get(choice) ?? newCandidate(context.replyId)
    candidates.set(choice, known)
    return known
  }
  const written = (response: Record<string, unknown>) => `data: ${JSON.stringify(response)}\n\n`
  const response = (told: Record<string, unknown>[]) => {
    const counted = usage === undefined ? {} : { usageMetadata: encodeGeminiUsage(usage) }
    return told.length === 0 && usage === undefined ? '' : written({ candidates: told, ...counted, ...head })
  }
  const encodeOne = (event: ChatEvent): string => {
    switch (event.kind) {
      case 'start': {
        const { id, model } = event
        head = { modelVersion: model ?? head.modelVersion, responseId: id ?? head.responseId }
        return ''
      }
      case 'usage':
        usage = event.usage
        return ''
      case 'error':
        return written(encodeUpstreamError(event.error))
      case 'end':
        return response([...candidates].sort(([a], [b]) => a - b).map(lastOf))
      default:
        return tellIn(candidateAt(event.choice), event)
          .map((piece) => response([piece]))
          .join('')
    }
  }
  return { encode: (events) => events.map(encodeOne).join('') }
}

function newCandidate(replyId: string): Candidate {
  return {
    replyId,
    text: '',
    calls: new Map(),
    whole: new Set(),
    citations: [],
    broken: undefined,
    finish: undefined,
  }
}

function tellIn(
  candidate: Candidate,
  event: Extract<ChatEvent, { choice: number }>,
): Record<string, unknown>[] {
  const { choice } = event
  switch (event.kind) {
    case 'text':
      candidate.text += event.text
      return [{ ...piece(choice, { text: event.text }), ...encodeLogprobs(event.logprobs) }]
    case 'refusal':
      return [piece(choice, { text: event.text })]
    case 'reasoning':
      return [piece(choice, { text: event.text, thought: true })]
    case 'proof': {
      const thought = event.of === 'reasoning' ? { thought: true } : {}
      return [piece(choice, { text: '', ...thought, ...signatureFor(event.proof) })]
    }
    case 'citation':
      candidate.citations.push(event.citation)
      return []
    case 'part': {
      const part = encodeAnswerPart(event.part, candidate.replyId)
      return part === undefined ? [] : [piece(choice, part)]
    }
    case 'finish':
      candidate.finish = event.reason
      return [...candidate.calls.keys()].flatMap((call) => closeCall(candidate, choice, call))
    case 'part_end':
      return []
    default:
      return tellCall(candidate, event)
  }
}

function tellCall(
  candidate: Candidate,
  event: EventOf<'tool_call' | 'tool_arguments' | 'tool_call_end'>,
): Record<string, unknown>[] {
  if (event.kind === 'tool_call_end') return closeCall(candidate, event.choice, event.call)
  if (event.kind === 'tool_call') {
    const { id, name, isCustom, proof, call } = event
    candidate.calls.set(call, { kind: 'tool_call', id, name, argumentsJson: '', isCustom, proof })
    return []
  }
  const open = candidate.calls.get(event.call)
  if (open !== undefined) open.argumentsJson += event.json
  return []
}

function closeCall(candidate: Candidate, choice: number, call: number): Record<string, unknown>[] {
  const { calls, whole, replyId } = candidate
  whole.add(call)
  const told: Record<string, unknown>[] = []
  for (const [known, open] of calls) {
    if (!whole.has(known)) break
    calls.delete(known)
    const part = encodeAnswerPart(open, replyId)
    if (part === undefined) candidate.broken ??= open
    else told.push(piece(choice, part))
  }
  return told
}

function piece(choice: number, part: Record<string, unknown>): Record<string, unknown> {
  return { content: { parts: [part], role: 'model' }, index: choice }
}

// An empty text: clients take a content without parts for an invalid answer.
function lastOf([choice, candidate]: [number, Candidate]): Record<string, unknown> {
  const { text, citations, broken, finish } = candidate
  return {
    ...piece(choice, { text: '' }),
    ...(finish === undefined
      ? {}
      : { finishReason: encodeFinish(broken === undefined ? finish : 'malformed_tool_call') }),
    ...(broken === undefined ? {} : { finishMessage: malformedCall(broken) }),
    ...encodeCitations(citations.map((citation) => ({ citation, text, at: 0 }))),
  }
}
