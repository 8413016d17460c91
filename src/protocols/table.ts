import { openaiChat } from './openai-chat/protocol'
import type { Protocol, ProtocolId } from './protocol'

/** The protocols that are served. */
export const protocols: Record<ProtocolId, Protocol> = { 'openai-chat': openaiChat }

/** Whether a name, such as one stored with a provider, is a protocol that this release speaks. */
export function isProtocolId(name: string): name is ProtocolId {
  return Object.hasOwn(protocols, name)
}
