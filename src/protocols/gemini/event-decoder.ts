import type { ChatEvent } from '../answer'
import { madeCallId } from '../call-ids'
import type { EventDecoder } from '../codec'
import { fieldsOf, jsonOf, listOf } from '../fields'
import type { Part } from '../parts'
import { type CallIds, callIds } from './call-ids'
import { decodeCitations } from './citations'
import { blockOf, headOf, partsOf } from './decode-reply'
import { errorIn } from './errors'
import { geminiEvents } from './events'
import { decodeFinish, finishReasonOf } from './finish'
import { decodeLogprobs } from './logprobs'
import { decodeGeminiUsage } from './usage'

interface Candidate {
  text: string
  calls: number
  finishReason: string | undefined
  /** Sources that were told: each event may repeat those of the events before. */
  cited: Set<string>
}

/**
 * A stream of GenerateContentResponses as events. Google has no terminal marker, and may tell a finish before the
 * last content: finishes are told when the stream has ended, and `end` when every candidate had one.
 */
export function geminiEventDecoder(): EventDecoder {
  const candidates = new Map<number, Candidate>()
  const ids = callIds(madeCallId)
  let told: ChatEvent[] = []
  let isStarted = false
  let isBlocked = false
  let hasFailed = false
  const fail = (message: string, data: string, status = 502) => {
    hasFailed = true
    told.push({ kind: 'error', error: { message, status }, data })
  }
  const onResponse = (fields: Record<string, unknown>) => {
    if (!isStarted) told.push({ kind: 'start', ...headOf(fields) })
    isStarted = true
    for (const [position, value] of listOf(fields.candidates).entries()) {
      const candidate = fieldsOf(value)
      const choice = typeof candidate.index === 'number' ? candidate.index : position
      const known = candidates.get(choice) ?? newCandidate()
      candidates.set(choice, known)
      told.push(...eventsOf(candidate, choice, known, ids))
    }
    const blocked = blockOf(fields)
    if (blocked !== undefined && !isBlocked && candidates.size === 0) {
      isBlocked = true
      for (const part of blocked.parts) if (part.kind === 'refusal') told.push({ ...part, choice: 0 })
    }
    const usage = decodeGeminiUsage(fields.usageMetadata)
    if (usage !== undefined) told.push({ kind: 'usage', usage })
  }
  const events = geminiEvents({
    event(data) {
      if (hasFailed) return
      const value = jsonOf(data)
      const error = errorIn(value)
      if (error !== undefined) {
        hasFailed = true
        told.push({ kind: 'error', error, data })
        return
      }
      try {
        onResponse(fieldsOf(Array.isArray(value) ? value[0] : value))
      } catch (cause) {
        fail(`it holds an event that is not valid: ${String(cause)}`, data)
      }
    },
    overrun: (message) => fail(message, ''),
  })
  const taken = () => {
    const all = told
    told = []
    return all
  }
  return {
    feed(bytes) {
      events.feed(bytes)
      return taken()
    },
    end() {
      events.end()
      return hasFailed ? taken() : [...taken(), ...finishes(candidates, isBlocked)]
    },
  }
}

function newCandidate(): Candidate {
  return { text: '', calls: 0, finishReason: undefined, cited: new Set() }
}

function finishes(candidates: ReadonlyMap<number, Candidate>, isBlocked: boolean): ChatEvent[] {
  const events: ChatEvent[] = []
  if (isBlocked && candidates.size === 0) events.push({ kind: 'finish', choice: 0, reason: 'content_filter' })
  for (const [choice, { finishReason, calls }] of candidates)
    if (finishReason !== undefined)
      events.push({ kind: 'finish', choice, reason: decodeFinish(finishReason, calls > 0) })
  const isComplete = events.length > 0 && events.length >= candidates.size
  return isComplete ? [...events, { kind: 'end' }] : events
}

function eventsOf(
  candidate: Record<string, unknown>,
  choice: number,
  known: Candidate,
  ids: CallIds,
): ChatEvent[] {
  const logprobs = decodeLogprobs(candidate.logprobsResult)
  const parts = partsOf(candidate, ids)
  const firstText = parts.find(({ kind }) => kind === 'text')
  const events = parts.flatMap((part) =>
    eventsOfPart(part, choice, known, part === firstText ? logprobs : undefined),
  )
  known.finishReason ??= finishReasonOf(candidate)
  const citations = decodeCitations(candidate, known.text).filter((citation) => {
    const key = JSON.stringify(citation)
    const isNew = !known.cited.has(key)
    known.cited.add(key)
    return isNew
  })
  return [...events, ...citations.map((citation) => ({ kind: 'citation', choice, citation }) as const)]
}

function eventsOfPart(part: Part, choice: number, known: Candidate, logprobs: unknown): ChatEvent[] {
  switch (part.kind) {
    case 'text':
    case 'reasoning': {
      const { kind: of, text, proof } = part
      if (of === 'text') known.text += text
      const piece: ChatEvent =
        of === 'text' ? { kind: of, choice, text, logprobs } : { kind: of, choice, text, isSummary: true }
      return [
        ...(text === '' && logprobs === undefined ? [] : [piece]),
        ...(proof === undefined ? [] : [{ kind: 'proof', choice, of, proof } as const]),
      ]
    }
    case 'tool_call': {
      const { id, name, argumentsJson: json, proof } = part
      const call = known.calls++
      return [
        { kind: 'tool_call', choice, call, id, name, proof },
        { kind: 'tool_arguments', choice, call, json },
        { kind: 'tool_call_end', choice, call },
      ]
    }
    default:
      return [{ kind: 'part', choice, part }]
  }
}
