import { drizzle } from 'drizzle-orm/d1'
import { deadLetters } from '../platform/logs-schema'
import { logRecordSchema } from './log-record'
import type { LogStoreEnv } from './log-store'
import { recordToJson } from './undelivered'

/** Where messages lie that could not be written. */
export const DEAD_LETTER_PREFIX = 'dead-letters/'

/** A message that nobody else will take, and why. */
export interface DeadLetter {
  messageId: string
  body: unknown
  reason: string
  receivedAtMs: number
}

/** Keeps a message for good: whole in R2, and listed in D1. */
export async function keepDeadLetter(env: LogStoreEnv, letter: DeadLetter): Promise<void> {
  const record = logRecordSchema.safeParse(letter.body)
  const objectKey = `${DEAD_LETTER_PREFIX}${new Date(letter.receivedAtMs).toISOString().slice(0, 10)}/${letter.messageId}.json`
  await env.BODIES.put(objectKey, record.success ? recordToJson(record.data) : printable(letter.body))
  const row = {
    messageId: letter.messageId,
    logId: record.success ? record.data.id : null,
    objectKey,
    reason: letter.reason,
    receivedAtMs: letter.receivedAtMs,
  }
  await drizzle(env.LOGS).insert(deadLetters).values(row).onConflictDoNothing()
}

// Whatever somebody sent: also what JSON has no form for must not keep the letter from being kept.
function printable(body: unknown): string {
  return (
    JSON.stringify(body, (_, value) => {
      if (value instanceof Uint8Array) return new TextDecoder().decode(value)
      return typeof value === 'bigint' ? String(value) : value
    }) ?? 'null'
  )
}
