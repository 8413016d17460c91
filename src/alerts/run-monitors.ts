import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { MonitorRow } from '../platform/config-schema'
import { monitors } from '../platform/config-schema'
import type { Effects } from '../platform/effects'
import { monitorStates } from '../platform/logs-schema'
import { INSERT, type NewEvent } from './event-store'
import { measure } from './measure'
import { isMet, valueOf } from './monitor'

/** What monitors look at, and where they are defined. */
export interface MonitorEnv {
  CONFIG: D1Database
  LOGS: D1Database
}

/** What a monitor found when it last looked. */
export type MonitorState = typeof monitorStates.$inferSelect

/** Looks at the logs through every monitor that is not paused, and keeps what is to be told. */
export async function runMonitors(
  env: MonitorEnv,
  given: { nowMs: number; effects: Pick<Effects, 'newId'> },
  failed: (monitor: MonitorRow, cause: unknown) => void,
): Promise<void> {
  const rows = await drizzle(env.CONFIG).select().from(monitors).where(eq(monitors.isPaused, false))
  if (rows.length === 0) return
  const states = await readMonitorStates(env)
  for (const monitor of rows) {
    const before = states.get(monitor.id)
    // One that cannot be measured does not keep the others from being looked at.
    await look(env, monitor, { ...given, before }).catch((cause: unknown) => failed(monitor, cause))
  }
}

async function look(
  env: MonitorEnv,
  monitor: MonitorRow,
  given: {
    nowMs: number
    effects: Pick<Effects, 'newId'>
    before: MonitorState | undefined
  },
): Promise<void> {
  const { nowMs, effects, before } = given
  const value = valueOf(monitor, await measure(env.LOGS, monitor, nowMs))
  const state = isMet(monitor, value) ? 'firing' : 'ok'
  const sinceMs = before?.sinceMs ?? 0
  const hasChanged = state !== (before?.state ?? 'ok')
  const event = hasChanged
    ? transition(monitor, { state, value, sinceMs, nowMs, id: effects.newId() })
    : undefined
  await env.LOGS.batch([
    ...(event === undefined ? [] : [env.LOGS.prepare(INSERT).bind(JSON.stringify([event]))]),
    env.LOGS.prepare(KEEP).bind(monitor.id, state, hasChanged ? nowMs : sinceMs, value, nowMs, sinceMs),
  ])
}

/** Of two runs at the same time only one changes the state. */
const KEEP = `insert into monitor_states (monitor_id, state, since_ms, value, evaluated_at_ms) values (?1, ?2, ?3, ?4, ?5)
  on conflict (monitor_id) do update set state = ?2, since_ms = ?3, value = ?4, evaluated_at_ms = ?5 where since_ms = ?6`

function transition(
  monitor: MonitorRow,
  given: { state: MonitorState['state']; value: number | null; sinceMs: number; nowMs: number; id: string },
): NewEvent {
  const { state, value, sinceMs, nowMs, id } = given
  const { channels } = monitor
  return {
    id: `alert_${id}`,
    // The state that is left ends once.
    dedupeKey: JSON.stringify(['monitor', monitor.id, state, sinceMs]),
    kind: state === 'firing' ? 'monitor.firing' : 'monitor.resolved',
    ...(channels === null ? {} : { channels }),
    createdAtMs: nowMs,
    details: monitorDetails(monitor, value),
  }
}

/** What an event says of a monitor. */
export function monitorDetails(monitor: MonitorRow, value: number | null): Record<string, unknown> {
  const { id, name, metric, aggregation, filters, comparison, threshold, windowMinutes } = monitor
  return {
    ...{ monitor_id: id, name, metric, aggregation, filters, comparison, threshold, value },
    window_minutes: windowMinutes,
  }
}

/** What the monitors found, by their ids; one that never looked is absent. */
export async function readMonitorStates(env: Pick<MonitorEnv, 'LOGS'>): Promise<Map<string, MonitorState>> {
  const rows = await drizzle(env.LOGS).select().from(monitorStates)
  return new Map(rows.map((row) => [row.monitorId, row]))
}

/** Forgets what a monitor found. */
export async function forgetMonitor(env: Pick<MonitorEnv, 'LOGS'>, monitorId: string): Promise<void> {
  await drizzle(env.LOGS).delete(monitorStates).where(eq(monitorStates.monitorId, monitorId))
}
