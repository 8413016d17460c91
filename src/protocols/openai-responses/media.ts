import { entryOf } from '../fields'
import type { Media } from '../parts'

const DATA_URL = /^data:([^;,]+)(?:;[^;,]+)*;base64,/
/** By the ends of file names, for data without a media type of their own. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  xml: 'application/xml',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
}

/** What a URL stands for: the bytes themselves when it is a data URL. */
export function mediaOfUrl(url: string): Media {
  const [head, mediaType] = DATA_URL.exec(url) ?? []
  if (head === undefined || mediaType === undefined) return { kind: 'url', url }
  return { kind: 'base64', base64: url.slice(head.length), mediaType }
}

/** `file_data`: a data URL, or base64 alone as some clients send it, whose type the file's name tells. */
export function mediaOfFileData(data: string, filename: string | undefined): Media {
  if (data.startsWith('data:')) return mediaOfUrl(data)
  const ending = filename?.split('.').at(-1)?.toLowerCase() ?? ''
  return { kind: 'base64', base64: data, mediaType: entryOf(MEDIA_TYPES, ending) ?? 'application/pdf' }
}

/** A URL for bytes, as OpenAI takes images and files. */
export function dataUrl({ base64, mediaType }: { base64: string; mediaType: string }): string {
  return `data:${mediaType};base64,${base64}`
}

/** OpenAI wants a name with a file's bytes, and reads the type from its end. */
export function fileNameFor(mediaType: string): string {
  const [ending = 'bin'] = Object.entries(MEDIA_TYPES).find(([, type]) => type === mediaType) ?? []
  return `document.${ending}`
}
