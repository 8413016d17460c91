import { IDEMPOTENCY_KEY } from '../idempotency/key'
import { numberVariable } from '../platform/env'
import { describe, failureOf, SluiceError } from '../platform/failure'
import { concat } from '../platform/json-edit'
import { writeOnce } from '../platform/relay'
import type { Pin } from '../routing/pin'
import { admit } from './admit'
import { wantsBreakdown, withBreakdown } from './breakdown'
import { cachedHeaders, serveCached } from './cached'
import { conclude, endingOfFailure, endingOfWhole } from './conclude'
import { serveOnce } from './idempotent'
import type { Isolate } from './isolate'
import { type JoinedAnswer, joinedWhole } from './join-answer'
import { withEcho } from './prompt-echo'
import type { Known } from './record'
import { relayJoined } from './relay-joined'
import {
  answerHeaders,
  contentTypeOf,
  EVENT_STREAM,
  failureResponse,
  notesOf,
  type PlainHeaders,
  untransformed,
} from './reply'
import { sharedAnswer } from './shared-answer'
import type { Ending, Exchange, Job, OpenStream } from './stages'
import { relayStream } from './stream-reply'

/** Proxies on the way cut a connection that is silent for about 100 s; clients give up sooner. */
const DEFAULT_KEEP_ALIVE_MS = 15_000
const encoder = new TextEncoder()
const KEEP_ALIVE = ': keep-alive\n\n'

/**
 * The whole life of a request on an inference route. Whatever happens, it leaves one log record: success, failure and
 * hang-up all end in `conclude`.
 */
export async function serve(exchange: Exchange, isolate: Isolate, pin?: Pin): Promise<Response> {
  const known: Known = { attempts: [] }
  const key = exchange.request.headers.get(IDEMPOTENCY_KEY)
  if (key === null) return serveNow(exchange, isolate, { pin, known })
  const serveAs = (leading: Exchange) => serveNow(leading, isolate, { pin, known })
  try {
    return await serveOnce(exchange, isolate, { key, pin, known, serveNow: serveAs })
  } catch (cause) {
    return refuse(exchange, known, cause)
  }
}

async function serveNow(
  exchange: Exchange,
  isolate: Isolate,
  given: { pin: Pin | undefined; known: Known },
): Promise<Response> {
  const { pin, known } = given
  try {
    const job = await admit(exchange, isolate, { pin, known })
    const kept = job.entry === undefined ? undefined : serveCached(job, known, job.entry)
    const response = kept ?? (job.intake.stream ? await streamed(job, known) : await whole(job, known))
    return wantsBreakdown(job, known) ? await withBreakdown(job, known, response) : response
  } catch (cause) {
    return refuse(exchange, known, cause)
  }
}

async function whole(job: Job, known: Known): Promise<Response> {
  const answer = await sharedAnswer(job, known)
  if (answer.kind === 'joined') return joinedWhole(job, known, answer)
  if (answer.kind !== 'whole')
    throw new SluiceError({ kind: 'internal', message: 'A stream came for a reply in one piece.' })
  conclude(job, known, endingOfWhole(job, answer))
  const contentType = job.protocol.hasOwnTypes === true ? contentTypeOf(answer.headers) : 'application/json'
  const headers = answerHeaders(notesOf(job, known, answer), answer.headers, contentType)
  return new Response(withEcho(job, known, answer.body), { headers })
}

/**
 * A stream is answered when its first content is there, so that its headers can still tell the truth; only a client
 * that waits too long gets its 200 before, and from then on an error is an event.
 */
function streamed(job: Job, known: Known): Promise<Response> {
  const out = new IdentityTransformStream()
  const opening = sharedAnswer(job, known)
  return new Promise((resolve, reject) => {
    const keepAliveMs = numberVariable(job.env.KEEP_ALIVE_MS, DEFAULT_KEEP_ALIVE_MS)
    const { framing } = job.protocol
    const contentType = framing?.contentType ?? EVENT_STREAM
    let early: Promise<void> | undefined
    let isAnswered = false
    const answerWith = (headers: PlainHeaders) => {
      isAnswered = true
      resolve(new Response(out.readable, { headers }))
    }
    const { wantsBytes: isBytes } = job.intake
    const timer = setTimeout(() => {
      // Nothing can be put before a file without being taken for a part of it.
      if (isBytes === true) return
      const words = encoder.encode(framing?.keepAlive ?? KEEP_ALIVE)
      early = keepAlive(out.writable, { opening, keepAliveMs, words })
      answerWith(answerHeaders(notesOf(job, known), undefined, contentType))
    }, keepAliveMs)
    const run = async () => {
      const answer = await opening.finally(() => clearTimeout(timer))
      if (answer.kind === 'whole')
        throw new SluiceError({ kind: 'internal', message: 'A reply in one piece came for a stream.' })
      // A stream makes one response only, and a client that was kept alive has it already.
      if (!isAnswered) answerWith(streamHeaders(job, known, answer))
      await early
      conclude(job, known, await relayed(job, answer, out.writable))
    }
    job.background(
      run().catch((cause: unknown) =>
        isAnswered ? failLate({ job, known, cause, early, out }) : reject(cause),
      ),
    )
  })
}

function relayed(
  job: Job,
  answer: OpenStream | JoinedAnswer,
  out: WritableStream<Uint8Array>,
): Promise<Ending> {
  return answer.kind === 'joined' ? relayJoined(job, answer, out) : relayStream(job, answer, out)
}

function streamHeaders(job: Job, known: Known, answer: OpenStream | JoinedAnswer): PlainHeaders {
  if (answer.kind === 'joined') return cachedHeaders(job, known, answer.entry)
  const { framing } = job.protocol
  const isBytes = job.intake.wantsBytes === true
  const type = isBytes ? contentTypeOf(answer.headers) : (framing?.contentType ?? EVENT_STREAM)
  const headers = answerHeaders(notesOf(job, known, answer), answer.headers, type)
  // JSON would be held back to be compressed.
  if (framing !== undefined) headers['cache-control'] = untransformed(headers)
  return headers
}

async function keepAlive(
  out: WritableStream<Uint8Array>,
  given: { opening: Promise<unknown>; keepAliveMs: number; words: Uint8Array },
): Promise<void> {
  const over = given.opening.then(
    () => true,
    () => true,
  )
  const writer = out.getWriter()
  try {
    do await writer.write(given.words)
    while (!(await Promise.race([over, scheduler.wait(given.keepAliveMs).then(() => false)])))
  } catch {
    // The client has left; the relay finds that out by itself.
  } finally {
    writer.releaseLock()
  }
}

async function failLate(given: {
  job: Job
  known: Known
  cause: unknown
  early: Promise<void> | undefined
  out: IdentityTransformStream
}): Promise<void> {
  const { job, known, cause, early, out } = given
  const failure = failureOf(cause, UNEXPECTED)
  conclude(job, known, endingOfFailure(job, failure))
  await early
  const framing = job.protocol.framing?.filter()
  const event = encoder.encode(job.protocol.errorEvent(describe(failure)))
  const frame = framing === undefined ? event : concat([framing.change(event), framing.rest()])
  await writeOnce(out.writable, frame)
    .then(() => out.writable.close())
    .catch((second: unknown) => out.writable.abort(second))
    // A client that has left is not told.
    .catch(() => undefined)
}

/** The answer to a request that ended before it had one, and its end. */
export function refuse(exchange: Exchange, known: Known, cause: unknown): Response {
  const failure = failureOf(cause, UNEXPECTED)
  conclude(exchange, known, endingOfFailure(exchange, failure))
  return failureResponse(failure, exchange.protocol, notesOf(exchange, known))
}

const UNEXPECTED = 'Internal server error. The log id tells the operator which request it was.'
