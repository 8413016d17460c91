import type { Caller } from '../keys/authenticate'
import { type Admission, type Hold, ORGANIZATION, reserve } from '../limits/admit'
import { limitsOfKey } from '../limits/inline'
import type { Config } from '../platform/config'
import { customerLimits, noteCustomer } from './customers'
import { customerOf, type GatewayParameters } from './gateway-parameters'
import type { Isolate } from './isolate'
import type { Exchange } from './stages'
import { surroundingsOf, withCanonicalSubject } from './surroundings'

/** A hold outlives its request's longest possible time by this much before it counts as abandoned. */
const HOLD_GRACE_MS = 60_000

/** How much of each limit a request may take at most; nothing is asked when no limit applies. */
export async function reserveLimits(
  exchange: Exchange,
  isolate: Isolate,
  given: {
    caller: Caller
    parameters: GatewayParameters
    model: string | undefined
    /** Only asked for when there are limits. */
    tokens: () => number
    /** The request's longest possible time. */
    longestMs: number
  },
): Promise<Hold | undefined> {
  const { caller, parameters, model, tokens, longestMs } = given
  const config = await isolate.config.get(exchange.background)
  noteCustomer(exchange, { caller, config, parameters })
  const nowMs = exchange.effects.now()
  const about = limitsAbout(exchange, config, { caller, parameters, model })
  if (about.limits.length === 0) return undefined
  return reserve({
    env: exchange.env,
    ...about,
    holdId: exchange.logId,
    amounts: { requests: 1, concurrency: 1, tokens: tokens() },
    nowMs,
    expiresAtMs: nowMs + longestMs + HOLD_GRACE_MS,
  })
}

/** All limits by the models' own names, and whom of them a request is counted on. */
export function limitsAbout(
  { env, effects }: Pick<Exchange, 'env' | 'effects'>,
  config: Config,
  given: { caller: Caller; parameters: GatewayParameters; model: string | undefined },
): Pick<Admission, 'limits' | 'subjects'> {
  const { caller, parameters, model } = given
  const customer = customerOf(parameters)
  const around = surroundingsOf(env, config)
  return {
    limits: [
      ...config.limits.map((limit) => withCanonicalSubject(limit, around)),
      ...limitsOfKey({ id: caller.apiKeyId, name: caller.apiKeyName, limits: caller.limits }),
      ...customerLimits(config, { parameters, nowMs: effects.now() }),
    ],
    subjects: {
      organization: ORGANIZATION,
      api_key: caller.apiKeyId,
      ...(model === undefined ? {} : { model }),
      ...(customer === undefined ? {} : { customer }),
    },
  }
}
