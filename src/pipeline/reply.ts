import { limitHeaders } from '../limits/limit-headers'
import type { LogCache, LogPrompt } from '../logs/log-record'
import { describe, type Failure, failureHeaders } from '../platform/failure'
import type { Protocol } from '../protocols/protocol'
import type { Target } from '../providers/target'
import type { Known } from './record'
import type { Answer, Exchange } from './stages'
import { isPriceUnknown } from './unpriced'

/** The provider's headers that a client may use; no other of them passes. */
const PASSED = [
  'x-request-id',
  // Of the gateway's own: the answer is its guess.
  'x-sluice-estimated',
  ...['openai-processing-ms', 'openai-version', 'openai-organization'],
  ...['limit', 'remaining', 'reset'].flatMap((what) => [
    `x-ratelimit-${what}-requests`,
    `x-ratelimit-${what}-tokens`,
  ]),
]

/** What an answer says of its way through the gateway. */
export interface ReplyNotes {
  logId: string
  /** The last one that was tried. */
  target: Pick<Target, 'providerId' | 'upstreamModel'> | undefined
  attempts: number
  dropped: readonly string[]
  /** The gateway has repeated the call itself as often as it may. */
  isExhausted: boolean
  /** Headers about the request's limits; they overrule the provider's. */
  limits: PlainHeaders
  /** What the response cache had to do with it; absent where it had nothing to. */
  cache: LogCache | undefined
  /** The stored prompt that the request was made from. */
  prompt: LogPrompt | undefined
  /** Milliseconds by stage, for Server-Timing. */
  timings: Readonly<Record<string, number>>
}

/** What the answer says of its way here. */
export function notesOf(exchange: Exchange, known: Known, answer?: Answer): ReplyNotes {
  const { startedAtMs, logId, effects } = exchange
  const { authenticatedAtMs = startedAtMs, plannedAtMs = authenticatedAtMs, cached } = known
  const losses = answer?.losses ?? cached?.about.losses ?? []
  return {
    logId,
    attempts: known.attempts.length,
    dropped: [...(known.intake?.ignored ?? []), ...losses],
    timings: {
      auth: authenticatedAtMs - startedAtMs,
      ...(known.limitsMs === undefined ? {} : { limits: known.limitsMs }),
      ...(known.lookUpMs === undefined ? {} : { cache: known.lookUpMs }),
      ...(known.attempts.length === 0 ? {} : { upstream: effects.now() - plannedAtMs }),
    },
    target: answer?.target ?? cached?.reply.head ?? known.attempts.at(-1),
    cache: known.cache,
    prompt: known.prompt,
    isExhausted: known.isExhausted === true,
    limits: limitNotes(known, effects.now()),
  }
}

/** The type of a stream of events. */
export const EVENT_STREAM = 'text/event-stream; charset=utf-8'

/** `cache-control` of a stream that is no stream of events: JSON would be held back to be compressed. */
export function untransformed(headers: PlainHeaders): string {
  return `${headers['cache-control'] ?? 'no-cache'}, no-transform`
}

/** Header names and values; a plain object, since each Headers object costs more than all that is in it. */
export type PlainHeaders = Record<string, string>

/** Response headers of a good answer. */
export function answerHeaders(
  notes: ReplyNotes,
  upstream: Headers | undefined,
  contentType: string,
): PlainHeaders {
  const headers = noteHeaders(notes)
  headers['content-type'] = contentType
  if (upstream === undefined) return headers
  for (const name of PASSED) {
    const value = upstream.get(name)
    if (value !== null && notes.limits[name] === undefined) headers[name] = value
  }
  return headers
}

/** What an answer says of its request's limits; {} when it has none. */
export function limitNotes(known: Pick<Known, 'limits' | 'attempts'>, nowMs: number): PlainHeaders {
  const { limits } = known
  if (limits === undefined) return NO_HEADERS
  const { isAllowed, counted, headed = counted } = limits
  return limitHeaders(headed, { isAllowed, nowMs, isPriceUnknown: isPriceUnknown(known) })
}

const NO_HEADERS: PlainHeaders = {}

/** What an upstream says its answer is, or that it is nothing known. */
export function contentTypeOf(upstream: Headers): string {
  return upstream.get('content-type') ?? 'application/octet-stream'
}

/** A failure as the client's protocol tells it; a provider's own error keeps its status and bytes. */
export function failureResponse(failure: Failure, protocol: Protocol, notes: ReplyNotes): Response {
  const headers = noteHeaders(notes)
  // SDKs obey it; their own repetitions would multiply the gateway's.
  const again = notes.isExhausted ? { 'x-should-retry': 'false' } : {}
  if (failure.kind === 'upstream_status') {
    return new Response(failure.body, {
      status: failure.status,
      headers: { ...headers, ...Object.fromEntries(failure.headers), ...again },
    })
  }
  const description = describe(failure)
  return new Response(protocol.encodeError(description), {
    status: description.status,
    headers: { ...headers, ...failureHeaders(failure), ...again, 'content-type': 'application/json' },
  })
}

function noteHeaders(notes: ReplyNotes): PlainHeaders {
  const { logId, target, attempts, dropped, cache, prompt, limits, timings } = notes
  const headers: PlainHeaders = { 'x-respan-log-id': logId, 'x-sluice-attempts': String(attempts) }
  for (const name in limits) headers[name] = limits[name] ?? ''
  if (prompt !== undefined) notePrompt(headers, prompt)
  if (cache !== undefined) noteCache(headers, cache)
  if (target !== undefined) {
    headers['x-sluice-provider'] = target.providerId
    if (target.upstreamModel !== '') headers['x-sluice-model'] = headerText(target.upstreamModel)
  }
  if (dropped.length > 0) headers['x-sluice-dropped'] = headerText(dropped.join(', '))
  let stages = ''
  for (const name in timings) stages += `${stages === '' ? '' : ', '}${name};dur=${timings[name]}`
  if (stages !== '') headers['server-timing'] = stages
  return headers
}

function notePrompt(headers: PlainHeaders, { id, version, label }: LogPrompt): void {
  headers['x-sluice-prompt'] = headerText(`${id}@${version}`)
  headers['x-llmgateway-prompt-id'] = headerText(id)
  headers['x-llmgateway-prompt-version'] = String(version)
  if (label !== undefined) headers['x-llmgateway-prompt-label'] = headerText(label)
}

// Caches on the way know nothing of keys and customers.
function noteCache(headers: PlainHeaders, { status, ageMs }: LogCache): void {
  headers['x-sluice-cache'] = status
  headers['cache-control'] = 'no-store'
  if (status !== 'hit') return
  headers['x-llmgateway-cache'] = 'HIT'
  headers.age = String(Math.floor((ageMs ?? 0) / 1_000))
}

// Names come from callers, and a header takes no line ends and nothing beyond Latin-1.
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
