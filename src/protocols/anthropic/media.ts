import { fromBase64 } from '../../platform/base64'
import { imageTypeOf } from '../image-type'
import type { Media, Part } from '../parts'
import { untranslatable } from '../untranslatable'
import type { Block } from './own-fields'

type ImagePart = Extract<Part, { kind: 'image' }>
type FilePart = Extract<Part, { kind: 'file' }>

/** The image types that the provider reads (Claude docs, "Vision"). */
const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])
const PDF = 'application/pdf'
const TEXTUAL = /^(?:text\/|application\/(?:json|xml)$)/
const WEB = /^https?:\/\//i

/** An image's source; its other fields are the caller's. */
export function encodeImageSource({ media, at = '' }: ImagePart): Block {
  if (media.kind === 'base64') {
    const mediaType = imageTypeOf(media)
    if (!IMAGE_TYPES.has(mediaType)) {
      throw untranslatable(at, `${at}: The target takes JPEG, PNG, GIF and WebP images, not ${mediaType}.`)
    }
    return { type: 'base64', media_type: mediaType, data: media.base64 }
  }
  return linkedSource(media, at) ?? neither(at, 'an image')
}

/** A document's source: a PDF, or a text in any form. */
export function encodeDocumentSource({ media, at = '' }: FilePart): Block {
  if (media.kind === 'text') return textSource(media.text)
  if (media.kind === 'base64') {
    if (media.mediaType === PDF) return { type: 'base64', media_type: PDF, data: media.base64 }
    if (TEXTUAL.test(media.mediaType)) return textSource(decoded(media.base64, at))
  } else if (media.mediaType === undefined || media.mediaType === PDF || media.kind === 'file_id') {
    const source = linkedSource(media, at)
    if (source !== undefined) return source
  }
  return neither(at, 'a document')
}

/** Whether a file is an image by its type: some protocols send images as files. */
export function isImageFile({ media }: FilePart): boolean {
  return media.mediaType?.startsWith('image/') === true
}

function linkedSource(media: Media, at: string): Block | undefined {
  if (media.kind === 'url' && WEB.test(media.url)) return { type: 'url', url: media.url }
  if (media.kind !== 'file_id') return undefined
  if (media.protocol === 'anthropic') return { type: 'file', file_id: media.id }
  throw untranslatable(
    at,
    `${at}: The file ${media.id} is stored at another provider. Send its content instead.`,
  )
}

function textSource(text: string): Block {
  return { type: 'text', media_type: 'text/plain', data: text }
}

function decoded(base64: string, at: string): string {
  try {
    return new TextDecoder().decode(fromBase64(base64))
  } catch {
    throw untranslatable(at, `${at}: The data of the document is not base64.`)
  }
}

function neither(at: string, kind: string): never {
  throw untranslatable(at, `${at}: The target has no words for ${kind} of this kind.`)
}
