import { type Member, valueOf } from '../../platform/json-scan'
import type { RequestFacts } from '../protocol'
import { type Endpoint, mediaEndpoint } from './endpoint'
import { readTextReply } from './reply'
import { readMediaRequest } from './request'

const endpoint: Endpoint = {
  id: 'openai-speech',
  logType: 'speech',
  path: '/audio/speech',
  kinds: {
    input: ['string'],
    voice: ['string', 'object'],
    instructions: ['string'],
    response_format: ['string'],
    speed: ['number'],
    stream_format: ['string'],
  },
  required: ['input'],
  input: ['input', 'instructions'],
  readReply: readTextReply,
}

/** OpenAI Speech: the audio while it is made, or as events when `stream_format` asks for those. */
export const speech = mediaEndpoint(endpoint, { readRequest: readSpeechRequest })

function readSpeechRequest(bytes: Uint8Array, members: readonly Member[]): RequestFacts {
  const facts = readMediaRequest(bytes, members, endpoint)
  const format = members.find(({ key }) => key === 'stream_format')
  const isEvents = format !== undefined && valueOf(bytes, format) === 'sse'
  return { ...facts, stream: true, ...(isEvents ? {} : { wantsBytes: true }) }
}
