import { type Forwarding, forward } from '../pipeline/forward'
import type { Exchange } from '../pipeline/stages'
import type { Protocol } from '../protocols/protocol'
import { exchangeOf } from './exchange'
import type { RouteContext } from './route'

/** Respan's header that names the provider which is to be asked, whatever the model or the path says. */
const ROUTE_PROVIDER = 'x-respan-route-provider'

/** The provider that a request's header names. */
export function namedProvider({ headers }: Request): string | undefined {
  const name = headers.get(ROUTE_PROVIDER)?.trim()
  return name === '' ? undefined : name
}

/** Forwards a request; its failures are told in the shape of a protocol, and its log says what kind of call it was. */
export function forwardIn(
  protocol: Protocol,
  context: RouteContext,
  given: { logType: string; forwarding: (exchange: Exchange) => Forwarding },
): Promise<Response> {
  const { background, isolate } = context
  const { logType, forwarding } = given
  // The bodies are in no protocol that a log could be read by.
  const exchange = exchangeOf(context, { ...protocol, id: logType, logType })
  const answered = forward(exchange, isolate, forwarding(exchange))
  // A client that leaves ends its request; what is still to be settled and logged must outlive that.
  background(answered)
  return answered
}
