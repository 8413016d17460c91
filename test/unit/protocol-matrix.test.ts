import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

// By a computed name: the script is plain JavaScript, which has no types to import.
const script = '../../scripts/protocol-matrix.mjs'
const matrix: { isPageFresh(): boolean; pageWithMatrix(text: string, folder: string): string } = await import(
  script
)

const folder = mkdtempSync(join(tmpdir(), 'matrix-'))
afterAll(() => rmSync(folder, { recursive: true }))

const PAGE =
  'above\n<!-- protocol-matrix: begin, written by npm run protocol-matrix -->\nold\n<!-- protocol-matrix: end -->\nbelow\n'

function put(path: string, content: object = {}) {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(content))
}

test('the page says what is in test/golden', () => {
  expect(matrix.isPageFresh(), 'run npm run protocol-matrix').toBe(true)
})

test('fixtures are told by their parts, and pairs by what became of them', () => {
  put('text/one/request.json')
  put('text/one/reply.json')
  put('text/one/stream.sse')
  put('text/two/stream.b64')
  put('image/one/errors.json')
  put('text/pairs/one--two.json', { request: { losses: [] } })
  put('image/pairs/one--two.json', { request: { losses: ['seed'] } })
  put('cache/pairs/one--two.json', { request: { refused: { kind: 'untranslatable' } } })
  put('pdf/pairs/one--two.json', { request: { losses: ['a', 'b'] } })
  const text = matrix.pageWithMatrix(PAGE, folder)
  expect(text).toContain('| text | request, reply, stream | stream |')
  expect(text).toContain('| image | errors |  |')
  expect(text).toContain('| one | raw | 1 / 2 / 1 |')
  expect(text.startsWith('above\n')).toBe(true)
  expect(text.endsWith('\nbelow\n')).toBe(true)
  expect(text).not.toContain('old')
  expect(matrix.pageWithMatrix(text, folder)).toBe(text)
})

test('a page without the markers is refused', () => {
  expect(() => matrix.pageWithMatrix('nothing', folder)).toThrow('no place for the matrix')
})
