import type { Recording } from '../flights/recording'
import type { AnswerEnd, AnswerHead } from '../idempotency/answer'
import { clientWriter } from './client-writer'
import type { Known } from './record'
import type { Ending, Exchange } from './stages'

/** Headers of an answer that are told again with it. */
const REPLAYED = /^(?:content-type$|x-respan-log-id$|x-sluice-)/
/** A provider's refusals that pass, by waiting or with a mended key: a repeat must be a call. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 408, 409, 425, 429])

/** A request that calls for all with its key. */
export interface Leading {
  exchange: Exchange
  known: Known
  recording: Recording<AnswerHead, AnswerEnd>
  /** Ends the call. */
  leading: AbortController
  serve(): Promise<Response>
}

/** Makes the call, and records what its client is given. */
export async function leadCall(given: Leading): Promise<Response> {
  const { exchange, known, recording, leading, serve } = given
  const { signal } = exchange.request
  const ended = Promise.withResolvers<Ending>()
  known.onEnd = ended.resolve
  signal.addEventListener('abort', recording.leave, { once: true })
  if (signal.aborted) recording.leave()
  void recording.unwanted.then(() => leading.abort())
  const response = await serve()
  const head = headOf(exchange, known, response)
  if (known.intake?.stream === true && response.status === 200 && response.body !== null) {
    const out = new IdentityTransformStream()
    const source = response.body
    exchange.background(pump({ head, source, out: out.writable, ended: ended.promise, recording, signal }))
    return new Response(out.readable, response)
  }
  const body = new Uint8Array(await response.arrayBuffer())
  exchange.background(ended.promise.then((ending) => keepWhole(recording, { head, body, ending })))
  return new Response(body, response)
}

async function keepWhole(
  recording: Recording<AnswerHead, AnswerEnd>,
  { head, body, ending }: { head: AnswerHead; body: Uint8Array; ending: Ending },
): Promise<void> {
  if (!isKept(ending)) return recording.fail()
  await recording.head(head)
  await recording.bytes(body)
  await recording.end(endOf(ending, false))
}

async function pump(given: {
  head: AnswerHead
  source: ReadableStream<Uint8Array>
  out: WritableStream<Uint8Array>
  ended: Promise<Ending>
  recording: Recording<AnswerHead, AnswerEnd>
  signal: AbortSignal
}): Promise<void> {
  const { head, source, out, ended, recording, signal } = given
  const client = clientWriter(out, signal, recording.leave)
  let broken: { cause: unknown } | undefined
  try {
    await recording.head(head)
    for await (const bytes of source) await Promise.all([client.write(bytes), recording.bytes(bytes)])
  } catch (cause) {
    broken = { cause }
  }
  // Not waited for: a client that does not read any more must not keep the end from the others.
  void (broken === undefined ? client.close() : client.abort(broken.cause))
  await recording.end(endOf(await ended, broken !== undefined))
}

// What is not complete is given to nobody again; of what failed, only a refusal that would be the same each time.
function isKept({ kind, failure, statusCode }: Ending): boolean {
  if (kind === 'completed') return true
  const isRefusal = failure?.code === 'upstream_status' && statusCode >= 400 && statusCode < 500
  return isRefusal && !PASSING.has(statusCode)
}

function headOf({ logId }: Exchange, { attempts }: Known, response: Response): AnswerHead {
  const { model, upstreamModel, providerId } = attempts.at(-1) ?? {}
  return {
    status: response.status,
    headers: [...response.headers].filter(([name]) => REPLAYED.test(name)),
    logId,
    ...(model === undefined ? {} : { model }),
    ...(upstreamModel === undefined ? {} : { upstreamModel }),
    ...(providerId === undefined ? {} : { providerId }),
  }
}

function endOf(ending: Ending, isCut: boolean): AnswerEnd {
  const { kind, statusCode, failure, facts } = ending
  const { finishReason, responseId } = facts ?? {}
  return {
    isKept: !isCut && isKept(ending),
    isCut,
    kind,
    statusCode,
    ...(failure === undefined ? {} : { failure }),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(responseId === undefined ? {} : { responseId }),
  }
}
