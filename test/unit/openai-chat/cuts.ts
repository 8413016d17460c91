const encoder = new TextEncoder()

/** Ways of cutting bytes into pieces, as networks and proxies do. */
export const cuts: readonly [string, (bytes: Uint8Array) => Uint8Array[]][] = [
  ['whole', (bytes) => [bytes]],
  ['byte by byte', (bytes) => inPiecesOf(bytes, 1)],
  ['in pieces of 7 bytes', (bytes) => inPiecesOf(bytes, 7)],
  ['inside every character of more than one byte', insideCharacters],
  ['before and after every line end', aroundLineEnds],
]

/** Pieces of a size, the last one smaller. */
export function inPiecesOf(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

/** One array of all the pieces. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]))
}

/** Other ways to write the same events (HTML standard, "Interpreting an event stream"). */
export const variants: readonly [string, (text: string) => Uint8Array][] = [
  ['with line feeds', (text) => encoder.encode(text)],
  ['with returns and line feeds', (text) => encoder.encode(text.replaceAll('\n', '\r\n'))],
  ['with returns', (text) => encoder.encode(text.replaceAll('\n', '\r'))],
  ['with a byte order mark', (text) => encoder.encode(`\ufeff${text}`)],
  ['without the last blank line', (text) => encoder.encode(text.replace(/\n+$/, ''))],
  ['with comments and other fields', (text) => encoder.encode(`: hi\n\n${withOthers(text)}`)],
  ['without the space after the colon', (text) => encoder.encode(text.replaceAll(/^data: /gm, 'data:'))],
]

function withOthers(text: string): string {
  return text.replaceAll(/^data: /gm, ': ping\nevent: message\nid: 7\nretry: 10\ndata: ')
}

function insideCharacters(bytes: Uint8Array): Uint8Array[] {
  return cutAt(bytes, (byte) => (byte & 0xc0) === 0x80)
}

function aroundLineEnds(bytes: Uint8Array): Uint8Array[] {
  const isLineEnd = (byte: number | undefined) => byte === 0x0a || byte === 0x0d
  return cutAt(bytes, (byte, before) => isLineEnd(byte) || isLineEnd(before))
}

function cutAt(
  bytes: Uint8Array,
  isCut: (byte: number, before: number | undefined) => boolean,
): Uint8Array[] {
  const starts = [...bytes.keys()].filter((at) => at === 0 || isCut(bytes[at] ?? 0, bytes[at - 1]))
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1]))
}
