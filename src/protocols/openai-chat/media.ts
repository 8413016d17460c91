import { entryOf, fieldsOf, listOf, textOf } from '../fields'
import type { Media, Part } from '../parts'

const DATA_URL = /^data:([^;,]+)(?:;[^;,]+)*;base64,([\s\S]*)$/

/** `format` of `input_audio`, by media type. */
const AUDIO_FORMATS: Readonly<Record<string, string>> = {
  'audio/wav': 'wav',
  'audio/x-wav': 'wav',
  'audio/wave': 'wav',
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
  'audio/flac': 'flac',
  'audio/opus': 'opus',
  'audio/ogg': 'ogg',
  'audio/aac': 'aac',
  'audio/aiff': 'aiff',
  'audio/m4a': 'm4a',
  'audio/pcm': 'pcm16',
}

/** What an address points at: the bytes themselves when it is a data URL. */
export function decodeUrl(url: string): Media {
  const [, mediaType, base64] = url.match(DATA_URL) ?? []
  return mediaType === undefined || base64 === undefined
    ? { kind: 'url', url }
    : { kind: 'base64', base64, mediaType }
}

/** An address for what has one; undefined for stored files and plain text. */
export function encodeUrl(media: Media): string | undefined {
  if (media.kind === 'url') return media.url
  return media.kind === 'base64' ? `data:${media.mediaType};base64,${media.base64}` : undefined
}

/** The media type of an `input_audio` format; one that is not known is taken at its word. */
export function audioTypeOf(format: string): string {
  return Object.entries(AUDIO_FORMATS).find(([, known]) => known === format)?.[0] ?? `audio/${format}`
}

/** The `input_audio` format of a media type; undefined for what is no sound. */
export function audioFormatOf(mediaType: string): string | undefined {
  const [, subtype] = mediaType.match(/^audio\/(?:x-)?([\w.+-]+)$/) ?? []
  return entryOf(AUDIO_FORMATS, mediaType) ?? subtype
}

/** The pictures of an answer, in the place that image models behind chat completions use. */
export function decodeImages(images: unknown): Part[] {
  return listOf(images).flatMap((image) => {
    const url = textOf(fieldsOf(fieldsOf(image).image_url).url)
    return url === undefined ? [] : [{ kind: 'image', media: decodeUrl(url) } as const]
  })
}

/** The same for an answer of ours; nothing for a picture without an address. */
export function encodeImage(media: Media, index: number): Record<string, unknown>[] {
  const url = encodeUrl(media)
  return url === undefined ? [] : [{ type: 'image_url', image_url: { url }, index }]
}
