import type { JsonObject } from './chat-request'
import { cloudflarePage } from './provider-errors'
import type { Step, StreamFault, StreamOptions } from './steps'
import { raw, reply, stream } from './steps'
import type { Ending, HeaderValues } from './wire'

/** Options of a fault in the middle of a stream. */
export interface MidStreamOptions extends StreamOptions {
  /** Half of the next event is still sent. */
  insideEvent?: boolean
}

/** An error status, with the provider's own body for it unless one is given; a text is sent as HTML. */
export function status(code: number, body?: JsonObject | string, headers: HeaderValues = {}): Step {
  return { kind: 'status', status: code, headers, ...(body !== undefined && { body }) }
}

/** How a 429 says when to come back. All of them may be given. */
export interface RetryAfter {
  seconds?: number
  /** Sent as an HTTP date, which has whole seconds. */
  dateInMs?: number
  /** Sent as `retry-after-ms`. */
  ms?: number
}

/** The usual 429. A date replaces seconds: both are the same header. */
export function rateLimited({ seconds, dateInMs, ms }: RetryAfter = {}): Step {
  const headers: HeaderValues = {}
  if (seconds !== undefined) headers['retry-after'] = String(seconds)
  if (dateInMs !== undefined) headers['retry-after'] = () => new Date(Date.now() + dateInMs).toUTCString()
  if (ms !== undefined) headers['retry-after-ms'] = String(ms)
  return status(429, undefined, headers)
}

/** The other 429: the account has no money left, so a retry cannot help. */
export function quotaExhausted(): Step {
  return { kind: 'problem', problem: { name: 'quota-exhausted' } }
}

/** A 400 that a model with a larger window may not give. */
export function contextTooLong(limit = 128_000, used = 204_308): Step {
  return { kind: 'problem', problem: { name: 'context-too-long', limit, used } }
}

/** A prompt that the provider's content filter stops: no other target may be tried. In OpenAI's words, Azure's 400. */
export function contentBlocked(): Step {
  return { kind: 'problem', problem: { name: 'content-blocked' } }
}

/** A 401 whose body repeats the key as it came. */
export function echoAuthInError(): Step {
  return { kind: 'problem', problem: { name: 'echo-auth' } }
}

/** Closes the connection (FIN) without a byte. A port where nobody listens: `closedPortUrl`, `goDown`. */
export function refuse(): Step {
  return { kind: 'no-reply', how: 'close' }
}

/** Resets the connection (RST) without a byte. */
export function resetBeforeHeaders(): Step {
  return { kind: 'no-reply', how: 'reset' }
}

/** Takes the request and never says anything. */
export function hangBeforeHeaders(): Step {
  return { kind: 'no-reply', how: 'hang' }
}

/** Sends the headers of a stream and then nothing. */
export function hangBeforeFirstEvent(options: StreamOptions = {}): Step {
  return broken({ how: 'hang', afterEvents: 0 }, options)
}

/** Goes quiet with the connection open; the first event is the role, not yet content. */
export function hangMidStream(afterEvents: number, options: MidStreamOptions = {}): Step {
  return broken({ how: 'hang', afterEvents }, options)
}

/** Resets the connection (RST). */
export function resetMidStream(afterEvents: number, options: MidStreamOptions = {}): Step {
  return broken({ how: 'reset', afterEvents }, options)
}

/** Closes the connection (FIN) without the last chunk of the chunked body. */
export function cutMidStream(afterEvents: number, options: MidStreamOptions = {}): Step {
  return broken({ how: 'cut', afterEvents }, options)
}

/** A clean end of the HTTP body with no finish reason, no usage and no terminal marker. */
export function endWithoutTerminal(afterEvents: number, options: MidStreamOptions = {}): Step {
  return broken({ how: 'end', afterEvents }, options)
}

/** A 200 stream whose first event is an error. */
export function errorEventFirst(options: StreamOptions = {}): Step {
  return errorEventAfter(0, options)
}

/** An error event after some others, and then, where the protocol has it, [DONE]. */
export function errorEventAfter(afterEvents: number, options: StreamOptions = {}): Step {
  return broken({ how: 'error', afterEvents }, options)
}

/** A stream that goes on until the client leaves. */
export function endlessDrip(gapMs: number, options: StreamOptions = {}): Step {
  return { kind: 'drip', options: { ...options, gapMs } }
}

/** A JSON reply that stops in the middle; the connection ends cleanly unless `ending` says otherwise. */
export function truncatedJson(ending: Ending = 'clean'): Step {
  return { kind: 'reply', options: {}, truncated: ending }
}

/** A captive page: HTML with a 200. */
export function htmlWith200(): Step {
  return raw({
    headers: { 'content-type': 'text/html; charset=UTF-8' },
    chunks: [cloudflarePage('Just a moment...')],
  })
}

/** A 200 that says it is JSON and has no body. */
export function emptyBody200(): Step {
  return raw({ headers: { 'content-type': 'application/json', 'content-length': '0' } })
}

/** An error in a 200, as OpenRouter sends it. */
export function jsonErrorWith200(): Step {
  return { kind: 'error-with-200' }
}

/** A redirect that keeps the method and the body. */
export function redirect(url: string, code = 307): Step {
  return raw({ status: code, headers: { location: url, 'content-length': '0' } })
}

/** A JSON reply to a request for a stream. */
export function jsonToStreamRequest(): Step {
  return reply()
}

/** A stream for a request that did not ask for one. */
export function streamToJsonRequest(): Step {
  return stream()
}

/** An answer with this many bytes of content, streamed in events of 16 KiB where a stream is asked for. */
export function hugeReply(bytes: number): Step {
  const size = 16_384
  const pieces = Array.from({ length: Math.ceil(bytes / size) }, (_, index) =>
    'x'.repeat(Math.min(size, bytes - index * size)),
  )
  return { kind: 'answer', options: { content: pieces } }
}

/** Without an answer of its own the stream is long enough for the fault to be in the middle. */
function broken(fault: StreamFault, { insideEvent, ...options }: MidStreamOptions): Step {
  const content = Array.from({ length: fault.afterEvents + 8 }, (_, index) => `word${index} `)
  const isScripted = (options.content ?? options.refusal ?? options.toolCalls ?? options.events) !== undefined
  return {
    kind: 'broken-stream',
    options: isScripted ? options : { ...options, content },
    fault: { ...fault, insideEvent: insideEvent === true },
  }
}
