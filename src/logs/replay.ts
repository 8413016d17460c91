import type { Env } from '../platform/env'
import { DEAD_LETTER_PREFIX } from './dead-letters'
import { deliverLogs, type LogOutEnv } from './emit'
import type { LogRecord } from './log-record'
import { recordFromJson } from './record-from-json'
import { UNDELIVERED_PREFIX } from './undelivered'

const MOST_AT_ONCE = 100

/** What a replay did; `cursor` is where the next one goes on, absent at the end. */
export interface Replayed {
  replayed: number
  /** Objects that are no log record of this version; they stay. */
  unreadable: string[]
  cursor?: string
}

/**
 * Hands dead letters, or records that the queue did not take, to the log queue once more, up to a hundred. The store knows
 * each log by its id, so what was written after all is neither written nor counted twice. An object goes when the queue
 * has its record.
 */
export async function replayLogs(
  env: LogOutEnv & Pick<Env, 'LOGS'>,
  given: { kind: 'dead-letters' | 'undelivered'; cursor?: string },
): Promise<Replayed> {
  const prefix = given.kind === 'undelivered' ? UNDELIVERED_PREFIX : DEAD_LETTER_PREFIX
  const cursor = given.cursor === undefined ? {} : { cursor: given.cursor }
  const listed = await env.BODIES.list({ prefix, limit: MOST_AT_ONCE, ...cursor })
  const found = await Promise.all(listed.objects.map(({ key }) => recordAt(env.BODIES, key)))
  const records = found.flatMap(({ record }) => record ?? [])
  await deliverLogs(env, records)
  const keys = found.flatMap(({ key, record }) => (record === undefined ? [] : [key]))
  if (keys.length > 0) {
    await env.BODIES.delete(keys)
    await env.LOGS.prepare('delete from dead_letters where object_key in (select value from json_each(?))')
      .bind(JSON.stringify(keys))
      .run()
  }
  return {
    replayed: records.length,
    unreadable: found.flatMap(({ key, record }) => (record === undefined ? [key] : [])),
    ...(listed.truncated ? { cursor: listed.cursor } : {}),
  }
}

async function recordAt(bucket: R2Bucket, key: string): Promise<{ key: string; record?: LogRecord }> {
  const object = await bucket.get(key)
  if (object === null) return { key }
  try {
    return { key, record: recordFromJson(await object.text()) }
  } catch {
    // A message for somebody else, or of another release.
    return { key }
  }
}
