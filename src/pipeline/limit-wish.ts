import type { AppliedLimits } from '../limits/applied-limits'
import type { Policy } from '../limits/policy'
import type { Wish } from '../limits/wish'
import { numberVariable } from '../platform/env'
import type { Failure } from '../platform/failure'
import type { TokenEstimate } from '../protocols/token-estimate'
import { type Rated, tokenRates } from '../providers/asked-prices'
import type { TokenRates } from '../providers/rates'
import type { Reservation } from './reserve-limits'
import type { Exchange } from './stages'

/** A ledger, or the price list, that has not answered by then is away. */
export const DEFAULT_LIMITS_TIMEOUT_MS = 5_000

/** What a request may take, and whether anybody can tell what that costs. */
export interface WishFacts {
  wish: Wish
  isPriceUnknown: boolean
  /** There may be a price, but it cannot be asked for right now. */
  isPriceAway: boolean
}

const NO_TOKENS: TokenEstimate = { inputTokens: 0 }

/**
 * What a request may take of its limits, by its own size and the prices of its first target. A promise only where a
 * limit is on cost and this isolate has yet to ask for the prices.
 */
export function wishOf(
  exchange: Pick<Exchange, 'env' | 'effects' | 'background'>,
  applied: readonly AppliedLimits[],
  given: Pick<Reservation, 'caller' | 'model' | 'target' | 'estimate'>,
): WishFacts | Promise<WishFacts> {
  const tokens = given.estimate()
  const { target } = given
  const isFree = target === undefined || tokens?.isFree === true
  const isOnCost = applied.some(({ policies }) => policies.some(({ metric }) => metric === 'cost'))
  if (!isOnCost || isFree) return factsOf(given, tokens, { kind: 'told', rates: FREE })
  if (tokens === undefined || target.upstreamModel === '') return factsOf(given, tokens, UNKNOWN)
  const { env, effects, background } = exchange
  const rated = tokenRates(env, {
    ...{ target, background, inputTokens: tokens.inputTokens, writes: tokens.output !== undefined },
    nowMs: effects.now(),
    timeoutMs: numberVariable(env.LIMITS_TIMEOUT_MS, DEFAULT_LIMITS_TIMEOUT_MS),
  })
  return rated instanceof Promise
    ? rated.then((told) => factsOf(given, tokens, told))
    : factsOf(given, tokens, rated)
}

const FREE: TokenRates = { call: 0, input: 0, output: 0 }
const UNKNOWN: Rated = { kind: 'told', rates: undefined }

function factsOf(
  { caller, model }: Pick<Reservation, 'caller' | 'model'>,
  tokens: TokenEstimate | undefined,
  rated: Rated,
): WishFacts {
  const { inputTokens, output } = tokens ?? NO_TOKENS
  const rates = rated.kind === 'told' ? rated.rates : FREE
  const wish = {
    requests: 1,
    concurrency: 1,
    tokens: inputTokens,
    cost: Math.ceil((rates?.call ?? 0) + inputTokens * (rates?.input ?? 0)),
    ...(output === undefined
      ? {}
      : {
          output: {
            series: `${caller.apiKeyId} ${model}`,
            ...output,
            nanoUsdPerToken: rates?.output ?? 0,
          },
        }),
  }
  return { wish, isPriceUnknown: rates === undefined, isPriceAway: rated.kind === 'away' }
}

/** The limit on cost that lets nobody in while the prices cannot be asked for. */
export function uncheckedPolicy(
  applied: readonly AppliedLimits[],
  { isPriceAway }: WishFacts,
): Policy | undefined {
  if (!isPriceAway) return undefined
  const policies = applied.flatMap((one) => one.policies)
  return policies.find(({ metric, onUnavailable }) => metric === 'cost' && onUnavailable === 'closed')
}

/** The refusal of a request whose cost nobody can tell, where a limit on cost blocks and nothing else is set. */
export function unknownPriceFailure(
  applied: readonly AppliedLimits[],
  { isPriceUnknown }: WishFacts,
  { caller, config, model }: Pick<Reservation, 'caller' | 'config' | 'model'>,
): Failure | undefined {
  if (!isPriceUnknown) return undefined
  const unknownPrice = caller.unknownPrice ?? config.settings.unknown_price ?? 'block'
  if (unknownPrice === 'warn') return undefined
  const policies = applied.flatMap((one) => one.policies)
  const blocking = policies.find(({ metric, action }) => metric === 'cost' && action === 'block')
  if (blocking === undefined) return undefined
  const what = model === undefined ? 'this call' : `'${model}'`
  return {
    kind: 'invalid_request',
    code: 'unknown_price',
    ...(model === undefined ? {} : { param: 'model' }),
    message: `The limit '${blocking.name}' is on cost, and nobody can tell what ${what} costs. Give the model prices (POST /api/models/), use another one, or let such calls through with unknown_price: 'warn', of the API key or of /api/settings/.`,
  }
}
