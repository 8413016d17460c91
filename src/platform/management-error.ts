import { describe, type Failure, failureHeaders } from './failure'

/** A management error in Respan's shape (compatibility document, A9). */
export function managementError(failure: Failure): Response {
  const { status, message, retryAfterSeconds } = describe(failure)
  const body =
    failure.kind === 'validation'
      ? { detail: 'Validation error', errors: failure.errors }
      : { detail: message, ...(retryAfterSeconds === undefined ? {} : { retry_after: retryAfterSeconds }) }
  return Response.json(body, { status, headers: failureHeaders(failure) })
}
