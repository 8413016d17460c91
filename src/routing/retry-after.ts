/** Longer than this nobody waits; a provider's clock may be wrong by days. */
const LONGEST_MS = 24 * 60 * 60_000

/**
 * How long a provider asks to be left alone, in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as an
 * HTTP date; undefined when it says nothing that makes sense.
 */
export function retryAfterMsOf(
  headers: readonly (readonly [string, string])[],
  nowMs: number,
): number | undefined {
  const valueOf = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1].trim()
  const exact = numberIn(valueOf('retry-after-ms'))
  if (exact !== undefined) return bounded(exact)
  const text = valueOf('retry-after')
  const seconds = numberIn(text)
  if (seconds !== undefined) return bounded(seconds * 1_000)
  const dateMs = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(dateMs) ? undefined : bounded(dateMs - nowMs)
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined
}

function bounded(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), LONGEST_MS)
}
