import { describe, expect, test } from 'vitest'
import { routes } from '../src/routes/table'
import { floors, importsOf, roomOf, wrongWayImports } from './architecture/floors'
import { casts, places, providerNames, undocumentedExports } from './architecture/rules'
import { readSource, sourceFiles } from './architecture/source'

const files = sourceFiles()
const PURE_ROOMS = ['protocols', 'routing']
const IMPURE = /\b(?:fetch|Date\.now|performance|Math\.random|crypto|scheduler|setTimeout|env)\b|new Date\(\)/
const ASYNC = /\b(?:async|await|Promise)\b/
const DEFAULT_BY_OR = /\|\|\s*(?:['"`{[\d]|null\b|undefined\b|new\b)/

/** What a check finds in all sources. */
function everywhere(check: (file: (typeof files)[number]) => string[]): string[] {
  return files.flatMap(check)
}

describe('the floors', () => {
  test('imports run downward only, and neighbours do not know each other', () => {
    expect(wrongWayImports(files)).toEqual([])
  })

  test('every room is declared', () => {
    const known = floors.flat()
    expect(files.map(({ path }) => roomOf(path)).filter((room) => !known.includes(room))).toEqual([])
  })

  test('imports are found in the sources at all', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(everywhere(importsOf).length).toBeGreaterThan(200)
  })

  test.each([
    ['a climb', 'platform/a.ts', "import { b } from '../logs/b'"],
    ['a climb for a type', 'providers/a.ts', "import type { B } from '../routing/b'"],
    ['a climb in two lines', 'protocols/a.ts', "import {\n  b,\n} from '../providers/b'"],
    ['a re-export', 'platform/a.ts', "export { b } from '../keys/b'"],
    ['an import on demand', 'platform/a.ts', "const b = await import('../keys/b')"],
    ['a neighbour', 'routing/a.ts', "import { b } from '../limits/b'"],
    ['a neighbour below a folder', 'routing/deep/a.ts', "import { b } from '../../limits/b'"],
    ['the pipeline from the consumer', 'consumer/index.ts', "import { b } from '../pipeline/b'"],
    ['a route from the consumer', 'consumer/index.ts', "import { b } from '../routes/b'"],
    ['an unknown room', 'routes/a.ts', "import { b } from '../cellar/b'"],
    ['from an unknown room', 'attic/a.ts', "import { b } from '../platform/b'"],
  ])('%s is noticed', (_, path, text) => {
    expect(wrongWayImports([readSource(path, text)])).toHaveLength(1)
  })

  test.each([
    ['downward', 'routes/a.ts', "import { b } from '../pipeline/b'"],
    ['within a room', 'logs/a.ts', "import { b } from './b'"],
    ['from an entry', 'gateway.ts', "export { Ledger } from './limits/ledger'"],
    ['in a comment', 'platform/a.ts', "// import { b } from '../logs/b'"],
  ])('an import %s is fine', (_, path, text) => {
    expect(wrongWayImports([readSource(path, text)])).toEqual([])
  })
})

describe('the sources', () => {
  test('no file is longer than 300 lines', () => {
    const lengths = files.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    expect(lengths.filter(({ lines }) => lines > 300)).toEqual([])
  })

  test('there is no barrel: only the consumer, whose entry it is, has an index.ts', () => {
    expect(files.map(({ path }) => path).filter((path) => path.endsWith('index.ts'))).toEqual([
      'consumer/index.ts',
    ])
  })

  // Protocols have their makers' names.
  test('no provider is named outside providers/ and protocols/', () => {
    const outside = files.filter(({ path }) => !/^(?:providers|protocols)\//.test(path))
    expect(outside.flatMap(providerNames)).toEqual([])
  })

  test('protocols and routing are pure: no network, environment, clock, dice or waiting', () => {
    const pure = files.filter(({ path }) => PURE_ROOMS.includes(roomOf(path)))
    expect(pure.length).toBeGreaterThan(10)
    expect(pure.flatMap((file) => [...places(file, 'code', IMPURE), ...places(file, 'code', ASYNC)])).toEqual(
      [],
    )
  })

  test('nothing is of type any', () => {
    expect(everywhere((file) => places(file, 'code', /\bany\b/))).toEqual([])
  })

  test('nothing is cast, but for as const', () => {
    expect(everywhere(casts)).toEqual([])
  })

  test('a default stands behind ??, which keeps zero and the empty text', () => {
    expect(everywhere((file) => places(file, 'code', DEFAULT_BY_OR))).toEqual([])
  })

  test('every export says what it is for', () => {
    expect(everywhere(undocumentedExports)).toEqual([])
  })
})

describe('the checks themselves', () => {
  test.each([
    ['a provider in a string', "const a = 'groq'"],
    ['a provider in a sentence', "const a = 'ask Mistral AI for it'"],
    ['a provider in a template', `const a = \`\${b}/deepseek/\${c}\``],
    ['a provider as a key', 'const a = { azure: 1 }'],
    ['a plain word with a slash', "const a = 'together/llama'"],
  ])('%s is noticed', (_, text) => {
    expect(providerNames(readSource('routes/a.ts', text))).toHaveLength(1)
  })

  test.each([
    ['a comment', '// as groq does\n/* and Mistral AI */ const a = 1'],
    ['the protocol', "const a = protocols['openai-chat']"],
    ['a header', "const a = ['openai-processing-ms', 'openai-version']"],
    ['a plain word', "const a = { auth: 'inference', hint: 'together with it' }"],
    ['a longer word', 'const a = openaiChat'],
  ])('%s names no provider', (_, text) => {
    expect(providerNames(readSource('routes/a.ts', text))).toEqual([])
  })

  test.each([
    ['const a = b as string', 1],
    ['const a = (b as unknown) ?? 1', 1],
    ["import * as z from 'zod'\nimport { a as b } from './a'", 0],
    ["export { a as b } from './a'", 0],
    ["const a = ['x'] as const", 0],
    ["const a = 'as is' // as it was", 0],
    [`const a = \`as \${b as string} as\``, 1],
    ['const a = /as b/.test(b) && /[/]as/.test(c)', 0],
  ])('casts in %j: %i', (text, count) => {
    expect(casts(readSource('a.ts', text))).toHaveLength(count)
  })

  test.each([
    ['a || {}', true],
    ["a || ''", true],
    ['a || 0', true],
    ['a ||\n  b', false],
    ['a || b', false],
    ['a ?? 0', false],
    ["a === '|| 0'", false],
  ])('%j is a default by ||: %s', (text, isDefault) => {
    expect(places(readSource('a.ts', text), 'code', DEFAULT_BY_OR).length > 0).toBe(isDefault)
  })

  test.each([
    ['/** Why. */\nexport const a = 1', 0],
    ['/**\n * Why.\n */\nexport function a() {}', 0],
    ['/** Why. */\n// biome-ignore lint/x: y\nexport const a = 1', 0],
    ['/** Why. */\nexport const a = 1\nexport type A = typeof a', 0],
    ['export type A = z.infer<typeof a>', 1],
    ['// Why.\nexport const a = 1', 1],
    ['/** Why. */\n\nexport const a = 1', 1],
    ['const a = 1\nexport default a', 1],
  ])('undocumented exports in %j: %i', (text, count) => {
    expect(undocumentedExports(readSource('a.ts', text))).toHaveLength(count)
  })
})

describe('the routes', () => {
  const AUTH = ['none', 'inference', 'any_key', 'admin']
  const all = routes.flatMap((route) => route.paths.map((path) => ({ ...route, path })))

  test.each(all.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s declares who may call it and whether it is logged',
    (_, route) => {
      expect(AUTH).toContain(route.auth)
      expect(['none', 'request']).toContain(route.logging)
      expect(route.logging === 'request').toBe(route.auth === 'inference')
      expect(route.path).toMatch(/^\/(?:.*[^/])?$/)
    },
  )

  test('none is declared twice', () => {
    const keys = all.map(({ method, path }) => `${method} ${path}`)
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([])
  })

  test('whatever calls a model is an inference route', () => {
    const calling = all.filter(({ path, method }) => method === 'POST' && /completions$/.test(path))
    expect(calling.length).toBeGreaterThan(0)
    expect(calling.filter(({ auth }) => auth !== 'inference')).toEqual([])
  })

  test('only health and the list of what every gateway knows are open to anybody', () => {
    expect(all.filter(({ auth }) => auth === 'none').map(({ path }) => path)).toEqual([
      '/',
      '/health',
      '/api/health',
      '/api/models/public',
    ])
  })
})
