import type { Effects } from '../platform/effects'
import type { Env } from '../platform/env'
import { SluiceError } from '../platform/failure'
import type { Lifeline } from '../platform/lifeline'
import { stoppedFailure } from '../providers/call'
import { redactedBytes } from '../providers/redact'
import type { Target } from '../providers/target'
import type { Lane, ReadReply } from './lane'
import type { WholeAnswer } from './stages'

/** An upstream's 2xx answer, with its body unread. */
export interface Answered {
  response: Response
  target: Target
  lane: Lane
  lifeline: Lifeline
  effects: Effects
  env: Env
  /** Headers that the request asked to be sent along. */
  sent: Readonly<Record<string, string>> | null | undefined
}

const SAMPLE_CHARACTERS = 200

/**
 * Reads a reply in one piece. It is checked before a byte of it goes on: a page of HTML, a text cut in the middle or
 * an error that came with status 200 is a failure of the upstream's, and another target may still answer.
 */
export async function readWhole(answered: Answered): Promise<WholeAnswer> {
  const { response, target, effects } = answered
  const bytes = await readBody(answered)
  const { body, facts, error } = readReply(answered, bytes)
  if (error !== undefined) throw errorWith200(target, bytes, error)
  const { losses, standIns = {} } = answered.lane
  return {
    kind: 'whole',
    target,
    headers: response.headers,
    body,
    losses,
    facts,
    firstContentAtMs: effects.now(),
    received: { bytes, standIns },
  }
}

/** The failure of an answer whose status says 200 and whose body says otherwise. */
export function errorWith200(
  target: Target,
  body: Uint8Array,
  error: { message: string; status?: number },
): SluiceError {
  const { message, status } = error
  const provider = target.providerId
  if (status === undefined)
    return new SluiceError({ kind: 'upstream_error_event', provider, message, data: '' })
  return new SluiceError({
    kind: 'upstream_status',
    provider,
    status,
    body,
    headers: [['content-type', 'application/json']],
  })
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

function readReply(answered: Answered, body: Uint8Array): ReadReply {
  const { response, target, lane } = answered
  try {
    return lane.readReply(body, response.headers.get('content-type') ?? undefined)
  } catch (cause) {
    const type = response.headers.get('content-type') ?? 'no content type'
    throw new SluiceError({
      kind: 'upstream_invalid',
      provider: target.providerId,
      message: `${reasonOf(cause)} (${type}, ${body.byteLength} bytes: ${sampleOf(answered, body)})`,
    })
  }
}

// What a reader did not foresee is a fault here as much as there; its own words would tell nobody anything.
function reasonOf(cause: unknown): string {
  if (!(cause instanceof TypeError)) return cause instanceof Error ? cause.message : String(cause)
  // biome-ignore lint/suspicious/noConsole: an unexpected fault must be found in the worker's log
  console.error(cause)
  return 'it is not shaped as the protocol says'
}

/** The beginning of a body in one line, for an error message; a key in it is taken out before the cut could hide it. */
export function sampleOf({ target, env, sent }: Answered, body: Uint8Array): string {
  const text = new TextDecoder().decode(redactedBytes(body, target, env, sent))
  return JSON.stringify(text.slice(0, SAMPLE_CHARACTERS).replaceAll(/\s+/g, ' '))
}
