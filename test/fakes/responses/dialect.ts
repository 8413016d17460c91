import { isAzure } from '../azure'
import { noKey, refusalOfBody } from '../chat-default'
import { chat } from '../chat-dialect'
import type { Asked, Dialect, Problem } from '../dialect'
import { status } from '../faults'
import { bodyOf } from '../fields'
import { namedSse } from '../framing'
import type { ErrorContext } from '../provider-errors'
import { answer, type Step } from '../steps'
import { responseStreamEvents } from './events'
import { invalid, refusedResponse } from './form'
import { responsesRequest } from './request'
import { response } from './response'
import { storedStep } from './stored'

/** OpenAI Responses, with the responses that are kept. */
export const responses: Dialect = {
  ...chat,
  readRequest: responsesRequest,
  isStream: (call) => bodyOf(call)['stream'] === true,
  framing: () => namedSse,
  reply: response,
  events: responseStreamEvents,
  done: () => [],
  errorEvent: () => ({
    type: 'error',
    sequence_number: 0,
    // The reference has these flat; the service nests them (openai/openai-dotnet#881).
    error: {
      type: 'server_error',
      code: 'server_error',
      message: 'The server had an error processing your request. Sorry about that!',
      param: null,
    },
  }),
  problem,
  refusal: refusedResponse,
  unscripted,
}

function problem(what: Problem, context: ErrorContext): Step {
  switch (what.name) {
    case 'context-too-long': {
      const message =
        'Your input exceeds the context window of this model. Please adjust your input and try again.'
      return invalid(message, 'context_length_exceeded', 'input')
    }
    case 'content-blocked': {
      const why = 'your prompt was flagged as potentially violating our usage policy.'
      return invalid(`Invalid prompt: ${why} Please try again with a different prompt.`, 'invalid_prompt')
    }
    default:
      return chat.problem(what, context)
  }
}

function unscripted(asked: Asked): Step {
  const { call } = asked
  if (!/^Bearer \S/i.test(call.headers['authorization'] ?? '') && call.headers['api-key'] === undefined) {
    return isAzure(call.path) ? status(401) : noKey()
  }
  return storedStep(asked) ?? refusalOfBody(call) ?? answer()
}
