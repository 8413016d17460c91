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
  // The digits of a UUID of version 7 (RFC 9562, 5.7): 48 bits of milliseconds in front of a random UUID's tail.
  newId: () => {
    const time = Date.now().toString(16).padStart(12, '0')
    const bytes = randomBytes()
    let random = VARIANT.charAt((bytes[0] ?? 0) & 3)
    for (const byte of bytes.subarray(1)) random += HEX[byte]
    return `${time}7${random.slice(1, 4)}${random.charAt(0)}${random.slice(4)}`
  },
}

/** Of an id: two bits beside the variant, and nine bytes. */
const RANDOM_BYTES = 10
/** So many ids are made of what the runtime is asked for at once. */
const POOL_IDS = 256
const VARIANT = '89ab'
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
let pool = new Uint8Array(0)
let used = 0

function randomBytes(): Uint8Array {
  if (used + RANDOM_BYTES > pool.byteLength) {
    pool = crypto.getRandomValues(new Uint8Array(POOL_IDS * RANDOM_BYTES))
    used = 0
  }
  used += RANDOM_BYTES
  return pool.subarray(used - RANDOM_BYTES, used)
}
