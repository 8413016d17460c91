import type { UpstreamCodec } from '../codec'
import { decodeConverseError } from './errors'
import { decodeConverseReply } from './reply'
import { encodeConverseRequest } from './request'
import { converseDecoder } from './stream'

/** Amazon Bedrock's Converse API, which gateways call and clients do not. */
export const converseCodec: UpstreamCodec = {
  encodeRequest: encodeConverseRequest,
  decodeReply: decodeConverseReply,
  eventDecoder: converseDecoder,
  decodeError: decodeConverseError,
}
