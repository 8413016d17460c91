import type { ChatEvent, FinishReason } from '../answer'
import type { Usage } from '../canonical'
import type { EventEncoder, ReplyContext } from '../codec'
import { contentWriter } from './content-writer'
import { messageId } from './encode-reply'
import { encodedErrorEvent } from './errors'
import { encodeStopReason } from './finish'
import type { Block } from './own-fields'
import { encodeUsage } from './usage'

type Head = Omit<Extract<ChatEvent, { kind: 'start' }>, 'kind'>

/** Events as a stream of a message, in the one order that clients take. */
export function messagesEventEncoder(context: ReplyContext): EventEncoder {
  const content = contentWriter(context.replyId)
  let head: Head = {}
  let usage: Usage | undefined
  let finish: { reason: FinishReason; stopSequence?: string | undefined } = { reason: 'other' }
  let state: 'waiting' | 'begun' | 'ended' = 'waiting'

  const begin = (): string => {
    if (state !== 'waiting') return ''
    state = 'begun'
    return written(startOf(head, usage, context)) + written({ type: 'ping' })
  }
  const end = (): string => {
    state = 'ended'
    const has = { refusal: content.hasRefusal, calls: content.hasCalls }
    const delta = {
      stop_reason: encodeStopReason(finish.reason, has),
      stop_sequence: finish.stopSequence ?? null,
    }
    const counts = encodeUsage(usage, head.serviceTier)
    return written({ type: 'message_delta', delta, usage: counts }) + written({ type: 'message_stop' })
  }
  const note = (event: ChatEvent): void => {
    if (event.kind === 'start') {
      const { kind: _, ...told } = event
      head = { ...head, ...told }
    } else if (event.kind === 'usage') usage = event.usage
    else if (event.kind === 'finish') finish = event
  }
  const encodeOne = (event: ChatEvent): string => {
    // A message is one choice.
    if (state === 'ended' || ('choice' in event && event.choice !== 0)) return ''
    if (event.kind === 'error') {
      state = 'ended'
      return encodedErrorEvent(event.error.status, event.error.message)
    }
    note(event)
    const blocks = content.add(event).map(written).join('')
    if (event.kind === 'end') return begin() + blocks + end()
    return blocks === '' ? '' : begin() + blocks
  }
  return {
    encode(events) {
      // The input is told in the first event already when it is known that early.
      usage = lastUsage(events) ?? usage
      const text = events.map(encodeOne).join('')
      return text === '' && events.some(({ kind }) => kind === 'start') ? begin() : text
    },
  }
}

function lastUsage(events: readonly ChatEvent[]): Usage | undefined {
  const last = events.findLast(({ kind }) => kind === 'usage')
  return last?.kind === 'usage' ? last.usage : undefined
}

function startOf(head: Head, usage: Usage | undefined, context: ReplyContext): Block {
  const message = {
    id: messageId(head.id, context),
    type: 'message',
    role: 'assistant',
    model: head.model ?? context.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: encodeUsage(usage, head.serviceTier),
  }
  return { type: 'message_start', message }
}

function written(event: Block): string {
  return `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`
}
