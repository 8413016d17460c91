import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import consumer from '../../src/consumer/index'
import type { LogBody, LogRecord } from '../../src/logs/log-record'
import type { LogStoreEnv } from '../../src/logs/log-store'

const encoder = new TextEncoder()
const STARTED = Date.parse('2026-11-21T09:30:00Z')

/** A body that rides in the message. */
export function inline(text: string): LogBody {
  return { kind: 'inline', bytes: encoder.encode(text) }
}

/** The record of a request that went well. */
export function logRecord(id: string, given: Partial<LogRecord> = {}): LogRecord {
  return {
    version: 1,
    id,
    startedAtMs: STARTED,
    endedAtMs: STARTED + 1_234,
    environment: 'prod',
    apiKeyId: 'key-1',
    apiKeyName: 'a key',
    method: 'POST',
    path: '/v1/chat/completions',
    userAgent: undefined,
    logType: 'chat',
    stream: false,
    model: 'demo/echo',
    upstreamModel: 'echo',
    providerId: 'demo',
    credentialKind: 'none',
    ending: 'completed',
    statusCode: 200,
    routingMs: 3,
    attempts: [],
    dropped: [],
    tags: {},
    requestBody: inline(`{"id":"${id}"}`),
    responseBody: inline(`{"for":"${id}"}`),
    ...given,
  }
}

/** What became of each message: `ack`, or `retry` with its delay in seconds. */
export type Fates = Record<string, string>

/** Gives messages to the consumer as one batch. */
export async function deliver(
  bodies: readonly unknown[],
  given: { env?: LogStoreEnv; queue?: string; attempts?: number } = {},
): Promise<Fates> {
  const { queue = 'sluice-logs', attempts = 1 } = given
  const messages = bodies.map((body, index) => ({
    id: `message-${index}`,
    timestamp: STARTED,
    attempts,
    body,
  }))
  const batch = createMessageBatch(queue, messages)
  const context = createExecutionContext()
  // The batch of the test tools forgets with which delay a message is to come again.
  const retries = new Map(batch.messages.map((message) => [message.id, vi.spyOn(message, 'retry')]))
  await consumer.queue(batch, given.env ?? env)
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context)
  return Object.fromEntries([
    ...explicitAcks.map((id) => [id, 'ack']),
    ...retryMessages.map(({ msgId }) => [
      msgId,
      `retry ${retries.get(msgId)?.mock.calls[0]?.[0]?.delaySeconds}`,
    ]),
  ])
}

/** The rows of the logs with these ids, as SQLite has them. */
export async function rowsOf(...ids: string[]): Promise<Record<string, unknown>[]> {
  const marks = ids.map(() => '?').join(',')
  const statement = env.LOGS.prepare(`select * from request_logs where id in (${marks}) order by id`)
  return (await statement.bind(...ids).all()).results
}

/** R2 as it is, but for what the test wants to go wrong or to see. */
export function bucketWith(changes: Partial<Pick<R2Bucket, 'put' | 'get'>>): R2Bucket {
  return new Proxy(env.BODIES, {
    get(target, name) {
      const value: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
