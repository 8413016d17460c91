import type { FrameReader } from '../flights/frames'
import { type AnswerEnd, type AnswerHead, decodeEnd, decodeHead } from '../idempotency/answer'
import type { Caller } from '../keys/authenticate'
import { passShield } from '../limits/shield'
import { describe, type Failure, SluiceError } from '../platform/failure'
import { concat } from '../platform/json-edit'
import { NO_USAGE } from '../protocols/canonical'
import { clientWriter } from './client-writer'
import { conclude, endingOfFailure } from './conclude'
import { timeoutsOf } from './deadlines'
import type { Intake } from './intake'
import type { Isolate } from './isolate'
import type { Known } from './record'
import { limitNotes } from './reply'
import { reserveLimits } from './reserve-limits'
import type { Ending, Exchange } from './stages'

/** Says that an answer is another request's. */
const REPLAYED = 'idempotent-replayed'
const CUT: Failure = {
  kind: 'unavailable',
  message: 'The call whose answer this is broke off. Send the request again.',
  retryAfterSeconds: 1,
}

/** A request that is given another one's answer. */
export interface Following {
  frames: FrameReader
  caller: Caller
  intake: Intake
  known: Known
}

/**
 * Answers with what another request's call brings or brought, from its first byte; undefined when that call ended
 * without an answer. It counts as a request and costs nothing.
 */
export async function replay(
  exchange: Exchange,
  isolate: Isolate,
  given: Following,
): Promise<Response | undefined> {
  const { request, effects } = exchange
  const { frames, caller, intake, known } = given
  const { signal } = request
  signal.addEventListener('abort', frames.cancel, { once: true })
  if (signal.aborted) frames.cancel()
  const first = await frames.next().catch(() => undefined)
  if (signal.aborted) throw new SluiceError({ kind: 'cancelled' })
  if (first?.kind !== 'head') return undefined
  const head = decodeHead(first.payload)
  known.replayed = head
  const config = await isolate.config.get(exchange.background)
  try {
    if (exchange.env.KEY_SHIELD !== undefined) await passShield(exchange.env.KEY_SHIELD, caller.apiKeyId)
    await reserveLimits(exchange, isolate, {
      ...{ known, config, caller },
      parameters: intake.parameters,
      model: head.model,
      // The call that made the answer has paid for it.
      targets: [],
      estimate: () => ({ inputTokens: 0, isFree: true }),
      longestMs: timeoutsOf(exchange, config).totalMs,
    })
  } catch (cause) {
    frames.cancel()
    throw cause
  }
  known.plannedAtMs = effects.now()
  return intake.stream && head.status === 200 ? streamed(exchange, given, head) : whole(exchange, given, head)
}

async function whole(exchange: Exchange, { frames, known }: Following, head: AnswerHead): Promise<Response> {
  const pieces: Uint8Array[] = []
  const end = await relay(frames, async (bytes) => void pieces.push(bytes))
  if (exchange.request.signal.aborted) throw new SluiceError({ kind: 'cancelled' })
  if (end === undefined || end.isCut) throw new SluiceError(CUT)
  const nowMs = exchange.effects.now()
  conclude(exchange, known, endingOf(end, { firstContentAtMs: nowMs, endedAtMs: nowMs }))
  return new Response(concat(pieces), { status: head.status, headers: headersOf(exchange, known, head) })
}

function streamed(exchange: Exchange, following: Following, head: AnswerHead): Response {
  const out = new IdentityTransformStream()
  const headers = headersOf(exchange, following.known, head)
  exchange.background(pump(exchange, following, out.writable))
  return new Response(out.readable, { status: head.status, headers })
}

async function pump(
  exchange: Exchange,
  { frames, known, intake }: Following,
  out: WritableStream<Uint8Array>,
): Promise<void> {
  const { effects, protocol, request } = exchange
  const client = clientWriter(out, request.signal, frames.cancel)
  let firstContentAtMs: number | undefined
  const end = await relay(frames, (bytes) => {
    firstContentAtMs ??= effects.now()
    return client.write(bytes)
  })
  const times = { firstContentAtMs: firstContentAtMs ?? effects.now(), endedAtMs: effects.now() }
  if (client.hasLeft) return conclude(exchange, known, endingOfFailure(exchange, { kind: 'cancelled' }))
  if (end !== undefined && !end.isCut) {
    conclude(exchange, known, endingOf(end, times))
    return client.close()
  }
  conclude(exchange, known, endingOfFailure(exchange, CUT))
  // A file, or a frame that is open, can only be broken off.
  if (intake.wantsBytes === true || protocol.framing !== undefined) return client.abort(new Error('cut'))
  await client.write(new TextEncoder().encode(protocol.errorEvent(describe(CUT))))
  await client.close()
}

/** Gives on the bytes until the end; undefined when there is none. */
async function relay(
  frames: FrameReader,
  give: (bytes: Uint8Array) => Promise<void>,
): Promise<AnswerEnd | undefined> {
  try {
    for (let frame = await frames.next(); frame !== undefined; frame = await frames.next()) {
      if (frame.kind === 'end') return decodeEnd(frame.payload)
      await give(frame.payload)
    }
  } catch {
    // The object restarted, or lost the one that called.
  }
  return undefined
}

function headersOf(exchange: Exchange, known: Known, { headers }: AnswerHead): Headers {
  const limits = limitNotes(known, exchange.effects.now())
  return new Headers([...headers, ...Object.entries(limits), [REPLAYED, 'true']])
}

// The tokens are in the row of the request that called, and would be counted twice here.
function endingOf(
  { kind, statusCode, failure, finishReason, responseId }: AnswerEnd,
  times: { firstContentAtMs: number; endedAtMs: number },
): Ending {
  return {
    kind,
    statusCode,
    ...(failure === undefined ? {} : { failure }),
    facts: {
      ...(finishReason === undefined ? {} : { finishReason }),
      ...(responseId === undefined ? {} : { responseId }),
    },
    usage: NO_USAGE,
    usageSource: 'provider',
    ...times,
  }
}
