import type { Protocol } from '../protocol'
import { mediaEndpoint } from './endpoint'
import { readTextReply } from './reply'

/** OpenAI Transcriptions: what a recording says, as JSON, text or subtitles, or as events. */
export const transcriptions = ofRecording('transcriptions')

/** OpenAI Translations: what a recording says, in English. */
export const translations = ofRecording('translations')

function ofRecording(path: string): Protocol {
  return mediaEndpoint(
    {
      id: `openai-${path}`,
      logType: 'transcription',
      path: `/audio/${path}`,
      kinds: {
        file: ['file'],
        prompt: ['string'],
        language: ['string'],
        response_format: ['string'],
        temperature: ['string'],
      },
      required: ['file'],
      input: ['prompt'],
      own: ['prompt'],
      readReply: readTextReply,
    },
    { forms: 'only', hasOwnTypes: true },
  )
}
