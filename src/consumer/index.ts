import { WorkerEntrypoint } from 'cloudflare:workers'
import { type DeliveriesEnv, queueDeliveries } from '../logs/deliveries'
import { type LimitsCrossed, limitsCrossedSchema } from '../logs/limits-crossed'
import { type LogRecord, logRecordSchema } from '../logs/log-record'
import { readLogSettings } from '../logs/log-settings'
import { type LogStoreEnv, storeRecords } from '../logs/log-store'
import { recordFromJson } from '../logs/record-from-json'
import { removeExpired } from '../logs/retention'
import { UNDELIVERED_PREFIX } from '../logs/undelivered'
import { answerManagement } from '../management/answer'
import type { ManagementEnv } from '../management/route'
import { realEffects } from '../platform/effects'
import type { PriceService } from '../providers/asked-prices'
import type { ListedCall, ListedModel } from '../providers/cost'
import { listCost, listRates } from '../providers/prices'
import type { RateTable } from '../providers/rates'
import {
  type AlertsEnv,
  deliverAlerts,
  giveUpAlerts,
  keepLimitEvents,
  runAlerts,
  sendLimitEvents,
} from './alerts'
import { deliverAll } from './deliver'
import { keepOne, report, retryLater } from './messages'

const DEAD_LETTER_QUEUE_SUFFIX = '-dead'
const ALERT_QUEUE_SUFFIX = '-alerts'
const DEAD_ALERT_QUEUE_SUFFIX = '-alerts-dead'
const DELIVERY_QUEUE_SUFFIX = '-deliveries'
const DEAD_DELIVERY_QUEUE_SUFFIX = '-deliveries-dead'
const UNDELIVERED_PER_RUN = 100

/** Without what alerts need, it only stores logs. */
type ConsumerEnv = LogStoreEnv & DeliveriesEnv & Partial<AlertsEnv>

/** Writes log records from the queue into D1 and R2; a batch that fails is delivered again, later each time. */
export default {
  async queue(batch, env) {
    if (batch.queue.endsWith(ALERT_QUEUE_SUFFIX)) return deliverAlerts(batch.messages, env, keepOne)
    if (batch.queue.endsWith(DEAD_ALERT_QUEUE_SUFFIX)) {
      await giveUpAlerts(batch.messages, env)
      return keepAll(batch.messages, env, 'the alert was refused too often')
    }
    if (batch.queue.endsWith(DELIVERY_QUEUE_SUFFIX)) return deliverAll(batch.messages, env)
    if (batch.queue.endsWith(DEAD_DELIVERY_QUEUE_SUFFIX))
      return keepAll(batch.messages, env, 'its receiver refused it too often')
    if (batch.queue.endsWith(DEAD_LETTER_QUEUE_SUFFIX))
      return keepAll(batch.messages, env, 'the log store refused it too often')
    return storeAll(batch.messages, env)
  },
  async scheduled({ scheduledTime }, env) {
    const { objects } = await env.BODIES.list({ prefix: UNDELIVERED_PREFIX, limit: UNDELIVERED_PER_RUN })
    for (const { key } of objects) {
      await bringIn(env, key).catch((cause: unknown) =>
        report('undelivered_failed', { key, cause: String(cause) }),
      )
    }
    await removeOld(env)
    await runAlerts(env, scheduledTime)
  },
} satisfies ExportedHandler<ConsumerEnv>

/** What the gateway asks of this worker, over a service binding; nobody else can. */
export class Management extends WorkerEntrypoint<ManagementEnv> implements PriceService {
  /** Answers a request of the management API that the gateway has let in. */
  override fetch(request: Request): Promise<Response> {
    return answerManagement(request, this.env, this.ctx)
  }

  /** The rates of a model of the price list, for what limits on cost reserve. */
  async listRates(model: ListedModel): Promise<RateTable> {
    return listRates(model, realEffects.now())
  }

  /** What a call cost by the price list, in billionths of a US dollar: as its log row will say. */
  async listCost(call: ListedCall): Promise<number | null> {
    return listCost(call)
  }
}
// biome-ignore lint/performance/noBarrelFile: workerd finds a Durable Object class among the entry's exports
export { SharedCall } from '../flights/shared-call'
export { IdempotentCall } from '../idempotency/idempotent-call'
export { Ledger } from '../limits/ledger'

async function storeAll(messages: readonly Message[], env: ConsumerEnv): Promise<void> {
  const readable: Message[] = []
  const records: LogRecord[] = []
  const crossed: LimitsCrossed[] = []
  for (const message of messages) {
    const parsed = logRecordSchema.safeParse(message.body)
    const other = parsed.success ? undefined : limitsCrossedSchema.safeParse(message.body)
    if (parsed.success) records.push(parsed.data)
    else if (other?.success === true) crossed.push(other.data)
    else await keepOne(message, env, `not a log record of this version: ${parsed.error.message}`)
    if (parsed.success || other?.success === true) readable.push(message)
  }
  try {
    await storeRecords(env, records)
    const isTold = await keepLimitEvents(env, [...records, ...crossed])
    await sendOut(env, records)
    for (const message of readable) message.ack()
    if (isTold) await sendLimitEvents(env)
  } catch (cause) {
    report('log_batch_failed', {
      messages: readable.length,
      cause: String(cause),
      reason: String(Object(cause).cause ?? ''),
    })
    for (const message of readable) retryLater(message)
  }
}

async function keepAll(messages: readonly Message[], env: LogStoreEnv, reason: string): Promise<void> {
  for (const message of messages) await keepOne(message, env, reason)
}

// The rows are written: whatever becomes of the deliveries, they are not to be written again.
async function sendOut(env: ConsumerEnv, records: readonly LogRecord[]): Promise<void> {
  await queueDeliveries(env, records).catch((cause: unknown) =>
    report('deliveries_lost', { records: records.length, cause: String(cause) }),
  )
}

async function removeOld(env: ConsumerEnv): Promise<void> {
  if (env.CONFIG === undefined) return
  try {
    await removeExpired(env, await readLogSettings(env.CONFIG), Date.now())
  } catch (cause) {
    report('retention_failed', { cause: String(cause) })
  }
}

/** What the gateway could not hand to the queue; the object goes only when its row is written. */
async function bringIn(env: ConsumerEnv, key: string): Promise<void> {
  const object = await env.BODIES.get(key)
  if (object === null) return
  const record = recordFromJson(await object.text())
  await storeRecords(env, [record])
  await keepLimitEvents(env, [record])
  await sendOut(env, [record])
  await env.BODIES.delete(key)
}
