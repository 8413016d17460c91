import { entryOf } from '../fields'
import type { Media, Part } from '../parts'
import { invalidField } from '../untranslatable'
import { decodeAnnotation } from './citations'
import { mediaOfFileData, mediaOfUrl } from './media'
import { type FieldReader, missing, pathOf, readerOf, wrongType } from './read-fields'

/** The content of a message or of a tool's output: a text, or a list of parts. */
export function decodeContent(value: unknown, at: string): Part[] {
  if (typeof value === 'string') return [{ kind: 'text', text: value, at }]
  if (!Array.isArray(value)) throw wrongType(at, 'a string or an array', value)
  return value.map((part, index) => decodePart(part, `${at}[${index}]`))
}

const DECODERS: Readonly<Record<string, (fields: FieldReader) => Part>> = {
  input_text: decodeText,
  output_text: decodeText,
  text: decodeText,
  refusal: (fields) => ({ kind: 'refusal', text: fields.requiredText('refusal') }),
  input_image: decodeImage,
  input_file: decodeFile,
  input_audio: decodeAudio,
}

function decodePart(value: unknown, at: string): Part {
  const fields = readerOf(value, at)
  const type = fields.requiredText('type')
  const decode = entryOf(DECODERS, type)
  if (decode === undefined) return { kind: 'native', type, protocol: 'openai-responses', value, at }
  const part = decode(fields)
  const cache = fields.object('prompt_cache_breakpoint') === undefined ? undefined : {}
  return { ...part, cache, at, extras: fields.extras() }
}

// An answer's logprobs come back with it, and mean nothing there.
function decodeText(fields: FieldReader): Part {
  fields.skip('logprobs')
  const annotations = fields.list('annotations') ?? []
  return {
    kind: 'text',
    text: fields.requiredText('text'),
    citations: annotations.length === 0 ? undefined : annotations.map(decodeAnnotation),
  }
}

function decodeImage(fields: FieldReader): Part {
  const url = fields.text('image_url')
  const media = url === undefined ? fileIdMedia(fields, 'image_url') : mediaOfUrl(url)
  return { kind: 'image', media, detail: fields.text('detail') }
}

function decodeFile(fields: FieldReader): Part {
  const name = fields.text('filename')
  const data = fields.text('file_data')
  const url = fields.text('file_url')
  if (data !== undefined) return { kind: 'file', media: mediaOfFileData(data, name), name }
  return { kind: 'file', media: url === undefined ? fileIdMedia(fields, 'file_data') : mediaOfUrl(url), name }
}

function fileIdMedia(fields: FieldReader, orElse: string): Media {
  const id = fields.text('file_id')
  if (id === undefined) throw missing(pathOf(fields.at, orElse))
  return { kind: 'file_id', id, protocol: 'openai-responses' }
}

const AUDIO_TYPES: Readonly<Record<string, string>> = { mp3: 'audio/mpeg', wav: 'audio/wav' }

function decodeAudio(fields: FieldReader): Part {
  const at = pathOf(fields.at, 'input_audio')
  const audio = readerOf(fields.value('input_audio'), at)
  const format = audio.requiredText('format')
  const mediaType = entryOf(AUDIO_TYPES, format)
  if (mediaType === undefined) {
    throw invalidField(`${at}.format`, `Invalid value '${format}': expected 'mp3' or 'wav'.`)
  }
  return { kind: 'audio', media: { kind: 'base64', base64: audio.requiredText('data'), mediaType } }
}
