import type { Taken } from '../limits/wish'
import { UNREACHED } from '../platform/failure'
import type { Usage } from '../protocols/canonical'
import { costOf } from '../providers/prices'
import type { Known } from './record'
import type { Ending, Exchange } from './stages'

/** What a request that has ended really took of its limits: as the log will say, to the billionth of a dollar. */
export function takenBy(exchange: Pick<Exchange, 'startedAtMs'>, known: Known, ending: Ending): Taken {
  const { attempts, replayed, cached, output } = known
  const { usage, kind } = ending
  // What others paid for costs nothing, but it was asked for.
  if (replayed !== undefined || cached !== undefined) return { requests: 1, tokens: 0, cost: 0 }
  const wasReached = attempts.some(({ errorCode }) => errorCode === undefined || !UNREACHED.has(errorCode))
  const hasWritten = usage !== undefined && output !== undefined && kind === 'completed'
  return {
    requests: wasReached ? 1 : 0,
    tokens: usage === undefined ? 0 : tokensOf(usage),
    cost: costTaken(exchange, known, ending),
    ...(hasWritten ? { output: { series: output.series, tokens: usage.outputTokens / output.choices } } : {}),
  }
}

/** Null when it costs something and nobody can tell how much; what failed without an answer costs nothing. */
function costTaken(
  { startedAtMs }: Pick<Exchange, 'startedAtMs'>,
  { limits }: Known,
  { usage, target, kind }: Ending,
): number | null {
  if (limits?.counted.some(({ policy }) => policy.metric === 'cost') !== true) return 0
  if (usage === undefined) return kind === 'completed' ? null : 0
  return costOf({
    usage,
    prices: target?.prices,
    pricesAs: target?.pricesAs,
    upstreamModel: target?.upstreamModel,
    startedAtMs,
  }).costNanoUsd
}

function tokensOf(usage: Usage): number {
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  return inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens
}
