import { and, eq, lt, ne, or, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { type CacheGenerationRow, cacheGenerations } from '../platform/config-schema'
import type { CacheEntry } from './entry'

/** Which kept answers are to be served no more. */
export interface Clearing {
  scope: CacheGenerationRow['scope']
  /** Empty for all. */
  subject: string
}

/** After this a key that was deleted is gone from KV everywhere, and from the memory of all isolates. */
const KEY_ROW_MS = 10 * 60_000

/** Whether an answer is of a generation that has been cleared since its request came. */
export function isCleared(
  { reply: { head }, about }: CacheEntry,
  key: string,
  generations: ReadonlyMap<string, number>,
): boolean {
  if (generations.size === 0) return false
  const names = ['all:', `model:${head.model}`, `customer:${about.customer ?? ''}`, `key:${key}`]
  return names.some((name) => about.askedAtMs <= (generations.get(name) ?? Number.NEGATIVE_INFINITY))
}

/** Begins a new generation; older ones that it includes are forgotten. Answers when it began. */
export async function beginGeneration(
  database: D1Database,
  { scope, subject }: Clearing,
  nowMs: number,
): Promise<number> {
  const config = drizzle(database)
  const isOver = and(eq(cacheGenerations.scope, 'key'), lt(cacheGenerations.beganAtMs, nowMs - KEY_ROW_MS))
  const [row] = await config
    .insert(cacheGenerations)
    .values({ scope, subject, beganAtMs: nowMs })
    .onConflictDoUpdate({
      target: [cacheGenerations.scope, cacheGenerations.subject],
      set: { beganAtMs: sql`max(${cacheGenerations.beganAtMs}, ${nowMs})` },
    })
    .returning()
  await config
    .delete(cacheGenerations)
    .where(scope === 'all' ? or(isOver, ne(cacheGenerations.scope, 'all')) : isOver)
  return row?.beganAtMs ?? nowMs
}
