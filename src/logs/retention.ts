import { REMOVE_ROWS } from './edit-logs'
import type { LogSettings } from './log-settings'

/** What is removed by age, and from where. */
interface Stores {
  LOGS: D1Database
  BODIES: R2Bucket
}

/** How many of each kind a run removed. */
export interface Removed {
  rows: number
  search: number
  rollups: number
  counted: number
  objects: number
}

const DAY_MS = 86_400_000
const ROWS_A_STEP = 500
const SEARCH_A_STEP = 500
const OBJECTS_A_STEP = 500
const HOURS_A_STEP = 24
/** A run ends after this long, whatever is left; the next minute goes on. */
const LONGEST_RUN_MS = 20_000
const MOST_STEPS = 60
/** Longer than any message can stay in a queue (Queues, "Limits": 14 days), so that nothing is counted twice. */
const COUNTED_DAYS = 30

/** Removes what is past its retention, in bounded steps, the oldest first. */
export async function removeExpired(
  stores: Stores,
  { retention }: LogSettings,
  nowMs: number,
): Promise<Removed> {
  const before = (days: number | null | undefined) =>
    days === null || days === undefined ? undefined : nowMs - days * DAY_MS
  const removed = { rows: 0, search: 0, rollups: 0, counted: 0, objects: 0 }
  const kinds: [keyof Removed, number | undefined, (stores: Stores, beforeMs: number) => Promise<number>][] =
    [
      ['rows', before(retention.logs_days), removeRows],
      ['search', before(retention.search_days), removeSearch],
      ['rollups', before(retention.rollups_days), removeRollups],
      ['counted', before(COUNTED_DAYS), removeCounted],
      ['objects', before(retention.bodies_days), removeObjects],
    ]
  for (const [kind, beforeMs, remove] of kinds) {
    if (beforeMs === undefined) continue
    for (let step = 0; step < MOST_STEPS && Date.now() - nowMs < LONGEST_RUN_MS; step++) {
      const count = await remove(stores, beforeMs)
      removed[kind] += count
      if (count === 0) break
    }
  }
  return removed
}

// The first statement of a removal keeps a log counted; what is this old comes from no queue any more.
const [, ...FORGET_ROWS] = REMOVE_ROWS

async function removeRows({ LOGS }: Stores, beforeMs: number): Promise<number> {
  const { results } = await LOGS.prepare(
    'select id from request_logs where started_at_ms < ? order by started_at_ms limit ?',
  )
    .bind(beforeMs, ROWS_A_STEP)
    .all<{ id: string }>()
  if (results.length === 0) return 0
  const ids = JSON.stringify(results.map(({ id }) => id))
  await LOGS.batch(FORGET_ROWS.map((statement) => LOGS.prepare(statement).bind(ids)))
  return results.length
}

// Entries are in the order of arrival; of the oldest of them those go whose log is old, or is not there any more.
async function removeSearch({ LOGS }: Stores, beforeMs: number): Promise<number> {
  const { meta } = await LOGS.prepare(
    `delete from log_search where rowid in (
      select oldest.number from (select rowid as number from log_search order by rowid limit ?) as oldest
      left join request_logs on request_logs.rowid = oldest.number
      where request_logs.started_at_ms is null or request_logs.started_at_ms < ?)`,
  )
    .bind(SEARCH_A_STEP, beforeMs)
    .run()
  return meta.changes
}

async function removeRollups({ LOGS }: Stores, beforeMs: number): Promise<number> {
  const { meta } = await LOGS.prepare(
    `delete from usage_hourly where hour_ms in (
      select distinct hour_ms from usage_hourly where hour_ms < ? order by hour_ms limit ?)`,
  )
    .bind(beforeMs, HOURS_A_STEP)
    .run()
  return meta.changes
}

async function removeCounted({ LOGS }: Stores, beforeMs: number): Promise<number> {
  const { meta } = await LOGS.prepare(
    `delete from counted_logs where id in (
      select id from counted_logs where counted_at_ms < ? order by counted_at_ms limit ?)`,
  )
    .bind(beforeMs, ROWS_A_STEP)
    .run()
  return meta.changes
}

/** Objects are named by time, so the oldest are listed first; one goes when its whole day is past. */
async function removeObjects({ BODIES }: Stores, beforeMs: number): Promise<number> {
  const day = new Date(beforeMs).toISOString().slice(0, 10)
  const ends = { 'bodies/packed/': day.replaceAll('-', '/'), 'bodies/large/': day }
  let count = 0
  for (const [prefix, end] of Object.entries(ends)) {
    const { objects } = await BODIES.list({ prefix, limit: OBJECTS_A_STEP })
    const keys = objects.map(({ key }) => key).filter((key) => key < prefix + end)
    if (keys.length > 0) await BODIES.delete(keys)
    count += keys.length
  }
  return count
}
