import type { LedgerStore, Part } from './ledger-store'

/** One count: of one policy in one window. */
export interface Counter {
  readonly name: string
  /** What settled requests took, and expired ones had reserved. */
  used: number
  /** What running ones hold; known from their holds, so it is not stored. */
  reserved: number
  /** How much of `reserved` is what leases may still give out. */
  leased: number
  /** How much of `used` is of expired holds whose truth may still come. */
  uncertain: number
  /** The value of the policy whose crossing was told in this window. */
  toldValue: number | null
}

/** Beyond this many in memory the idle ones are read from storage again when they are asked for. */
const MOST_IN_MEMORY = 2_000

/** The counters of a ledger, read when they are first asked for. */
export class Counters {
  private readonly known = new Map<string, Counter>()

  constructor(private readonly store: LedgerStore) {}

  get(name: string): Counter {
    const known = this.known.get(name)
    if (known !== undefined) return known
    const counter = { name, ...this.store.count(name), reserved: 0, leased: 0, uncertain: 0 }
    this.known.set(name, counter)
    return counter
  }

  /** Stores the counters of parts as they are now. */
  save(parts: readonly Pick<Part, 'counter' | 'endsAtMs'>[]): void {
    this.store.saveCounts(parts.map(({ counter, endsAtMs }) => ({ ...this.get(counter), endsAtMs })))
  }

  tidy(): void {
    if (this.known.size <= MOST_IN_MEMORY) return
    for (const [name, { reserved, uncertain }] of this.known)
      if (reserved === 0 && uncertain === 0) this.known.delete(name)
  }
}
