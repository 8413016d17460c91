import { uuidv7 } from 'uuidv7'

/** What a pure function may not do for itself: tell the time and make ids. */
export interface Effects {
  /** Milliseconds since 1970. */
  now(): number
  /** A new id that sorts by time: 32 hexadecimal digits (UUID version 7, RFC 9562). */
  newId(): string
}

/** The real clock and ids. */
export const realEffects: Effects = {
  now: () => Date.now(),
  newId: () => uuidv7().replaceAll('-', ''),
}
