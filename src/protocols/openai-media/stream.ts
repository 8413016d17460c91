import type { AnswerFacts } from '../canonical'
import { fieldsOf, jsonOf, textOf } from '../fields'
import { errorOf } from '../openai-chat/reply'
import type { StreamReader } from '../protocol'
import { sseReader } from '../sse'
import { findMediaUsage } from './usage'

/** No error is as large; a picture that is still on its way is content already. */
const CONTENT_BYTES = 64 * 1024
/** Quotes inside a JSON string are escaped, so that this matches fields and not text. */
const TYPE = /"type"\s*:\s*"([\w.]+)"/
/** Pieces, which tell nothing beside what they hold. */
const PIECE = /\.(?:delta|partial_image|segment)$/
const LAST = /\.(?:done|completed)$/

/**
 * Reads along with the events of pictures, speech and transcriptions, whose `type` says what they are. Some servers
 * send a transcription in chunks like those of a chat, with [DONE] behind them.
 */
export function mediaStreamReader(): StreamReader {
  const facts: AnswerFacts = {}
  let hasContent = false
  let isDone = false
  let length = 0
  let error: StreamReader['error']
  const sse = sseReader({
    event(data, name) {
      if (data.trim() === '[DONE]') isDone = true
      else if (hasContent && PIECE.test(name ?? data.match(TYPE)?.[1] ?? '')) return
      else onEvent(data, name)
    },
    overrun(message) {
      error ??= { message, data: '' }
    },
  })
  const onEvent = (data: string, name: string | undefined) => {
    const fields = fieldsOf(jsonOf(data))
    const type = textOf(fields.type) ?? name ?? ''
    const failure = errorOf(fields) ?? (type === 'error' ? { message: messageOf(fields) } : undefined)
    if (failure !== undefined) {
      error ??= { ...failure, data }
      return
    }
    hasContent = true
    if (LAST.test(type)) isDone = true
    const usage = findMediaUsage(fields)
    if (usage !== undefined) facts.usage = usage
  }
  return {
    feed(bytes) {
      sse.feed(bytes)
      length += bytes.byteLength
      if (length > CONTENT_BYTES) hasContent = true
    },
    end: () => sse.end(),
    get hasContent() {
      return hasContent
    },
    get isComplete() {
      return error === undefined && isDone
    },
    get error() {
      return error
    },
    facts,
  }
}

function messageOf({ message }: Record<string, unknown>): string {
  return textOf(message) ?? 'unknown error'
}
