import { concat, type ObjectEdits } from '../platform/json-edit'

/** One field of a form; offsets are bytes, ends are exclusive. */
export interface FormPart {
  name: string
  /** Of a file; undefined for a text field. */
  fileName?: string
  type?: string
  /** The first dash of the part's delimiter. */
  start: number
  valueStart: number
  valueEnd: number
  /** The first dash of the next delimiter. */
  end: number
}

/** A body of type multipart/form-data, and where its fields stand in it. */
export interface Form {
  bytes: Uint8Array
  /** As the client sent it, with the boundary. */
  contentType: string
  boundary: string
  /** In their order; at least one. */
  parts: readonly FormPart[]
}

/** The bytes are not a form, for this reason. */
export class FormError extends Error {}

const LINE_FEED = 0x0a
const RETURN = 0x0d
const DASH = 0x2d
const MAX_PARTS = 1_000
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * The fields of a form (RFC 7578), found in one pass without copying a value. The platform's own `formData()` would
 * keep a second copy of every file, and writing that out again would change the bytes of the parts.
 * @throws FormError
 */
export function scanForm(bytes: Uint8Array, contentType: string): Form {
  const boundary = boundaryOf(contentType)
  const delimiter = encoder.encode(`--${boundary}`)
  const parts: FormPart[] = []
  let found = delimiterAt(bytes, delimiter, 0)
  while (found !== undefined && !found.isLast) {
    const number = parts.length + 1
    if (number > MAX_PARTS) throw new FormError(`it has more than ${MAX_PARTS} parts.`)
    const valueStart = endOfHeaders(bytes, found.end, number)
    const next = delimiterAt(bytes, delimiter, valueStart)
    if (next === undefined) throw new FormError(`part ${number} has no end: the closing boundary is missing.`)
    const headers = decoder.decode(bytes.subarray(found.end, valueStart))
    const { start } = found
    const valueEnd = next.start - 2
    parts.push({ ...partHeaders(headers, number), start, valueStart, valueEnd, end: next.start })
    found = next
  }
  if (parts.length === 0) throw new FormError(`there is no part with the boundary '${boundary}' in it.`)
  return { bytes, contentType, boundary, parts }
}

/** The form with the edits spliced in; values are JSON text. Every other byte stays as it was. */
export function editForm(form: Form, edits: ObjectEdits): Uint8Array {
  const { bytes, parts, boundary } = form
  const pieces: Uint8Array[] = []
  let done = 0
  const splice = (from: number, to: number, text: string) => {
    pieces.push(bytes.subarray(done, from), encoder.encode(text))
    done = to
  }
  const front = parts[0]?.start ?? 0
  for (const [name, json] of edits.insert ?? []) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`
    splice(front, front, `${head}${textOf(json)}\r\n`)
  }
  for (const part of parts) {
    const [name = ''] = fieldPath(part.name)
    const json = edits.replace?.get(name)
    if (edits.remove?.has(name) === true) splice(part.start, part.end, '')
    else if (json !== undefined) splice(part.valueStart, part.valueEnd, textOf(json))
  }
  if (pieces.length === 0) return bytes
  pieces.push(bytes.subarray(done))
  return concat(pieces)
}

/** `a[b][]`, as the SDKs write what is not flat, is member `b` of `a`, which is a list: an empty key stands for that. */
export function fieldPath(name: string): string[] {
  const [, base, brackets] = name.match(/^([^[]+)((?:\[[^\]]*\])+)$/) ?? []
  return base === undefined || brackets === undefined ? [name] : [base, ...brackets.slice(1, -1).split('][')]
}

function textOf(json: string): string {
  const value: unknown = JSON.parse(json)
  return typeof value === 'string' ? value : json
}

function boundaryOf(contentType: string): string {
  const [, quoted, plain] = contentType.match(/;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i) ?? []
  const boundary = quoted ?? plain
  if (boundary !== undefined) return boundary
  throw new FormError(
    `the content type '${contentType}' names no boundary. Let your HTTP client set that header.`,
  )
}

interface Delimiter {
  start: number
  /** Behind its line end. */
  end: number
  isLast: boolean
}

/** The next line that is the delimiter; a longer line that only begins like it is not. */
function delimiterAt(bytes: Uint8Array, delimiter: Uint8Array, from: number): Delimiter | undefined {
  const first = from === 0 ? delimiterHere(bytes, delimiter, 0) : undefined
  if (first !== undefined) return first
  for (let at = bytes.indexOf(RETURN, from); at !== -1; at = bytes.indexOf(RETURN, at + 1)) {
    if (bytes[at + 1] !== LINE_FEED || bytes[at + 2] !== DASH) continue
    const found = delimiterHere(bytes, delimiter, at + 2)
    if (found !== undefined) return found
  }
  return undefined
}

function delimiterHere(bytes: Uint8Array, delimiter: Uint8Array, start: number): Delimiter | undefined {
  for (let at = 0; at < delimiter.length; at++) if (bytes[start + at] !== delimiter[at]) return undefined
  let end = start + delimiter.length
  if (bytes[end] === DASH && bytes[end + 1] === DASH) return { start, end, isLast: true }
  while (bytes[end] === 0x20 || bytes[end] === 0x09) end++
  return bytes[end] === RETURN && bytes[end + 1] === LINE_FEED
    ? { start, end: end + 2, isLast: false }
    : undefined
}

function endOfHeaders(bytes: Uint8Array, from: number, number: number): number {
  let at = from
  while (bytes[at] !== RETURN || bytes[at + 1] !== LINE_FEED) {
    const lineEnd = bytes.indexOf(LINE_FEED, at)
    if (lineEnd === -1)
      throw new FormError(`part ${number} has no blank line between its headers and its value.`)
    at = lineEnd + 1
  }
  return at + 2
}

function partHeaders(text: string, number: number): Pick<FormPart, 'name' | 'fileName' | 'type'> {
  const lines = text.split('\r\n')
  const valuesOf = (header: string) =>
    lines
      .filter((line) => line.toLowerCase().startsWith(`${header}:`))
      .map((line) => line.slice(header.length + 1).trim())
  const [disposition, second] = valuesOf('content-disposition')
  const { name, filename, 'filename*': extended } = parametersOf(disposition ?? '')
  if (name === undefined || second !== undefined)
    throw new FormError(`part ${number} has no header 'Content-Disposition: form-data; name="..."'.`)
  const fileName = filename ?? extended
  const [type] = valuesOf('content-type')
  return { name, ...(fileName === undefined ? {} : { fileName }), ...(type === undefined ? {} : { type }) }
}

/** `; name=value` or `; name="value"`; a backslash makes the next character plain (RFC 2616, 2.2). */
const PARAMETER = /;\s*([^\s=;]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;]*))/g

function parametersOf(disposition: string): Partial<Record<string, string>> {
  const found = [...disposition.matchAll(PARAMETER)].map(([, name = '', quoted, plain = '']) => [
    name.toLowerCase(),
    quoted === undefined ? plain.trim() : quoted.replaceAll(/\\(.)/g, '$1'),
  ])
  return Object.fromEntries(found)
}
