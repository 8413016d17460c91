import type { Protocol } from '../protocol'
import { responsesCodec } from './codec'
import { settingNames } from './decode-settings'
import { encodeResponsesError, responsesErrorEvent } from './errors'
import { estimateResponsesTokens, estimateResponsesUsage } from './estimate'
import { readResponse } from './reply'
import { readResponsesRequest } from './request'
import { responsesStreamReader } from './stream'

/** OpenAI Responses. Its streams tell their usage unasked, and its `prompt` and `metadata` are its own. */
export const openaiResponses: Protocol = {
  id: 'openai-responses',
  speaks: 'openai-responses',
  hidesProofs: true,
  codec: responsesCodec,
  // The raw lane takes away whole fields, and `include` asks for more than the logprobs.
  settingNames: { ...settingNames, logprobs: 'top_logprobs' },
  hasModelInBody: true,
  own: { fields: new Set(['prompt']), metadata: 'all' },
  readRequest: readResponsesRequest,
  streamReader: responsesStreamReader,
  readReply: readResponse,
  estimateUsage: estimateResponsesUsage,
  estimateTokens: estimateResponsesTokens,
  encodeError: encodeResponsesError,
  errorEvent: responsesErrorEvent,
}
