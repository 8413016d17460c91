import { describe, expect, test } from 'vitest'
import { newKeyText } from '../../src/keys/key-text'

describe('a new API key', () => {
  const keys = Array.from({ length: 3_000 }, newKeyText)

  test('is a prefix of 8, a dot and a secret of 32, in letters and digits', () => {
    for (const { key, prefix } of keys) {
      expect(key).toMatch(/^[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}$/)
      expect(key.startsWith(`${prefix}.`)).toBe(true)
    }
  })

  test('is never made twice', () => {
    expect(new Set(keys.map(({ key }) => key)).size).toBe(keys.length)
    expect(new Set(keys.map(({ prefix }) => prefix)).size).toBe(keys.length)
  })

  test('has every character equally often', () => {
    const counts = new Map<string, number>()
    for (const { key } of keys) {
      for (const character of key.replace('.', '')) counts.set(character, (counts.get(character) ?? 0) + 1)
    }
    const expected = (keys.length * 40) / 62
    // Six standard deviations: a fair source leaves this band once in ten million runs.
    const spread = 6 * Math.sqrt(expected)
    expect(counts.size).toBe(62)
    for (const [character, count] of counts)
      expect(Math.abs(count - expected), character).toBeLessThan(spread)
  })
})
