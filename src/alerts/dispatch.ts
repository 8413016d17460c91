import { drizzle } from 'drizzle-orm/d1'
import { alertChannels } from '../platform/config-schema'
import { type EventEnv, markQueued, type StoredEvent, waitingEvents } from './event-store'

/** What handing events on needs. */
export interface DispatchEnv extends EventEnv {
  CONFIG: D1Database
  ALERT_QUEUE: Queue<unknown>
}

const EVENTS_PER_RUN = 50
/** Cloudflare Queues takes so many messages a batch (Queues, "Limits"). */
const MAX_BATCH = 100

/** A message of the alert queue: one event on its way to one channel. */
export interface AlertMessage {
  version: 1
  eventId: string
  channelId: string
}

/** Hands the events that wait to the queue, a message for each channel that takes them. */
export async function dispatchEvents(env: DispatchEnv, nowMs: number): Promise<void> {
  const events = await waitingEvents(env, EVENTS_PER_RUN)
  if (events.length === 0) return
  const channels = await drizzle(env.CONFIG).select().from(alertChannels)
  const active = channels.filter(({ isPaused }) => !isPaused)
  const messages = events.flatMap((event) =>
    active
      .filter((channel) => takes(channel, event))
      .map(({ id }): AlertMessage => ({ version: 1, eventId: event.id, channelId: id })),
  )
  for (let at = 0; at < messages.length; at += MAX_BATCH)
    await env.ALERT_QUEUE.sendBatch(messages.slice(at, at + MAX_BATCH).map((body) => ({ body })))
  const ids = events.map(({ id }) => id)
  await markQueued(env, ids, nowMs)
}

// Whom a monitor names is told, whatever else that channel takes.
function takes({ id, events }: { id: string; events: string[] | null }, event: StoredEvent): boolean {
  if (event.channels !== null) return event.channels.includes(id)
  return events === null || events.includes(event.kind)
}
