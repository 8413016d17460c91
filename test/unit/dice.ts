import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'

/** Random choices that are the same in every run: a failure names its seed, and the seed brings it back. */
export interface Dice {
  /** From 0 (inclusive) to 1. */
  roll(): number
  /** A whole number from 0 to `count - 1`. */
  below(count: number): number
  pick<T>(choices: readonly T[]): T
  chance(probability: number): boolean
}

/** Mulberry32, by Tommy Ettinger (public domain): 32 bits of state are plenty for test data. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  const roll = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (count: number) => Math.floor(roll() * count)
  return {
    roll,
    below,
    pick(choices) {
      const chosen = choices[below(choices.length)]
      if (chosen === undefined) throw new Error('there is nothing to pick from')
      return chosen
    },
    chance: (probability) => roll() < probability,
  }
}

/** A list as long as told, made one by one. */
export function listOf<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index))
}

/** `toEqual` for loops of thousands: its words are only made when they are needed. */
export function expectSame(actual: unknown, expected: unknown, about: () => string): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, about()).toStrictEqual(expected)
}
