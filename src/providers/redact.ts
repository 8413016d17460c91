import type { Env } from '../platform/env'
import type { Failure } from '../platform/failure'
import { heldSecrets } from './credentials'
import type { Target } from './target'

const REDACTED = '[redacted]'
/** A shorter value would be found everywhere, and is no secret. */
const SHORTEST_SECRET = 4
/** A header's value that is shorter may be any word. */
const SHORTEST_VALUE = 12
const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Headers that a request asked to be sent along; their values may be secrets of the caller's. */
type SentAlong = Readonly<Record<string, string>> | null | undefined

/** The failure without the target's own credentials, which providers and debugging proxies like to repeat. */
export function redactedFailure(failure: Failure, target: Target, env: Env, sent?: SentAlong): Failure {
  switch (failure.kind) {
    case 'upstream_status':
      return { ...failure, body: redactedBytes(failure.body, target, env, sent) }
    case 'upstream_error_event':
      return {
        ...failure,
        message: redactedText(failure.message, target, env, sent),
        data: redactedText(failure.data, target, env, sent),
      }
    case 'upstream_unreachable':
    case 'upstream_invalid':
    case 'upstream_incomplete':
      return { ...failure, message: redactedText(failure.message, target, env, sent) }
    default:
      return failure
  }
}

/** Bytes without the target's own credentials; the same array when none is in them. */
export function redactedBytes(bytes: Uint8Array, target: Target, env: Env, sent?: SentAlong): Uint8Array {
  const text = decoder.decode(bytes)
  const clean = redactedText(text, target, env, sent)
  return clean === text ? bytes : encoder.encode(clean)
}

// What was sent has been opened before, so nothing is waited for; what could not be opened was not sent.
function redactedText(text: string, target: Target, env: Env, sent?: SentAlong): string {
  return (
    [...heldSecrets(target, env), ...longValues(sent)]
      .filter((secret) => secret.length >= SHORTEST_SECRET)
      // The longest first: a secret that begins another one would leave the rest of that.
      .sort((a, b) => b.length - a.length)
      .reduce((clean, secret) => clean.replaceAll(secret, REDACTED), text)
  )
}

function longValues(sent: SentAlong): string[] {
  return Object.values(sent ?? {}).filter((value) => value.length >= SHORTEST_VALUE)
}
