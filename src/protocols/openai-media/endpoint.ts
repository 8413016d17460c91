import type { Member } from '../../platform/json-scan'
import { chatErrorEvent, encodeChatError } from '../openai-chat/errors'
import type { Protocol } from '../protocol'
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

const BYTES_PER_TOKEN = 4
const NONE: readonly string[] = []

/**
 * An endpoint of OpenAI's API beside chat: served by whoever speaks OpenAI Chat Completions, in the client's own
 * bytes only, and with no guess where the provider tells no tokens.
 */
export function mediaEndpoint(endpoint: Endpoint, more: Partial<Protocol> = {}): Protocol {
  const { id, logType, path, input, own = NONE, readReply } = endpoint
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
    estimateTokens: (_, members) => tokensOfFields(members, input),
    encodeError: encodeChatError,
    errorEvent: chatErrorEvent,
    ...more,
  }
}

/** Input by the size of its JSON, which is never less than its text. */
export function tokensOfFields(members: readonly Member[], names: readonly string[]): number {
  const sizes = members
    .filter(({ key }) => names.includes(key))
    .map(({ valueStart, valueEnd }) => valueEnd - valueStart)
  return Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / BYTES_PER_TOKEN)
}
