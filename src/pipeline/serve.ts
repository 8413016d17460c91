import type { Caller } from '../keys/authenticate'
import { emitLog } from '../logs/emit'
import { numberVariable } from '../platform/env'
import { describe, type Failure, SluiceError } from '../platform/failure'
import type { Timeouts } from '../platform/lifeline'
import type { Target } from '../providers/target'
import { type Pin, plan } from '../routing/plan'
import { firstAnswer } from './attempt'
import { authenticate } from './authenticate'
import { type Intake, readIntake } from './intake'
import { type Isolate, MISS_AGE_MS } from './isolate'
import { type Known, recordOf } from './record'
import { answerHeaders, failureResponse, type ReplyNotes } from './reply'
import type { Answer, Ending, Exchange, Job, WholeAnswer } from './stages'
import { relayStream } from './stream-reply'
import { surroundingsOf } from './surroundings'

const DEFAULT_MAX_BODY_BYTES = 32 * 1024 * 1024
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

/** Everything before the first upstream call: who asks, for what, and who may answer. */
async function admit(
  exchange: Exchange,
  isolate: Isolate,
  given: { pin: Pin | undefined; known: Known },
): Promise<Job> {
  const { request, env, protocol, effects } = exchange
  const { pin, known } = given
  const caller = await authenticate(exchange, isolate)
  known.caller = caller
  known.authenticatedAtMs = effects.now()
  const intake = await readIntake(
    request,
    protocol,
    numberVariable(env.MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES),
  )
  known.intake = intake
  const targets = await planTargets(exchange, isolate, { intake, caller, pin })
  known.plannedAtMs = effects.now()
  return {
    ...exchange,
    caller,
    intake,
    targets,
    timeouts: timeoutsOf(exchange, intake),
    attempts: known.attempts,
  }
}

async function planTargets(
  exchange: Exchange,
  isolate: Isolate,
  given: { intake: Intake; caller: Caller; pin: Pin | undefined },
): Promise<Target[]> {
  const { intake, caller, pin } = given
  const { env, background } = exchange
  const wanted = {
    model: intake.model,
    ...(pin === undefined ? {} : { pin }),
    fallbackModels: intake.parameters.fallback_models ?? undefined,
    disableFallback: intake.parameters.disable_fallback === true,
    allowedModels: caller.allowedModels,
  }
  const config = await isolate.config.get(background)
  try {
    return plan(wanted, surroundingsOf(env, config))
  } catch (cause) {
    if (!(cause instanceof SluiceError) || cause.failure.kind !== 'not_found') throw cause
    const newer = await isolate.config.refreshed(background, MISS_AGE_MS)
    if (newer === config) throw cause
    return plan(wanted, surroundingsOf(env, newer))
  }
}

function timeoutsOf({ env }: Exchange, intake: Intake): Timeouts {
  const askedMs =
    intake.parameters.timeout === undefined || intake.parameters.timeout === null
      ? undefined
      : intake.parameters.timeout * 1_000
  return {
    headersMs: numberVariable(env.HEADERS_TIMEOUT_MS, 60_000),
    firstContentMs: numberVariable(env.FIRST_CONTENT_TIMEOUT_MS, 180_000),
    idleMs: numberVariable(env.IDLE_TIMEOUT_MS, 120_000),
    totalMs: askedMs ?? numberVariable(env.TOTAL_TIMEOUT_MS, 600_000),
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

function endingOfWhole(job: Job, answer: WholeAnswer): Ending {
  const { target, facts, body, firstContentAtMs } = answer
  const told = facts.usage
  const usage = told ?? job.protocol.estimateUsage(job.intake.bytes, body, false)
  const usageSource = told === undefined ? 'estimated' : 'provider'
  return {
    kind: 'completed',
    statusCode: 200,
    target,
    facts,
    usage,
    usageSource,
    responseBody: body,
    firstContentAtMs,
    endedAtMs: job.effects.now(),
  }
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
    const timer = setTimeout(() => {
      early = keepAlive(out.writable, { opening, keepAliveMs })
      resolve(
        new Response(out.readable, { headers: answerHeaders(notesOf(job, known), undefined, EVENT_STREAM) }),
      )
    }, keepAliveMs)
    const run = async () => {
      const answer = await opening.finally(() => clearTimeout(timer))
      if (answer.kind !== 'stream')
        throw new SluiceError({ kind: 'internal', message: 'A reply in one piece came for a stream.' })
      resolve(
        new Response(out.readable, {
          headers: answerHeaders(notesOf(job, known, answer), answer.headers, EVENT_STREAM),
        }),
      )
      await early
      conclude(job, known, await relayStream(job, answer, out.writable))
    }
    job.background(
      run().catch((cause: unknown) =>
        early === undefined ? reject(cause) : failLate({ job, known, cause, early, out }),
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
  early: Promise<void>
  out: IdentityTransformStream
}): Promise<void> {
  const { job, known, cause, early, out } = given
  const failure = failureOf(cause)
  conclude(job, known, endingOfFailure(job, failure))
  await early
  const writer = out.writable.getWriter()
  await writer
    .write(encoder.encode(job.protocol.errorEvent(describe(failure))))
    .then(() => writer.close())
    .catch(() => undefined)
}

/** The one exit: the log record leaves, and nothing a log does can hurt the answer. */
function conclude(exchange: Exchange, known: Known, ending: Ending): void {
  exchange.background(emitLog(exchange.env, recordOf(exchange, known, ending)))
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

function endingOfFailure({ effects }: Exchange, failure: Failure): Ending {
  const { status, code, message } = describe(failure)
  const kind = failure.kind === 'cancelled' ? 'cancelled' : 'failed'
  const responseBody = failure.kind === 'upstream_status' ? { responseBody: failure.body } : {}
  return { kind, statusCode: status, failure: { code, message }, endedAtMs: effects.now(), ...responseBody }
}

function notesOf(exchange: Exchange, known: Known, answer?: Answer): ReplyNotes {
  const { startedAtMs, logId, effects } = exchange
  const { authenticatedAtMs = startedAtMs, plannedAtMs = authenticatedAtMs } = known
  return {
    logId,
    attempts: known.attempts.length,
    dropped: known.intake?.ignored ?? [],
    timings: { auth: authenticatedAtMs - startedAtMs, upstream: effects.now() - plannedAtMs },
    ...(answer === undefined ? {} : { target: answer.target }),
  }
}
