import { catalog } from '../../src/providers/catalog'
import type { SourceFile } from './source'

/** The places where a pattern occurs, as `path:line: the line`. */
export function places(file: SourceFile, where: 'code' | 'uncommented', pattern: RegExp): string[] {
  return file[where]
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : []))
}

/** Ids that are also English words: the word alone says nothing, so they are looked for as a prefix and by name. */
const PLAIN_WORDS = new Set(['inference', 'together', 'inception'])
/** Names of headers and of the wire protocols, which happen to begin with a vendor's name. */
const PROTOCOL_AND_HEADERS =
  /\bopenai-(?:chat|responses|version|processing-ms|organization|project|beta)\b|\banthropic-(?:version|beta)\b|\bprotocols[./](?:anthropic|gemini|openai-media|bedrock-converse)\b/gi

const names = catalog.flatMap((row) => [
  PLAIN_WORDS.has(row.id) ? `${row.id}/` : row.id,
  ...(PLAIN_WORDS.has(row.name.toLowerCase()) ? [] : [row.name]),
])
const providerName = new RegExp(
  `(?<![\\w@])(?:${[...new Set(names)].map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})(?:(?<=/)|(?!\\w))`,
  'i',
)

/** Where a provider is called by its id or name, in code or in strings; comments may say what they like. */
export function providerNames(file: SourceFile): string[] {
  const uncommented = file.uncommented.replaceAll(PROTOCOL_AND_HEADERS, 'it')
  return places({ ...file, uncommented }, 'uncommented', providerName)
}

/** Casts: ` as ` outside of imports, exports and `as const`. */
export function casts(file: SourceFile): string[] {
  const withoutLists = file.code.replaceAll(/^(?:import|export (?:type )?[{*])[^'"]*?from ['"]/gm, (list) =>
    list.replaceAll(/[^\n]/g, ''),
  )
  return places({ ...file, code: withoutLists }, 'code', /\bas\s+(?!const\b)/)
}

const EXPORT = /^export (?!\{|\*)/
/** A type that says no more than the value it is taken from. */
const INFERRED = /^export type \w+ = (?:typeof |z\.infer<typeof |\(typeof )/

/**
 * Exports without a doc comment directly above. A type inferred from a schema, table or list is excused when another
 * export of its file is documented: the words are with the value. Re-exports are documented where they come from.
 */
export function undocumentedExports({ path, text }: SourceFile): string[] {
  const lines = text.split('\n')
  const documented = lines.map((line, index) => EXPORT.test(line) && isDocBefore(lines, index))
  const hasDocumented = documented.some(Boolean)
  return lines.flatMap((line, index) => {
    const isFine = !EXPORT.test(line) || documented[index] === true || (INFERRED.test(line) && hasDocumented)
    return isFine ? [] : [`${path}:${index + 1}: ${line}`]
  })
}

function isDocBefore(lines: readonly string[], index: number): boolean {
  const before = lines.slice(0, index).findLast((line) => !line.startsWith('// biome-ignore'))
  return before?.trimEnd().endsWith('*/') === true
}
