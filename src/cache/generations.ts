import type { CacheGenerationRow } from '../platform/config-schema'
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
  const begin = database
    .prepare(
      `insert into cache_generations (scope, subject, began_at_ms) values (?1, ?2, ?3)
        on conflict (scope, subject) do update set began_at_ms = max(began_at_ms, ?3) returning began_at_ms`,
    )
    .bind(scope, subject, nowMs)
  const forget = database
    .prepare(
      "delete from cache_generations where (scope = 'key' and began_at_ms < ?1) or (?2 = 'all' and scope <> 'all')",
    )
    .bind(nowMs - KEY_ROW_MS, scope)
  const [begun] = await database.batch<{ began_at_ms: number }>([begin, forget])
  return begun?.results[0]?.began_at_ms ?? nowMs
}
