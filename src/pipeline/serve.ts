import { numberVariable } from '../platform/env'
import { describe, type Failure, SluiceError } from '../platform/failure'
import { writeOnce } from '../platform/relay'
import type { Pin } from '../routing/plan'
import { admit } from './admit'
import { firstAnswer } from './attempt'
import { conclude, endingOfFailure, endingOfWhole } from './conclude'
import type { Isolate } from './isolate'
import type { Known } from './record'
import { answerHeaders, failureResponse, type PlainHeaders, type ReplyNotes } from './reply'
import type { Answer, Exchange, Job } from './stages'
import { relayStream } from './stream-reply'

/** Proxies on the way cut a connection that is silent for about 100 s; clients give up sooner. */
const DEFAULT_KEEP_ALIVE_MS = 15_000
const encoder = new TextEncoder()
const KEEP_ALIVE = encoder.encode(': keep-alive\n\n')

/**
 * The whole life of a request on an inference route. Whatever happens, it leaves one log record: success, failure and
 * hang-up all end in `conclude`.
 */
export async function serve(exchange: Exchange, isolate: Isolate, pin?: Pin): Promise<Response> {
  const known: Known = { attempts: [] }
  try {
    const job = await admit(exchange, isolate, { pin, known })
    return job.intake.stream ? await streamed(job, known) : await whole(job, known)
  } catch (cause) {
    return refuse(exchange, known, cause)
  }
}

async function whole(job: Job, known: Known): Promise<Response> {
  const answer = await firstAnswer(job)
  if (answer.kind !== 'whole')
    throw new SluiceError({ kind: 'internal', message: 'A stream came for a reply in one piece.' })
  conclude(job, known, endingOfWhole(job, answer))
  const headers = answerHeaders(notesOf(job, known, answer), answer.headers, 'application/json')
  return new Response(answer.body, { headers })
}

/**
 * A stream is answered when its first content is there, so that its headers can still tell the truth; only a client
 * that waits too long gets its 200 before, and from then on an error is an event.
 */
function streamed(job: Job, known: Known): Promise<Response> {
  const out = new IdentityTransformStream()
  const opening = firstAnswer(job)
  return new Promise((resolve, reject) => {
    const keepAliveMs = numberVariable(job.env.KEEP_ALIVE_MS, DEFAULT_KEEP_ALIVE_MS)
    let early: Promise<void> | undefined
    let isAnswered = false
    const answerWith = (headers: PlainHeaders) => {
      isAnswered = true
      resolve(new Response(out.readable, { headers }))
    }
    const timer = setTimeout(() => {
      early = keepAlive(out.writable, { opening, keepAliveMs })
      answerWith(answerHeaders(notesOf(job, known), undefined, EVENT_STREAM))
    }, keepAliveMs)
    const run = async () => {
      const answer = await opening.finally(() => clearTimeout(timer))
      if (answer.kind !== 'stream')
        throw new SluiceError({ kind: 'internal', message: 'A reply in one piece came for a stream.' })
      const headers = answerHeaders(notesOf(job, known, answer), answer.headers, EVENT_STREAM)
      // A stream makes one response only, and a client that was kept alive has it already.
      if (!isAnswered) answerWith(headers)
      await early
      conclude(job, known, await relayStream(job, answer, out.writable))
    }
    job.background(
      run().catch((cause: unknown) =>
        isAnswered ? failLate({ job, known, cause, early, out }) : reject(cause),
      ),
    )
  })
}

const EVENT_STREAM = 'text/event-stream; charset=utf-8'

async function keepAlive(
  out: WritableStream<Uint8Array>,
  given: { opening: Promise<Answer>; keepAliveMs: number },
): Promise<void> {
  const over = given.opening.then(
    () => true,
    () => true,
  )
  const writer = out.getWriter()
  try {
    do await writer.write(KEEP_ALIVE)
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
  const failure = failureOf(cause)
  conclude(job, known, endingOfFailure(job, failure))
  await early
  await writeOnce(out.writable, encoder.encode(job.protocol.errorEvent(describe(failure))))
    .then(() => out.writable.close())
    .catch((second: unknown) => out.writable.abort(second))
    // A client that has left is not told.
    .catch(() => undefined)
}

function refuse(exchange: Exchange, known: Known, cause: unknown): Response {
  const failure = failureOf(cause)
  conclude(exchange, known, endingOfFailure(exchange, failure))
  return failureResponse(failure, exchange.protocol, notesOf(exchange, known))
}

function failureOf(cause: unknown): Failure {
  if (cause instanceof SluiceError) return cause.failure
  // biome-ignore lint/suspicious/noConsole: an unexpected fault must be found in the worker's log; the client gets no details
  console.error(cause)
  return {
    kind: 'internal',
    message: 'Internal server error. The log id tells the operator which request it was.',
  }
}

function notesOf(exchange: Exchange, known: Known, answer?: Answer): ReplyNotes {
  const { startedAtMs, logId, effects } = exchange
  const { authenticatedAtMs = startedAtMs, plannedAtMs = authenticatedAtMs } = known
  return {
    logId,
    attempts: known.attempts.length,
    dropped: known.intake?.ignored ?? [],
    timings: {
      auth: authenticatedAtMs - startedAtMs,
      ...(known.attempts.length === 0 ? {} : { upstream: effects.now() - plannedAtMs }),
    },
    target: answer?.target ?? known.attempts.at(-1),
  }
}
