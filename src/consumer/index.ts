import { keepDeadLetter } from '../logs/dead-letters'
import { type LogRecord, logRecordSchema } from '../logs/log-record'
import { type LogStoreEnv, storeRecords } from '../logs/log-store'
import { recordFromJson, UNDELIVERED_PREFIX } from '../logs/undelivered'

const DEAD_LETTER_QUEUE_SUFFIX = '-dead'
const FIRST_RETRY_SECONDS = 1
const LONGEST_RETRY_SECONDS = 300
const UNDELIVERED_PER_RUN = 100

/** Writes log records from the queue into D1 and R2; a batch that fails is delivered again, later each time. */
export default {
  async queue(batch, env) {
    if (batch.queue.endsWith(DEAD_LETTER_QUEUE_SUFFIX)) return keepAll(batch.messages, env)
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
} satisfies ExportedHandler<LogStoreEnv>

async function storeAll(messages: readonly Message[], env: LogStoreEnv): Promise<void> {
  const readable: { message: Message; record: LogRecord }[] = []
  for (const message of messages) {
    const parsed = logRecordSchema.safeParse(message.body)
    if (parsed.success) readable.push({ message, record: parsed.data })
    else await keepOne(message, env, `not a log record of this version: ${parsed.error.message}`)
  }
  try {
    await storeRecords(
      env,
      readable.map(({ record }) => record),
    )
    for (const { message } of readable) message.ack()
  } catch (cause) {
    report('log_batch_failed', {
      messages: readable.length,
      cause: String(cause),
      reason: String(Object(cause).cause ?? ''),
    })
    for (const { message } of readable) retryLater(message)
  }
}

async function keepAll(messages: readonly Message[], env: LogStoreEnv): Promise<void> {
  for (const message of messages) await keepOne(message, env, 'the log store refused it too often')
}

async function keepOne(message: Message, env: LogStoreEnv, reason: string): Promise<void> {
  try {
    await keepDeadLetter(env, { messageId: message.id, body: message.body, reason, receivedAtMs: Date.now() })
    message.ack()
  } catch (cause) {
    report('dead_letter_failed', { messageId: message.id, cause: String(cause) })
    retryLater(message)
  }
}

function retryLater(message: Message): void {
  const delaySeconds = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** (message.attempts - 1))
  message.retry({ delaySeconds })
}

/** What the gateway could not hand to the queue; the object goes only when its row is written. */
async function bringIn(env: LogStoreEnv, key: string): Promise<void> {
  const object = await env.BODIES.get(key)
  if (object === null) return
  await storeRecords(env, [recordFromJson(await object.text())])
  await env.BODIES.delete(key)
}

function report(event: string, facts: Record<string, unknown>): void {
  // biome-ignore lint/suspicious/noConsole: the worker's own log is where an operator looks for this
  console.error(JSON.stringify({ event, ...facts }))
}
