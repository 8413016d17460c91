import type { Env } from '../platform/env'
import { sizeOf, spillLargeBodies } from './large-bodies'
import type { LogRecord } from './log-record'
import { keepUndelivered } from './undelivered'

/** Cloudflare Queues takes 100 messages and 256 KB a batch (Queues, "Limits"); some room is left for its framing. */
const MAX_BATCH_MESSAGES = 100
const MAX_BATCH_BYTES = 200_000
/** A batch travels as base64 inside JSON and waits for the one before it; what is larger goes by itself, as it is. */
const MAX_SHARED_BYTES = 8_000
const RETRY_WAITS_MS = [50, 200, 800]
/** A request stops sending for others after this long, well within the 30 s that `waitUntil` grants it. */
const MAX_LEAD_MS = 10_000
const HANDOVER_MS = 50
/** A leader that has been silent for longer than a send with all its retries can take is gone. */
const DEAD_LEADER_MS = 20_000

/** What records leave by. */
export type LogOutEnv = Pick<Env, 'LOG_QUEUE' | 'BODIES'>

interface Outbox {
  waiting: LogRecord[]
  inFlight: LogRecord[]
  leadingSinceMs: number | undefined
}

const outbox: Outbox = { waiting: [], inFlight: [], leadingSinceMs: undefined }

/**
 * Hands a record to the queue, in a group commit: the first request sends, and what other requests of this isolate
 * finish meanwhile goes with its next batch. A lone record is sent at once; under load one send carries many.
 */
export async function emitLog(env: LogOutEnv, record: LogRecord): Promise<void> {
  const spilled = spillLargeBodies(env, record)
  const small = spilled instanceof Promise ? await spilled : spilled
  if (sizeOf(small) > MAX_SHARED_BYTES) return deliver(env, [small])
  outbox.waiting.push(small)
  if (outbox.leadingSinceMs === undefined) return lead(env)
  if (Date.now() - outbox.leadingSinceMs < DEAD_LEADER_MS) return
  // What a dead leader was sending may have arrived: the consumer writes each id once, so sending it again is safe.
  outbox.waiting.unshift(...outbox.inFlight.splice(0))
  return lead(env)
}

/** Hands records over and waits until the queue, or R2 in its place, has them. */
export async function deliverLogs(env: LogOutEnv, records: readonly LogRecord[]): Promise<void> {
  const small = await Promise.all(records.map((record) => spillLargeBodies(env, record)))
  const shared = small.filter((record) => sizeOf(record) <= MAX_SHARED_BYTES)
  for (const record of small) if (sizeOf(record) > MAX_SHARED_BYTES) await deliver(env, [record])
  while (shared.length > 0) await deliver(env, takeBatch(shared))
}

async function lead(env: LogOutEnv): Promise<void> {
  const startedAtMs = Date.now()
  for (;;) {
    outbox.leadingSinceMs = Date.now()
    outbox.inFlight = takeBatch(outbox.waiting)
    await deliver(env, outbox.inFlight)
    outbox.inFlight = []
    outbox.leadingSinceMs = undefined
    if (outbox.waiting.length === 0) return
    if (Date.now() - startedAtMs < MAX_LEAD_MS) continue
    // The next request takes over; only if none comes does this one go on.
    await scheduler.wait(HANDOVER_MS)
    if (outbox.leadingSinceMs !== undefined || outbox.waiting.length === 0) return
  }
}

function takeBatch(waiting: LogRecord[]): LogRecord[] {
  let bytes = 0
  let count = 0
  for (const record of waiting) {
    bytes += sizeOf(record)
    if (count > 0 && (bytes > MAX_BATCH_BYTES || count === MAX_BATCH_MESSAGES)) break
    count++
  }
  return waiting.splice(0, count)
}

/** Never rejects: what the queue refuses for good is put where the consumer's cron finds it. */
async function deliver(env: LogOutEnv, records: LogRecord[]): Promise<void> {
  if (records.length === 0) return
  for (const waitMs of [...RETRY_WAITS_MS, undefined]) {
    try {
      const [only] = records
      if (records.length === 1 && only !== undefined) await env.LOG_QUEUE.send(only, { contentType: 'v8' })
      else await env.LOG_QUEUE.sendBatch(records.map((body) => ({ body, contentType: 'v8' as const })))
      return
    } catch (cause) {
      if (waitMs === undefined) await keepUndelivered(env, records, cause)
      else await scheduler.wait(waitMs)
    }
  }
}
