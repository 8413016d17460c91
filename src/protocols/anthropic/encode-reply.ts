import type { ChatReply } from '../answer'
import type { ReplyContext } from '../codec'
import { encodeStopReason } from './finish'
import { encodeReplyPart } from './reply-blocks'
import { encodeUsage } from './usage'

/** A reply as a whole message: its first choice, since a message is one. */
export function encodeMessage(reply: ChatReply, context: ReplyContext): Record<string, unknown> {
  const { parts = [], finish = 'other', stopSequence } = reply.choices[0] ?? {}
  return {
    id: messageId(reply.id, context),
    type: 'message',
    role: 'assistant',
    model: reply.model ?? context.model,
    content: parts.flatMap((part) => encodeReplyPart(part, context.replyId)),
    stop_reason: encodeStopReason(finish, {
      refusal: parts.some(({ kind }) => kind === 'refusal'),
      calls: parts.some(({ kind }) => kind === 'tool_call'),
    }),
    stop_sequence: stopSequence ?? null,
    usage: encodeUsage(reply.usage, reply.serviceTier),
  }
}

/** The provider's id of an answer, or one of the request's own. */
export function messageId(id: string | undefined, { replyId }: ReplyContext): string {
  return id ?? `msg_${replyId}`
}
