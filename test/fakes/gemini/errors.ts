import type { JsonObject } from '../chat-request'
import type { Problem } from '../dialect'
import { status } from '../faults'
import type { ErrorContext, ProviderError } from '../provider-errors'
import { answer, type Step } from '../steps'
import type { HeaderValues } from '../wire'
import { PROMPT_BLOCKED } from './response'

/** The headers of Google's front end, which name no request. */
export function geminiHeaders(): HeaderValues {
  return {
    vary: 'Origin, X-Origin, Referer',
    server: 'scaffolding on HTTPServer2',
    'server-timing': 'gfet4t7; dur=412',
    'x-xss-protection': '0',
    'x-frame-options': 'SAMEORIGIN',
    'x-content-type-options': 'nosniff',
    'alt-svc': 'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000',
  }
}

/** An error in Google's shape. */
export function googleError(code: number, word: string, message: string, details?: JsonObject[]) {
  return { error: { code, message, status: word, ...(details !== undefined && { details }) } }
}

/** A 400 of the Gemini API. */
export function invalidArgument(message: string): Step {
  return status(400, googleError(400, 'INVALID_ARGUMENT', message))
}

/** What Google sends with a status; a stream that is no SSE gets it as an array with one element. */
export function geminiStatus(code: number, { model, path }: ErrorContext): ProviderError {
  const [word, message] = ERRORS[code] ?? ['INTERNAL', 'An internal error has occurred.']
  const details = code === 429 ? quotaDetails(model) : undefined
  const error = googleError(code, word, message.replace('$model', model), details)
  const { pathname, searchParams } = new URL(path, 'http://fake')
  const isArray = pathname.endsWith(':streamGenerateContent') && searchParams.get('alt') !== 'sse'
  return { body: isArray ? [error] : error }
}

/** Google's errors that need their own treatment; a blocked prompt is a 200 without candidates. */
export function geminiProblem(problem: Problem, { authorization }: ErrorContext): Step {
  switch (problem.name) {
    case 'quota-exhausted': {
      const message = 'You exceeded your current quota, please check your plan and billing details.'
      return status(429, googleError(429, 'RESOURCE_EXHAUSTED', message))
    }
    case 'context-too-long': {
      const { limit, used } = problem
      const message = `The input token count (${used}) exceeds the maximum number of tokens allowed (${limit}).`
      return invalidArgument(message)
    }
    case 'content-blocked':
      return answer({ content: [], finishReason: PROMPT_BLOCKED, tokens: { completion_tokens: 0 } })
    case 'echo-auth':
      return status(401, googleError(401, 'UNAUTHENTICATED', `API key not valid: ${authorization}`))
  }
}

function quotaDetails(model: string): JsonObject[] {
  const prefix = 'type.googleapis.com/google.rpc'
  const violation = {
    quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
    quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier',
    quotaDimensions: { location: 'global', model },
    quotaValue: '10',
  }
  return [
    { '@type': `${prefix}.QuotaFailure`, violations: [violation] },
    { '@type': `${prefix}.RetryInfo`, retryDelay: '37s' },
  ]
}

const ERRORS: Record<number, [word: string, message: string]> = {
  400: ['INVALID_ARGUMENT', 'Request contains an invalid argument.'],
  401: [
    'UNAUTHENTICATED',
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid ' +
      'authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
  ],
  403: ['PERMISSION_DENIED', 'Permission denied: Consumer has been suspended.'],
  404: [
    'NOT_FOUND',
    'models/$model is not found for API version v1beta, or is not supported for generateContent. Call ListModels to ' +
      'see the list of available models and their supported methods.',
  ],
  413: ['INVALID_ARGUMENT', 'Request payload size exceeds the limit: 20971520 bytes.'],
  429: ['RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).'],
  499: ['CANCELLED', 'The operation was cancelled.'],
  500: [
    'INTERNAL',
    'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
  ],
  501: ['UNIMPLEMENTED', 'Operation is not implemented, or supported, or enabled.'],
  502: ['UNAVAILABLE', 'The service is currently unavailable.'],
  503: ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
  504: ['DEADLINE_EXCEEDED', 'The request timed out. Please try again.'],
  529: ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
}
