import type { CacheEntry } from '../cache/entry'
import type { RecordedReply } from '../cache/recorded-reply'
import { concat } from '../platform/json-edit'
import { conclude, endingOfFailure } from './conclude'
import { pacedPieces, sendPaced } from './paced'
import { withEcho } from './prompt-echo'
import type { Known } from './record'
import { createMeasure } from './recorder'
import { answerHeaders, EVENT_STREAM, notesOf, untransformed } from './reply'
import { retoldAsStream, retoldWhole } from './retell'
import type { Ending, Job } from './stages'

/**
 * Answers with a kept reply, in the protocol and the form that were asked for; undefined when it cannot be told, so
 * that the provider is asked after all.
 */
export function serveCached(job: Job, known: Known, entry: CacheEntry): Response | undefined {
  const { caching, intake, effects } = job
  if (caching === undefined) return undefined
  const { key, policy } = caching
  const isPaced = intake.stream && policy.pace === 'natural' && intake.wantsBytes !== true
  const told = isPaced ? orNothing(() => pacedPieces(job, entry.reply)) : toldAtOnce(job, entry)
  if (told === undefined) return undefined
  known.cached = entry
  const ageMs = Math.max(0, effects.now() - entry.about.createdAtMs)
  known.cache = { status: 'hit', key, ageMs, ...(policy.omitsLog ? { isOmitted: true } : {}) }
  const headers = cachedHeaders(job, known, entry)
  const bytes = concat(told.map((piece) => piece.bytes))
  const ending = endingOfCached(job, entry, bytes)
  if (!isPaced) {
    conclude(job, known, ending)
    return new Response(withEcho(job, known, framed(job, bytes)), { headers })
  }
  const out = new IdentityTransformStream()
  const framing = job.protocol.framing?.filter()
  const sending = sendPaced(told, out.writable, { framing, signal: job.request.signal })
  job.background(
    sending.then((isSent) => {
      const endedAtMs = effects.now()
      const failed = endingOfFailure(job, { kind: 'cancelled' })
      conclude(job, known, isSent ? { ...ending, endedAtMs } : { ...ending, ...failed })
    }),
  )
  return new Response(out.readable, { headers })
}

function toldAtOnce(job: Job, { reply }: CacheEntry) {
  const bytes = toldTo(job, reply)
  return bytes === undefined ? undefined : [{ atMs: 0, bytes }]
}

/** A reply in the protocol and the form that a request asks for; undefined when it cannot be told so. */
export function toldTo(job: Job, reply: RecordedReply): Uint8Array | undefined {
  return orNothing(() => (job.intake.stream ? retoldAsStream(job, reply) : retoldWhole(job, reply)))
}

/** A client's whole stream in the frame that its protocol has around it. */
export function framed({ protocol, intake }: Job, bytes: Uint8Array): Uint8Array {
  const framing = intake.stream ? protocol.framing?.filter() : undefined
  return framing === undefined ? bytes : concat([framing.change(bytes), framing.rest()])
}

/** The headers of an answer that another request got. */
export function cachedHeaders(job: Job, known: Known, { reply }: CacheEntry) {
  const { protocol, intake } = job
  const isOwnType = intake.stream ? intake.wantsBytes === true : protocol.hasOwnTypes === true
  const usual = intake.stream ? (protocol.framing?.contentType ?? EVENT_STREAM) : 'application/json'
  const type = isOwnType ? reply.head.contentType : usual
  const headers = answerHeaders(notesOf(job, known), undefined, type)
  if (intake.stream && protocol.framing !== undefined) headers['cache-control'] = untransformed(headers)
  return headers
}

/** What the answer was when it was made; the log's consumer knows that it cost nothing this time. */
export function endingOfCached(
  { effects, intake }: Job,
  { reply, about }: CacheEntry,
  bytes: Uint8Array,
): Ending {
  const { finishReason, responseId, usage, usageSource, losses } = about
  const nowMs = effects.now()
  return {
    kind: 'completed',
    statusCode: 200,
    facts: {
      ...(finishReason === undefined ? {} : { finishReason }),
      ...(responseId === undefined ? {} : { responseId }),
    },
    losses,
    ...(usage === undefined ? {} : { usage }),
    ...(usageSource === undefined ? {} : { usageSource }),
    responseBody: intake.wantsBytes === true ? measured(bytes, reply.head.contentType) : bytes,
    firstContentAtMs: nowMs,
    endedAtMs: nowMs,
  }
}

function measured(bytes: Uint8Array, contentType: string): Uint8Array {
  const measure = createMeasure(contentType)
  measure.add(bytes)
  return measure.recorded()
}

// A kept reply that its protocol's present code cannot read is none.
function orNothing<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}
