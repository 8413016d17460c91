import { describe, type Failure } from '../platform/failure'
import type { Protocol } from '../protocols/protocol'
import type { Target } from '../providers/target'

/** The provider's headers that a client may use; no other of them passes. */
const PASSED = ['x-request-id', 'openai-processing-ms', 'openai-version', 'openai-organization']
const PASSED_PREFIX = 'x-ratelimit-'
/** Set here from what was actually read, or meaningless behind another connection. */
const NOT_FROM_ERRORS = new Set(['content-length', 'content-encoding', 'transfer-encoding', 'connection'])

/** What an answer says of its way through the gateway. */
export interface ReplyNotes {
  logId: string
  target?: Target
  attempts: number
  dropped: readonly string[]
  /** Milliseconds by stage, for Server-Timing. */
  timings: Readonly<Record<string, number>>
}

/** Response headers of a good answer. */
export function answerHeaders(
  notes: ReplyNotes,
  upstream: Headers | undefined,
  contentType: string,
): Headers {
  const headers = noteHeaders(notes)
  headers.set('content-type', contentType)
  if (upstream === undefined) return headers
  for (const name of PASSED) {
    const value = upstream.get(name)
    if (value !== null) headers.set(name, value)
  }
  for (const [name, value] of upstream) if (name.startsWith(PASSED_PREFIX)) headers.set(name, value)
  return headers
}

/** A failure as the client's protocol tells it; a provider's own error keeps its status and bytes. */
export function failureResponse(failure: Failure, protocol: Protocol, notes: ReplyNotes): Response {
  const headers = noteHeaders(notes)
  if (failure.kind === 'upstream_status') {
    for (const [name, value] of failure.headers) if (!NOT_FROM_ERRORS.has(name)) headers.set(name, value)
    return new Response(failure.body, { status: failure.status, headers })
  }
  const description = describe(failure)
  headers.set('content-type', 'application/json')
  if (description.retryAfterSeconds !== undefined)
    headers.set('retry-after', String(description.retryAfterSeconds))
  if (failure.kind === 'method_not_allowed') headers.set('allow', failure.allow)
  return new Response(protocol.encodeError(description), { status: description.status, headers })
}

function noteHeaders({ logId, target, attempts, dropped, timings }: ReplyNotes): Headers {
  const headers = new Headers({ 'x-respan-log-id': logId, 'x-sluice-attempts': String(attempts) })
  if (target !== undefined) {
    headers.set('x-sluice-provider', target.providerId)
    headers.set('x-sluice-model', headerText(target.upstreamModel))
  }
  if (dropped.length > 0) headers.set('x-sluice-dropped', headerText(dropped.join(', ')))
  const stages = Object.entries(timings).map(([name, ms]) => `${name};dur=${ms}`)
  if (stages.length > 0) headers.set('server-timing', stages.join(', '))
  return headers
}

// Names come from callers, and a header takes no line ends and nothing beyond Latin-1.
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
