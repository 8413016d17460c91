import { expect, test } from 'vitest'
import { realEffects } from '../../src/platform/effects'

test('an id is the digits of a UUID of version 7: the time in front, and never twice', () => {
  const before = Date.now()
  const ids = Array.from({ length: 5_000 }, () => realEffects.newId())
  const after = Date.now()
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
    const time = Number.parseInt(id.slice(0, 12), 16)
    expect(time).toBeGreaterThanOrEqual(before)
    expect(time).toBeLessThanOrEqual(after)
  }
  expect(new Set(ids).size).toBe(ids.length)
})

test('the clock is the clock', () => {
  const before = Date.now()
  expect(realEffects.now()).toBeGreaterThanOrEqual(before)
})
