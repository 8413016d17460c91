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
 * An error as the last event of a stream (OpenAI API reference, "Streaming events"). The blank lines in front end an
 * event that broke off in the middle; the number of the event before is not known here.
 */
export function responsesErrorEvent(description: FailureDescription): string {
  const { message, param = null, code } = description
  const event = { type: 'error', code, message, param, sequence_number: 0 }
  return `\n\nevent: error\ndata: ${JSON.stringify(event)}\n\n`
}
