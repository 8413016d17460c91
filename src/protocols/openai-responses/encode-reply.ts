import type { ChatReply } from '../answer'
import type { EventEncoder, ReplyContext } from '../codec'
import { unfold } from '../unfold'
import { responseWriter } from './response-writer'

/** A whole response: what its stream would have ended with. */
export function encodeResponse(reply: ChatReply, context: ReplyContext): Record<string, unknown> {
  const writer = responseWriter(context)
  for (const event of unfold(reply)) writer.take(event)
  return writer.response()
}

/** Events as the stream of a response; each has a number. */
export function responsesEventEncoder(context: ReplyContext): EventEncoder {
  let text = ''
  let sequence = 0
  const writer = responseWriter(context, (type, fields) => {
    const data = JSON.stringify({ type, sequence_number: sequence++, ...fields })
    text += `event: ${type}\ndata: ${data}\n\n`
  })
  return {
    encode(events) {
      text = ''
      for (const event of events) writer.take(event)
      return text
    },
  }
}
