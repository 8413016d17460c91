import type { InlineLimit, LimitRow } from '../platform/config-schema'

/** Whose limit it is, and what it counts. */
export type LimitWords = Pick<
  LimitRow,
  'id' | 'name' | 'scope' | 'subject' | 'metric' | 'window' | 'value' | 'action'
>

/** A limit that has no row of its own, in the form of one that has. */
export function limitRowOf(words: LimitWords): LimitRow {
  return { ...words, onUnavailable: null, refusalStatus: null, createdAtMs: 0, updatedAtMs: 0 }
}

/**
 * The limits that are part of an API key. Their ids come from what they count, so that another value or action goes on
 * with the same count.
 */
export function limitsOfKey(key: {
  id: string
  name: string
  limits: readonly InlineLimit[] | null | undefined
}): LimitRow[] {
  const { limits } = key
  if (limits === null || limits === undefined) return []
  const seen = new Map<string, number>()
  return limits.map((limit) => {
    const { metric, window, value, action } = limit
    const kind = `${metric}:${window}`
    const ordinal = seen.get(kind) ?? 0
    seen.set(kind, ordinal + 1)
    return limitRowOf({
      id: `key:${key.id}:${kind}${ordinal === 0 ? '' : `:${ordinal}`}`,
      name: `${limit.name ?? `${metric} per ${window}`} of the key ${key.name}`,
      scope: 'api_key',
      subject: key.id,
      metric,
      window,
      value,
      action,
    })
  })
}
