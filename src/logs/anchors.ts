/** Where a page of a list ended: its last row's sort value and number. */
export interface Anchor {
  value: number
  rowNumber: number
}

const MAX_LISTS = 200
const MAX_PAGES = 1_000
const LIFETIME_MS = 15 * 60_000

interface List {
  touchedAtMs: number
  /** By the number of the page that ended there. */
  ends: Map<number, Anchor>
}

/** By the query, without its page. */
const lists = new Map<string, List>()

/** Remembers, in this isolate, where a page of a list ended, so that the next one need not be counted up to. */
export function rememberEnd(query: string, page: number, anchor: Anchor, nowMs: number): void {
  const known = lists.get(query)
  // The first page begins the list anew: what came in since belongs to it.
  const isKnown = known !== undefined && page > 1 && nowMs - known.touchedAtMs < LIFETIME_MS
  const list = isKnown ? known : { touchedAtMs: nowMs, ends: new Map<number, Anchor>() }
  list.touchedAtMs = nowMs
  if (list.ends.size < MAX_PAGES || list.ends.has(page)) list.ends.set(page, anchor)
  lists.delete(query)
  lists.set(query, list)
  const [oldest] = lists.keys()
  if (lists.size > MAX_LISTS && oldest !== undefined) lists.delete(oldest)
}

/** The remembered end that lies nearest before a page, and how many whole pages lie between. */
export function nearestEnd(
  query: string,
  page: number,
  nowMs: number,
): { anchor: Anchor; pagesBetween: number } | undefined {
  const list = lists.get(query)
  if (list === undefined || nowMs - list.touchedAtMs >= LIFETIME_MS) return undefined
  const before = [...list.ends.keys()].filter((ended) => ended < page)
  const nearest = before.length === 0 ? undefined : Math.max(...before)
  const anchor = nearest === undefined ? undefined : list.ends.get(nearest)
  return nearest === undefined || anchor === undefined
    ? undefined
    : { anchor, pagesBetween: page - 1 - nearest }
}
