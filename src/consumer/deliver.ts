import * as z from 'zod'
import type { DeliveriesEnv } from '../logs/deliveries'
import { type Exported, exportSpans } from '../logs/otlp/exporter'
import type { OtlpSpan } from '../logs/otlp/spans'
import { keepOne, report, retryLater } from './messages'
import { deliverWebhook, type WebhookEnv } from './webhooks'

const deliverySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('otlp'), spans: z.array(z.custom<OtlpSpan>()) }),
  z.object({ kind: z.literal('webhook'), webhookId: z.string(), logId: z.string() }),
])

type Env = DeliveriesEnv & WebhookEnv

/** Sends out what waits in the delivery queue; what a receiver does not take comes again, later each time. */
export async function deliverAll(messages: readonly Message[], env: Env): Promise<void> {
  const spans: { message: Message; spans: OtlpSpan[] }[] = []
  const others: Promise<void>[] = []
  for (const message of messages) {
    const delivery = deliverySchema.safeParse(message.body)
    if (!delivery.success) others.push(keepOne(message, env, 'nobody knows where to send this'))
    else if (delivery.data.kind === 'otlp') spans.push({ message, spans: delivery.data.spans })
    else others.push(deliverWebhook(message, delivery.data, env))
  }
  await Promise.all([...others, exportAll(spans, env)])
}

async function exportAll(
  waiting: readonly { message: Message; spans: OtlpSpan[] }[],
  env: Env,
): Promise<void> {
  if (waiting.length === 0) return
  const exported = await exportSpans(
    env,
    waiting.flatMap((each) => each.spans),
  )
  for (const { message } of waiting) await settle(message, env, exported)
}

async function settle(message: Message, env: Env, exported: Exported): Promise<void> {
  if (exported.kind === 'done') {
    if (exported.rejected !== undefined) report('spans_rejected', { reason: exported.rejected })
    return message.ack()
  }
  report('export_failed', { reason: exported.reason, attempts: message.attempts })
  if (exported.kind === 'refused') return keepOne(message, env, exported.reason)
  retryLater(message, exported.retryAfterSeconds)
}
