import { fieldsOf, listOf, textOf } from '../fields'
import type { Media, Part } from '../parts'
import type { CacheMarker } from '../request'
import { invalidField } from '../untranslatable'
import { audioTypeOf, decodeUrl } from './media'
import { extrasOf, needObject, needText, readText, wrongType } from './read-fields'

type PartReader = (part: Record<string, unknown>, at: string) => Part

/** The pieces of a message that were understood; anything else is known to this protocol only. */
const READERS: Readonly<Record<string, PartReader>> = {
  text: (part, at) => ({ kind: 'text', text: needText(part.text, `${at}.text`), at }),
  refusal: (part, at) => ({ kind: 'refusal', text: needText(part.refusal, `${at}.refusal`), at }),
  thinking: (part, at) => ({ kind: 'reasoning', text: thinkingOf(part.thinking), at, ...proofOf(part) }),
  image_url: readImage,
  input_audio: readAudio,
  video_url: (part, at) => ({ kind: 'video', media: urlAt(part.video_url, `${at}.video_url`), at }),
  file: readFile,
}
/** The fields of each piece that its reader takes. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  thinking: ['signature'],
}

/** A message's `content`: a text, or pieces of several kinds. */
export function decodeContent(value: unknown, at: string): Part[] {
  if (value === undefined || value === null || value === '') return []
  if (typeof value === 'string') return [{ kind: 'text', text: value, at }]
  if (!Array.isArray(value)) throw wrongType(at, 'a string or an array', value)
  return value.map((part, index) => decodePart(needObject(part, `${at}[${index}]`), `${at}[${index}]`))
}

/** `cache_control`, as providers and gateways take it on pieces, messages and tools. */
export function decodeCache(value: unknown): CacheMarker | undefined {
  const { type, ttl } = fieldsOf(value)
  if (type !== 'ephemeral') return undefined
  return ttl === '5m' || ttl === '1h' ? { ttl } : {}
}

/** A thinking text: a string, or texts in a list. */
export function thinkingOf(value: unknown): string {
  if (typeof value === 'string') return value
  return listOf(value)
    .map((piece) => textOf(fieldsOf(piece).text) ?? '')
    .join('')
}

function decodePart(fields: Record<string, unknown>, at: string): Part {
  const type = needText(fields.type, `${at}.type`)
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined
  if (read === undefined) return { kind: 'native', type, protocol: 'openai-chat', value: fields, at }
  const known = new Set(['type', type, 'cache_control', 'prompt_cache_breakpoint', ...(KNOWN[type] ?? [])])
  const breakpoint = fieldsOf(fields.prompt_cache_breakpoint).mode === 'explicit' ? {} : undefined
  const cache = decodeCache(fields.cache_control) ?? breakpoint
  const extras = extrasOf(fields, known, at)
  return {
    ...read(fields, at),
    ...(cache === undefined ? {} : { cache }),
    ...(extras === undefined ? {} : { extras }),
  }
}

function readImage({ image_url: image }: Record<string, unknown>, at: string): Part {
  const detail = typeof image === 'string' ? undefined : fieldsOf(image).detail
  return {
    kind: 'image',
    media: urlAt(image, `${at}.image_url`),
    detail: readText(detail, `${at}.image_url.detail`),
    at,
  }
}

// Some clients put the address where the object with the address belongs.
function urlAt(value: unknown, path: string): Media {
  if (typeof value === 'string') return decodeUrl(value)
  return decodeUrl(needText(needObject(value, path).url, `${path}.url`))
}

function readAudio(part: Record<string, unknown>, at: string): Part {
  const audio = needObject(part.input_audio, `${at}.input_audio`)
  const base64 = needText(audio.data, `${at}.input_audio.data`)
  const format = needText(audio.format, `${at}.input_audio.format`)
  return { kind: 'audio', media: { kind: 'base64', base64, mediaType: audioTypeOf(format) }, at }
}

function readFile(part: Record<string, unknown>, at: string): Part {
  const file = needObject(part.file, `${at}.file`)
  const name = readText(file.filename, `${at}.file.filename`)
  return { kind: 'file', media: fileMedia(file, at), name, at }
}

function fileMedia(file: Record<string, unknown>, at: string): Media {
  const data = readText(file.file_data, `${at}.file.file_data`)
  const id = readText(file.file_id, `${at}.file.file_id`)
  const mediaType = textOf(file.format)
  if (data === undefined) {
    if (id === undefined)
      throw invalidField(`${at}.file`, `Invalid '${at}.file': give either file_data or file_id.`)
    return /^https?:/.test(id)
      ? { kind: 'url', url: id, mediaType }
      : { kind: 'file_id', id, protocol: 'openai-chat', mediaType }
  }
  if (/^https?:/.test(data)) return { kind: 'url', url: data, mediaType }
  const media = decodeUrl(data)
  if (media.kind === 'base64') return media
  if (data.startsWith('data:'))
    throw invalidField(
      `${at}.file.file_data`,
      `Invalid '${at}.file.file_data': the data URL must be in base64.`,
    )
  return { kind: 'base64', base64: data, mediaType: mediaType ?? 'application/pdf' }
}

function proofOf({ signature }: Record<string, unknown>) {
  const known = textOf(signature)
  return known === undefined ? {} : { proof: { family: 'anthropic', signature: known } as const }
}
