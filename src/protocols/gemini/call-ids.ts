/** Ids for calls that Google gives none, and the calls that results belong to. */
export interface CallIds {
  /** The id of a call: its own, or one made of its number. */
  of(given: string | undefined, name: string): string
  /** The call that a result answers: the one of its id, else the first of its name that has no result yet. */
  answered(given: string | undefined, name: string): string | undefined
}

/** Counts the calls of one conversation, or with another `made` of one reply. */
export function callIds(made = (call: number) => `call_${call}`): CallIds {
  const known = new Set<string>()
  const open = new Map<string, string[]>()
  let count = 0
  return {
    of(given, name) {
      let id = given ?? made(count)
      while (given === undefined && known.has(id)) id = made(++count)
      count++
      known.add(id)
      open.set(name, [...(open.get(name) ?? []), id])
      return id
    },
    answered(given, name) {
      const waiting = open.get(name) ?? []
      const id = given !== undefined && known.has(given) ? given : (waiting[0] ?? given)
      open.set(
        name,
        waiting.filter((one) => one !== id),
      )
      return id
    },
  }
}
