import type { Effects } from '../platform/effects'
import type { NewEvent } from './event-store'

/** What a log record says of one limit; US dollars for cost. Absent fields are those of older records. */
export interface CountedLimit {
  name: string
  scope: string
  metric: string
  window: string
  action: 'warn' | 'block'
  newValue: number
  limitValue: number
  isWithinLimit: boolean
  policyId?: string | undefined
  subject?: string | undefined
  windowStartMs?: number | undefined
  resetsAtMs?: number | null | undefined
}

/** A request that limits were counted for. */
export interface LimitedRequest {
  id: string
  startedAtMs: number
  limitInfo?: { limits: readonly CountedLimit[] } | undefined
}

const HOUR_MS = 3_600_000
/** What this isolate has told of lately: a limit that is used up may refuse thousands of requests a second. */
const told = new Set<string>()
const MAX_TOLD = 10_000

/**
 * What requests tell of the limits that they went beyond: one event for each limit, subject, window and value, however
 * many requests there are. Every request beyond a limit says so, not only the first: its record may be the one that is
 * lost.
 */
export function limitEvents(
  requests: readonly LimitedRequest[],
  effects: Pick<Effects, 'now' | 'newId'>,
): NewEvent[] {
  const events = new Map<string, NewEvent>()
  for (const request of requests) {
    for (const limit of request.limitInfo?.limits ?? []) {
      if (limit.isWithinLimit) continue
      const event = eventOf(request, limit, effects)
      if (!told.has(event.dedupeKey) && !events.has(event.dedupeKey)) events.set(event.dedupeKey, event)
    }
  }
  return [...events.values()]
}

/** Remembers what has been kept, so that it is not looked for again. */
export function noteTold(events: readonly NewEvent[]): void {
  if (told.size + events.length > MAX_TOLD) told.clear()
  for (const { dedupeKey } of events) told.add(dedupeKey)
}

function eventOf(
  request: LimitedRequest,
  limit: CountedLimit,
  { now, newId }: Pick<Effects, 'now' | 'newId'>,
): NewEvent {
  const { name, scope, subject = '', metric, window, action, policyId = name } = limit
  const windowStartMs = windowStartOf(request, limit)
  const { resetsAtMs } = limit
  return {
    id: `alert_${newId()}`,
    dedupeKey: JSON.stringify(['limit', policyId, subject, windowStartMs, limit.limitValue]),
    kind: action === 'warn' ? 'limit.warn' : 'limit.block',
    createdAtMs: now(),
    details: {
      ...{ policy_id: policyId, name, scope, subject, metric, window, action },
      threshold: limit.limitValue,
      value: limit.newValue,
      window_start: windowStartMs === 0 ? null : new Date(windowStartMs).toISOString(),
      resets_at: resetsAtMs === undefined || resetsAtMs === null ? null : new Date(resetsAtMs).toISOString(),
      log_id: request.id,
    },
  }
}

// What runs at once has no window: it is told of once an hour.
function windowStartOf({ startedAtMs }: LimitedRequest, { metric, windowStartMs = 0 }: CountedLimit): number {
  return metric === 'concurrency' ? startedAtMs - (startedAtMs % HOUR_MS) : windowStartMs
}
