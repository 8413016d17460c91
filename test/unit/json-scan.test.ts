import { describe, expect, test } from 'vitest'
import { type Member, positionOf, scanArray, scanObject, valueOf } from '../../src/platform/json-scan'
import { diceOf, expectSame } from './dice'
import { randomArray, randomObject } from './random-json'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** The object that the members say, built value by value. */
function rebuilt(bytes: Uint8Array, members: readonly Member[]): Record<string, unknown> {
  return Object.fromEntries(members.map((member) => [member.key, valueOf(bytes, member)]))
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

describe('members', () => {
  test('stand where their text is', () => {
    const text = ' {"model" : "gpt", "n":1 ,\n"stop":["a"],"x":{"y":[]},"t":true,"z":null}\n'
    const bytes = encoder.encode(text)
    const seen = scanObject(bytes).map(({ key, kind, keyStart, valueStart, valueEnd }) => ({
      key,
      kind,
      keyText: text.slice(keyStart, keyStart + key.length + 2),
      valueText: text.slice(valueStart, valueEnd),
    }))
    expect(seen).toEqual([
      { key: 'model', kind: 'string', keyText: '"model"', valueText: '"gpt"' },
      { key: 'n', kind: 'number', keyText: '"n"', valueText: '1' },
      { key: 'stop', kind: 'array', keyText: '"stop"', valueText: '["a"]' },
      { key: 'x', kind: 'object', keyText: '"x"', valueText: '{"y":[]}' },
      { key: 't', kind: 'boolean', keyText: '"t"', valueText: 'true' },
      { key: 'z', kind: 'null', keyText: '"z"', valueText: 'null' },
    ])
  })

  test.each([
    ['an empty object', '{}'],
    ['an empty object with spaces', ' \r\n{ \t} \n'],
    ['an empty key', '{"":1}'],
    ['an escaped key', '{"mo\\u0064el":"a","\\"":1,"\\\\":2}'],
    ['a key that begins with a byte order mark', '{"\ufeffmodel":1,"model":2}'],
    ['a key from the prototype', '{"constructor":1,"toString":2,"hasOwnProperty":3}'],
    ['keys that differ in case', '{"Model":1,"model":2}'],
    ['the same key at other depths', '{"a":{"a":[{"a":1}]},"b":{"a":2}}'],
    ['a duplicate key inside, which is not ours to judge', '{"a":{"b":1,"b":2}}'],
    ['a text beyond the basic plane', '{"😀":"😀","漢字":"é"}'],
    ['brackets in strings', '{"a":"}]{[,:","b":["}",{"]":"\\"}"}]}'],
    ['all forms of numbers', '{"a":-0,"b":0.5,"c":1e5,"d":1E-5,"e":-12.5e+3,"f":10000000000000000000000}'],
    ['a key that means more elsewhere', '{"__proto__":{"a":1}}'],
  ])('of %s are those that JSON.parse sees', (_, text) => {
    const bytes = encoder.encode(text)
    expect(rebuilt(bytes, scanObject(bytes))).toStrictEqual(JSON.parse(text))
  })

  test('come after a byte order mark, too', () => {
    const bytes = encoder.encode('\ufeff{"a":1}')
    expect(rebuilt(bytes, scanObject(bytes))).toEqual({ a: 1 })
  })

  test('are found in 500 levels, and none in 501', () => {
    const nested = (depth: number) => encoder.encode(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)
    expect(scanObject(nested(500))).toHaveLength(1)
    expect(() => scanObject(nested(501))).toThrow('nested deeper than 500')
  })

  test('are found however deep a hostile body goes', () => {
    expect(() => scanObject(encoder.encode(`{"a":${'['.repeat(1_000_000)}`))).toThrow(
      'nested deeper than 500',
    )
    expect(() => scanObject(encoder.encode('{"a":'.repeat(1_000_000)))).toThrow('nested deeper than 500')
  })
})

describe('random documents', () => {
  test.each([
    ['compact', false],
    ['spaced', true],
  ])('%s: 3000 objects have the members, kinds and values that JSON.parse sees', (_, spaced) => {
    for (let seed = 1; seed <= 3_000; seed++) {
      const text = randomObject(diceOf(seed), { spaced })
      const bytes = encoder.encode(text)
      const members = scanObject(bytes)
      const parsed: Record<string, unknown> = JSON.parse(text)
      const seen = members.map(({ key, kind, valueStart, valueEnd }) => {
        const slice = decoder.decode(bytes.subarray(valueStart, valueEnd))
        return [key, { kind, value: JSON.parse(slice) }]
      })
      const wanted = Object.entries(parsed).map(([key, value]) => [key, { kind: kindOf(value), value }])
      expectSame(Object.fromEntries(seen), Object.fromEntries(wanted), () => `seed ${seed}: ${text}`)
      expectSame(members.length, wanted.length, () => `seed ${seed}: ${text}`)
    }
  })

  test('2000 arrays have the elements that JSON.parse sees', () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const dice = diceOf(seed)
      const text = randomArray(dice, { spaced: dice.chance(0.5) })
      const bytes = encoder.encode(text)
      const elements = scanArray(bytes).map(({ start, end }) =>
        JSON.parse(decoder.decode(bytes.subarray(start, end))),
      )
      expectSame(elements, JSON.parse(text), () => `seed ${seed}: ${text}`)
    }
  })
})

describe('long strings', () => {
  const tails = ['', '\\"', '\\"\\"', '"', 'y', '\\\\\\"', '😀\\"', '\\u0022']
  test.each(tails)('end where JSON.parse says, with %j late in them, after runs of backslashes', (tail) => {
    for (let before = 40; before <= 52; before++) {
      for (let pairs = 0; pairs <= 8; pairs++) {
        const inside = `${'x'.repeat(before)}${'\\\\'.repeat(pairs)}${tail}`
        const text = tail === '"' ? `{"a":"${inside},"b":"]}\\\\"}` : `{"a":"${inside}","${inside}":"]}\\\\"}`
        const bytes = encoder.encode(text)
        expectSame(rebuilt(bytes, scanObject(bytes)), JSON.parse(text), () => text)
      }
    }
  })
})

describe('positions', () => {
  test.each([
    ['{"a":1}', 0, 1, 1],
    ['{"a":1}', 5, 1, 6],
    ['{\n  "a": x}', 9, 2, 8],
    ['{\r\n"a"', 3, 2, 1],
    ['{"é":x}', 6, 1, 6],
    ['', 0, 1, 1],
  ])('in %j byte %i is line %i, column %i', (text, offset, line, column) => {
    expect(positionOf(encoder.encode(text), offset)).toEqual({ line, column })
  })
})
