import { describe, expect, test } from 'vitest'
import { drawn } from '../../../src/routing/draw'
import { planOf, rolls } from './planning'

/** Every combination of evenly spaced dice, so that shares are counted and not sampled. */
function shares(weights: readonly number[], steps: number): number[] {
  const counts = weights.map(() => 0)
  const items = weights.map((weight, index) => ({ id: String(index), weight, index }))
  const total = steps ** weights.length
  for (let combination = 0; combination < total; combination++) {
    let rest = combination
    const roll = () => {
      const step = rest % steps
      rest = Math.floor(rest / steps)
      return (step + 0.5) / steps
    }
    const first = drawn(items, (item) => item, { roll })[0]?.index ?? 0
    counts[first] = (counts[first] ?? 0) + 1
  }
  return counts.map((count) => count / total)
}

describe('a weighted draw', () => {
  test.each<[number[], number]>([
    [[1, 1], 400],
    [[3, 1], 400],
    [[0.7, 0.3], 400],
    [[9, 1], 400],
    [[1, 1, 1], 80],
    [[5, 3, 2], 80],
  ])('of %j gives each its share', (weights, steps) => {
    const sum = weights.reduce((all, weight) => all + weight, 0)
    for (const [index, share] of shares(weights, steps).entries())
      expect(Math.abs(share - (weights[index] ?? 0) / sum)).toBeLessThan(0.015)
  })

  test('leaves nobody out, and gives the rest by their weights when the first is gone', () => {
    const items = [
      { id: 'a', weight: 8 },
      { id: 'b', weight: 1 },
      { id: 'c', weight: 1 },
    ]
    expect(drawn(items, (item) => item, rolls(0.5, 0.99, 0.1)).map(({ id }) => id)).toEqual(['a', 'c', 'b'])
  })

  test('rolls no dice for one alone', () => {
    const roll = () => {
      throw new Error('nobody asked for dice')
    }
    expect(drawn(['only'], () => ({ id: 'x', weight: 1 }), { roll, stickyKey: roll })).toEqual(['only'])
  })
})

describe('a sticky draw', () => {
  const items = ['a', 'b', 'c', 'd'].map((id) => ({ id, weight: 1 }))
  const luck = (key: string) => ({ roll: () => 0.5, stickyKey: () => key })
  const firstOf = (list: typeof items, key: string) => drawn(list, (item) => item, luck(key))[0]?.id
  const keys = Array.from({ length: 2_000 }, (_, index) => `thread-${index}`)

  test('comes to the same for the same key', () => {
    expect(drawn(items, (item) => item, luck('k'))).toEqual(
      drawn([...items].reverse(), (item) => item, luck('k')),
    )
  })

  test('spreads keys by weight', () => {
    const weighted = [
      { id: 'a', weight: 3 },
      { id: 'b', weight: 1 },
    ]
    const share = keys.filter((key) => firstOf(weighted, key) === 'a').length / keys.length
    expect(Math.abs(share - 0.75)).toBeLessThan(0.03)
  })

  test('moves only the keys of one that is gone', () => {
    const left = items.filter(({ id }) => id !== 'b')
    const moved = keys.filter((key) => firstOf(items, key) !== firstOf(left, key))
    expect(moved.every((key) => firstOf(items, key) === 'b')).toBe(true)
    expect(moved.length).toBeGreaterThan(300)
  })

  test('holds for models and keys of a plan while they are healthy', () => {
    const asked = {
      load_balance_models: [
        { model: 'acme/a', weight: 1 },
        { model: 'beta/b', weight: 1 },
      ],
    }
    const first = (key: string, cooling?: string) =>
      planOf(asked, {
        luck: { ...luck(key), isCooling: ({ upstreamModel }) => upstreamModel === cooling },
      })[0]?.upstreamModel
    const own = first('user-7')
    expect(first('user-7')).toBe(own)
    expect(first('user-7', own)).not.toBe(own)
    expect(new Set(keys.slice(0, 50).map((key) => first(key))).size).toBe(2)
  })
})
