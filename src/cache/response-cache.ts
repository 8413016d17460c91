import { within } from '../platform/waiting'
import { type CacheEntry, decodeEntry, encodeEntry } from './entry'
import { createMemoryTier, type MemoryTier } from './memory-tier'

/** The bindings and variables of the response cache. */
export interface CacheEnv {
  CACHE: KVNamespace
  /** How long a look-up may take before the provider is asked instead. */
  CACHE_TIMEOUT_MS?: string
  /** How many bytes of answers an isolate holds in memory. */
  CACHE_MEMORY_BYTES?: string
}

/** What an isolate has of the cache: answers in memory, and when it last wrote each key. */
export interface ResponseCache {
  memory: MemoryTier<CacheEntry>
  writtenAtMs: Map<string, number>
}

/** What an isolate holds in memory when CACHE_MEMORY_BYTES does not say. */
export const DEFAULT_MEMORY_BYTES = 8 * 1024 * 1024
/** What a look-up may take when CACHE_TIMEOUT_MS does not say. */
export const DEFAULT_TIMEOUT_MS = 300
/** A KV value may have 25 MiB (Workers KV, "Limits"). */
const MAX_VALUE_BYTES = 25 * 1024 * 1024
/** KV keeps nothing for less (Workers KV, "Expiring keys"). */
const MIN_KV_TTL_SECONDS = 60
/** One write a second and key (Workers KV, "Limits"). */
const WRITE_GAP_MS = 1_000
/** For so long KV itself may show what was there before, so that memory may as well. */
const TRUST_MS = 60_000
const MAX_REMEMBERED_WRITES = 10_000

/** Made with an isolate. */
export function createResponseCache(memoryBytes: number): ResponseCache {
  return { memory: createMemoryTier(memoryBytes), writtenAtMs: new Map() }
}

/** The entry of a key, from memory or KV; undefined when there is none, or KV is away or slower than allowed. */
export async function readEntry(
  env: CacheEnv,
  { memory }: ResponseCache,
  { key, nowMs, timeoutMs }: { key: string; nowMs: number; timeoutMs: number },
): Promise<CacheEntry | undefined> {
  const held = memory.get(key, nowMs)
  if (held !== undefined) return held
  const entry = await readStored(env, { key, timeoutMs })
  if (entry !== undefined) hold(memory, key, { entry, nowMs })
  return entry
}

/** The entry that KV has under a key; undefined when there is none, or KV is away or slower than allowed. */
export async function readStored(
  env: CacheEnv,
  { key, timeoutMs }: { key: string; timeoutMs: number },
): Promise<CacheEntry | undefined> {
  const stored = await foundWithin(timeoutMs, env.CACHE.get(nameOf(key), 'arrayBuffer'))
  return stored === undefined ? undefined : decodeEntry(new Uint8Array(stored))
}

/** Keeps an entry; a KV that is full, away or asked too often is no failure of the request's. */
export async function writeEntry(
  env: CacheEnv,
  { memory, writtenAtMs }: ResponseCache,
  { key, entry, nowMs }: { key: string; entry: CacheEntry; nowMs: number },
): Promise<void> {
  const encoded = encodeEntry(entry)
  if (encoded.byteLength > MAX_VALUE_BYTES) return
  hold(memory, key, { entry, nowMs })
  if (nowMs - (writtenAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < WRITE_GAP_MS) return
  if (writtenAtMs.size >= MAX_REMEMBERED_WRITES) writtenAtMs.clear()
  writtenAtMs.set(key, nowMs)
  const seconds = Math.ceil((entry.about.expiresAtMs - nowMs) / 1_000)
  await env.CACHE.put(nameOf(key), encoded, { expirationTtl: Math.max(MIN_KV_TTL_SECONDS, seconds) }).catch(
    (cause: unknown) => report('cache_write_failed', key, cause),
  )
}

/** Takes an entry out of KV and out of this isolate's memory. */
export async function removeEntry(env: CacheEnv, { memory }: ResponseCache, key: string): Promise<void> {
  memory.forget(key)
  await env.CACHE.delete(nameOf(key))
}

function hold(
  memory: MemoryTier<CacheEntry>,
  key: string,
  { entry, nowMs }: { entry: CacheEntry; nowMs: number },
): void {
  const untilMs = Math.min(nowMs + TRUST_MS, entry.about.expiresAtMs)
  memory.put(key, entry, { bytes: entry.reply.bytes.byteLength + 1_000, untilMs })
}

function nameOf(key: string): string {
  return `cache:${key}`
}

async function foundWithin<T>(timeoutMs: number, looking: Promise<T | null>): Promise<T | undefined> {
  const found = looking.catch((cause: unknown) => report('cache_read_failed', '', cause))
  return (await within(timeoutMs, found)) ?? undefined
}

function report(event: string, key: string, cause: unknown): undefined {
  // biome-ignore lint/suspicious/noConsole: the worker's own log is where an operator looks for this
  console.error(JSON.stringify({ event, key, cause: String(cause) }))
  return undefined
}
