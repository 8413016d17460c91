import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import * as z from 'zod'
import { alertChannels } from '../platform/config-schema'
import { openChannel } from './channel'
import { type EventEnv, isDelivered, noteDelivery, readEvent } from './event-store'
import { type SendEnv, type Sent, send } from './send'

/** What a delivery needs. */
export interface DeliverEnv extends EventEnv, SendEnv {
  CONFIG: D1Database
}

const messageSchema = z.object({ version: z.literal(1), eventId: z.string(), channelId: z.string() })

/** Delivers a message of the alert queue. One that arrived before, or has nobody to go to any more, counts as sent. */
export async function deliverAlert(
  env: DeliverEnv,
  given: { body: unknown; attempt: number; nowMs: number },
): Promise<Sent> {
  const { attempt, nowMs } = given
  const message = messageSchema.safeParse(given.body)
  if (!message.success) return { kind: 'failed', reason: 'not an alert of this version', isPermanent: true }
  const { eventId, channelId } = message.data
  const [row] = await drizzle(env.CONFIG).select().from(alertChannels).where(eq(alertChannels.id, channelId))
  const event = await readEvent(env, eventId)
  if (row === undefined || event === undefined || (await isDelivered(env, { eventId, channelId })))
    return { kind: 'sent' }
  const channel = await openChannel(env.ENCRYPTION_KEY, row)
  const sent = await send(env, channel, event)
  const delivery = { eventId, channelId, attempts: attempt, updatedAtMs: nowMs }
  if (sent.kind === 'sent') await noteDelivery(env, { ...delivery, state: 'delivered', error: null })
  else
    await noteDelivery(env, {
      ...delivery,
      state: sent.isPermanent ? 'given_up' : 'failing',
      error: sent.reason,
    })
  return sent
}

/** Notes that a message of the alert queue was given up. */
export async function giveUp(env: EventEnv, body: unknown, nowMs: number): Promise<void> {
  const message = messageSchema.safeParse(body)
  if (!message.success) return
  await env.LOGS.prepare(
    "update alert_deliveries set state = 'given_up', updated_at_ms = ? where event_id = ? and channel_id = ? and state = 'failing'",
  )
    .bind(nowMs, message.data.eventId, message.data.channelId)
    .run()
}
