import type { Asked, Dialect } from '../dialect'
import { pathOf } from '../fields'
import { answer, type Step } from '../steps'
import { conversation, conversationEvents } from './conversation'
import { awsError, bedrockHeaders, bedrockProblem, bedrockStatus, validation } from './errors'
import { eventStream } from './event-stream'
import { bedrockRequest } from './request'
import { bedrockRefusal } from './turns'

/** Bedrock's Converse. */
export const bedrock: Dialect = {
  callPrefix: 'tooluse_',
  readRequest: bedrockRequest,
  isStream: (call) => pathOf(call).endsWith('/converse-stream'),
  headers: bedrockHeaders,
  framing: () => eventStream,
  reply: conversation,
  events: conversationEvents,
  done: () => [],
  errorEvent: () => ({ modelStreamErrorException: { message: 'The model produced an unexpected error.' } }),
  error: bedrockStatus,
  problem: bedrockProblem,
  errorWith200: () => ({ message: 'The system encountered an unexpected error during processing.' }),
  refusal: ({ call }) => {
    const problem = bedrockRefusal(call)
    return problem === undefined ? undefined : validation(problem)
  },
  unscripted,
}

/** Signed with AWS's keys or with a bearer token; the signature is the test's to verify. */
function unscripted({ call }: Asked): Step {
  const { authorization = '', 'x-amz-date': date } = call.headers
  if (authorization === '')
    return awsError(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token')
  const isSigned =
    /^AWS4-HMAC-SHA256 Credential=\S+\/bedrock\/aws4_request, ?SignedHeaders=\S+, ?Signature=[0-9a-f]{64}$/
  if (!/^Bearer \S/.test(authorization) && !(isSigned.test(authorization) && date !== undefined)) {
    const message = `Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.`
    return awsError(403, 'IncompleteSignatureException', message)
  }
  return answer()
}
