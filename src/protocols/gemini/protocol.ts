import type { Protocol } from '../protocol'
import { geminiCodec } from './codec'
import { encodeGeminiError, geminiErrorEvent } from './errors'
import { estimateGeminiTokens, estimateGeminiUsage } from './estimate'
import { readGeminiReply } from './reply'
import { readGeminiRequest } from './request'
import { geminiStreamReader } from './stream'

/** Google's generateContent and streamGenerateContent; the path names the model, and says whether to stream. */
export const gemini: Protocol = {
  id: 'gemini',
  speaks: 'gemini',
  hidesProofs: true,
  codec: geminiCodec,
  hasModelInBody: false,
  own: { fields: new Set() },
  readRequest: readGeminiRequest,
  streamReader: geminiStreamReader,
  readReply: readGeminiReply,
  estimateUsage: estimateGeminiUsage,
  estimateTokens: estimateGeminiTokens,
  encodeError: encodeGeminiError,
  errorEvent: geminiErrorEvent,
}
