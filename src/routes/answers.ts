import { serve } from '../pipeline/serve'
import type { Address, Protocol } from '../protocols/protocol'
import type { Pin } from '../routing/pin'
import { exchangeOf } from './exchange'
import { namedProvider } from './forwards'
import type { RouteContext } from './route'

/** Serves a request for an answer in the protocol of its route, at a pinned model or provider when there is one. */
export function answerIn(
  protocol: Protocol,
  context: RouteContext,
  given: { pin?: Pin; address?: Address } = {},
): Promise<Response> {
  const { request, background, isolate } = context
  const { address } = given
  const begun = exchangeOf(context, protocol)
  const exchange = address === undefined ? begun : { ...begun, address }
  const answered = serve(exchange, isolate, given.pin ?? namedPin(request))
  // A client that leaves ends its request; what is still to be settled and logged must outlive that.
  background(answered)
  return answered
}

/** The provider that a request's header sends it to. */
export function namedPin(request: Request): Pin | undefined {
  const name = namedProvider(request)
  return name === undefined ? undefined : { name, isProvider: true }
}
