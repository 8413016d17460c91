import { NO_USAGE } from '../canonical'
import { countOf, fieldsOf } from '../fields'
import type { Protocol } from '../protocol'
import { estimateInputTokens } from './count-tokens'
import { anthropic } from './protocol'

/** How many tokens a Messages request has; asked of providers that can tell, estimated for the others, never billed. */
export const countMessageTokens: Protocol = {
  ...anthropic,
  id: 'anthropic-count-tokens',
  codec: undefined,
  logType: 'count_tokens',
  path: () => '/messages/count_tokens',
  bodyDefaults: {},
  readRequest: (bytes, members) => ({ ...anthropic.readRequest(bytes, members), stream: false }),
  readReply(bytes) {
    const reply = fieldsOf(JSON.parse(new TextDecoder().decode(bytes)))
    if (countOf(reply.input_tokens) === undefined) throw new Error("it has no 'input_tokens'")
    return { usage: NO_USAGE }
  },
  estimateUsage: () => NO_USAGE,
  estimateTokens: () => ({ inputTokens: 0, isFree: true }),
  answerLocally: (body) => ({ input_tokens: estimateInputTokens(body) }),
}
