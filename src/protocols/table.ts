import { anthropicCodec } from './anthropic/codec'
import { anthropic } from './anthropic/protocol'
import { converseCodec } from './bedrock-converse/codec'
import type { UpstreamCodec } from './codec'
import { geminiCodec } from './gemini/codec'
import { gemini } from './gemini/protocol'
import { chatCodec } from './openai-chat/codec'
import { openaiChat } from './openai-chat/protocol'
import { responsesCodec } from './openai-responses/codec'
import { openaiResponses } from './openai-responses/protocol'
import type { Protocol, ProtocolId, WireProtocolId } from './protocol'

/** The protocols that clients speak. */
export const protocols: Record<ProtocolId, Protocol> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  anthropic,
  gemini,
}

/** How requests are told to upstreams, and their answers read, when the client speaks another protocol. */
export const upstreamCodecs: Record<WireProtocolId, UpstreamCodec> = {
  'openai-chat': chatCodec,
  'openai-responses': responsesCodec,
  anthropic: anthropicCodec,
  gemini: geminiCodec,
  'bedrock-converse': converseCodec,
}

/** Whether a name, such as one stored with a provider, is a protocol that this release speaks to upstreams. */
export function isWireProtocolId(name: string): name is WireProtocolId {
  return Object.hasOwn(upstreamCodecs, name)
}
