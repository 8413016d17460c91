import type { ClientCodec, UpstreamCodec } from '../codec'
import { decodeMessage } from './decode-reply'
import { decodeMessagesRequest } from './decode-request'
import { encodeMessage } from './encode-reply'
import { encodeMessagesRequest } from './encode-request'
import { decodeMessagesError } from './errors'
import { messagesEventDecoder } from './event-decoder'
import { messagesEventEncoder } from './event-encoder'

/** Anthropic Messages to and from the canonical form. */
export const anthropicCodec: ClientCodec & UpstreamCodec = {
  decodeRequest: decodeMessagesRequest,
  encodeRequest: encodeMessagesRequest,
  decodeReply: decodeMessage,
  encodeReply: encodeMessage,
  eventDecoder: messagesEventDecoder,
  eventEncoder: messagesEventEncoder,
  decodeError: decodeMessagesError,
}
