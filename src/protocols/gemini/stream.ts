import type { AnswerFacts } from '../canonical'
import type { StreamReader } from '../protocol'
import { errorIn } from './errors'
import { geminiEvents } from './events'
import { type Outline, outlineOf } from './outline'
import { factsOf } from './reply'

const encoder = new TextEncoder()

/**
 * Reads along with a stream of GenerateContentResponses. It has no terminal marker of its own: it is complete when
 * every candidate that has begun has finished, or when the prompt was refused.
 */
export function geminiStreamReader(): StreamReader {
  const facts: AnswerFacts = {}
  const open = new Set<number>()
  const finished = new Set<number>()
  let isBlocked = false
  let hasContent = false
  let error: StreamReader['error']
  const onResponse = (outline: Outline, data: string) => {
    const failure = errorIn(outline.fields)
    if (failure !== undefined) error ??= { message: failure.message, data, status: failure.status }
    const { finishReason, responseId, usage } = factsOf(outline)
    // Counts are cumulative: the latest are the whole.
    if (usage !== undefined) facts.usage = usage
    if (responseId !== undefined) facts.responseId ??= responseId
    if (finishReason !== undefined && (facts.finishReason === undefined || finishesFirst(outline)))
      facts.finishReason = finishReason
    for (const { index, finishReason: reason, hasContent: isFilled } of outline.candidates) {
      open.add(index)
      if (reason !== undefined) finished.add(index)
      hasContent ||= isFilled || reason !== undefined
    }
    isBlocked ||= outline.blockReason !== undefined
    hasContent ||= isBlocked
  }
  const events = geminiEvents({
    event(data) {
      const outline = outlineIn(data)
      if (outline !== undefined) onResponse(outline, data)
    },
    overrun(message) {
      error ??= { message, data: '' }
    },
  })
  return {
    feed: events.feed,
    end: events.end,
    get hasContent() {
      return hasContent
    },
    get isComplete() {
      return error === undefined && (isBlocked || (open.size > 0 && finished.size >= open.size))
    },
    get error() {
      return error
    },
    facts,
  }
}

function finishesFirst({ candidates }: Outline): boolean {
  return candidates.some(({ index, finishReason }) => index === 0 && finishReason !== undefined)
}

function outlineIn(data: string): Outline | undefined {
  try {
    return outlineOf(encoder.encode(data))
  } catch {
    return undefined
  }
}
