import * as z from 'zod'
import type { DeliveriesEnv } from '../logs/deliveries'
import { type Exported, exportSpans } from '../logs/otlp/exporter'
import type { OtlpSpan } from '../logs/otlp/spans'
import { keepOne, report, retryLater } from './messages'

const otlpSchema = z.object({ kind: z.literal('otlp'), spans: z.array(z.custom<OtlpSpan>()) })

/** Sends out what waits in the delivery queue; what a receiver does not take comes again, later each time. */
export async function deliverAll(messages: readonly Message[], env: DeliveriesEnv): Promise<void> {
  const spans: { message: Message; spans: OtlpSpan[] }[] = []
  for (const message of messages) {
    const otlp = otlpSchema.safeParse(message.body)
    if (otlp.success) spans.push({ message, spans: otlp.data.spans })
    else await keepOne(message, env, 'nobody knows where to send this')
  }
  if (spans.length === 0) return
  const exported = await exportSpans(
    env,
    spans.flatMap((each) => each.spans),
  )
  for (const { message } of spans) await settle(message, env, exported)
}

async function settle(message: Message, env: DeliveriesEnv, exported: Exported): Promise<void> {
  if (exported.kind === 'done') {
    if (exported.rejected !== undefined) report('spans_rejected', { reason: exported.rejected })
    return message.ack()
  }
  report('export_failed', { reason: exported.reason, attempts: message.attempts })
  if (exported.kind === 'refused') return keepOne(message, env, exported.reason)
  retryLater(message, exported.retryAfterSeconds)
}
