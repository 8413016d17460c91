import { describe, expect, test } from 'vitest'
import {
  isMetric,
  isWindow,
  METRICS,
  WINDOWS,
  type Window,
  windowEndMs,
  windowStartMs,
} from '../../src/limits/policy'
import { diceOf } from './dice'

const at = (text: string) => Date.parse(text)
const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())

describe('a window', () => {
  test.each<[Window, string, string, string]>([
    ['minute', '2026-11-21T10:15:30.123Z', '2026-11-21T10:15:00.000Z', '2026-11-21T10:16:00.000Z'],
    ['minute', '2026-11-21T10:15:00.000Z', '2026-11-21T10:15:00.000Z', '2026-11-21T10:16:00.000Z'],
    ['minute', '2026-11-21T10:15:59.999Z', '2026-11-21T10:15:00.000Z', '2026-11-21T10:16:00.000Z'],
    ['minute', '2026-12-31T23:59:59.999Z', '2026-12-31T23:59:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['hour', '2026-11-21T10:59:59.999Z', '2026-11-21T10:00:00.000Z', '2026-11-21T11:00:00.000Z'],
    ['hour', '2026-03-29T01:30:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-29T02:00:00.000Z'],
    ['day', '2026-11-21T00:00:00.000Z', '2026-11-21T00:00:00.000Z', '2026-11-22T00:00:00.000Z'],
    ['day', '2028-02-28T23:59:59.999Z', '2028-02-28T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    ['day', '2028-02-29T12:00:00.000Z', '2028-02-29T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
    ['day', '2027-02-28T12:00:00.000Z', '2027-02-28T00:00:00.000Z', '2027-03-01T00:00:00.000Z'],
    ['week', '2026-11-16T00:00:00.000Z', '2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
    ['week', '2026-11-21T12:00:00.000Z', '2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
    ['week', '2026-11-22T23:59:59.999Z', '2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
    ['week', '2027-01-01T00:00:00.000Z', '2026-12-28T00:00:00.000Z', '2027-01-04T00:00:00.000Z'],
    ['month', '2026-11-30T23:59:59.999Z', '2026-11-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z'],
    ['month', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['month', '2027-01-31T00:00:00.000Z', '2027-01-01T00:00:00.000Z', '2027-02-01T00:00:00.000Z'],
    ['month', '2028-02-29T23:59:59.999Z', '2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
    ['month', '2027-02-28T23:59:59.999Z', '2027-02-01T00:00:00.000Z', '2027-03-01T00:00:00.000Z'],
    ['month', '2100-02-28T23:59:59.999Z', '2100-02-01T00:00:00.000Z', '2100-03-01T00:00:00.000Z'],
  ])('of a %s around %s is from %s to %s', (window, now, start, end) => {
    expect(iso(windowStartMs(window, at(now)))).toBe(start)
    expect(iso(windowEndMs(window, at(now)))).toBe(end)
  })

  test('in total begins with time and never ends', () => {
    expect(windowStartMs('total', at('2026-11-21T10:15:30Z'))).toBe(0)
    expect(windowEndMs('total', at('2026-11-21T10:15:30Z'))).toBeNull()
  })

  test('of a week begins on Monday', () => {
    for (let day = 0; day < 400; day++) {
      const start = windowStartMs('week', at('2026-01-01T13:00:00Z') + day * 86_400_000)
      expect(new Date(start).getUTCDay()).toBe(1)
    }
  })

  test('holds its time, and the next one begins where it ends, at 5000 random times', () => {
    for (let seed = 1; seed <= 5_000; seed++) {
      const nowMs = Math.floor(at('2020-01-01T00:00:00Z') + diceOf(seed).roll() * 20 * 366 * 86_400_000)
      for (const window of WINDOWS) {
        const [start, end] = [windowStartMs(window, nowMs), windowEndMs(window, nowMs)]
        if (end === null) continue
        const isInside = start <= nowMs && nowMs < end
        const isJoined = windowStartMs(window, end) === end && windowEndMs(window, end - 1) === end
        expect({ isInside, isJoined }, `${window} at ${iso(nowMs)}`).toEqual({
          isInside: true,
          isJoined: true,
        })
      }
    }
  })
})

describe('words', () => {
  test.each([...METRICS])('%s is a metric', (word) => expect(isMetric(word)).toBe(true))
  test.each([...WINDOWS])('%s is a window', (word) => expect(isWindow(word)).toBe(true))
  test.each(['', 'Requests', 'request', 'constructor'])('%j is neither', (word) => {
    expect(isMetric(word)).toBe(false)
    expect(isWindow(word)).toBe(false)
  })
})
