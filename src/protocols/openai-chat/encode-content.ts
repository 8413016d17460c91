import { fromBase64 } from '../../platform/base64'
import { isObject } from '../fields'
import type { Media, Part } from '../parts'
import { invalidField, lostExtras, untranslatable } from '../untranslatable'
import { audioFormatOf, encodeUrl } from './media'

type PartOf<Kind extends Part['kind']> = Extract<Part, { kind: Kind }>

/** What holds for all pieces of a request. */
export interface ContentContext {
  /** The client wrote for this protocol, so its markers may go on. */
  isOwn: boolean
  losses: string[]
}

/**
 * A message's `content`: a text when it is no more than that, else pieces; undefined when there is nothing to say.
 * Several texts of a foreign client's are put together, since simple servers take lists from users only, or never.
 * @param glue what stands between them
 */
export function encodeContent(parts: readonly Part[], context: ContentContext, glue = '\n\n'): unknown {
  const pieces = parts.flatMap((part) => encodePart(part, context))
  if (pieces.length === 0) return undefined
  const isPlain = pieces.every((piece) => piece.type === 'text' && Object.keys(piece).length === 2)
  if (!isPlain || (context.isOwn && pieces.length > 1)) return pieces
  return pieces.map(({ text }) => text).join(glue)
}

/** Whether a piece has a place in `content`; the others stand beside it. */
export function isContent({ kind }: Part): boolean {
  return !BESIDE.has(kind)
}

const BESIDE: ReadonlySet<Part['kind']> = new Set(['tool_call', 'tool_result', 'reasoning', 'refusal'])

function encodePart(part: Part, context: ContentContext): Record<string, unknown>[] {
  const piece = pieceOf(part, context)
  if (piece === undefined) return []
  const { cache, extras, at } = part
  context.losses.push(...lostExtras(extras, 'openai-chat'))
  if (cache !== undefined && !context.isOwn) context.losses.push(`${at ?? 'messages'}.cache_control`)
  return [
    {
      ...piece,
      ...(cache === undefined || !context.isOwn ? {} : { cache_control: { type: 'ephemeral', ...cache } }),
      ...(extras?.protocol === 'openai-chat' ? extras.fields : {}),
    },
  ]
}

function pieceOf(part: Part, context: ContentContext): Record<string, unknown> | undefined {
  switch (part.kind) {
    case 'text':
      return part.text === '' ? undefined : { type: 'text', text: part.text }
    case 'image':
      return imagePiece(part)
    case 'file':
      return filePiece(part, context)
    case 'audio':
      return audioPiece(part)
    case 'video':
      return { type: 'video_url', video_url: { url: addressOf(part.media, part, 'video') } }
    case 'native':
      if (part.protocol === 'openai-chat' && isObject(part.value)) return { ...part.value }
      context.losses.push(part.at ?? part.type)
      return undefined
    case 'refusal':
    case 'reasoning':
    case 'tool_call':
    case 'tool_result':
      return undefined
  }
}

function imagePiece(part: PartOf<'image'>): Record<string, unknown> {
  const { media, detail } = part
  return {
    type: 'image_url',
    image_url: { url: addressOf(media, part, 'image'), ...(detail === undefined ? {} : { detail }) },
  }
}

function filePiece(part: PartOf<'file'>, context: ContentContext): Record<string, unknown> {
  const { media, name, context: about, isCited, at = 'messages' } = part
  if (isCited === true) context.losses.push(`${at}.citations`)
  if (media.kind === 'text') {
    const heading = [name, about].filter((line) => line !== undefined)
    return { type: 'text', text: [...heading, media.text].join('\n\n') }
  }
  if (media.kind === 'base64' && !context.isOwn && /^text\//.test(media.mediaType)) {
    return filePiece({ ...part, isCited: false, media: textOf(media, at) }, context)
  }
  if (about !== undefined) context.losses.push(`${at}.context`)
  const filename = name === undefined ? {} : { filename: name }
  if (media.kind === 'file_id') {
    if (!media.protocol.startsWith('openai')) throw foreignFile(at)
    return { type: 'file', file: { file_id: media.id, ...filename } }
  }
  if (media.kind === 'url' && !context.isOwn)
    throw untranslatable(
      at,
      `The model that was chosen takes files as base64 only, not by their address. Send the bytes in '${at}'.`,
    )
  // A file in base64 must have a name.
  const named = media.kind === 'base64' ? { filename: name ?? nameFor(media.mediaType) } : filename
  return { type: 'file', file: { ...named, file_data: encodeUrl(media) } }
}

// Every model reads text; of files, most read PDF only.
function textOf({ base64, mediaType }: Extract<Media, { kind: 'base64' }>, at: string): Media {
  try {
    return { kind: 'text', text: new TextDecoder().decode(fromBase64(base64)), mediaType }
  } catch {
    throw invalidField(at, `Invalid '${at}': the data is not base64.`)
  }
}

function nameFor(mediaType: string): string {
  return `file.${mediaType.split('/')[1]?.match(/^\w+/)?.[0] ?? 'bin'}`
}

function audioPiece(part: PartOf<'audio'>): Record<string, unknown> | undefined {
  const { media, at = 'messages' } = part
  // An answer's own sound stands beside the content.
  if (media.kind === 'file_id') return undefined
  const format = media.kind === 'base64' ? audioFormatOf(media.mediaType) : undefined
  if (media.kind !== 'base64' || format === undefined)
    throw untranslatable(
      at,
      `The model that was chosen takes sounds as base64 with an audio media type only. Change '${at}'.`,
    )
  return { type: 'input_audio', input_audio: { data: media.base64, format } }
}

function addressOf(media: Media, { at = 'messages' }: Part, noun: string): string {
  if (media.kind === 'file_id') throw foreignFile(at)
  const url = encodeUrl(media)
  if (url !== undefined) return url
  throw untranslatable(at, `'${at}' is plain text where the model that was chosen takes a ${noun}.`)
}

function foreignFile(at: string): Error {
  return untranslatable(
    at,
    `'${at}' refers to a file that is stored at another provider. Send its bytes or its address instead.`,
  )
}
