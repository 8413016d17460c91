/** What a JSON value is, told from its first byte. */
export type JsonKind = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object'

/** One top-level member of a JSON object; offsets are bytes, ends are exclusive. */
export interface Member {
  key: string
  keyStart: number
  valueStart: number
  valueEnd: number
  kind: JsonKind
}

/** The text is not a JSON object; `offset` is the byte where that shows. */
export class JsonSyntaxError extends Error {
  constructor(
    readonly problem: string,
    readonly offset: number,
  ) {
    super(problem)
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const MAX_DEPTH = 500
const MAX_PLAIN_KEY = 40
const decoder = new TextDecoder()
/** A byte order mark at the start of a key is part of the key. */
const keyDecoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/**
 * The top-level members of a JSON object, found in one pass over the bytes without building any value. Everything of
 * the grammar (RFC 8259) is checked, but for what stands behind a backslash.
 * @throws JsonSyntaxError also for a key given twice, since two readers could then see two different requests
 */
export function scanObject(bytes: Uint8Array): Member[] {
  let at = skipSpace(bytes, startOfText(bytes))
  if (bytes[at] !== OPEN_BRACE) throw new JsonSyntaxError('expected a JSON object', at)
  const members: Member[] = []
  const seen = new Set<string>()
  at = skipSpace(bytes, at + 1)
  if (bytes[at] !== CLOSE_BRACE) {
    for (;;) {
      const member = scanMember(bytes, at)
      if (seen.has(member.key)) throw new JsonSyntaxError(`the key "${member.key}" is given twice`, at)
      seen.add(member.key)
      members.push(member)
      at = skipSpace(bytes, member.valueEnd)
      if (bytes[at] === CLOSE_BRACE) break
      if (bytes[at] !== COMMA) throw unexpected(bytes, at, "',' or '}'")
      at = skipSpace(bytes, at + 1)
    }
  }
  at = skipSpace(bytes, at + 1)
  if (at < bytes.length) throw unexpected(bytes, at, 'nothing more')
  return members
}

/** Where the elements of a JSON array stand, found the same way. */
export function scanArray(bytes: Uint8Array): { start: number; end: number }[] {
  const elements: { start: number; end: number }[] = []
  let at = skipSpace(bytes, 0)
  if (bytes[at] !== OPEN_BRACKET) throw new JsonSyntaxError('expected a JSON array', at)
  at = skipSpace(bytes, at + 1)
  while (bytes[at] !== CLOSE_BRACKET) {
    const end = skipValue(bytes, at)
    elements.push({ start: at, end })
    at = skipSpace(bytes, end)
    if (bytes[at] === COMMA) {
      at = skipSpace(bytes, at + 1)
      kindAt(bytes, at)
    } else if (bytes[at] !== CLOSE_BRACKET) throw unexpected(bytes, at, "',' or ']'")
  }
  return elements
}

/**
 * The member's value, built by the engine's parser.
 * @throws JsonSyntaxError for what stands behind a backslash, which the scan does not look at
 */
export function valueOf(bytes: Uint8Array, member: Member): unknown {
  try {
    return JSON.parse(decoder.decode(bytes.subarray(member.valueStart, member.valueEnd)))
  } catch {
    throw new JsonSyntaxError(`the value of "${member.key}" has a bad escape`, member.valueStart)
  }
}

/** Line and column (from 1) of a byte offset, for error messages. */
export function positionOf(bytes: Uint8Array, offset: number): { line: number; column: number } {
  const before = decoder.decode(bytes.subarray(0, offset)).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

function startOfText(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

function scanMember(bytes: Uint8Array, keyStart: number): Member {
  if (bytes[keyStart] !== QUOTE) throw unexpected(bytes, keyStart, 'a key in double quotes')
  const keyEnd = skipString(bytes, keyStart)
  const colon = skipSpace(bytes, keyEnd)
  if (bytes[colon] !== COLON) throw unexpected(bytes, colon, "':'")
  const valueStart = skipSpace(bytes, colon + 1)
  const kind = kindAt(bytes, valueStart)
  return {
    key: keyAt(bytes, keyStart, keyEnd),
    keyStart,
    valueStart,
    valueEnd: skipValue(bytes, valueStart),
    kind,
  }
}

function skipValue(bytes: Uint8Array, start: number): number {
  const kind = kindAt(bytes, start)
  return kind === 'object' || kind === 'array' ? skipContainer(bytes, start) : skipScalar(bytes, start)
}

function keyAt(bytes: Uint8Array, start: number, end: number): string {
  return plainKey(bytes, start, end) ?? decodedKey(bytes, start, end)
}

/** A short key in ASCII, as nearly all are, without a call of the decoder. */
function plainKey(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > MAX_PLAIN_KEY) return undefined
  let key = ''
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at] ?? BACKSLASH
    if (byte === BACKSLASH || byte > 0x7e) return undefined
    key += String.fromCharCode(byte)
  }
  return key
}

function decodedKey(bytes: Uint8Array, start: number, end: number): string {
  const raw = keyDecoder.decode(bytes.subarray(start + 1, end - 1))
  if (!raw.includes('\\')) return raw
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    throw new JsonSyntaxError('a key has a bad escape', start)
  }
}

function kindAt(bytes: Uint8Array, at: number): JsonKind {
  const byte = bytes[at]
  if (byte === QUOTE) return 'string'
  if (byte === OPEN_BRACE) return 'object'
  if (byte === OPEN_BRACKET) return 'array'
  if (byte === 0x74 || byte === 0x66) return 'boolean'
  if (byte === 0x6e) return 'null'
  if (byte === 0x2d || (byte !== undefined && byte >= 0x30 && byte <= 0x39)) return 'number'
  throw unexpected(bytes, at, 'a value')
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from
  for (
    let byte = bytes[at];
    byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    byte = bytes[at]
  )
    at++
  return at
}

// A plain loop: text is full of escaped quotes, and a native search that stops at each of them takes longer. Letters
// and everything beyond ASCII are above the backslash, so one comparison passes most bytes.
function skipString(bytes: Uint8Array, open: number): number {
  const { length } = bytes
  for (let at = open + 1; at < length; at++) {
    const byte = bytes[at] ?? 0
    if (byte > BACKSLASH) continue
    if (byte === QUOTE) return at + 1
    if (byte === BACKSLASH) at++
    else if (byte < 0x20) throw new JsonSyntaxError('a control character in a string is not escaped', at)
  }
  throw new JsonSyntaxError('the text ends inside a string', length)
}

function skipScalar(bytes: Uint8Array, start: number): number {
  if (bytes[start] === QUOTE) return skipString(bytes, start)
  let end = start
  for (let byte = bytes[end]; byte !== undefined && !isDelimiter(byte); byte = bytes[end]) end++
  const text = decoder.decode(bytes.subarray(start, end))
  if (text === 'true' || text === 'false' || text === 'null') return end
  if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return end
  throw new JsonSyntaxError(`"${text.slice(0, 20)}" is not a JSON value`, start)
}

function isDelimiter(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= 0x20 || byte === COLON
}

/** Past a whole array or object, with a stack of closers instead of recursion: depth is the caller's to choose. */
function skipContainer(bytes: Uint8Array, start: number): number {
  const closers: number[] = []
  let at = start
  for (;;) {
    const opener = bytes[at]
    if (opener === OPEN_BRACE || opener === OPEN_BRACKET) {
      if (closers.length === MAX_DEPTH) throw new JsonSyntaxError(`nested deeper than ${MAX_DEPTH}`, at)
      const closer = opener === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET
      at = skipSpace(bytes, at + 1)
      if (bytes[at] !== closer) {
        closers.push(closer)
        if (closer === CLOSE_BRACE) at = skipKey(bytes, at)
        continue
      }
      at++
    } else {
      kindAt(bytes, at)
      at = skipScalar(bytes, at)
    }
    at = afterValue(bytes, at, closers)
    if (closers.length === 0) return at
  }
}

// Closes what ends here, then steps to the next value; the stack is empty when the outermost container has ended.
function afterValue(bytes: Uint8Array, from: number, closers: number[]): number {
  let at = from
  while (closers.length > 0) {
    const closer = closers.at(-1)
    at = skipSpace(bytes, at)
    if (bytes[at] === COMMA) {
      at = skipSpace(bytes, at + 1)
      return closer === CLOSE_BRACE ? skipKey(bytes, at) : at
    }
    if (bytes[at] !== closer)
      throw unexpected(bytes, at, closer === CLOSE_BRACE ? "',' or '}'" : "',' or ']'")
    closers.pop()
    at++
  }
  return at
}

function skipKey(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== QUOTE) throw unexpected(bytes, from, 'a key in double quotes')
  const colon = skipSpace(bytes, skipString(bytes, from))
  if (bytes[colon] !== COLON) throw unexpected(bytes, colon, "':'")
  return skipSpace(bytes, colon + 1)
}

function unexpected(bytes: Uint8Array, at: number, wanted: string): JsonSyntaxError {
  const byte = bytes[at]
  if (byte === undefined) return new JsonSyntaxError(`the text ends where ${wanted} should stand`, at)
  const found = byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16)}`
  return new JsonSyntaxError(`expected ${wanted}, found ${found}`, at)
}
