/** What a pure function may not do for itself: tell the time, make ids and throw dice. */
export interface Effects {
  /** Milliseconds since 1970. */
  now(): number
  /** A new id that sorts by time: 32 hexadecimal digits. */
  newId(): string
  /** From 0 (inclusive) to 1. */
  roll(): number
}

/** The real clock, ids and dice. */
export const realEffects: Effects = {
  now: () => Date.now(),
  roll: () => Math.random(),
  newId,
}

/** So many bytes are asked of the runtime at once: enough for 256 ids. */
const POOL_BYTES = 4_096
const ID_BYTES = 16
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
let pool = new Uint8Array(0)
let used = 0

// The digits of a UUID of version 7 (RFC 9562, 5.7), written into random bytes: milliseconds, version and variant. By a
// table, since a number of so many bits finds its digits by floating-point division.
function newId(): string {
  if (used === pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES))
    used = 0
  }
  const id = pool.subarray(used, used + ID_BYTES)
  used += ID_BYTES
  const nowMs = Date.now()
  const high = Math.floor(nowMs / 2 ** 24)
  const low = nowMs - high * 2 ** 24
  id.set([high >> 16, high >> 8, high, low >> 16, low >> 8, low])
  id[6] = 0x70 | ((id[6] ?? 0) & 0x0f)
  id[8] = 0x80 | ((id[8] ?? 0) & 0x3f)
  let digits = ''
  for (const byte of id) digits += HEX[byte] ?? ''
  return digits
}
