import type { JsonObject } from '../chat-request'
import { ReadyBody, type Told } from '../dialect'
import { stringOf } from '../fields'
import { namedSse, sse } from '../framing'
import { countTokens } from '../tokens'
import { chunksOfEvents, type Endpoint, fieldsOfCall, ONE_PIXEL_PNG, saidIn, seconds } from './endpoint'

const LOOK = { background: 'opaque', output_format: 'png', quality: 'low', size: '1024x1024' }
const TEXT = 'text/plain; charset=utf-8'
const CONTENT_TYPES: Record<string, string> = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
}

/** POST /images/generations; a stream tells of the picture while it is drawn. */
export const images: Endpoint = {
  needs: ['prompt'],
  heard: ({ prompt }) => stringOf(prompt),
  reply: (told) => {
    const count = Number(fieldsOfCall(told.call)['n'] ?? 1)
    const data = Array.from({ length: count }, () => ({ b64_json: ONE_PIXEL_PNG }))
    return { created: seconds(), ...LOOK, data, usage: imageUsage(told) }
  },
  events: imageEvents,
  framing: namedSse,
}

/** POST /images/edits and /images/variations, which bring pictures in a form. */
export const imageEdits: Endpoint = { ...images, needs: ['image'] }

/** POST /audio/speech: bytes, or events with base64 of them. */
export const speech: Endpoint = {
  needs: ['input', 'voice'],
  heard: ({ input }) => stringOf(input),
  reply: ({ call }) => {
    const { input, response_format } = fieldsOfCall(call)
    const contentType = CONTENT_TYPES[stringOf(response_format)] ?? 'audio/mpeg'
    return new ReadyBody(audioOf(stringOf(input)), contentType)
  },
  events: (told) => {
    const { input } = fieldsOfCall(told.call)
    const audio = audioOf(stringOf(input))
    const pieces = [audio.subarray(0, 5), audio.subarray(5)].map((bytes) =>
      Buffer.from(bytes).toString('base64'),
    )
    const usage = { input_tokens: countTokens(stringOf(input)), output_tokens: 5 }
    const total_tokens = usage.input_tokens + usage.output_tokens
    const events: JsonObject[] = pieces.map((piece) => ({ type: 'speech.audio.delta', audio: piece }))
    events.push({ type: 'speech.audio.done', usage: { ...usage, total_tokens } })
    return chunksOfEvents(events, ({ type }) => type === 'speech.audio.delta')
  },
  framing: sse,
}

/** POST /audio/transcriptions and /audio/translations: the fake hears the file's name. */
export const transcriptions: Endpoint = {
  needs: ['file', 'model'],
  heard: ({ file }) => (file instanceof File ? file.name : ''),
  reply: (told) => {
    const text = saidIn(told)
    const usage = transcriptUsage(text)
    switch (fieldsOfCall(told.call)['response_format']) {
      case 'text':
        return new ReadyBody(`${text}\n`, TEXT)
      case 'srt':
        return new ReadyBody(`1\n00:00:00,000 --> 00:00:01,000\n${text}\n\n`, TEXT)
      case 'vtt':
        return new ReadyBody(`WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n${text}\n\n`, TEXT)
      case 'verbose_json': {
        const segment = {
          id: 0,
          seek: 0,
          start: 0,
          end: 1,
          text,
          tokens: [],
          temperature: 0,
          avg_logprob: -0.1,
        }
        const duration = { type: 'duration', seconds: 1 }
        return {
          task: 'transcribe',
          language: 'english',
          duration: 1,
          text,
          segments: [segment],
          usage: duration,
        }
      }
      default:
        return { text, usage }
    }
  },
  events: (told) => {
    const tokens = told.answers[0]?.content ?? []
    const events: JsonObject[] = tokens.map((delta) => ({ type: 'transcript.text.delta', delta }))
    events.push({
      type: 'transcript.text.done',
      text: tokens.join(''),
      usage: transcriptUsage(tokens.join('')),
    })
    return chunksOfEvents(events, ({ type }) => type === 'transcript.text.delta')
  },
  framing: sse,
}

function imageEvents(told: Told) {
  const prefix = told.call.path.includes('/edits') ? 'image_edit' : 'image_generation'
  const partial = Number(fieldsOfCall(told.call)['partial_images'] ?? 0)
  const picture = { b64_json: ONE_PIXEL_PNG, created_at: seconds(), ...LOOK }
  const events: JsonObject[] = Array.from({ length: partial }, (_, partial_image_index) => ({
    type: `${prefix}.partial_image`,
    ...picture,
    partial_image_index,
  }))
  events.push({ type: `${prefix}.completed`, ...picture, usage: imageUsage(told) })
  return chunksOfEvents(events, ({ type }) => type === `${prefix}.partial_image`)
}

function imageUsage({ call }: Told): JsonObject {
  const text_tokens = countTokens(stringOf(fieldsOfCall(call)['prompt']))
  const image_tokens = call.form === undefined ? 0 : 323
  const input_tokens = text_tokens + image_tokens
  const input_tokens_details = { image_tokens, text_tokens }
  return { input_tokens, input_tokens_details, output_tokens: 272, total_tokens: input_tokens + 272 }
}

function transcriptUsage(text: string): JsonObject {
  const output_tokens = countTokens(text)
  const input_token_details = { text_tokens: 0, audio_tokens: 14 }
  return {
    type: 'tokens',
    input_tokens: 14,
    input_token_details,
    output_tokens,
    total_tokens: 14 + output_tokens,
  }
}

/** Something that begins as an MP3 does and holds the text. */
function audioOf(text: string): Uint8Array {
  return Buffer.concat([Buffer.from([0x49, 0x44, 0x33, 0x04, 0x00, 0xff, 0xfb]), Buffer.from(text)])
}
