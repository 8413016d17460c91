import type { ChatReply, Choice } from '../answer'
import type { ReplyContext } from '../codec'
import { encodeCitations } from './citations'
import { encodeAnswerPart, malformedCall } from './encode-answer'
import { encodeFinish } from './finish'
import { encodeLogprobs } from './logprobs'
import { encodeGeminiUsage } from './usage'

/** A reply as a GenerateContentResponse. */
export function encodeGeminiReply(reply: ChatReply, context: ReplyContext): Record<string, unknown> {
  return {
    candidates: reply.choices.map((choice) => candidateOf(choice, context.replyId)),
    ...(reply.usage === undefined ? {} : { usageMetadata: encodeGeminiUsage(reply.usage) }),
    modelVersion: reply.model ?? context.model,
    responseId: reply.id ?? context.replyId,
  }
}

function candidateOf({ index, parts, finish, logprobs }: Choice, replyId: string): Record<string, unknown> {
  const told = parts.flatMap((part) => {
    const encoded = encodeAnswerPart(part, replyId)
    return encoded === undefined ? [] : [{ part, encoded }]
  })
  const cited = told.flatMap(({ part }, at) =>
    part.kind === 'text' ? (part.citations ?? []).map((citation) => ({ citation, text: part.text, at })) : [],
  )
  const broken = parts.find(
    (part) => part.kind === 'tool_call' && encodeAnswerPart(part, replyId) === undefined,
  )
  return {
    content: { parts: told.map(({ encoded }) => encoded), role: 'model' },
    finishReason: encodeFinish(broken === undefined ? finish : 'malformed_tool_call'),
    ...(broken?.kind === 'tool_call' ? { finishMessage: malformedCall(broken) } : {}),
    index,
    ...encodeCitations(cited),
    ...encodeLogprobs(logprobs),
  }
}
