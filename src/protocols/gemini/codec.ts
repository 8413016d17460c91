import type { ClientCodec, UpstreamCodec } from '../codec'
import { decodeGeminiReply } from './decode-reply'
import { decodeGeminiRequest } from './decode-request'
import { encodeGeminiReply } from './encode-reply'
import { encodeGeminiRequest } from './encode-request'
import { decodeGeminiError } from './errors'
import { geminiEventDecoder } from './event-decoder'
import { geminiEventEncoder } from './event-encoder'

/** generateContent to canonical form and back, for clients and for upstreams. */
export const geminiCodec: ClientCodec & UpstreamCodec = {
  decodeRequest: decodeGeminiRequest,
  encodeReply: encodeGeminiReply,
  eventEncoder: geminiEventEncoder,
  encodeRequest: encodeGeminiRequest,
  decodeReply: decodeGeminiReply,
  eventDecoder: geminiEventDecoder,
  decodeError: decodeGeminiError,
}
