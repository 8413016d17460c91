import type { ChatReply, Choice } from '../answer'
import type { ReplyContext } from '../codec'
import type { Part } from '../parts'
import { encodeCitations } from './citations'
import { encodeAnswerPart, malformedCall } from './encode-answer'
import { encodeFinish } from './finish'
import { encodeLogprobs } from './logprobs'
import { encodeGeminiUsage } from './usage'

/** A reply as a GenerateContentResponse. */
export function encodeGeminiReply(reply: ChatReply, context: ReplyContext): Record<string, unknown> {
  return {
    candidates: reply.choices.map(candidateOf),
    ...(reply.usage === undefined ? {} : { usageMetadata: encodeGeminiUsage(reply.usage) }),
    modelVersion: reply.model ?? context.model,
    responseId: reply.id ?? context.replyId,
  }
}

function candidateOf({ index, parts, finish, logprobs }: Choice): Record<string, unknown> {
  const told = parts.flatMap((part) => {
    const encoded = encodeAnswerPart(part)
    return encoded === undefined ? [] : [{ part, encoded }]
  })
  const cited = told.flatMap(({ part }, at) =>
    part.kind === 'text' ? (part.citations ?? []).map((citation) => ({ citation, text: part.text, at })) : [],
  )
  const broken = parts.find(isBroken)
  return {
    content: { parts: told.map(({ encoded }) => encoded), role: 'model' },
    finishReason: encodeFinish(broken === undefined ? finish : 'malformed_tool_call'),
    ...(broken?.kind === 'tool_call' ? { finishMessage: malformedCall(broken) } : {}),
    index,
    ...encodeCitations(cited),
    ...encodeLogprobs(logprobs),
  }
}

function isBroken(part: Part): boolean {
  return part.kind === 'tool_call' && encodeAnswerPart(part) === undefined
}
