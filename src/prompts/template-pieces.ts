import { TemplateError } from './template-error'

/** A template cut at its tags; comments are gone, and what stood in a raw block is text. */
export type Piece = { kind: 'text'; text: string } | { kind: 'tag'; opener: '{{' | '{%'; words: string }

/** A tag is scanned with expressions that grow faster than it does; nobody writes one this long. */
const MAX_TAG_CHARACTERS = 8_000
const OPENING = /\{[{%#]/g
const END_OF_RAW = /\{%([-+]?)\s*endraw\s*([-+]?)%\}/g

/**
 * Cuts a template at its tags by Jinja's rules with its default settings: a hyphen at a tag takes away the blanks on its
 * side, one line end at the end of the template goes, and nothing else (Jinja, "Template Designer Documentation",
 * "Whitespace Control" and "Escaping").
 * @throws TemplateError for a tag that is not closed
 */
export function piecesOf(template: string): Piece[] {
  const source = (template.includes('\r') ? template.replaceAll(/\r\n?/g, '\n') : template).replace(/\n$/, '')
  const pieces: Piece[] = []
  let at = 0
  let isTrimmed = false
  const addText = (text: string, isTrimmedAfter: boolean) => {
    const left = isTrimmed ? text.trimStart() : text
    const both = isTrimmedAfter ? left.trimEnd() : left
    if (both !== '') pieces.push({ kind: 'text', text: both })
  }
  for (;;) {
    OPENING.lastIndex = at
    const open = OPENING.exec(source)?.index
    if (open === undefined) break
    const tag = tagAt(source, open)
    addText(source.slice(at, open), tag.trimsBefore)
    at = tag.end
    isTrimmed = tag.trimsAfter
    if (tag.opener === '{%' && tag.words === 'raw') {
      const raw = rawFrom(source, at)
      addText(source.slice(at, raw.start), raw.trimsBefore)
      at = raw.end
      isTrimmed = raw.trimsAfter
    } else if (tag.opener !== '{#') pieces.push({ kind: 'tag', opener: tag.opener, words: tag.words })
  }
  addText(source.slice(at), false)
  return pieces
}

interface Tag {
  opener: '{{' | '{%' | '{#'
  words: string
  end: number
  trimsBefore: boolean
  trimsAfter: boolean
}

function tagAt(source: string, open: number): Tag {
  const opener = source.startsWith('{{', open) ? '{{' : source.startsWith('{%', open) ? '{%' : '{#'
  const first = source[open + 2]
  const close = opener === '{#' ? source.indexOf('#}', open + 2) : closeOf(source, open + 2, opener)
  if (close === -1) throw new TemplateError(`a '${opener}' is not closed`)
  if (close - open > MAX_TAG_CHARACTERS && opener !== '{#')
    throw new TemplateError(`a tag is longer than ${MAX_TAG_CHARACTERS} characters`)
  const last = source[close - 1]
  const start = first === '-' || (first === '+' && opener === '{%') ? open + 3 : open + 2
  const isSigned = close - 1 >= start && (last === '-' || (last === '+' && opener === '{%'))
  return {
    opener,
    words: source.slice(start, isSigned ? close - 1 : close).trim(),
    end: close + 2,
    trimsBefore: first === '-',
    trimsAfter: isSigned && last === '-',
  }
}

// Where the tag's closer stands: not in a string, and for an expression not the end of a dictionary.
function closeOf(source: string, from: number, opener: '{{' | '{%'): number {
  let depth = 0
  for (let at = from; at < source.length; at++) {
    const character = source[at]
    if (character === "'" || character === '"') {
      at = endOfString(source, at)
      if (at === -1) return -1
    } else if (character === '{') depth++
    else if (character === '}' && depth > 0) depth--
    else if (opener === '{{' && character === '}' && source[at + 1] === '}') return at
    else if (opener === '{%' && character === '%' && source[at + 1] === '}') return at
  }
  return -1
}

function endOfString(source: string, open: number): number {
  for (let at = open + 1; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === source[open]) return at
  }
  return -1
}

function rawFrom(source: string, at: number) {
  END_OF_RAW.lastIndex = at
  const found = END_OF_RAW.exec(source)
  if (found === null) throw new TemplateError("a 'raw' block has no 'endraw'")
  const [whole, before, after] = found
  return {
    start: found.index,
    end: found.index + whole.length,
    trimsBefore: before === '-',
    trimsAfter: after === '-',
  }
}
