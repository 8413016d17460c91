import { toBase64 } from '../../platform/base64'
import { imageTypeOf } from '../image-type'
import type { Media, Part } from '../parts'
import { isYouTube, typeByName } from './media'

type MediaPart = Extract<Part, { kind: 'image' | 'audio' | 'video' | 'file' }>

/** Types for links that neither say theirs nor show it in their ending; Google wants one with every link. */
const USUAL_TYPES: Readonly<Record<MediaPart['kind'], string>> = {
  image: 'image/jpeg',
  audio: 'audio/mp3',
  video: 'video/mp4',
  file: 'application/pdf',
}
const encoder = new TextEncoder()

/** An image, a sound, a video or a file as `inlineData` or `fileData`; undefined for what another provider stores. */
export function encodeMedia({ kind, media }: MediaPart, name?: string): Record<string, unknown> | undefined {
  const displayName = name === undefined ? {} : { displayName: name }
  switch (media.kind) {
    case 'base64':
      return { inlineData: { mimeType: inlineType(kind, media), data: media.base64, ...displayName } }
    case 'text':
      return { inlineData: { mimeType: media.mediaType, data: base64Of(media.text), ...displayName } }
    case 'url':
      return { fileData: { ...linkType(kind, media), fileUri: media.url, ...displayName } }
    case 'file_id': {
      if (media.protocol !== 'gemini') return undefined
      const mimeType = media.mediaType === undefined ? {} : { mimeType: media.mediaType }
      return { fileData: { ...mimeType, fileUri: media.id, ...displayName } }
    }
  }
}

function inlineType(kind: MediaPart['kind'], media: Extract<Media, { kind: 'base64' }>): string {
  return kind === 'image' ? imageTypeOf(media) : media.mediaType
}

function linkType(kind: MediaPart['kind'], { url, mediaType }: Extract<Media, { kind: 'url' }>) {
  if (mediaType !== undefined) return { mimeType: mediaType }
  return isYouTube(url) ? {} : { mimeType: typeByName(url) ?? USUAL_TYPES[kind] }
}

function base64Of(text: string): string {
  return toBase64(encoder.encode(text))
}
