import { serve } from '../pipeline/serve'
import type { Exchange } from '../pipeline/stages'
import type { Address, Protocol } from '../protocols/protocol'
import type { Pin } from '../routing/pin'
import { namedProvider } from './forwards'
import type { RouteContext } from './route'

/** Serves a request for an answer in the protocol of its route, at a pinned model or provider when there is one. */
export function answerIn(
  protocol: Protocol,
  context: RouteContext,
  given: { pin?: Pin; address?: Address } = {},
): Promise<Response> {
  const { request, env, effects, background, isolate } = context
  const exchange: Exchange = {
    request,
    env,
    effects,
    background,
    protocol,
    ...(given.address === undefined ? {} : { address: given.address }),
    logId: effects.newId(),
    startedAtMs: effects.now(),
  }
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
