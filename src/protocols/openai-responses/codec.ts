import type { ClientCodec, UpstreamCodec } from '../codec'
import { decodeResponsesError } from './decode-error'
import { decodeResponse } from './decode-reply'
import { decodeResponsesRequest } from './decode-request'
import { encodeResponse, responsesEventEncoder } from './encode-reply'
import { encodeResponsesRequest } from './encode-request'
import { responsesEventDecoder } from './event-decoder'

/** OpenAI Responses to canonical form and back, for clients and for upstreams. */
export const responsesCodec: ClientCodec & UpstreamCodec = {
  decodeRequest: decodeResponsesRequest,
  encodeReply: encodeResponse,
  eventEncoder: responsesEventEncoder,
  encodeRequest: encodeResponsesRequest,
  decodeReply: decodeResponse,
  eventDecoder: responsesEventDecoder,
  decodeError: decodeResponsesError,
}
