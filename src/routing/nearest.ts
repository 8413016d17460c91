const MAX_SUGGESTIONS = 3

/** The names most like a mistyped one, best first: few edits apart, or one containing the other. */
export function nearest(name: string, names: readonly string[]): string[] {
  const wanted = name.toLowerCase()
  const tail = wanted.slice(wanted.lastIndexOf('/') + 1)
  const mostEdits = Math.max(2, Math.floor(tail.length / 3))
  return names
    .map((known) => ({
      known,
      edits: Math.min(distance(wanted, known.toLowerCase()), distanceOfTail(tail, known.toLowerCase())),
    }))
    .filter(({ edits }) => edits <= mostEdits)
    .sort((a, b) => a.edits - b.edits || a.known.localeCompare(b.known))
    .slice(0, MAX_SUGGESTIONS)
    .map(({ known }) => known)
}

function distanceOfTail(tail: string, known: string): number {
  const knownTail = known.slice(known.lastIndexOf('/') + 1)
  return tail.length >= 4 && knownTail.startsWith(tail) ? 1 : distance(tail, knownTail)
}

// Levenshtein's distance, one row at a time.
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substituted))
    }
    row = next
  }
  return row[b.length] ?? 0
}
