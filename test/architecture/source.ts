import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One file under src/, in the forms in which its rules are checked. */
export interface SourceFile {
  /** From src/ on, with forward slashes. */
  path: string
  text: string
  /** Without comments; strings stay. */
  uncommented: string
  /** Without comments, and with every string and regular expression emptied; what `${}` holds stays. */
  code: string
}

const root = join(import.meta.dirname, '../../src')
/** The dashboard is a world of its own; folders with a dot are what tools leave behind. */
const NOT_OURS = /^dashboard\/|(?:^|\/)\./

/** Every TypeScript source of both workers. */
export function sourceFiles(): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !NOT_OURS.test(path))
    .sort()
    .map((path) => readSource(path, readFileSync(join(root, path), 'utf8')))
}

/** A source as the rules see it. */
export function readSource(path: string, text: string): SourceFile {
  const tokens = tokensOf(text)
  const keep = (kinds: TokenKind[]) => tokens.map((token) => emptied(token, kinds)).join('')
  return { path, text, uncommented: keep(['comment']), code: keep(['comment', 'text', 'pattern']) }
}

type TokenKind = 'comment' | 'text' | 'pattern' | 'code'

interface Token {
  kind: TokenKind
  text: string
}

// Line breaks stay, so that line numbers do.
function emptied({ kind, text }: Token, kinds: TokenKind[]): string {
  if (!kinds.includes(kind)) return text
  const breaks = text.replaceAll(/[^\n]/g, '')
  if (kind === 'comment') return breaks
  if (kind === 'pattern') return `/x/${breaks}`
  return `${text.charAt(0)}${breaks}${text.at(-1)}`
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const QUOTED = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const TEMPLATE_PART = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
/** What may stand before a regular expression; before a division there is a value. */
const BEFORE_PATTERN = /(?:^|[(,=:[!&|?{};>+\n]|\breturn)\s*$/

/** Enough of TypeScript's lexical grammar to tell comments, strings, templates and patterns from code. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const openBraces: ('code' | 'template')[] = []
  let at = 0
  let plainFrom = 0
  const take = (kind: TokenKind, pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found === undefined) return undefined
    if (plainFrom < at) tokens.push({ kind: 'code', text: text.slice(plainFrom, at) })
    tokens.push({ kind, text: found })
    at += found.length
    plainFrom = at
    return found
  }
  while (at < text.length) {
    const character = text.charAt(at)
    const endsHole = character === '}' && openBraces.at(-1) === 'template'
    if (take('comment', COMMENT) !== undefined || take('text', QUOTED) !== undefined) continue
    if (character === '`' || endsHole) {
      const part = take('text', TEMPLATE_PART)
      if (part === undefined) throw new Error(`a template does not end: ${text.slice(at, at + 40)}`)
      if (endsHole) openBraces.pop()
      if (part.endsWith('${')) openBraces.push('template')
      continue
    }
    const mayBePattern = character === '/' && BEFORE_PATTERN.test(text.slice(Math.max(0, at - 20), at))
    if (mayBePattern && take('pattern', PATTERN) !== undefined) continue
    if (character === '{') openBraces.push('code')
    if (character === '}') openBraces.pop()
    at++
  }
  tokens.push({ kind: 'code', text: text.slice(plainFrom) })
  return tokens
}
