import { describe, type Failure } from '../platform/failure'
import { concat } from '../platform/json-edit'
import type { Lifeline } from '../platform/lifeline'
import { finishStream, type RelayOptions, relayNatively, type StreamEnd } from '../platform/relay'
import { fieldsOf, jsonOf } from '../protocols/fields'
import { stoppedFailure } from '../providers/call'
import type { Target } from '../providers/target'
import type { ThroughAnswer } from '../providers/through-call'
import { conclude } from './conclude'
import { MAX_READ_BYTES } from './forward-intake'
import type { Known } from './record'
import type { PlainHeaders } from './reply'
import type { Exchange } from './stages'

/** A forwarded request whose answer has begun. */
export interface Forwarded {
  exchange: Exchange
  known: Known
  target: Target
  lifeline: Lifeline
  answer: ThroughAnswer
  headers: PlainHeaders
  /** Looks at a JSON answer before the client sees its end. */
  learn(answer: Record<string, unknown>): void
}

const TEXT = /^\s*(?:application\/(?:[\w.-]+\+)?json|text\/event-stream)\b/i
const JSON_TYPE = /json\b/i
const NOTHING = new Uint8Array(0)

/** Sends the body of an answer to the client, and concludes the request; never rejects. */
export async function relayForwarded(
  forwarded: Forwarded,
  source: ReadableStream<Uint8Array>,
  out: WritableStream<Uint8Array>,
): Promise<void> {
  const { exchange, known, lifeline, answer, learn } = forwarded
  const begunAtMs = exchange.effects.now()
  const type = answer.headers['content-type'] ?? ''
  const isJson = JSON_TYPE.test(type)
  const sample = createSample()
  const options: RelayOptions = {
    source,
    out,
    prelude: NOTHING,
    lifeline,
    feed: sample.add,
    isComplete() {
      const bytes = sample.taken()
      if (isJson && bytes !== undefined) learn(fieldsOf(jsonOf(new TextDecoder().decode(bytes))))
      return true
    },
    // The client cannot be told in words that are the provider's; the connection breaks, as the provider's did.
    errorFrame: () => undefined,
  }
  const end = TEXT.test(type) ? await relayed(options) : await piped(options)
  const body = isJson ? sample.taken() : undefined
  const ended = {
    endedAtMs: exchange.effects.now(),
    ...(answer.status < 400 ? { firstContentAtMs: begunAtMs } : {}),
    ...(body === undefined ? {} : { responseBody: body }),
  }
  if (end.kind === 'completed') {
    conclude(exchange, known, { kind: 'completed', statusCode: answer.status, ...ended })
    return
  }
  const { status: statusCode, code, message } = describe(failureOf(forwarded, end))
  conclude(exchange, known, { kind: end.kind, statusCode, failure: { code, message }, ...ended })
}

function relayed(options: RelayOptions): Promise<StreamEnd> {
  options.lifeline.enter('idle')
  return relayNatively(options)
}

// A file may be of any size: without a second branch nothing of it waits in memory for a slow client.
async function piped(options: RelayOptions): Promise<StreamEnd> {
  try {
    await options.source.pipeTo(options.out, { preventAbort: true, preventClose: true })
  } catch (cause) {
    return finishStream(options, { cause })
  }
  return finishStream(options, undefined)
}

/** The bytes of a small answer; undefined for one that was too large to keep. */
function createSample() {
  const pieces: Uint8Array[] = []
  let length = 0
  return {
    add(bytes: Uint8Array) {
      length += bytes.byteLength
      if (length <= MAX_READ_BYTES) pieces.push(bytes.slice())
      else pieces.length = 0
    },
    taken: () => (length > MAX_READ_BYTES || length === 0 ? undefined : concat(pieces)),
  }
}

function failureOf({ target, lifeline }: Forwarded, end: StreamEnd): Failure {
  if (end.kind === 'cancelled') return { kind: 'cancelled' }
  const stopped = stoppedFailure(target, lifeline)
  if (stopped !== undefined) return stopped.failure
  const cause = end.kind === 'failed' && end.cause instanceof Error ? end.cause.message : 'unknown'
  const message = `the connection broke while the answer came (${cause}).`
  return { kind: 'upstream_incomplete', provider: target.providerId, message }
}
