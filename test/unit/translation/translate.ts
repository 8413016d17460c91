import { SluiceError } from '../../../src/platform/failure'
import type { ModelTraits } from '../../../src/protocols/codec'
import type { ProtocolId, WireProtocolId } from '../../../src/protocols/protocol'
import type { ChatRequest } from '../../../src/protocols/request'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'

/** A request of a client in canonical form. */
export function decoded(client: ProtocolId, body: unknown): ChatRequest {
  const { codec } = protocols[client]
  if (codec === undefined) throw new Error(`${client} is not translated`)
  return codec.decodeRequest(body, { model: 'model-1', stream: false })
}

/** What an upstream is sent of a client's request. */
export function sent(client: ProtocolId, body: unknown, target: WireProtocolId, traits: ModelTraits = {}) {
  const { losses, standIns, ...encoded } = upstreamCodecs[target].encodeRequest(decoded(client, body), {
    model: 'model-1',
    traits,
  })
  // As it goes over the wire: fields without a value are not there.
  const wire: Record<string, unknown> = JSON.parse(JSON.stringify(encoded.body))
  return { body: wire, losses, standIns }
}

/** The failure of what cannot be sent. */
export function refusal(act: () => unknown): unknown {
  try {
    act()
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  return 'sent'
}
