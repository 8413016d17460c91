import { toBase64 } from '../../platform/base64'
import { entryOf } from '../fields'
import { imageTypeOf as typeOfBytes } from '../image-type'
import type { Media, Part } from '../parts'
import { untranslatable } from '../untranslatable'

/** A block of Converse: an object whose one member tells its kind. */
export type Block = Record<string, unknown>

type PartOf<Kind extends Part['kind']> = Extract<Part, { kind: Kind }>
type Formats = ReadonlyMap<string, string>

const IMAGES: Formats = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
])
const DOCUMENTS: Formats = new Map([
  ['application/pdf', 'pdf'],
  ['text/csv', 'csv'],
  ['application/msword', 'doc'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['text/html', 'html'],
  ['text/plain', 'txt'],
  ['text/markdown', 'md'],
])
const VIDEOS: Formats = new Map([
  ['video/x-flv', 'flv'],
  ['video/x-matroska', 'mkv'],
  ['video/quicktime', 'mov'],
  ['video/mp4', 'mp4'],
  ['video/mpeg', 'mpeg'],
  ['video/3gpp', 'three_gp'],
  ['video/webm', 'webm'],
  ['video/x-ms-wmv', 'wmv'],
])
/** What an object's key in S3 ends in, where no media type is told. */
const ENDINGS: Readonly<Record<string, string>> = { jpg: 'jpeg', mpg: 'mpeg', '3gp': 'three_gp', htm: 'html' }
const encoder = new TextEncoder()

/** @throws SluiceError `untranslatable` for an address on the web, a stored file, and formats that Converse does not know */
export function imageBlock({ media, at = '' }: PartOf<'image'>): Block {
  const seen = media.kind === 'base64' ? { ...media, mediaType: typeOfBytes(media) } : media
  return { image: encoded(seen, IMAGES, at) }
}

/** Like an image; a model reads it frame by frame. */
export function videoBlock({ media, at = '' }: PartOf<'video'>): Block {
  return { video: encoded(media, VIDEOS, at) }
}

/** A document, which must have a name of its own; a picture given as a file becomes an image. */
export function fileBlock(part: PartOf<'file'>, nameOf: (name: string | undefined) => string): Block {
  const { media, name, context, isCited, at = '' } = part
  if (mediaTypeOf(media).startsWith('image/')) return imageBlock({ kind: 'image', media, at })
  return {
    document: {
      ...encoded(media, DOCUMENTS, at),
      name: nameOf(name),
      ...(context === undefined ? {} : { context }),
      ...(isCited === true ? { citations: { enabled: true } } : {}),
    },
  }
}

/** The media type of an image's format in an answer. */
export function imageTypeOf(format: unknown): string {
  return typeof format === 'string' ? `image/${format}` : 'image/png'
}

// The source first: an address is refused as such, and not for its missing type.
function encoded(media: Media, formats: Formats, at: string): Block {
  const source = sourceOf(media, at)
  return { format: formatOf(media, formats, at), source }
}

function sourceOf(media: Media, at: string): Block {
  switch (media.kind) {
    case 'base64':
      return { bytes: media.base64 }
    case 'text':
      return { bytes: toBase64(encoder.encode(media.text)) }
    case 'url':
      if (media.url.startsWith('s3://')) return { s3Location: { uri: media.url } }
      throw untranslatable(at, 'this target fetches nothing from the web: send the bytes as base64')
    case 'file_id':
      throw untranslatable(at, 'the file is stored at another provider: send its bytes as base64')
  }
}

function formatOf(media: Media, formats: Formats, at: string): string {
  const type = mediaTypeOf(media)
  const known = formats.get(type) ?? (media.kind === 'text' ? 'txt' : formatByEnding(media, formats))
  if (known !== undefined) return known
  const wanted = [...new Set(formats.values())].join(', ')
  throw untranslatable(
    at,
    `this target takes no ${type === '' ? 'media of unknown type' : type}, but ${wanted}`,
  )
}

function mediaTypeOf({ mediaType = '' }: Media): string {
  return (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase()
}

function formatByEnding(media: Media, formats: Formats): string | undefined {
  const ending = media.kind === 'url' ? (media.url.split('.').at(-1)?.toLowerCase() ?? '') : ''
  const format = entryOf(ENDINGS, ending) ?? ending
  return [...formats.values()].find((known) => known === format)
}
