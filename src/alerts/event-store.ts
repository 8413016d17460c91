import { and, desc, eq, gt, inArray, isNull, lt, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { alertDeliveries, alertEvents } from '../platform/logs-schema'
import { ALERT_KINDS, type AlertEvent, type AlertKind } from './event'

/** Where events are kept. */
export interface EventEnv {
  LOGS: D1Database
}

/** Something to tell, with a key by which it is told once. */
export interface NewEvent {
  id: string
  dedupeKey: string
  kind: AlertKind
  /** Ids of channels; absent for all that take the kind. */
  channels?: readonly string[]
  details: Record<string, unknown>
  createdAtMs: number
}

/** A stored event, and to whom it goes. */
export interface StoredEvent extends AlertEvent {
  channels: readonly string[] | null
}

/** Keeps what was not told before. Of any number of writers of one key, one is kept. */
export async function recordEvents({ LOGS }: EventEnv, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return
  await LOGS.prepare(INSERT).bind(JSON.stringify(events)).run()
}

/** Takes a JSON list of events; for the same transaction as what they tell of. */
export const INSERT = `insert into alert_events (id, dedupe_key, kind, channels, details, created_at_ms)
  select value ->> 'id', value ->> 'dedupeKey', value ->> 'kind', value -> 'channels', value -> 'details', value ->> 'createdAtMs'
  from json_each(?) where true on conflict (dedupe_key) do nothing`

const kindSchema = z.enum(ALERT_KINDS)

/** Events that the queue has not taken yet, the oldest first. */
export async function waitingEvents({ LOGS }: EventEnv, atMost: number): Promise<StoredEvent[]> {
  const rows = await drizzle(LOGS)
    .select()
    .from(alertEvents)
    .where(isNull(alertEvents.queuedAtMs))
    .orderBy(alertEvents.createdAtMs)
    .limit(atMost)
  return rows.map(eventOf)
}

/** Marks events as taken by the queue. */
export async function markQueued({ LOGS }: EventEnv, ids: readonly string[], nowMs: number): Promise<void> {
  await drizzle(LOGS)
    .update(alertEvents)
    .set({ queuedAtMs: nowMs })
    .where(sql`${alertEvents.id} in (select value from json_each(${JSON.stringify(ids)}))`)
}

/** One event; undefined when it is not there any more. */
export async function readEvent({ LOGS }: EventEnv, id: string): Promise<StoredEvent | undefined> {
  const [row] = await drizzle(LOGS).select().from(alertEvents).where(eq(alertEvents.id, id))
  return row === undefined ? undefined : eventOf(row)
}

function eventOf(row: typeof alertEvents.$inferSelect): StoredEvent {
  const { id, details, createdAtMs, channels } = row
  return { id, kind: kindSchema.parse(row.kind), details, createdAtMs, channels }
}

/** Whether an event has arrived at a channel already. */
export async function isDelivered(
  { LOGS }: EventEnv,
  { eventId, channelId }: { eventId: string; channelId: string },
): Promise<boolean> {
  const [row] = await drizzle(LOGS)
    .select({ state: alertDeliveries.state })
    .from(alertDeliveries)
    .where(and(eq(alertDeliveries.eventId, eventId), eq(alertDeliveries.channelId, channelId)))
  return row?.state === 'delivered'
}

/** What became of an event at a channel, instead of what was known before. */
export async function noteDelivery(
  { LOGS }: EventEnv,
  delivery: typeof alertDeliveries.$inferInsert,
): Promise<void> {
  await drizzle(LOGS)
    .insert(alertDeliveries)
    .values(delivery)
    .onConflictDoUpdate({ target: [alertDeliveries.eventId, alertDeliveries.channelId], set: delivery })
}

/** A page of events, the newest first, each with what became of it. */
export async function listEvents({ LOGS }: EventEnv, { page, pageSize }: { page: number; pageSize: number }) {
  const database = drizzle(LOGS)
  const [events, [total]] = await database.batch([
    database
      .select()
      .from(alertEvents)
      .orderBy(desc(alertEvents.createdAtMs), desc(alertEvents.id))
      .limit(pageSize)
      .offset((page - 1) * pageSize),
    database.select({ count: sql<number>`count(*)` }).from(alertEvents),
  ])
  const ids = JSON.stringify(events.map(({ id }) => id))
  const deliveries = await database
    .select()
    .from(alertDeliveries)
    .where(sql`${alertDeliveries.eventId} in (select value from json_each(${ids}))`)
  const of = (eventId: string) => deliveries.filter((one) => one.eventId === eventId)
  return { count: total?.count ?? 0, events: events.map((row) => ({ row, deliveries: of(row.id) })) }
}

/** Forgets events of before a time, with what became of them; at most so many, so that a run stays short. */
export async function forgetEvents({ LOGS }: EventEnv, beforeMs: number, atMost: number): Promise<void> {
  const database = drizzle(LOGS)
  const old = await database
    .select({ id: alertEvents.id })
    .from(alertEvents)
    .where(and(lt(alertEvents.createdAtMs, beforeMs), gt(alertEvents.queuedAtMs, 0)))
    .orderBy(alertEvents.createdAtMs)
    .limit(Math.min(atMost, 90))
  const ids = old.map(({ id }) => id)
  if (ids.length === 0) return
  await database.batch([
    database.delete(alertDeliveries).where(inArray(alertDeliveries.eventId, ids)),
    database.delete(alertEvents).where(inArray(alertEvents.id, ids)),
  ])
}
