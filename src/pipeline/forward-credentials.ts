import { cacheShape } from '../cache/policy'
import { SluiceError } from '../platform/failure'
import type { Target } from '../providers/target'
import { callerKeys } from '../routing/caller-keys'
import { deploymentsOf } from '../routing/deployments'
import { routingShape } from '../routing/parameters'
import { surroundingsOf } from '../routing/surroundings'
import type { Intake } from './intake'
import type { Isolate } from './isolate'
import { luckOf } from './luck'
import type { Exchange } from './stages'

/** The parameters that hold for a request which is only forwarded: it has one target, and is sent once. */
const HOLDING = new Set([
  'credential_override',
  'customer_credentials',
  'customer_api_keys',
  'disable_fallback',
])

/** The parameters of routing and of the cache that were given to a request that is only forwarded, and have no effect on it. */
export function withoutEffect({ parameters }: Pick<Intake, 'parameters'>): string[] {
  const given = new Set(Object.entries(parameters).flatMap(([name, value]) => (value == null ? [] : [name])))
  return Object.keys({ ...routingShape, ...cacheShape }).filter(
    (name) => given.has(name) && !HOLDING.has(name),
  )
}

/**
 * The target of a forwarded request with the credential that the request brought for it, if it brought one.
 * @throws SluiceError `invalid_request` for a credential with a place of its own: the path is the provider's
 */
export async function withCallersKey(
  exchange: Exchange,
  isolate: Isolate,
  given: { target: Target; model: string | undefined; intake: Intake },
): Promise<Target> {
  const { target, model = '', intake } = given
  const { credential_override, customer_credentials, customer_api_keys } = intake.parameters
  if (!credential_override && !customer_credentials && !customer_api_keys) return target
  const config = await isolate.config.get(exchange.background)
  const around = {
    ...surroundingsOf(exchange.env, config, exchange.protocol.speaks),
    keepsProblems: true as const,
  }
  const callers = callerKeys(intake.parameters, around)
  const candidate = { name: model, param: 'model', reason: 'requested', weight: 1 } as const
  const luck = luckOf(exchange, isolate, intake)
  const [called = target] = deploymentsOf(target, candidate, { around, sources: {}, callers, luck })
  if (called.url === target.url) return called
  throw new SluiceError({
    kind: 'invalid_request',
    code: 'invalid_parameter',
    param: credential_override ? 'credential_override' : 'customer_credentials',
    message:
      'A request that is passed through goes to its provider; a credential for it must not name another place.',
  })
}
