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
    const [one, two, three] = [randomWord(), randomWord(), randomWord()]
    const random = digitsOf(one) + digitsOf(two) + digitsOf(three)
    return `${time}7${random.slice(0, 3)}${VARIANT.charAt(three & 3)}${random.slice(3, 18)}`
  },
}

/** So much of it is asked of the runtime at once: enough for some 300 ids. */
const POOL_WORDS = 1_024
const VARIANT = '89ab'
let pool = new Uint32Array(0)
let used = 0

function randomWord(): number {
  if (used === pool.length) {
    pool = crypto.getRandomValues(new Uint32Array(POOL_WORDS))
    used = 0
  }
  return pool[used++] ?? 0
}

function digitsOf(word: number): string {
  return word.toString(16).padStart(8, '0')
}
