/** Milliseconds between the tries of what may be done twice. */
const WAITS_MS = [200, 1_000, 5_000]

/** Does what may be done twice until it succeeds, four times at most; undefined when it never does. Never rejects. */
export async function untilDone<T>(work: () => Promise<T>): Promise<T | undefined> {
  for (const waitMs of [...WAITS_MS, undefined]) {
    try {
      return await work()
    } catch {
      if (waitMs !== undefined) await scheduler.wait(waitMs)
    }
  }
  return undefined
}

/** What was asked for, when it comes in time; undefined when it does not. */
export async function within<T>(timeoutMs: number, asked: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), timeoutMs)
  return Promise.race([asked, late.promise]).finally(() => clearTimeout(timer))
}
