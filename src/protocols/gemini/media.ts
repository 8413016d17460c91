import { textOf } from '../fields'
import type { Media, Part } from '../parts'
import { camelFields } from './spelling'

type MediaPart = Extract<Part, { kind: 'image' | 'audio' | 'video' | 'file' }>

const FILES_API = /^(?:gs:\/\/|files\/|https:\/\/generativelanguage\.googleapis\.com\/)/i
const YOUTUBE = /^https?:\/\/(?:(?:www\.|m\.)?youtube\.com|youtu\.be)\//i
/** Types by the ending of a URL, for links that come without one; Google wants one with every link. */
const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  heic: 'image/heic',
  pdf: 'application/pdf',
  txt: 'text/plain',
  csv: 'text/csv',
  html: 'text/html',
  mp3: 'audio/mp3',
  wav: 'audio/wav',
  ogg: 'audio/ogg',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/mov',
}

/** `inlineData` as an image, a sound, a video or a file, by its type. */
export function inlinePart(value: unknown): MediaPart {
  const { data, mimeType, displayName } = camelFields(value)
  const mediaType = textOf(mimeType) ?? 'application/octet-stream'
  return partOf(
    { kind: 'base64', base64: standardBase64(textOf(data) ?? ''), mediaType },
    mediaType,
    displayName,
  )
}

/**
 * `fileData` in the same way. What was uploaded to Google means nothing elsewhere; any other link may be fetched by
 * another provider too.
 */
export function filePart(value: unknown): MediaPart {
  const { fileUri, mimeType, displayName } = camelFields(value)
  const uri = textOf(fileUri) ?? ''
  const told = textOf(mimeType)
  const mediaType = told ?? typeByName(uri)
  const media: Media = FILES_API.test(uri)
    ? { kind: 'file_id', id: uri, protocol: 'gemini', mediaType: told }
    : { kind: 'url', url: uri, mediaType: told }
  return partOf(media, YOUTUBE.test(uri) ? 'video/*' : mediaType, displayName)
}

/** The type that a link's ending stands for. */
export function typeByName(uri: string): string | undefined {
  const ending = uri.replace(/[?#].*$/s, '').match(/\.([a-z0-9]+)$/i)?.[1]
  const type = (ending ?? '').toLowerCase()
  return Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
}

/** Whether a link is to a video that Google fetches by itself, without being told a type. */
export function isYouTube(uri: string): boolean {
  return YOUTUBE.test(uri)
}

function partOf(media: Media, mediaType: string | undefined, displayName: unknown): MediaPart {
  const [family] = (mediaType ?? '').split('/')
  if (family === 'image' || family === 'audio' || family === 'video') return { kind: family, media }
  return { kind: 'file', media, name: textOf(displayName) }
}

// Google's Python client writes the URL-safe alphabet, which other providers refuse.
function standardBase64(text: string): string {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/')
  return standard.padEnd(Math.ceil(standard.length / 4) * 4, '=')
}
