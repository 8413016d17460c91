import { describe, expect, test } from 'vitest'
import { JsonSyntaxError, scanArray, scanObject } from '../../src/platform/json-scan'
import { diceOf, listOf } from './dice'
import { randomObject } from './random-json'

const encoder = new TextEncoder()
const LONG = 'x'.repeat(60)

/** What `scan` says against a text. */
function refusalOf(text: string, scan: (bytes: Uint8Array) => unknown = scanObject) {
  try {
    scan(encoder.encode(text))
  } catch (cause) {
    if (cause instanceof JsonSyntaxError) return { problem: cause.problem, offset: cause.offset }
    throw cause
  }
  return 'accepted'
}

function isTaken(bytes: Uint8Array): boolean {
  try {
    scanObject(bytes)
    return true
  } catch (cause) {
    if (cause instanceof JsonSyntaxError) return false
    throw cause
  }
}

describe('a text that is not a JSON object is refused, and the place is told', () => {
  test.each([
    ['nothing', '', 'expected a JSON object', 0],
    ['only spaces', ' \n ', 'expected a JSON object', 3],
    ['an array', '[1]', 'expected a JSON object', 0],
    ['a string', '"a"', 'expected a JSON object', 0],
    ['a number', '12', 'expected a JSON object', 0],
    ['null', 'null', 'expected a JSON object', 0],
    ['HTML', '<html>', 'expected a JSON object', 0],
    ['a byte order mark twice', '\ufeff\ufeff{}', 'expected a JSON object', 3],
    ['only a brace', '{', 'the text ends where', 1],
    ['a missing comma', '{"a":1 "b":2}', "expected ',' or '}', found '\"'", 7],
    ['a missing comma in an array', '{"a":[1 2]}', "expected ',' or ']', found '2'", 8],
    ['a missing comma inside', '{"a":{"b":1 "c":2}}', "expected ',' or '}', found '\"'", 12],
    ['a missing colon', '{"a" 1}', "expected ':', found '1'", 5],
    ['a missing colon inside', '{"a":{"b" 1}}', "expected ':', found '1'", 10],
    ['two colons', '{"a"::1}', "expected a value, found ':'", 5],
    ['two commas', '{"a":1,,"b":2}', "expected a key in double quotes, found ','", 7],
    ['a missing value', '{"a":}', "expected a value, found '}'", 5],
    ['a missing value inside', '{"a":[,1]}', "expected a value, found ','", 6],
    ['a missing opening quote', '{a":1}', "expected a key in double quotes, found 'a'", 1],
    ['a key in single quotes', "{'a':1}", "expected a key in double quotes, found '''", 1],
    ['a number as a key', '{1:1}', "expected a key in double quotes, found '1'", 1],
    ['a number as a key inside', '{"a":{1:1}}', "expected a key in double quotes, found '1'", 6],
    ['a missing closing quote', '{"a":"b}', 'the text ends inside a string', 8],
    ['a missing closing quote of a long string', `{"a":"${LONG}}`, 'the text ends inside a string', 67],
    ['a quote that is escaped', '{"a":"b\\"}', 'the text ends inside a string', 10],
    ['a trailing comma', '{"a":1,}', "expected a key in double quotes, found '}'", 7],
    ['a trailing comma inside', '{"a":{"b":1,}}', "expected a key in double quotes, found '}'", 12],
    ['a trailing comma in an array', '{"a":[1,]}', "expected a value, found ']'", 8],
    ['a leading comma', '{,"a":1}', "expected a key in double quotes, found ','", 1],
    ['the wrong closer', '{"a":[1}', "expected ',' or ']', found '}'", 7],
    ['the wrong closer of an empty array', '{"a":[}}', "expected a value, found '}'", 6],
    ['a closer too many', '{"a":1}}', "expected nothing more, found '}'", 7],
    ['trailing text', '{"a":1} x', "expected nothing more, found 'x'", 8],
    ['a second object', '{}{}', "expected nothing more, found '{'", 2],
    ['a zero byte at the end', '{}\u0000', 'expected nothing more, found byte 0x0', 2],
    ['a space that is none', '{\u00a0"a":1}', 'expected a key in double quotes, found byte 0xc2', 1],
    ['a comment', '{"a":1 /* b */}', "expected ',' or '}', found '/'", 7],
    ['a bad literal', '{"a":nul}', '"nul" is not a JSON value', 5],
    ['a literal in capitals', '{"a":True}', "expected a value, found 'T'", 5],
    ['a literal that goes on', '{"a":[trues]}', '"trues" is not a JSON value', 6],
    ['undefined', '{"a":undefined}', "expected a value, found 'u'", 5],
    ['NaN', '{"a":NaN}', "expected a value, found 'N'", 5],
    ['infinity', '{"a":-Infinity}', '"-Infinity" is not a JSON value', 5],
    ['a duplicate key', '{"a":1,"a":2}', 'the key "a" is given twice', 7],
    ['a duplicate key with an escape', '{"model":1,"mo\\u0064el":2}', 'the key "model" is given twice', 11],
    ['a key with a bad escape', '{"\\x":1}', 'a key has a bad escape', 1],
    ['a control character', '{"a":"b\u0001"}', 'a control character in a string is not escaped', 7],
    ['a line end in a string', '{"a":"b\n"}', 'a control character in a string is not escaped', 7],
    ['a control character in a key', '{"a\t":1}', 'a control character in a string is not escaped', 3],
  ])('%s', (_, text, problem, offset) => {
    expect(refusalOf(text)).toEqual({ problem: expect.stringContaining(problem), offset })
  })

  test.each([
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1.e3',
    '1e',
    '1e+',
    '--1',
    '0x10',
    '1_000',
    '-01',
    '1e1.5',
    '0a',
    '1-2',
  ])('the number %s, on top and inside', (number) => {
    expect(refusalOf(`{"a":${number}}`)).toMatchObject({ offset: 5 })
    expect(refusalOf(`{"a":[${number}]}`)).toMatchObject({ offset: 6 })
  })

  test.each([
    ['a trailing comma', '[1,]'],
    ['two commas', '[1,,2]'],
    ['no closer', '[1'],
    ['nothing', '['],
    ['a missing comma', '[1 2]'],
    ['an object', '{}'],
  ])('an array with %s', (_, text) => {
    expect(refusalOf(text, scanArray)).toMatchObject({ offset: expect.any(Number) })
  })
})

describe('a document that is cut anywhere', () => {
  test.each([
    ['compact', false],
    ['spaced', true],
  ])('%s: every beginning of 300 of them is refused', (_, spaced) => {
    for (let seed = 1; seed <= 300; seed++) {
      const bytes = encoder.encode(randomObject(diceOf(seed), { spaced }))
      const cuts = listOf(bytes.length, (end) => end)
      expect(cuts.filter((end) => isTaken(bytes.subarray(0, end)))).toEqual([])
    }
  })
})

describe('a document with one wrong character', () => {
  const INSERTED = ['{', '}', '[', ']', ',', ':', '"', '0', '1', '-', '+', '.', 'e', 'E', 't', 'n', ' ']

  test('12000 of them are taken or refused as JSON.parse does', () => {
    const verdicts = { taken: 0, refused: 0 }
    for (let seed = 1; seed <= 12_000; seed++) {
      const dice = diceOf(seed)
      const text = randomObject(dice, { spaced: false, atoms: ['a', 'é', '}', ']', ',', ':', '0'] })
      const at = dice.below(text.length + 1)
      const replaced = dice.below(2)
      const wrong = `${text.slice(0, at)}${dice.chance(0.3) ? '' : dice.pick(INSERTED)}${text.slice(at + replaced)}`
      const refusal = refusalOf(wrong)
      if (isObject(wrong)) {
        // Two members may have become one name, which only the scan refuses.
        if (refusal !== 'accepted') expect(refusal.problem, wrong).toContain('is given twice')
        verdicts.taken++
      } else {
        if (refusal === 'accepted') expect.fail(`seed ${seed} was taken: ${wrong}`)
        verdicts.refused++
      }
    }
    expect(verdicts.taken).toBeGreaterThan(1_000)
    expect(verdicts.refused).toBeGreaterThan(1_000)
  })
})

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
