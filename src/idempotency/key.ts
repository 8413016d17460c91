import { SluiceError } from '../platform/failure'
import { hexOf } from '../platform/hex'

/** The header whose value makes two requests one. */
export const IDEMPOTENCY_KEY = 'idempotency-key'

const MAX_KEY_LENGTH = 255

/**
 * Refuses a key that is none.
 * @throws SluiceError `invalid_request`
 */
export function checkKey(key: string): void {
  if (key.length >= 1 && key.length <= MAX_KEY_LENGTH) return
  throw new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_idempotency_key',
    param: 'Idempotency-Key',
    message: `The header 'Idempotency-Key' must have 1 to ${MAX_KEY_LENGTH} characters; this one has ${key.length}.`,
  })
}

/** What two requests have in common when they are the same: the words of `parts`, in order, and the body. */
export async function fingerprintOf(parts: readonly unknown[], body: Uint8Array): Promise<string> {
  const words = new TextEncoder().encode(`${JSON.stringify(parts)}\n`)
  const digest = await crypto.subtle.digest(
    'SHA-256',
    await new Blob([words, new Uint8Array(body)]).arrayBuffer(),
  )
  return hexOf(new Uint8Array(digest))
}
