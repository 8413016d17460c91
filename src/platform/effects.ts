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
    const random = crypto.randomUUID()
    const time = Date.now().toString(16).padStart(12, '0')
    return `${time}7${random.slice(15, 18)}${random.slice(19, 23)}${random.slice(24)}`
  },
}
