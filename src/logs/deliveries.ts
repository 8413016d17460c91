import { keepDeadLetter } from './dead-letters'
import type { LogRecord } from './log-record'
import type { LogStoreEnv } from './log-store'
import { type ExporterEnv, exportUrl } from './otlp/exporter'
import { type SpansMessage, spanMessages } from './otlp/queue-spans'
import { activeWebhooks, type WebhookMessage } from './webhooks'

/** Where what goes out waits, beside where logs are kept. */
export interface DeliveriesEnv extends LogStoreEnv, ExporterEnv {
  DELIVERY_QUEUE?: Queue<unknown>
  /** Holds the webhooks. */
  CONFIG?: D1Database
}

/** A message of the delivery queue. */
export type Delivery = SpansMessage | WebhookMessage

/** Queues takes 100 messages and 256 KB a batch (Queues, "Limits"); spans have up to 90 KB, webhooks a few bytes. */
const SPANS_PER_SEND = 2
const WEBHOOKS_PER_SEND = 100
const RETRY_WAITS_MS = [100, 500]

/**
 * Puts what is to go out for records that are stored into a queue of its own, so that a receiver that is slow or away
 * holds up nothing. What that queue does not take is kept as a dead letter.
 */
export async function queueDeliveries(env: DeliveriesEnv, records: readonly LogRecord[]): Promise<void> {
  const spans = exportUrl(env) === undefined ? [] : await spanMessages(env, records)
  await sendAll(env, spans, SPANS_PER_SEND)
  await sendAll(env, await webhookMessages(env, records), WEBHOOKS_PER_SEND)
}

async function webhookMessages(
  { CONFIG }: DeliveriesEnv,
  records: readonly LogRecord[],
): Promise<WebhookMessage[]> {
  if (CONFIG === undefined) return []
  const ids = await activeWebhooks(CONFIG, Date.now())
  // What leaves no row has nothing to be told of.
  const kept = ids.length === 0 ? [] : records.filter(({ cache }) => cache?.isOmitted !== true)
  return kept.flatMap(({ id: logId }) =>
    ids.map((webhookId) => ({ kind: 'webhook' as const, webhookId, logId })),
  )
}

async function sendAll(env: DeliveriesEnv, deliveries: readonly Delivery[], atOnce: number): Promise<void> {
  for (let at = 0; at < deliveries.length; at += atOnce) await send(env, deliveries.slice(at, at + atOnce))
}

async function send(env: DeliveriesEnv, deliveries: readonly Delivery[]): Promise<void> {
  for (const waitMs of [...RETRY_WAITS_MS, undefined]) {
    try {
      if (env.DELIVERY_QUEUE === undefined) throw new Error('there is no queue DELIVERY_QUEUE')
      await env.DELIVERY_QUEUE.sendBatch(deliveries.map((body) => ({ body, contentType: 'json' as const })))
      return
    } catch (cause) {
      if (waitMs !== undefined) await scheduler.wait(waitMs)
      else await keepAll(env, deliveries, cause)
    }
  }
}

async function keepAll(env: DeliveriesEnv, deliveries: readonly Delivery[], cause: unknown): Promise<void> {
  const reason = `the delivery queue did not take it: ${String(cause)}`
  for (const body of deliveries)
    await keepDeadLetter(env, { messageId: crypto.randomUUID(), body, reason, receivedAtMs: Date.now() })
}
