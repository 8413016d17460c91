/** Gives attributes by name; what was asked for is not among the rest. */
export interface Taken {
  (name: string): unknown
  /** Those whose names begin so, by what is behind it. */
  below(prefix: string): Record<string, unknown>
  /** What nobody has asked for. */
  rest(): Record<string, unknown>
}

/** Attributes from which each reader takes its own. */
export function taking(attributes: Readonly<Record<string, unknown>>): Taken {
  const taken = new Set<string>()
  const take = (name: string) => {
    if (Object.hasOwn(attributes, name)) taken.add(name)
    return Object.hasOwn(attributes, name) ? attributes[name] : undefined
  }
  const below = (prefix: string) => {
    const names = Object.keys(attributes).filter((name) => name.startsWith(prefix))
    return Object.fromEntries(names.map((name) => [name.slice(prefix.length), take(name)]))
  }
  const rest = () => Object.fromEntries(Object.entries(attributes).filter(([name]) => !taken.has(name)))
  return Object.assign(take, { below, rest })
}

/** The first of these that is there; all of them count as taken. */
export function firstOf(take: Taken, names: readonly string[]): unknown {
  return names.map(take).find((value) => value !== undefined && value !== null && value !== '')
}
