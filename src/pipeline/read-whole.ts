import type { Effects } from '../platform/effects'
import { SluiceError } from '../platform/failure'
import type { Lifeline } from '../platform/lifeline'
import type { Protocol } from '../protocols/protocol'
import { stoppedFailure } from '../providers/call'
import type { Target } from '../providers/target'
import type { WholeAnswer } from './stages'

/** An upstream's 2xx answer, with its body unread. */
export interface Answered {
  response: Response
  target: Target
  protocol: Protocol
  lifeline: Lifeline
  effects: Effects
}

const SAMPLE_CHARACTERS = 200

/**
 * Reads a reply in one piece. It is checked before a byte of it goes on: a page of HTML, a text cut in the middle or
 * an error that came with status 200 is a failure of the upstream's, and another target may still answer.
 */
export async function readWhole(answered: Answered): Promise<WholeAnswer> {
  const { response, target, effects } = answered
  const body = await readBody(answered)
  const facts = readFacts(answered, body)
  if (facts.error !== undefined) {
    const { message, status } = facts.error
    if (status === undefined)
      throw new SluiceError({ kind: 'upstream_error_event', provider: target.providerId, message, data: '' })
    throw new SluiceError({
      kind: 'upstream_status',
      provider: target.providerId,
      status,
      body,
      headers: [['content-type', 'application/json']],
    })
  }
  return { kind: 'whole', target, headers: response.headers, body, facts, firstContentAtMs: effects.now() }
}

async function readBody({ response, target, lifeline }: Answered): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    const message = `the connection broke while the answer came (${cause instanceof Error ? cause.message : String(cause)})`
    throw (
      stoppedFailure(target, lifeline) ??
      new SluiceError({ kind: 'upstream_incomplete', provider: target.providerId, message })
    )
  }
}

function readFacts({ response, target, protocol }: Answered, body: Uint8Array) {
  try {
    return protocol.readReply(body)
  } catch (cause) {
    const type = response.headers.get('content-type') ?? 'no content type'
    throw new SluiceError({
      kind: 'upstream_invalid',
      provider: target.providerId,
      message: `${cause instanceof Error ? cause.message : String(cause)} (${type}, ${body.byteLength} bytes: ${sampleOf(body)})`,
    })
  }
}

/** The beginning of a body in one line, for an error message. */
export function sampleOf(body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(0, SAMPLE_CHARACTERS))
  return JSON.stringify(text.replaceAll(/\s+/g, ' '))
}
