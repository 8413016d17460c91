import { chatErrorEvent, encodeChatError } from '../openai-chat/errors'
import type { Protocol } from '../protocol'
import { tokensOfFields, tokensOfFiles } from './estimate'
import { type RequestShape, readMediaRequest } from './request'
import { mediaStreamReader } from './stream'

/** What one endpoint beside chat is, where it is not like the others. */
export interface Endpoint extends RequestShape {
  id: string
  logType: string
  /** Behind the base URL. */
  path: string
  /** The fields that its tokens come from. */
  input: readonly string[]
  /** Fields that a gateway parameter has the name of, and that are the endpoint's. */
  own?: readonly string[]
  readReply: Protocol['readReply']
}

const NONE: readonly string[] = []

/**
 * An endpoint of OpenAI's API beside chat: served by whoever speaks OpenAI Chat Completions, in the client's own
 * bytes only, and with no guess where the provider tells no tokens.
 */
export function mediaEndpoint(endpoint: Endpoint, more: Partial<Protocol> = {}): Protocol {
  const { id, logType, path, input, own = NONE, readReply, kinds } = endpoint
  const files = Object.keys(kinds).filter((name) => kinds[name]?.includes('file'))
  return {
    id,
    speaks: 'openai-chat',
    logType,
    path: () => path,
    hasModelInBody: true,
    own: { fields: new Set(own) },
    readRequest: (bytes, members) => readMediaRequest(bytes, members, endpoint),
    streamReader: mediaStreamReader,
    readReply,
    estimateUsage: () => undefined,
    estimateTokens: (bytes, members) => ({
      inputTokens: tokensOfFields(bytes, members, input) + tokensOfFiles(bytes, members, files),
    }),
    encodeError: encodeChatError,
    errorEvent: chatErrorEvent,
    ...more,
  }
}
