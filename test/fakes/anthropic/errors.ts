import type { JsonObject } from '../chat-request'
import type { Problem } from '../dialect'
import { status } from '../faults'
import { fieldsOf } from '../fields'
import { cloudflarePage, type ErrorContext, type ProviderError } from '../provider-errors'
import type { Step } from '../steps'
import { fakeId } from '../tokens'
import type { HeaderValues } from '../wire'

/** Anthropic's name for a call. */
export function anthropicRequestId(callId: number): string {
  return fakeId('req_011', 21, callId)
}

/** The headers that Anthropic, behind Cloudflare, sends with every reply. */
export function anthropicHeaders(callId: number): HeaderValues {
  const reset = () => new Date(Date.now() + 60_000).toISOString().replace(/\.\d+/, '')
  return {
    'request-id': anthropicRequestId(callId),
    'anthropic-organization-id': '00000000-0000-4000-8000-00000000fa4e',
    'anthropic-ratelimit-requests-limit': '4000',
    'anthropic-ratelimit-requests-remaining': '3999',
    'anthropic-ratelimit-requests-reset': reset,
    'anthropic-ratelimit-input-tokens-limit': '400000',
    'anthropic-ratelimit-input-tokens-remaining': '400000',
    'anthropic-ratelimit-input-tokens-reset': reset,
    'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    server: 'cloudflare',
    'cf-cache-status': 'DYNAMIC',
    'cf-ray': '9a1b2c3d4e5f6a7b-FRA',
    'x-robots-tag': 'none',
  }
}

/** An error in Anthropic's shape. */
export function anthropicError(type: string, message: string, callId: number): JsonObject {
  return { type: 'error', error: { type, message }, request_id: anthropicRequestId(callId) }
}

/** A 400 of the Messages API. */
export function invalid(message: string, callId: number): Step {
  return status(400, anthropicError('invalid_request_error', message, callId))
}

/** A thread that is not held any more, as each one is here at once; clients send the whole conversation again. */
export function lostThread(callId: number): Step {
  const { error, ...body } = anthropicError('not_found_error', 'The thread was not found.', callId)
  const details = { error_code: 'thread_not_found' }
  return status(404, { ...body, error: { ...fieldsOf(error), details } as JsonObject })
}

/** What Anthropic sends with a status; Cloudflare's page where it would not answer itself. */
export function anthropicStatus(code: number, { callId, model }: ErrorContext): ProviderError {
  if (code === 502) return { body: cloudflarePage('502 Bad Gateway') }
  const [type, message] = ERRORS[code] ?? ['api_error', 'Internal server error']
  const isForRetry = code === 429 || code >= 500
  return {
    body: anthropicError(type, message.replace('$model', model), callId),
    headers: { 'x-should-retry': String(isForRetry) },
  }
}

/** Anthropic's errors that need their own treatment. */
export function anthropicProblem(problem: Problem, { callId, authorization }: ErrorContext): Step {
  switch (problem.name) {
    case 'quota-exhausted': {
      const where = 'Please go to Plans & Billing to upgrade or purchase credits.'
      return invalid(`Your credit balance is too low to access the Anthropic API. ${where}`, callId)
    }
    case 'context-too-long':
      return invalid(`prompt is too long: ${problem.used} tokens > ${problem.limit} maximum`, callId)
    case 'content-blocked':
      return invalid('Output blocked by content filtering policy', callId)
    case 'echo-auth':
      return status(
        401,
        anthropicError('authentication_error', `invalid x-api-key: ${authorization}`, callId),
      )
  }
}

const ERRORS: Record<number, [type: string, message: string]> = {
  400: ['invalid_request_error', "messages.0.role: Input should be 'user' or 'assistant'"],
  401: ['authentication_error', 'invalid x-api-key'],
  402: ['billing_error', 'Your organization has a billing issue. Please update your payment information.'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'model: $model'],
  408: ['timeout_error', 'Request timed out'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: [
    'rate_limit_error',
    "This request would exceed your organization's rate limit of 400,000 input tokens per minute. For details, " +
      'refer to: https://docs.claude.com/en/api/rate-limits.',
  ],
  503: ['overloaded_error', 'Overloaded'],
  504: ['timeout_error', 'Request timed out'],
  529: ['overloaded_error', 'Overloaded'],
}
