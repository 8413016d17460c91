import type { ClientCodec, UpstreamCodec } from '../codec'
import { decodeChatError } from './decode-error'
import { chatEventDecoder } from './decode-events'
import { decodeChatReply } from './decode-reply'
import { decodeChatRequest } from './decode-request'
import { chatEventEncoder } from './encode-events'
import { encodeChatReply } from './encode-reply'
import { encodeChatRequest } from './encode-request'

/** Between chat completions, as OpenAI and the many compatible servers speak them, and the canonical form. */
export const chatCodec: ClientCodec & UpstreamCodec = {
  decodeRequest: decodeChatRequest,
  encodeRequest: encodeChatRequest,
  decodeReply: decodeChatReply,
  encodeReply: encodeChatReply,
  eventDecoder: chatEventDecoder,
  eventEncoder: chatEventEncoder,
  decodeError: decodeChatError,
}
