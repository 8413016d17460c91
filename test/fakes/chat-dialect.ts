import { azureError, azureFiltered, azureHeaders, isAzure } from './azure'
import { chatUnscripted } from './chat-default'
import { chatProblem } from './chat-problems'
import { asChatRequest } from './chat-request'
import { refusedTurns } from './chat-turns'
import { chunksOf } from './chunks'
import { completion } from './completion'
import type { Dialect } from './dialect'
import { bodyOf } from './fields'
import { sse } from './framing'
import { openAi, providerError } from './provider-errors'
import { openAiHeaders } from './provider-headers'
import type { StreamOptions } from './steps'

/** OpenAI Chat Completions, as OpenAI, its compatible competitors and Azure speak it. */
export const chat: Dialect = {
  callPrefix: 'call_',
  readRequest: (call) => asChatRequest({ model: call.model, ...bodyOf(call) }),
  isStream: (call) => bodyOf(call)['stream'] === true,
  headers: openAiHeaders,
  framing: () => sse,
  reply: (told) => (isAzure(told.call.path) ? azureFiltered(completion(told)) : completion(told)),
  events: (told, options) =>
    chunksOf(told, {
      usageMode: usageModeOf(options),
      reasoningField: options.reasoningField ?? 'reasoning_content',
      toolStyle: options.toolStyle ?? 'in-pieces',
      azure: options.azure ?? isAzure(told.call.path),
    }),
  done: () => ['data: [DONE]'],
  errorEvent: () => {
    const message =
      'The server experienced an error while processing your request. We apologize for the inconvenience!'
    return openAi(message, 'server_error').body
  },
  error: (status, context) =>
    (isAzure(context.path) ? azureError(status, context) : undefined) ?? providerError(status, context),
  problem: chatProblem,
  errorWith200: () => {
    const metadata = { raw: 'ERROR', provider_name: 'Fake' }
    return { error: { message: 'Provider returned error', code: 502, metadata }, user_id: 'user_fake' }
  },
  refusal: ({ call }) => refusedTurns(call),
  unscripted: ({ call }) => chatUnscripted(call),
}

/** The same at an Azure resource, which has headers of its own. */
export const azureChat: Dialect = { ...chat, headers: azureHeaders }

function usageModeOf({ usage }: StreamOptions) {
  if (usage === null) return 'never'
  return typeof usage === 'string' ? usage : 'when-asked'
}
