import { describe, expect, test } from 'vitest'
import { editForm, FormError, fieldPath, scanForm } from '../../../src/pipeline/multipart'
import { diceOf } from '../dice'
import { fieldsIn, formOf, HARD_BYTES, written } from './forms'

const TYPE = 'multipart/form-data; boundary=b'
const HEAD = 'Content-Disposition: form-data; name='
const encoder = new TextEncoder()
const decoder = new TextDecoder()

function scan(text: string, type = TYPE) {
  return scanForm(encoder.encode(text), type)
}

function valuesIn(text: string, type = TYPE) {
  const { bytes, parts } = scan(text, type)
  return parts.map(({ name, valueStart, valueEnd }) => [
    name,
    decoder.decode(bytes.subarray(valueStart, valueEnd)),
  ])
}

describe('the parts of a form', () => {
  test('are those that any reader finds, with files that look like edges', async () => {
    const { bytes, contentType } = await written(
      formOf([
        ['model', 'whisper-1'],
        ['file', HARD_BYTES],
        ['empty', ''],
        ['prompt', 'Grüße\r\n--\n'],
      ]),
    )
    const { parts } = scanForm(bytes, contentType)
    const found = parts.map(({ name, fileName, valueStart, valueEnd }) => {
      const value = bytes.subarray(valueStart, valueEnd)
      return [name, fileName === undefined ? decoder.decode(value) : [...value]]
    })
    expect(found).toEqual(await fieldsIn(bytes, contentType))
    expect(parts[1]).toMatchObject({ fileName: 'a %22b%22.mp3', type: 'audio/mpeg' })
  })

  test('are those of random bytes', async () => {
    const dice = diceOf(7)
    const EDGES = [0x0d, 0x0a, 0x2d, 0x00]
    for (let round = 0; round < 50; round++) {
      const file = Uint8Array.from({ length: dice.below(400) }, () =>
        dice.chance(0.6) ? dice.pick(EDGES) : dice.below(256),
      )
      const { bytes, contentType } = await written(
        formOf([
          ['file', file],
          ['model', 'm'],
        ]),
      )
      const [part] = scanForm(bytes, contentType).parts
      expect([...bytes.subarray(part?.valueStart, part?.valueEnd)]).toEqual([...file])
    }
  })

  test.each([
    ['without quotes', `--b\r\n${HEAD}a\r\n\r\n1\r\n--b--`, [['a', '1']]],
    ['in small letters', `--b\r\ncontent-disposition:form-data;name="a"\r\n\r\n1\r\n--b--\r\n`, [['a', '1']]],
    ['behind words for nobody', `hello\r\n--b\r\n${HEAD}"a"\r\n\r\n1\r\n--b--\r\nbye`, [['a', '1']]],
    ['with spaces behind the edge', `--b  \r\n${HEAD}"a"\r\n\r\n1\r\n--b--`, [['a', '1']]],
    [
      'with a file name in front',
      `--b\r\n${'Content-Disposition: form-data; filename="; name=x"; name="a"'}\r\n\r\n1\r\n--b--`,
      [['a', '1']],
    ],
    ['with a backslash', `--b\r\n${HEAD}"m\\odel"\r\n\r\n1\r\n--b--`, [['model', '1']]],
    ['beside a longer edge', `--b\r\n${HEAD}"a"\r\n\r\n\r\n--bb\r\n\r\n--b--`, [['a', '\r\n--bb\r\n']]],
  ])('are found %s', (_, text, values) => {
    expect(valuesIn(text)).toEqual(values)
  })

  test('may have a boundary in quotes', () => {
    expect(
      valuesIn(`--a b\r\n${HEAD}"x"\r\n\r\n1\r\n--a b--`, 'Multipart/Form-Data; Boundary="a b"'),
    ).toEqual([['x', '1']])
  })
})

describe('what is no form is refused with the reason', () => {
  test.each([
    ['no boundary', 'x', 'multipart/form-data', 'names no boundary'],
    ['another boundary', '--c\r\n\r\n--c--', TYPE, "no part with the boundary 'b'"],
    ['no parts', '--b--\r\n', TYPE, 'no part'],
    ['no end', `--b\r\n${HEAD}"a"\r\n\r\n1`, TYPE, 'part 1 has no end'],
    [
      'no end of its second part',
      `--b\r\n${HEAD}"a"\r\n\r\n1\r\n--b\r\n${HEAD}"c"\r\n\r\n1`,
      TYPE,
      'part 2 has no end',
    ],
    ['no blank line', `--b\r\n${HEAD}"a"\r\n--b--\r\n`, TYPE, 'part 1 has no blank line'],
    ['no name', '--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--', TYPE, 'part 1 has no header'],
    ['no headers', '--b\r\n\r\n1\r\n--b--', TYPE, 'part 1 has no header'],
    ['two names', `--b\r\n${HEAD}"a"\r\n${HEAD}"b"\r\n\r\n1\r\n--b--`, TYPE, 'part 1 has no header'],
    [
      'too many parts',
      `${`--b\r\n${HEAD}"a"\r\n\r\n1\r\n`.repeat(1_001)}--b--`,
      TYPE,
      'more than 1000 parts',
    ],
  ])('%s', (_, text, type, words) => {
    expect(() => scan(text, type)).toThrow(FormError)
    expect(() => scan(text, type)).toThrow(words)
  })
})

describe('an edited form', () => {
  const given = formOf([
    ['respan_params[customer_identifier]', 'c'],
    ['model', 'mine'],
    ['file', HARD_BYTES],
    ['metadata', '{}'],
  ])

  test('has the edits, and every other byte as it was', async () => {
    const { bytes, contentType } = await written(given)
    const form = scanForm(bytes, contentType)
    const edited = editForm(form, {
      replace: new Map([['model', '"whisper-1"']]),
      insert: new Map([['temperature', '0.5']]),
      remove: new Set(['respan_params', 'metadata']),
    })
    expect(await fieldsIn(edited, contentType)).toEqual([
      ['temperature', '0.5'],
      ['model', 'whisper-1'],
      ['file', [...HARD_BYTES]],
    ])
    const file = form.parts[2]
    const untouched = decoder.decode(bytes.subarray(file?.start, file?.end))
    expect(decoder.decode(edited)).toContain(untouched)
  })

  test.each([0, 1, 2, 3])('is still a form when part %i is gone', async (index) => {
    const { bytes, contentType } = await written(given)
    const form = scanForm(bytes, contentType)
    const all = await fieldsIn(bytes, contentType)
    const name = fieldPath(form.parts[index]?.name ?? '')[0] ?? ''
    const edited = editForm(form, { remove: new Set([name]) })
    expect(await fieldsIn(edited, contentType)).toEqual(all.filter((_, at) => at !== index))
  })

  test('is the very same bytes when nothing is to be edited', async () => {
    const { bytes, contentType } = await written(given)
    expect(editForm(scanForm(bytes, contentType), { remove: new Set(['other']) })).toBe(bytes)
  })
})

test.each([
  ['a', ['a']],
  ['a[]', ['a', '']],
  ['a[b]', ['a', 'b']],
  ['a[b][c][]', ['a', 'b', 'c', '']],
  ['a[b', ['a[b']],
  ['[a]', ['[a]']],
  ['a[b]c', ['a[b]c']],
])('the field %s is at %j', (name, path) => {
  expect(fieldPath(name)).toEqual(path)
})
