import { countMessageTokens } from '../protocols/anthropic/count-tokens-protocol'
import { protocols } from '../protocols/table'
import { answerIn } from './answers'
import { BASES, type InferenceRoute } from './route'

/** Anthropic Messages, and the count of a request's tokens, which costs nothing. */
export const messageRoutes: InferenceRoute[] = [
  {
    method: 'POST',
    paths: BASES.map((base) => `${base}/messages`),
    auth: 'inference',
    logging: 'request',
    handle: (context) => answerIn(protocols.anthropic, context),
  },
  {
    method: 'POST',
    paths: BASES.map((base) => `${base}/messages/count_tokens`),
    auth: 'inference',
    logging: 'request',
    handle: (context) => answerIn(countMessageTokens, context),
  },
]
