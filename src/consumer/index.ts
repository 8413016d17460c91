import { type DeliveriesEnv, queueDeliveries } from '../logs/deliveries'
import { type LogRecord, logRecordSchema } from '../logs/log-record'
import { storeRecords } from '../logs/log-store'
import { recordFromJson, UNDELIVERED_PREFIX } from '../logs/undelivered'
import { deliverAll } from './deliver'
import { keepOne, report, retryLater } from './messages'

const DEAD_LETTER_QUEUE_SUFFIX = '-dead'
const DELIVERY_QUEUE_SUFFIX = '-deliveries'
const UNDELIVERED_PER_RUN = 100

/** Writes log records from the queue into D1 and R2; a batch that fails is delivered again, later each time. */
export default {
  async queue(batch, env) {
    if (batch.queue.endsWith(DEAD_LETTER_QUEUE_SUFFIX)) return keepAll(batch, env)
    if (batch.queue.endsWith(DELIVERY_QUEUE_SUFFIX)) return deliverAll(batch.messages, env)
    return storeAll(batch.messages, env)
  },
  async scheduled(_, env) {
    const { objects } = await env.BODIES.list({ prefix: UNDELIVERED_PREFIX, limit: UNDELIVERED_PER_RUN })
    for (const { key } of objects) {
      await bringIn(env, key).catch((cause: unknown) =>
        report('undelivered_failed', { key, cause: String(cause) }),
      )
    }
  },
} satisfies ExportedHandler<DeliveriesEnv>

async function storeAll(messages: readonly Message[], env: DeliveriesEnv): Promise<void> {
  const readable: { message: Message; record: LogRecord }[] = []
  for (const message of messages) {
    const parsed = logRecordSchema.safeParse(message.body)
    if (parsed.success) readable.push({ message, record: parsed.data })
    else await keepOne(message, env, `not a log record of this version: ${parsed.error.message}`)
  }
  const records = readable.map(({ record }) => record)
  try {
    await storeRecords(env, records)
  } catch (cause) {
    report('log_batch_failed', {
      messages: readable.length,
      cause: String(cause),
      reason: String(Object(cause).cause ?? ''),
    })
    for (const { message } of readable) retryLater(message)
    return
  }
  await sendOut(env, records)
  for (const { message } of readable) message.ack()
}

// The rows are written: whatever becomes of the deliveries, they are not to be written again.
async function sendOut(env: DeliveriesEnv, records: readonly LogRecord[]): Promise<void> {
  await queueDeliveries(env, records).catch((cause: unknown) =>
    report('deliveries_lost', { records: records.length, cause: String(cause) }),
  )
}

async function keepAll({ queue, messages }: MessageBatch, env: DeliveriesEnv): Promise<void> {
  const isDelivery = queue.endsWith(DELIVERY_QUEUE_SUFFIX + DEAD_LETTER_QUEUE_SUFFIX)
  const reason = isDelivery ? 'its receiver refused it too often' : 'the log store refused it too often'
  for (const message of messages) await keepOne(message, env, reason)
}

/** What the gateway could not hand to the queue; the object goes only when its row is written. */
async function bringIn(env: DeliveriesEnv, key: string): Promise<void> {
  const object = await env.BODIES.get(key)
  if (object === null) return
  const record = recordFromJson(await object.text())
  await storeRecords(env, [record])
  await sendOut(env, [record])
  await env.BODIES.delete(key)
}
