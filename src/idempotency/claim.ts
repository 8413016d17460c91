import type { FrameReader } from '../flights/frames'
import type { Recording } from '../flights/recording'
import { followFlight, leadFlight } from '../flights/take-part'
import { SluiceError } from '../platform/failure'
import type { AnswerEnd, AnswerHead } from './answer'
import type { ClaimCall, ClaimReply, IdempotentCall } from './idempotent-call'

/** The binding that idempotency keys need. */
export interface IdempotencyEnv {
  IDEMPOTENCY: DurableObjectNamespace<IdempotentCall>
}

/** What a request with an idempotency key is to do. */
export type Claim =
  | { kind: 'lead'; recording: Recording<AnswerHead, AnswerEnd> }
  | { kind: 'follow'; frames: FrameReader }
  | Exclude<ClaimReply, { kind: 'lead' | 'follow' }>

/**
 * Asks who of all requests with this key of this API key is to call.
 * @throws SluiceError `unavailable`: a call that might be the second one is not made
 */
export async function claim(
  env: IdempotencyEnv,
  of: { apiKeyId: string; key: string },
  call: ClaimCall,
): Promise<Claim> {
  const stub = env.IDEMPOTENCY.getByName(`${of.apiKeyId}:${of.key}`)
  const reply = await stub.claim(call).catch((cause: unknown) => {
    const message = 'It cannot be told right now whether this idempotency key was used before.'
    throw new SluiceError({ kind: 'unavailable', message, retryAfterSeconds: 1 }, { cause })
  })
  switch (reply.kind) {
    case 'lead':
      return { kind: 'lead', recording: leadFlight(stub, { ...reply, leaseMs: call.leaseMs }) }
    case 'follow':
      return { kind: 'follow', frames: followFlight(reply.frames) }
    case 'other_body':
      return { kind: 'other_body' }
    case 'too_large':
      return { kind: 'too_large', sizeBytes: reply.sizeBytes }
  }
}
