import { entryOf } from '../fields'
import type { Media, Part } from '../parts'
import type { WireProtocolId } from '../protocol'
import { lostExtras, untranslatable } from '../untranslatable'
import { dataUrl, fileNameFor } from './media'

const OWN = 'openai-responses'
/** Files are stored for an account, whichever of the two protocols uploaded them. */
const FILE_IDS: ReadonlySet<WireProtocolId> = new Set([OWN, 'openai-chat'])
const AUDIO_FORMATS: Readonly<Record<string, string>> = {
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
  'audio/wav': 'wav',
  'audio/x-wav': 'wav',
  'audio/wave': 'wav',
}

/** A part of what a user, a developer or a tool says. Empty texts are left out. */
export function encodeInputPart(part: Part, losses: string[]): Record<string, unknown>[] {
  const encoded = contentOf(part, losses)
  if (encoded === undefined) return []
  return [{ ...encoded, ...breakpointOf(part, losses), ...ownExtras(part, losses) }]
}

function contentOf(part: Part, losses: string[]): Record<string, unknown> | undefined {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return part.text === '' ? undefined : { type: 'input_text', text: part.text }
    case 'image':
      return { type: 'input_image', detail: part.detail ?? 'auto', ...imageOf(part.media, placeOf(part)) }
    case 'file':
      return fileOf(part, losses)
    case 'audio':
      return audioOf(part.media, placeOf(part))
    case 'video':
      throw untranslatable(placeOf(part), 'The OpenAI Responses API takes no video.')
    case 'native':
      return nativeOf(part, losses)
    case 'tool_call':
    case 'tool_result':
    case 'reasoning':
      throw untranslatable(placeOf(part), 'The OpenAI Responses API has no place for it here.')
  }
}

function imageOf(media: Media, at: string): Record<string, unknown> {
  switch (media.kind) {
    case 'url':
      return { image_url: media.url }
    case 'base64':
      return { image_url: dataUrl(media) }
    case 'file_id':
      return { file_id: fileId(media, at) }
    case 'text':
      throw untranslatable(at, 'An image cannot be a text.')
  }
}

function fileOf(part: Extract<Part, { kind: 'file' }>, losses: string[]): Record<string, unknown> {
  const { media, name, context, isCited } = part
  const at = placeOf(part)
  if (isCited === true) losses.push(`${at}.citations`)
  if (media.kind !== 'text' && context !== undefined) losses.push(`${at}.context`)
  switch (media.kind) {
    case 'url':
      return { type: 'input_file', file_url: media.url }
    case 'base64':
      return {
        type: 'input_file',
        filename: name ?? fileNameFor(media.mediaType),
        file_data: dataUrl(media),
      }
    case 'file_id':
      return { type: 'input_file', file_id: fileId(media, at) }
    // Every model reads text; only some read files of it.
    case 'text': {
      const heads = [name, context].filter((head) => head !== undefined)
      return { type: 'input_text', text: [...heads, media.text].join('\n\n') }
    }
  }
}

function audioOf(media: Media, at: string): Record<string, unknown> {
  const format = media.kind === 'base64' ? entryOf(AUDIO_FORMATS, media.mediaType) : undefined
  if (media.kind !== 'base64' || format === undefined) {
    throw untranslatable(at, 'The OpenAI Responses API takes sounds as base64 of MP3 or WAV only.')
  }
  return { type: 'input_audio', input_audio: { data: media.base64, format } }
}

function fileId({ id, protocol }: Extract<Media, { kind: 'file_id' }>, at: string): string {
  if (FILE_IDS.has(protocol)) return id
  throw untranslatable(at, `The file '${id}' is stored at another provider. Send its content instead.`)
}

function nativeOf(
  part: Extract<Part, { kind: 'native' }>,
  losses: string[],
): Record<string, unknown> | undefined {
  const { protocol, value } = part
  if (protocol === OWN) return Object.fromEntries(Object.entries(Object(value)))
  losses.push(placeOf(part))
  return undefined
}

// Older models refuse a breakpoint, and cache by themselves: only who speaks this protocol knows to ask for one.
function breakpointOf(part: Part, losses: string[]): Record<string, unknown> {
  if (part.cache === undefined) return {}
  if (part.at?.startsWith('input') === true) return { prompt_cache_breakpoint: { mode: 'explicit' } }
  losses.push(`${placeOf(part)}.cache_control`)
  return {}
}

/** The fields of this protocol that a part or message came with; those of another one are losses. */
export function ownExtras({ extras }: Pick<Part, 'extras'>, losses: string[]): Record<string, unknown> {
  losses.push(...lostExtras(extras, OWN))
  return extras?.protocol === OWN ? { ...extras.fields } : {}
}

/** Where a part stands in the client's request. */
export function placeOf({ at }: Part): string {
  return at ?? 'input'
}
