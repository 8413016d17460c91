/** Entries that this isolate used lately, so that a hot one needs no storage. */
export interface MemoryTier<Entry> {
  get(key: string, nowMs: number): Entry | undefined
  /** Kept until its time is over or others need the room; what alone is larger than a quarter of it is not kept. */
  put(key: string, entry: Entry, size: { bytes: number; untilMs: number }): void
  forget(key: string): void
}

interface Kept<Entry> {
  entry: Entry
  bytes: number
  untilMs: number
}

/** A map bounded by bytes that drops what was not used for the longest time. */
export function createMemoryTier<Entry>(maxBytes: number): MemoryTier<Entry> {
  // A map remembers the order in which its keys came: the first is the oldest.
  const kept = new Map<string, Kept<Entry>>()
  let total = 0
  const forget = (key: string) => {
    total -= kept.get(key)?.bytes ?? 0
    kept.delete(key)
  }
  return {
    get(key, nowMs) {
      const found = kept.get(key)
      if (found === undefined) return undefined
      kept.delete(key)
      if (found.untilMs <= nowMs) {
        total -= found.bytes
        return undefined
      }
      kept.set(key, found)
      return found.entry
    },
    put(key, entry, { bytes, untilMs }) {
      forget(key)
      if (bytes > maxBytes / 4) return
      kept.set(key, { entry, bytes, untilMs })
      total += bytes
      for (const oldest of kept.keys()) {
        if (total <= maxBytes) return
        forget(oldest)
      }
    },
    forget,
  }
}
