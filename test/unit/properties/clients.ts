import type { ClientCodec, ReplyContext } from '../../../src/protocols/codec'
import type { ProtocolId } from '../../../src/protocols/protocol'
import { protocols } from '../../../src/protocols/table'

/** The protocols that clients speak. */
export const CLIENTS: readonly ProtocolId[] = ['openai-chat', 'openai-responses', 'anthropic', 'gemini']

const REQUESTS: Readonly<Record<ProtocolId, unknown>> = {
  'openai-chat': { model: 'model-1', messages: [{ role: 'user', content: 'First.' }] },
  'openai-responses': { model: 'model-1', input: 'First.' },
  anthropic: { model: 'model-1', max_tokens: 10, messages: [{ role: 'user', content: 'First.' }] },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'First.' }] }] },
}

/** The codec of a protocol that has one. */
export function codecOf(protocol: ProtocolId): ClientCodec {
  const { codec } = protocols[protocol]
  if (codec === undefined) throw new Error(`${protocol} has no codec`)
  return codec
}

/** What an answer to the plainest request needs. */
export function contextOf(protocol: ProtocolId, asked: { wantsStreamUsage?: boolean } = {}): ReplyContext {
  const request = codecOf(protocol).decodeRequest(REQUESTS[protocol], { model: 'model-1', stream: false })
  return { request: { ...request, ...asked }, model: 'model-1', replyId: 'r1', nowSeconds: 1_700_000_000 }
}

/** A value as it comes out of JSON. */
export function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
