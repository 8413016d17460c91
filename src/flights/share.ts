import type { FrameReader } from './frames'
import type { Recording } from './recording'
import type { SharedCall, ShareReply, ShareWish } from './shared-call'
import { followFlight, leadFlight } from './take-part'

/** The binding that calls in flight need. */
export interface FlightsEnv {
  FLIGHTS: DurableObjectNamespace<SharedCall>
  /** How long it may take to be told who calls, before a request calls alone. */
  SHARE_TIMEOUT_MS?: string
}

/** What is said behind the bytes of a shared answer. */
export interface SharedTail {
  /** It may be given to those who come a moment later. */
  isKept: boolean
}

/** What a request that may share a call is to do. */
export type Share<Head, End extends SharedTail> =
  | { kind: 'lead'; recording: Recording<Head, End> }
  | { kind: 'follow'; frames: FrameReader }
  | { kind: 'alone' }

/**
 * Asks who of all requests with the same question is to call. An object that is away, or does not answer within
 * `waitMs`, is not waited for: everybody calls alone.
 */
export async function shareCall<Head, End extends SharedTail>(
  env: FlightsEnv,
  question: string,
  given: ShareWish & { waitMs: number; background(work: Promise<unknown>): void },
): Promise<Share<Head, End>> {
  const { leaseMs, maxAgeMs, waitMs, background } = given
  const stub = env.FLIGHTS.getByName(question)
  const asked = stub.claim({ leaseMs, maxAgeMs })
  const reply = await within(asked, waitMs)
  switch (reply?.kind) {
    case 'lead':
      return { kind: 'lead', recording: leadFlight(stub, { flightId: reply.flightId, leaseMs }) }
    case 'follow':
      return { kind: 'follow', frames: followFlight(reply.frames, leaseMs) }
    case 'alone':
      return reply
    case undefined:
      background(asked.then((late) => giveBack(stub, late)).catch(() => undefined))
      return { kind: 'alone' }
  }
}

/** Leaves nothing of an answer to those who come after this. */
export async function forgetShared(env: FlightsEnv, question: string): Promise<void> {
  await env.FLIGHTS.getByName(question).forget()
}

async function within(asked: Promise<ShareReply>, waitMs: number): Promise<ShareReply | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(late.resolve, waitMs)
  try {
    return await Promise.race([asked, late.promise])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

// The others would wait for one that is not going to call.
async function giveBack(stub: DurableObjectStub<SharedCall>, late: ShareReply): Promise<void> {
  if (late.kind === 'follow') await late.frames.cancel()
  if (late.kind === 'lead') await stub.lead(late.flightId, new Blob([]).stream())
}
