import { describe, expect, test } from 'vitest'
import { concat, editObject, type ObjectEdits } from '../../src/platform/json-edit'
import { scanObject } from '../../src/platform/json-scan'
import { type Dice, diceOf, expectSame, listOf } from './dice'
import { randomObject, randomValue } from './random-json'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

function edited(text: string, edits: ObjectEdits): string {
  const bytes = encoder.encode(text)
  return decoder.decode(editObject(bytes, scanObject(bytes), edits))
}

describe('an edit', () => {
  test.each<[string, string, ObjectEdits, string]>([
    ['replaces a value', '{"a": 1, "b": 2}', { replace: new Map([['a', '"x"']]) }, '{"a": "x", "b": 2}'],
    ['replaces the last value', '{"a":1,"b":2}', { replace: new Map([['b', '{}']]) }, '{"a":1,"b":{}}'],
    ['does not replace what is not there', '{"a":1}', { replace: new Map([['b', '2']]) }, '{"a":1}'],
    ['removes the first', '{"a":1, "b":2, "c":3}', { remove: new Set(['a']) }, '{"b":2, "c":3}'],
    ['removes from the middle', '{"a":1, "b":2, "c":3}', { remove: new Set(['b']) }, '{"a":1, "c":3}'],
    ['removes the last', '{"a":1, "b":2, "c":3 }', { remove: new Set(['c']) }, '{"a":1, "b":2 }'],
    ['removes two neighbours', '{"a":1,"b":2,"c":3}', { remove: new Set(['a', 'b']) }, '{"c":3}'],
    ['removes the last two', '{"a":1,"b":2,"c":3}', { remove: new Set(['b', 'c']) }, '{"a":1}'],
    ['removes all', '{ "a":1, "b":2 }', { remove: new Set(['a', 'b']) }, '{  }'],
    [
      'removes and ignores the replacement',
      '{"a":1}',
      { remove: new Set(['a']), replace: new Map([['a', '2']]) },
      '{}',
    ],
    ['inserts in front', '{"a":1}', { insert: new Map([['b', '2']]) }, '{"b":2,"a":1}'],
    [
      'inserts two',
      '{"a":1}',
      {
        insert: new Map([
          ['b', '2'],
          ['c', '[]'],
        ]),
      },
      '{"b":2,"c":[],"a":1}',
    ],
    ['inserts into nothing', '{ }', { insert: new Map([['b', '2']]) }, '{"b":2 }'],
    [
      'inserts where all is removed',
      '{"a":1}',
      { insert: new Map([['b', '2']]), remove: new Set(['a']) },
      '{"b":2}',
    ],
    ['inserts a key that needs escapes', '{}', { insert: new Map([['"\n', '1']]) }, '{"\\"\\n":1}'],
    [
      'inserts behind a byte order mark',
      '\ufeff{"a":1}',
      { insert: new Map([['b', '2']]) },
      '\ufeff{"b":2,"a":1}',
    ],
    [
      'finds a key behind its escapes',
      '{"mo\\u0064el":1}',
      { replace: new Map([['model', '2']]) },
      '{"mo\\u0064el":2}',
    ],
  ])('%s', (_, text, edits, expected) => {
    expect(edited(text, edits)).toBe(expected)
  })

  test.each<[string, ObjectEdits]>([
    ['no edits', {}],
    ['empty edits', { replace: new Map(), remove: new Set(), insert: new Map() }],
    ['edits of other keys', { replace: new Map([['z', '1']]), remove: new Set(['y']) }],
  ])('without an effect gives the very same array: %s', (_, edits) => {
    const bytes = encoder.encode('{"a":1}')
    expect(editObject(bytes, scanObject(bytes), edits)).toBe(bytes)
  })

  test('leaves bytes that are not UTF-8 as they are', () => {
    const bytes = Uint8Array.from([...encoder.encode('{"a":"'), 0xff, 0xc3, ...encoder.encode('","b":1}')])
    const result = editObject(bytes, scanObject(bytes), { replace: new Map([['b', '2']]) })
    expect([...result]).toEqual([...encoder.encode('{"a":"'), 0xff, 0xc3, ...encoder.encode('","b":2}')])
  })
})

describe('random edits', () => {
  test.each([
    ['compact', false],
    ['spaced', true],
  ])('%s: 4000 of them give the object they should, and every other byte stays', (_, spaced) => {
    for (let seed = 1; seed <= 4_000; seed++) {
      const dice = diceOf(seed)
      const text = randomObject(dice, { spaced })
      const bytes = encoder.encode(text)
      const members = scanObject(bytes)
      const edits = randomEdits(
        dice,
        members.map(({ key }) => key),
      )
      const result = editObject(bytes, members, edits)
      const about = () => `seed ${seed}: ${text} -> ${decoder.decode(result)}`
      expectSame(JSON.parse(decoder.decode(result)), expected(JSON.parse(text), edits), about)
      expectSame(untouchedOf(result, edits), untouchedOf(bytes, edits), about)
    }
  })
})

interface Edits {
  replace: Map<string, string>
  remove: Set<string>
  insert: Map<string, string>
}

function randomEdits(dice: Dice, keys: string[]): Edits {
  const some = () => keys.filter(() => dice.chance(0.35))
  const value = () => randomValue(dice, { spaced: false }, 3)
  return {
    replace: new Map(some().map((key) => [key, value()])),
    remove: new Set(dice.chance(0.1) ? keys : some()),
    insert: new Map(listOf(dice.below(3), (index) => [`new "${index}"`, value()])),
  }
}

function expected(
  before: Record<string, unknown>,
  { replace, remove, insert }: Edits,
): Record<string, unknown> {
  const after = new Map(Object.entries(before).filter(([key]) => !remove.has(key)))
  for (const [key, json] of replace) if (after.has(key)) after.set(key, JSON.parse(json))
  for (const [key, json] of insert) after.set(key, JSON.parse(json))
  return Object.fromEntries(after)
}

/** The text of each member from its key to its value's end, for those that no edit names. */
function untouchedOf(bytes: Uint8Array, { replace, remove, insert }: Edits): Map<string, string> {
  const untouched = scanObject(bytes).filter(
    ({ key }) => !replace.has(key) && !remove.has(key) && !insert.has(key),
  )
  return new Map(
    untouched.map(({ key, keyStart, valueEnd }) => [key, decoder.decode(bytes.subarray(keyStart, valueEnd))]),
  )
}

describe('concat', () => {
  test.each<[string, number[][], number[]]>([
    ['nothing', [], []],
    ['one', [[1, 2]], [1, 2]],
    ['several', [[1], [], [2, 3]], [1, 2, 3]],
  ])('of %s', (_, pieces, whole) => {
    expect([...concat(pieces.map((piece) => Uint8Array.from(piece)))]).toEqual(whole)
  })
})
