import type { AnswerFacts } from '../canonical'
import { entryOf, fieldsOf, jsonOf, listOf, textOf } from '../fields'
import type { StreamReader } from '../protocol'
import { sseReader } from '../sse'
import { errorOf } from './errors'
import { decodeUsage, mergeUsage } from './usage'

/** The provider writes an event's type first; a host that does not is read by the event's name, or parsed. */
const TYPE_FIRST = /^\s*\{\s*"type"\s*:\s*"(\w+)"/
/** Blocks that say something by beginning; a text or a thinking begins empty. */
const EMPTY_AT_START: ReadonlySet<unknown> = new Set(['text', 'thinking', undefined])
const DELTA_TEXTS = ['text', 'thinking', 'partial_json', 'signature'] as const

/** Reads along with a stream of a message: once content has come, only the events around it are parsed. */
export function messagesStreamReader(): StreamReader {
  const facts: AnswerFacts = {}
  let usage: Record<string, unknown> = {}
  let isComplete = false
  let hasContent = false
  let error: StreamReader['error']
  const noteUsage = (told: unknown) => {
    usage = mergeUsage(usage, told)
    const decoded = decodeUsage(usage)
    if (decoded === undefined) return
    facts.usage = decoded
    if (hasContent) delete facts.isUsageEarly
    else facts.isUsageEarly = true
  }
  const noteFinish = (told: unknown) => {
    const reason = textOf(told)
    if (reason === undefined) return
    facts.finishReason = reason
    hasContent = true
  }
  const on: Record<string, (fields: Record<string, unknown>, data: string) => void> = {
    message_start({ message }) {
      const { id, usage: told, content, stop_reason } = fieldsOf(message)
      if (textOf(id) !== undefined) facts.responseId ??= textOf(id) ?? ''
      noteUsage(told)
      hasContent ||= listOf(content).length > 0
      noteFinish(stop_reason)
    },
    content_block_start: ({ content_block: block }) => {
      hasContent ||= !EMPTY_AT_START.has(fieldsOf(block).type)
    },
    content_block_delta: ({ delta }) => {
      hasContent ||= saysSomething(fieldsOf(delta))
    },
    message_delta({ delta, usage: told }) {
      noteFinish(fieldsOf(delta).stop_reason)
      noteUsage(told)
    },
    message_stop: () => {
      isComplete = true
    },
    error(fields, data) {
      const told = errorOf(fields)
      error ??= { message: told?.message ?? 'unknown error', data, status: told?.status }
    },
  }
  const reader = sseReader({
    event(data, name) {
      const type = TYPE_FIRST.exec(data)?.[1]
      if (hasContent && type?.startsWith('content_block_') === true) return
      const fields = fieldsOf(jsonOf(data))
      entryOf(on, type ?? textOf(fields.type) ?? name ?? '')?.(fields, data)
    },
    overrun: (message) => {
      error ??= { message, data: '' }
    },
  })
  return {
    ...reader,
    get hasContent() {
      return hasContent
    },
    get isComplete() {
      return isComplete && error === undefined
    },
    get error() {
      return error
    },
    facts,
  }
}

function saysSomething(delta: Record<string, unknown>): boolean {
  return delta.citation !== undefined || DELTA_TEXTS.some((field) => textOf(delta[field]) !== undefined)
}
