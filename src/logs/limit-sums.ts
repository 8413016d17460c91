import { UNREACHED } from '../platform/failure'
import { IS_NEW } from './counting'
import type { LogLimitInfo, LogRecord } from './log-record'
import { isFromCache, type LoggedCost } from './log-row'

const NANO_PER_USD = 1_000_000_000

type CountedLimit = LogLimitInfo['limits'][number]

/** What a record says that a limit took. */
export interface LimitSum {
  /** Of the log. */
  id: string
  policyId: string
  subject: string
  windowStartMs: number
  scope: string
  name: string
  metric: string
  window: string
  amount: number
  /** When it was counted, in milliseconds since 1970. */
  atMs: number
}

/**
 * What a record adds to the sums that ledgers are compared with. Minutes are left out, since they are many and soon over,
 * and what runs at once, which is no sum.
 */
export function limitSumsOf(record: LogRecord, cost: LoggedCost): LimitSum[] {
  const { limitInfo, id } = record
  const atMs = Date.now()
  if (limitInfo?.isAllowed !== true) return []
  return limitInfo.limits.flatMap((limit) => {
    const { policyId, subject, windowStartMs, scope, name, metric, window } = limit
    if (policyId === undefined || subject === undefined || windowStartMs === undefined) return []
    if (metric === 'concurrency' || window === 'minute') return []
    const amount = amountOf(record, cost, limit)
    return [{ id, policyId, subject, windowStartMs, scope, name, metric, window, amount, atMs }]
  })
}

function amountOf(record: LogRecord, { costNanoUsd }: LoggedCost, limit: CountedLimit): number {
  const { usage, attempts } = record
  const isOthers = record.replayOf !== undefined || isFromCache(record)
  const isOnModel = limit.scope === 'model'
  const calls = isOnModel ? attempts.filter(({ model }) => model === limit.subject) : attempts
  if (limit.metric === 'requests') return Number(isOthers || calls.some(hasReached))
  if (isOthers) return 0
  // Another model gave the answer.
  if (isOnModel && attempts.at(-1)?.model !== limit.subject) return 0
  if (usage === undefined && !isAnswered(record)) return 0
  // What nobody can tell is charged as it was reserved.
  const reserved = limit.newValue - limit.currentValue
  if (limit.metric === 'tokens') return usage === undefined ? Math.round(reserved) : tokensOf(usage)
  return costNanoUsd ?? Math.round(reserved * NANO_PER_USD)
}

// As the gateway settles it.
function isAnswered({ ending, statusCode, timeToFirstTokenMs }: LogRecord): boolean {
  return ending === 'completed' ? statusCode < 400 : timeToFirstTokenMs !== undefined
}

function hasReached({ errorCode }: LogRecord['attempts'][number]): boolean {
  return errorCode === undefined || !UNREACHED.has(errorCode)
}

function tokensOf(usage: NonNullable<LogRecord['usage']>): number {
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  return inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens
}

/** Takes a JSON list of what records add; has to run ahead of the rows, in their transaction. */
export const COUNT_LIMITS = `insert into limit_sums
    (policy_id, subject, window_start_ms, scope, name, metric, "window", amount, updated_at_ms)
  select value ->> 'policyId', value ->> 'subject', value ->> 'windowStartMs', value ->> 'scope', value ->> 'name',
    value ->> 'metric', value ->> 'window', sum(value ->> 'amount'), max(value ->> 'atMs')
  from json_each(?) where ${IS_NEW} group by 1, 2, 3
  on conflict (policy_id, subject, window_start_ms) do update set
    amount = amount + excluded.amount, name = excluded.name, updated_at_ms = excluded.updated_at_ms`
