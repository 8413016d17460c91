import type { AnswerFacts } from '../canonical'
import { fieldsOf, numberOf } from '../fields'
import type { StreamReader } from '../protocol'
import { sseReader } from '../sse'
import { statusOfError } from './decode-error'
import { finishReasonOf } from './finish'
import { errorOf } from './reply'
import { findChatUsage } from './usage'

/**
 * A usage, a finish reason, an error, or another choice: of several each must be seen to begin, or one that is cut off
 * would not be missed. One pattern, since it is tried on every event.
 */
const TELLING =
  /"(?:usage"\s*:\s*\{|finish_reason"\s*:\s*"|error"\s*:\s*[{"]|object"\s*:\s*"error"|index"\s*:\s*[1-9])/

/**
 * Reads along with a chat completion stream. Once content has come, an event is parsed only when it can hold a usage,
 * a finish reason or an error: quotes inside a JSON string are escaped, so the patterns match fields and not text.
 */
export function chatStreamReader(): StreamReader {
  const facts: AnswerFacts = {}
  const openChoices = new Set<number>()
  const finishedChoices = new Set<number>()
  let isDone = false
  let hasContent = false
  let error: StreamReader['error']

  const onChunk = (data: string) => {
    const chunk = parse(data)
    const fields = fieldsOf(chunk)
    const failure = errorOf(fields)
    if (failure !== undefined) error ??= { message: failure.message, data, status: statusOfError(fields) }
    if (typeof fields.id === 'string' && fields.id !== '') facts.responseId ??= fields.id
    const usage = findChatUsage(chunk)
    if (usage !== undefined) facts.usage = usage
    for (const choice of Array.isArray(fields.choices) ? fields.choices.map(fieldsOf) : []) {
      const index = numberOf(choice.index) ?? 0
      openChoices.add(index)
      if (holdsContent(fieldsOf(choice.delta ?? choice.message)) || isFilled(choice.text)) hasContent = true
      const reason = finishReasonOf(choice)
      if (reason === undefined) continue
      if (index === 0 || facts.finishReason === undefined) facts.finishReason = reason
      hasContent = true
      finishedChoices.add(index)
    }
  }
  const reader = sseReader({
    event(data) {
      if (data.trim() === '[DONE]') isDone = true
      else if (!hasContent || TELLING.test(data)) onChunk(data)
    },
    overrun(message) {
      error ??= { message, data: '' }
    },
  })
  return {
    ...reader,
    get hasContent() {
      return hasContent
    },
    // Some compatible servers close in order after the last choice has finished, without [DONE]: nothing is missing.
    get isComplete() {
      return (
        error === undefined && (isDone || (openChoices.size > 0 && finishedChoices.size >= openChoices.size))
      )
    },
    get error() {
      return error
    },
    facts,
  }
}

const CONTENT_FIELDS = [
  'content',
  'reasoning_content',
  'reasoning',
  'reasoning_details',
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
  'images',
]

function holdsContent(delta: Record<string, unknown>): boolean {
  return CONTENT_FIELDS.some((field) => isFilled(delta[field]))
}

function isFilled(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false
  return Array.isArray(value) ? value.length > 0 : true
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}
