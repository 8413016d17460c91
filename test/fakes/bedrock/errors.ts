import type { Problem } from '../dialect'
import { status } from '../faults'
import type { ErrorContext, ProviderError } from '../provider-errors'
import { answer, type Step } from '../steps'
import { fakeId } from '../tokens'
import type { HeaderValues } from '../wire'

/** The headers of a Bedrock reply. */
export function bedrockHeaders(callId: number): HeaderValues {
  return { 'x-amzn-requestid': fakeId('00000000-0000-4000-8000-', 12, callId) }
}

/** A 400 of Bedrock. */
export function validation(message: string): Step {
  return awsError(400, 'ValidationException', message)
}

/** An error whose name stands in a header. */
export function awsError(code: number, type: string, message: string): Step {
  return status(
    code,
    { message },
    { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` },
  )
}

/** What Bedrock sends with a status. */
export function bedrockStatus(code: number, _context: ErrorContext): ProviderError {
  const [type, message] = ERRORS[code] ?? ['InternalServerException', INTERNAL]
  return { body: { message }, headers: { 'x-amzn-errortype': type } }
}

/** Bedrock's errors that need their own treatment; what a guardrail stops is a 200. */
export function bedrockProblem(problem: Problem, { authorization }: ErrorContext): Step {
  switch (problem.name) {
    case 'quota-exhausted':
      return awsError(429, 'ThrottlingException', 'Too many tokens per day, please wait before trying again.')
    case 'context-too-long': {
      const { limit, used } = problem
      return validation(
        `The model returned the following errors: prompt is too long: ${used} tokens > ${limit} maximum`,
      )
    }
    case 'content-blocked':
      return answer({ refusal: 'Sorry, the model cannot answer this question.' })
    case 'echo-auth': {
      const message = `The security token included in the request is invalid: ${authorization}`
      return awsError(403, 'UnrecognizedClientException', message)
    }
  }
}

const INTERNAL = 'The system encountered an unexpected error during processing. Try your request again.'
const ERRORS: Record<number, [type: string, message: string]> = {
  400: ['ValidationException', 'The provided model identifier is invalid.'],
  401: ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
  403: ['AccessDeniedException', "You don't have access to the model with the specified model ID."],
  404: [
    'ResourceNotFoundException',
    'Could not resolve the foundation model from the provided model identifier.',
  ],
  408: ['ModelTimeoutException', 'Model has timed out in processing the request. Try your request again.'],
  413: ['RequestEntityTooLargeException', 'The request body is too large.'],
  424: ['ModelErrorException', 'The model returned an unexpected error. Try your request again.'],
  429: ['ThrottlingException', 'Too many requests, please wait before trying again.'],
  500: ['InternalServerException', INTERNAL],
  503: ['ServiceUnavailableException', 'Bedrock is unable to process your request.'],
}
