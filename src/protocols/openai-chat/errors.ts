import type { FailureDescription } from '../../platform/failure'

/**
 * OpenAI's error shape (OpenAI API reference, "Error codes"), with Respan's `detail` beside it, so that the clients
 * of both read what they know.
 */
export function encodeChatError(description: FailureDescription): string {
  const { message, type, param = null, code, retryAfterSeconds } = description
  return JSON.stringify({
    error: { message, type, param, code },
    detail: message,
    ...(retryAfterSeconds === undefined ? {} : { retry_after: retryAfterSeconds }),
  })
}

/** An error as the last event of a stream. The blank lines in front end an event that broke off in the middle. */
export function chatErrorEvent(description: FailureDescription): string {
  const { message, type, param = null, code } = description
  return `\n\ndata: ${JSON.stringify({ error: { message, type, param, code } })}\n\n`
}
