import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { type WebhookRow, webhooks } from '../platform/config-schema'
import { seal, unseal } from '../platform/encryption'
import { presentLog } from './present'
import type { LogRow } from './query'

/** What a webhook can be told of. */
export const WEBHOOK_EVENT = 'request_log'

/** A webhook's share of a stored log, on its way. It holds no address, no secret and no text. */
export interface WebhookMessage {
  kind: 'webhook'
  webhookId: string
  logId: string
}

const REMEMBERED_MS = 5_000
/** The ids of those that are not paused, as they were a moment ago. */
let active: { ids: readonly string[]; readAtMs: number } | undefined

/** The ids of the webhooks that are to be told of new logs; looked up every few seconds, not for each batch. */
export async function activeWebhooks(config: D1Database, nowMs: number): Promise<readonly string[]> {
  if (active !== undefined && nowMs - active.readAtMs < REMEMBERED_MS) return active.ids
  const rows = await drizzle(config)
    .select({ id: webhooks.id })
    .from(webhooks)
    .where(eq(webhooks.isPaused, false))
  active = { ids: rows.map(({ id }) => id), readAtMs: nowMs }
  return active.ids
}

/** One webhook; undefined when it is gone. */
export async function readWebhook(config: D1Database, id: string): Promise<WebhookRow | undefined> {
  const [row] = await drizzle(config).select().from(webhooks).where(eq(webhooks.id, id))
  return row
}

/** What is sent for a log: the row as a list of logs shows it, without its bodies. */
export function webhookPayload(row: LogRow) {
  return {
    id: row.id,
    event: WEBHOOK_EVENT,
    created_at: new Date(row.endedAtMs).toISOString(),
    data: presentLog(row),
  }
}

/** A secret as it is stored; it opens for its own webhook only. */
export function sealWebhookSecret(encryptionKey: string | undefined, id: string, secret: string) {
  return seal(encryptionKey, contextOf(id), secret)
}

/** The secret of a stored webhook. */
export function openWebhookSecret(encryptionKey: string | undefined, row: WebhookRow): Promise<string> {
  return unseal(encryptionKey, contextOf(row.id), row.sealedSecret)
}

function contextOf(id: string): string {
  return `webhook:${id}`
}
