import { NO_USAGE } from '../canonical'
import { countOf, fieldsOf } from '../fields'
import type { Protocol } from '../protocol'
import { estimateInputTokens } from './count-tokens'
import { gemini } from './protocol'

/** How many tokens a generateContent request has; asked of providers that can tell, estimated for the others, never billed. */
export const countContentTokens: Protocol = {
  ...gemini,
  id: 'gemini-count-tokens',
  codec: undefined,
  logType: 'count_tokens',
  path: (model) => `/models/${encodeURIComponent(model)}:countTokens`,
  // The contents may stand in a whole request for an answer; the provider checks what is in there.
  readRequest: (_bytes, _members, address) => ({
    model: address?.model,
    stream: false,
    wantsStreamUsage: true,
  }),
  readReply(bytes) {
    const reply = fieldsOf(JSON.parse(new TextDecoder().decode(bytes)))
    if (countOf(reply.totalTokens) === undefined) throw new Error("it has no 'totalTokens'")
    return { usage: NO_USAGE }
  },
  estimateUsage: () => NO_USAGE,
  estimateTokens: () => ({ inputTokens: 0, isFree: true }),
  answerLocally: (body) => ({
    totalTokens: estimateInputTokens(fieldsOf(body).generateContentRequest ?? body),
  }),
}
