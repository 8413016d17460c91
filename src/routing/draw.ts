/** Numbers from 0 (inclusive) to 1: dice, or the hash of a key that is to come to the same choice again. */
export interface Luck {
  roll(): number
  /** What ties a request to a choice; it is only asked for when there is a choice. */
  stickyKey?(): string | undefined
}

/**
 * A weighted draw without replacement: an item is first with the probability weight / sum of weights, and the rest
 * follow by the same rule. Each item draws an exponential time with its weight as the rate, and the earliest goes
 * first. With a sticky key the times are hashes of key and item, so that the same key comes to the same order, and
 * an item that joins or leaves moves no other item's keys (rendezvous hashing).
 */
export function drawn<Item>(
  items: readonly Item[],
  about: (item: Item) => { id: string; weight: number },
  luck: Luck,
): Item[] {
  if (items.length < 2) return [...items]
  const key = luck.stickyKey?.()
  return items
    .map((item) => {
      const { id, weight } = about(item)
      const chance = key === undefined ? luck.roll() : hashed(`${key}\u0000${id}`)
      return { item, time: -Math.log1p(-chance) / weight }
    })
    .sort((a, b) => a.time - b.time)
    .map(({ item }) => item)
}

// FNV-1a, then the finalizer of MurmurHash3 (both public domain), which spreads what differs in the last letters.
function hashed(text: string): number {
  return hashOf(text) / 4_294_967_296
}

/** A stable 32-bit hash; not for secrets that must not be guessed. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
