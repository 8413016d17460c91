import type { AppliedLimits } from '../limits/applied-limits'
import type { Wish } from '../limits/wish'
import type { Failure } from '../platform/failure'
import type { TokenEstimate } from '../protocols/token-estimate'
import { tokenRates } from '../providers/token-rates'
import type { Reservation } from './reserve-limits'

/** What a request may take, and whether anybody can tell what that costs. */
export interface WishFacts {
  wish: Wish
  isPriceUnknown: boolean
}

const NO_TOKENS: TokenEstimate = { inputTokens: 0 }

/** What a request may take of its limits, by its own size and the prices of its first target. */
export function wishOf(
  { caller, model, target, estimate }: Pick<Reservation, 'caller' | 'model' | 'target' | 'estimate'>,
  { nowMs }: { nowMs: number },
): WishFacts {
  const tokens = estimate()
  const { inputTokens, output, isFree: asksForNothing } = tokens ?? NO_TOKENS
  const isFree = target === undefined || asksForNothing === true
  const rates =
    isFree || tokens === undefined || target.upstreamModel === ''
      ? undefined
      : tokenRates(target, { inputTokens, writes: output !== undefined, nowMs })
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
  return { wish, isPriceUnknown: !isFree && rates === undefined }
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
