import type { Taken } from '../limits/wish'
import type { LogAttempt } from '../logs/log-record'
import { UNREACHED } from '../platform/failure'
import type { Usage } from '../protocols/canonical'
import { settledCost } from '../providers/asked-prices'
import type { Known } from './record'
import type { Ending, Exchange } from './stages'

/** What a request that has ended really took of its limits: as the log will say, to the billionth of a dollar. */
export async function takenBy(
  exchange: Pick<Exchange, 'env' | 'startedAtMs'>,
  known: Known,
  ending: Ending,
): Promise<Taken> {
  const { attempts, replayed, cached, output } = known
  const { usage, kind } = ending
  // What others paid for costs nothing, but it was asked for.
  if (replayed !== undefined || cached !== undefined) return { requests: 1, tokens: 0, cost: 0 }
  const hasWritten = usage !== undefined && output !== undefined && kind === 'completed'
  return {
    requests: Number(attempts.some(wasReached)),
    tokens: usage === undefined ? untold(ending) : tokensOf(usage),
    cost: await costTaken(exchange, known, ending),
    ...(hasWritten ? { output: { series: output.series, tokens: usage.outputTokens / output.choices } } : {}),
  }
}

/**
 * The part of it that the limits on one model take: the call where its upstream was reached, and all else only of the
 * model that gave the answer.
 */
export function takenAtModel(
  { attempts, replayed, cached }: Pick<Known, 'attempts' | 'replayed' | 'cached'>,
  taken: Taken,
  { model, series }: { model: string; series: string | undefined },
): Taken {
  if (replayed !== undefined || cached !== undefined) return taken
  const requests = Number(attempts.some((one) => one.model === model && wasReached(one)))
  if (attempts.at(-1)?.model !== model) return { requests, tokens: 0, cost: 0 }
  const { output, ...others } = taken
  const isSeen = output !== undefined && series !== undefined
  return { ...others, requests, ...(isSeen ? { output: { ...output, series } } : {}) }
}

function wasReached({ errorCode }: LogAttempt): boolean {
  return errorCode === undefined || !UNREACHED.has(errorCode)
}

/** Null when it costs something and nobody can tell how much. */
async function costTaken(
  { env, startedAtMs }: Pick<Exchange, 'env' | 'startedAtMs'>,
  { limits }: Known,
  ending: Ending,
): Promise<number | null> {
  const { usage, target } = ending
  if (limits?.counted.some(({ policy }) => policy.metric === 'cost') !== true) return 0
  if (usage === undefined) return untold(ending)
  return settledCost(env, {
    usage,
    prices: target?.prices,
    pricesAs: target?.pricesAs,
    upstreamModel: target?.upstreamModel,
    startedAtMs,
  })
}

/** Nobody tells what an answer took, nor did its texts: it counts as it was reserved; where none came, for nothing. */
function untold({ kind, statusCode, firstContentAtMs }: Ending): null | 0 {
  const isAnswered = kind === 'completed' ? statusCode < 400 : firstContentAtMs !== undefined
  return isAnswered ? null : 0
}

function tokensOf(usage: Usage): number {
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  return inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens
}
