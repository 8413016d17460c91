import type { ChatEvent } from '../answer'
import type { Usage } from '../canonical'
import type { EventEncoder, ReplyContext } from '../codec'
import { openAiTier } from '../service-tiers'
import { type ChoiceWriter, choiceWriter } from './encode-choice'
import { completionId, styleOf } from './encode-reply'
import { encodeChatUsage } from './encode-usage'
import { chatErrorEvent } from './errors'

type Fields = Record<string, unknown>

/** Writes chunks: the usage comes last, if the client wants it, and nothing comes behind the end. */
export function chatEventEncoder(context: ReplyContext): EventEncoder {
  const style = styleOf(context)
  const choices = new Map<number, ChoiceWriter>()
  let head = headOf({ kind: 'start' }, context)
  let usage: Usage | undefined
  let isOver = false

  const writerOf = (index: number) => {
    const writer = choices.get(index) ?? choiceWriter(style)
    choices.set(index, writer)
    return writer
  }
  const chunk = (fields: Fields) => `data: ${JSON.stringify({ ...head, ...fields })}\n\n`
  const chunks = (index: number, deltas: readonly Fields[]) => {
    const wantsNull = context.request.wantsStreamUsage ? { usage: null } : {}
    return deltas
      .map(({ finish_reason = null, logprobs = null, ...delta }) =>
        chunk({ choices: [{ index, delta, logprobs, finish_reason }], ...wantsNull }),
      )
      .join('')
  }
  const end = () => {
    isOver = true
    const last =
      usage !== undefined && context.request.wantsStreamUsage
        ? chunk({ choices: [], usage: encodeChatUsage(usage) })
        : ''
    return `${last}data: [DONE]\n\n`
  }
  const encode = (event: ChatEvent): string => {
    if (isOver) return ''
    if (event.kind === 'start') {
      head = choices.size === 0 ? headOf(event, context) : head
      return ''
    }
    if (event.kind === 'usage') {
      usage = event.usage
      return ''
    }
    if (event.kind === 'end') return end()
    if (event.kind === 'error') {
      isOver = true
      return errorEvent(event)
    }
    return chunks(event.choice, writerOf(event.choice).write(event))
  }
  return { encode: (events) => events.map(encode).join('') }
}

function headOf(start: Extract<ChatEvent, { kind: 'start' }>, context: ReplyContext): Fields {
  const { id, model, createdAtSeconds, serviceTier } = start
  return {
    id: completionId(id, context),
    object: 'chat.completion.chunk',
    created: createdAtSeconds ?? context.nowSeconds,
    model: model ?? context.model,
    ...(serviceTier === undefined ? {} : { service_tier: openAiTier(serviceTier) }),
  }
}

function errorEvent({ error }: Extract<ChatEvent, { kind: 'error' }>): string {
  const { message, status, code = 'upstream_error_event', param } = error
  return chatErrorEvent({
    status,
    type: 'upstream_error',
    code,
    message,
    ...(param === undefined ? {} : { param }),
  })
}
