/** Each bucket's upper edge is this much above the one before: an expectation is too high by a fifth at most. */
const BUCKETS_PER_DOUBLING = 4
/** Up to 2^24 tokens, more than any model writes. */
const LAST_BUCKET = 24 * BUCKETS_PER_DOUBLING
/** An observation counts half after a hundred newer ones. */
const GROWTH = 2 ** (1 / 100)
const RESCALE_ABOVE = 1e9
/** Fewer observations say nothing of a high percentile. */
const ENOUGH = 10
const PERCENTILE = 0.95

/** What a request is expected to write while nothing is known of its like, when it sets no limit itself. */
export const COLD_OUTPUT_TOKENS = 1_000
/** And when it does: a client that sets a high limit seldom needs all of it. */
export const COLD_LIMITED_TOKENS = 4_096

/** What calls of one kind have written lately: a histogram in which the new counts more than the old. */
export interface OutputHistory {
  /** How often anything was observed. */
  observations: number
  /** By bucket; all in proportion to `weight`. */
  buckets: Record<number, number>
  /** What the next observation counts. */
  weight: number
}

/** Before anything was observed. */
export function newHistory(): OutputHistory {
  return { observations: 0, buckets: {}, weight: 1 }
}

/** Takes in what a call has written. */
export function observe(history: OutputHistory, outputTokens: number): void {
  const bucket = bucketOf(outputTokens)
  history.observations++
  history.buckets[bucket] = (history.buckets[bucket] ?? 0) + history.weight
  history.weight *= GROWTH
  if (history.weight < RESCALE_ABOVE) return
  for (const index in history.buckets) history.buckets[index] = (history.buckets[index] ?? 0) / history.weight
  history.weight = 1
}

/** Tokens that nineteen of twenty calls stay below; null where too few were seen. */
export function typicalOutput(history: OutputHistory | undefined): number | null {
  return history === undefined || history.observations < ENOUGH ? null : percentileOf(history)
}

/** Tokens that a call is expected to write, by what is typical: never more than the request allows. */
export function expectedOutput(typical: number | null, mostTokens: number | undefined): number {
  if (typical !== null) return Math.min(mostTokens ?? Number.POSITIVE_INFINITY, typical)
  return mostTokens === undefined ? COLD_OUTPUT_TOKENS : Math.min(mostTokens, COLD_LIMITED_TOKENS)
}

function percentileOf({ buckets }: OutputHistory): number {
  // Keys of an object that are whole numbers come in their order.
  const entries = Object.entries(buckets).map(([bucket, count]) => ({ bucket: Number(bucket), count }))
  const wanted = PERCENTILE * entries.reduce((sum, { count }) => sum + count, 0)
  let seen = 0
  for (const { bucket, count } of entries) {
    seen += count
    if (seen >= wanted) return edgeOf(bucket)
  }
  return edgeOf(entries.at(-1)?.bucket ?? 0)
}

function bucketOf(tokens: number): number {
  if (tokens <= 1) return 0
  return Math.min(LAST_BUCKET, Math.ceil(BUCKETS_PER_DOUBLING * Math.log2(tokens)))
}

function edgeOf(bucket: number): number {
  return Math.ceil(2 ** (bucket / BUCKETS_PER_DOUBLING))
}
