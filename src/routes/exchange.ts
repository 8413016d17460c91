import type { Exchange } from '../pipeline/stages'
import type { Protocol } from '../protocols/protocol'
import type { RouteContext } from './route'

/** A request that begins now, under an id of its own, in the protocol of its route. */
export function exchangeOf(context: RouteContext, protocol: Protocol): Exchange {
  const { request, env, effects, background } = context
  return { request, env, effects, background, protocol, logId: effects.newId(), startedAtMs: effects.now() }
}
