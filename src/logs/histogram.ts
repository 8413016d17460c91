/** The upper ends of a histogram's buckets, in milliseconds; one more bucket is for what is above. */
export const BOUNDS_MS = [
  50, 100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000,
  60_000, 120_000,
] as const

/** How many buckets a histogram has. */
export const BUCKETS = BOUNDS_MS.length + 1

/** The bucket of a time, from 0 on. */
export function bucketOf(ms: number): number {
  const index = BOUNDS_MS.findIndex((bound) => ms <= bound)
  return index === -1 ? BOUNDS_MS.length : index
}

/**
 * The time that a share of the requests kept to, in milliseconds, as if those of a bucket were spread evenly over it; the
 * last bound for what is above all of them. Undefined for an empty histogram.
 */
export function percentile(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  const wanted = total * share
  let before = 0
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && before + count >= wanted) return within(bucket, (wanted - before) / count)
    before += count
  }
  return within(BOUNDS_MS.length, 1)
}

function within(bucket: number, share: number): number {
  const low = BOUNDS_MS[bucket - 1] ?? 0
  const high = BOUNDS_MS[bucket] ?? low
  return Math.round(low + (high - low) * share)
}
