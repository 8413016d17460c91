/** Where a snapshot comes from, and how old it may get. */
export interface SnapshotSource<T> {
  /** The present value; given the one that is known, it reads only what has changed and may return the same. */
  load(known: T | undefined): Promise<T>
  /** The last good value from elsewhere, for a start while `load` fails. */
  rescue(): Promise<T | undefined>
  /** Called in the background with each value that `load` newly made. */
  loaded(value: T): Promise<void>
  now(): number
  /** From this age on a request starts a look for changes and does not wait for it. */
  refreshAfterMs: number
  /** From this age on a request waits for the look: after a quiet time nothing older is served. */
  staleAfterMs: number
  /** How long a request waits for a look before it goes on with what is known. */
  patienceMs: number
}

/** A value held in the isolate's memory, looked after in the background. */
export interface Snapshot<T> {
  /** The value at once when it is fresh; a promise only in a cold or long idle isolate. */
  get(background: (work: Promise<unknown>) => void): T | Promise<T>
  /** The last look failed: what is known may be older than what is true. */
  isBehind(): boolean
  /** A look for changes now, at most once per `minimumAgeMs`. */
  refreshed(background: (work: Promise<unknown>) => void, minimumAgeMs: number): Promise<T>
}

/**
 * No promise is shared between requests: workerd binds I/O to the request that started it, and a request that waits
 * for another one's I/O hangs when that one is cancelled. A cold isolate may therefore load more than once.
 */
export function createSnapshot<T>(source: SnapshotSource<T>): Snapshot<T> {
  let value: T | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let lookingSince = Number.NEGATIVE_INFINITY
  let looks = 0
  let valueOfLook = 0
  let isBehind = false

  const look = async (background: (work: Promise<unknown>) => void): Promise<T> => {
    const startedAt = source.now()
    const order = ++looks
    lookingSince = startedAt
    try {
      const loaded = await source.load(value)
      if (loaded !== value && order > valueOfLook) background(source.loaded(loaded).catch(() => undefined))
      if (order === looks) isBehind = false
      // A look that began before another one and ends after it has read what was true before.
      if (order > valueOfLook) {
        value = loaded
        valueOfLook = order
      }
      return loaded
    } catch (cause) {
      isBehind = true
      const known = await rescued()
      if (known === undefined) throw cause
      return known
    } finally {
      // A failed look counts as one: with the source away, one request in `refreshAfterMs` tries it, not every one.
      if (value !== undefined) lookedAt = Math.max(lookedAt, startedAt)
      lookingSince = Number.NEGATIVE_INFINITY
    }
  }

  const rescued = async (): Promise<T | undefined> => {
    value ??= await source.rescue().catch(() => undefined)
    return value
  }

  /** A source that is silent is away as much as one that fails: after a while what is known must do. */
  const lookPatiently = async (background: (work: Promise<unknown>) => void): Promise<T> => {
    const looking = look(background)
    background(looking.catch(() => undefined))
    const silent = scheduler.wait(source.patienceMs).then(async () => {
      isBehind = true
      return (await rescued()) ?? looking
    })
    // Only the winner is looked at; the other one's failure is nobody's.
    silent.catch(() => undefined)
    return Promise.race([looking, silent])
  }

  return {
    isBehind: () => isBehind,
    get(background) {
      if (value === undefined) return lookPatiently(background)
      const ageMs = source.now() - lookedAt
      if (ageMs < source.refreshAfterMs) return value
      if (source.now() - lookingSince < source.patienceMs) return value
      if (ageMs >= source.staleAfterMs) return lookPatiently(background)
      background(look(background).catch(() => undefined))
      return value
    },
    async refreshed(background, minimumAgeMs) {
      const isFresh = value !== undefined && source.now() - lookedAt < minimumAgeMs
      return isFresh && value !== undefined ? value : lookPatiently(background)
    },
  }
}
