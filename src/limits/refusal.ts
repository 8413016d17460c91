import type { Failure } from '../platform/failure'
import { type Metric, shownValue } from './policy'
import type { CountedLimit } from './reserve'

/** When room may come back that running requests hold. */
const HELD_WAIT_MS = 1_000

const UNITS: Record<Metric, (value: string) => string> = {
  cost: (value) => `$${value}`,
  requests: (value) => `${value} requests`,
  tokens: (value) => `${value} tokens`,
  concurrency: (value) => `${value} requests at a time`,
}

/** What a client is told when a limit is reached: which, what it counts, where it stands and when it starts anew. */
export function refusalOf({ policy, standing }: CountedLimit, nowMs: number): Failure {
  const { name, metric, window, value, refusalStatus } = policy
  const { used, reserved, amount, resetsAtMs } = standing
  const nextWindowMs = metric === 'concurrency' ? null : resetsAtMs
  // Only what running requests hold is in the way, and some of that comes back when they end.
  const isHeld = used + amount <= value
  const waitMs = isHeld ? HELD_WAIT_MS : Number.POSITIVE_INFINITY
  const untilMs = nextWindowMs === null ? Number.POSITIVE_INFINITY : nextWindowMs - nowMs
  const per = metric === 'concurrency' ? '' : window === 'total' ? ' in total' : ` per ${window}`
  const resets = nextWindowMs === null ? '' : ` It starts anew at ${new Date(nextWindowMs).toISOString()}.`
  const seconds = Math.ceil(Math.min(waitMs, untilMs) / 1_000)
  const [inAll, taken, held, asked] = [value, used, reserved, amount].map((count) => shown(metric, count))
  return {
    kind: 'limit_exceeded',
    message: `The limit '${name}' is reached: ${UNITS[metric](inAll ?? '')}${per}, ${taken} used and ${held} reserved, and this request may take ${asked}.${resets}`,
    status: refusalStatus,
    retryAfterSeconds: Number.isFinite(seconds) ? Math.max(1, seconds) : 1,
    mayPass: Number.isFinite(seconds),
  }
}

function shown(metric: Metric, count: number): string {
  const value = shownValue(metric, count)
  return metric === 'cost' ? String(Number(value.toFixed(6))) : String(value)
}
