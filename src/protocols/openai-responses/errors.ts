import type { FailureDescription } from '../../platform/failure'

/** OpenAI's error shape, with Respan's `detail` beside it, so that the clients of both read what they know. */
export function encodeResponsesError(description: FailureDescription): string {
  const { message, type, param = null, code, retryAfterSeconds } = description
  return JSON.stringify({
    error: { message, type, param, code },
    detail: message,
    ...(retryAfterSeconds === undefined ? {} : { retry_after: retryAfterSeconds }),
  })
}

/**
 * An error as the last event of a stream. The reference has its fields flat ("Streaming events"), the service sends
 * them inside `error`, and its SDK throws for the latter only: both are told. The blank lines in front end an event
 * that broke off in the middle; the number of the event before is not known here.
 */
export function responsesErrorEvent(description: FailureDescription): string {
  const { message, type, param = null, code } = description
  const error = { type, code, message, param }
  const event = { type: 'error', sequence_number: 0, code, message, param, error }
  return `\n\nevent: error\ndata: ${JSON.stringify(event)}\n\n`
}
