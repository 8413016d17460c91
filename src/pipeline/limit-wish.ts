import type { AppliedLimits } from '../limits/applied-limits'
import type { Policy } from '../limits/policy'
import type { Wish } from '../limits/wish'
import { numberVariable } from '../platform/env'
import type { TokenEstimate } from '../protocols/token-estimate'
import { type Rated, tokenRates } from '../providers/asked-prices'
import type { TokenRates } from '../providers/rates'
import type { Target } from '../providers/target'
import type { Reservation } from './reserve-limits'
import type { Exchange } from './stages'

/** A ledger, or the price list, that has not answered by then is away. */
export const DEFAULT_LIMITS_TIMEOUT_MS = 5_000

/** What a request may take, and whose price nobody can tell. */
export interface WishFacts {
  wish: Wish
  /** Those of its targets whose price nobody can tell; none where no limit is on cost. */
  unpriced: readonly Target[]
  /** There may be prices, but they cannot be asked for right now. */
  isPriceAway: boolean
}

const NO_TOKENS: TokenEstimate = { inputTokens: 0 }

/**
 * What a request may take of its limits, by its own size and the dearest prices of the targets that may answer it. A
 * promise only where a limit is on cost and this isolate has yet to ask for the prices.
 */
export function wishOf(
  exchange: Pick<Exchange, 'env' | 'effects' | 'background'>,
  applied: readonly AppliedLimits[],
  given: Pick<Reservation, 'caller' | 'model' | 'targets' | 'estimate'>,
): WishFacts | Promise<WishFacts> {
  const tokens = given.estimate()
  const isOnCost = applied.some(({ policies }) => policies.some(({ metric }) => metric === 'cost'))
  if (!isOnCost || tokens?.isFree === true) return factsOf(given, tokens, NONE)
  const asked = given.targets.map((target) => ratedTarget(exchange, target, tokens))
  const rated = asked.filter((one): one is Rated => !(one instanceof Promise))
  return rated.length === asked.length
    ? factsOf(given, tokens, rated)
    : Promise.all(asked).then((told) => factsOf(given, tokens, told))
}

const NONE: readonly Rated[] = []
const UNKNOWN: Rated = { kind: 'told', rates: undefined }

function ratedTarget(
  { env, effects, background }: Pick<Exchange, 'env' | 'effects' | 'background'>,
  target: Target,
  tokens: TokenEstimate | undefined,
): Rated | Promise<Rated> {
  if (tokens === undefined || target.upstreamModel === '') return UNKNOWN
  const { inputTokens, output } = tokens
  return tokenRates(env, {
    ...{ target, background, inputTokens, writes: output !== undefined },
    nowMs: effects.now(),
    timeoutMs: numberVariable(env.LIMITS_TIMEOUT_MS, DEFAULT_LIMITS_TIMEOUT_MS),
  })
}

function factsOf(
  { caller, model, targets }: Pick<Reservation, 'caller' | 'model' | 'targets'>,
  tokens: TokenEstimate | undefined,
  rated: readonly Rated[],
): WishFacts {
  const { inputTokens, output } = tokens ?? NO_TOKENS
  const rates = dearest(rated)
  const wish = {
    requests: 1,
    concurrency: 1,
    tokens: inputTokens,
    cost: Math.ceil(rates.call + inputTokens * rates.input),
    ...(output === undefined
      ? {}
      : {
          output: {
            series: `${caller.apiKeyId} ${model}`,
            ...output,
            nanoUsdPerToken: rates.output,
          },
        }),
  }
  const unpriced = targets.filter((_, index) => isUnpriced(rated[index]))
  return { wish, unpriced, isPriceAway: rated.some(({ kind }) => kind === 'away') }
}

function isUnpriced(rated: Rated | undefined): boolean {
  return rated?.kind === 'told' && rated.rates === undefined
}

/** As much as any of them takes for anything. */
function dearest(rated: readonly Rated[]): TokenRates {
  const most = { call: 0, input: 0, output: 0 }
  for (const one of rated) {
    if (one.kind === 'away' || one.rates === undefined) continue
    most.call = Math.max(most.call, one.rates.call)
    most.input = Math.max(most.input, one.rates.input)
    most.output = Math.max(most.output, one.rates.output)
  }
  return most
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
