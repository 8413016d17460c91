import { describe, expect, test } from 'vitest'
import { createSnapshot } from '../../src/platform/snapshot'

interface Value {
  version: number
}

/** A source that is asked, and answers when the test says so. */
function source() {
  const asked: { known: Value | undefined; answer(value: Value): void; fail(): void }[] = []
  const kept: number[] = []
  const background: Promise<unknown>[] = []
  const state: { nowMs: number; rescued: Value | undefined; rescues: number } = {
    nowMs: 1_000_000,
    rescued: undefined,
    rescues: 0,
  }
  const snapshot = createSnapshot<Value>({
    load: (known) =>
      new Promise((resolve, reject) => {
        asked.push({ known, answer: resolve, fail: () => reject(new Error('the source is away')) })
      }),
    async rescue() {
      state.rescues++
      return state.rescued
    },
    async loaded(value) {
      kept.push(value.version)
    },
    now: () => state.nowMs,
    refreshAfterMs: 5_000,
    staleAfterMs: 8_000,
    patienceMs: 50,
  })
  const later = (work: Promise<unknown>) => void background.push(work)
  return {
    asked,
    kept,
    state,
    get: () => snapshot.get(later),
    refreshed: (minimumAgeMs: number) => snapshot.refreshed(later, minimumAgeMs),
    isBehind: () => snapshot.isBehind(),
    /** All that was left to the background has ended, and none of it badly. */
    settled: () => Promise.all(background),
  }
}

type Source = ReturnType<typeof source>

const versionOf = async (value: Value | Promise<Value>) => (await value).version

/** A source whose first value is loaded. */
async function warm(): Promise<Source> {
  const made = source()
  const first = made.get()
  made.asked[0]?.answer({ version: 1 })
  await first
  await made.settled()
  return made
}

describe('a cold isolate', () => {
  test('waits for the first value and keeps it', async () => {
    const { get, asked, kept, settled } = source()
    const first = get()
    expect(first).toBeInstanceOf(Promise)
    expect(asked).toHaveLength(1)
    expect(asked[0]?.known).toBeUndefined()
    asked[0]?.answer({ version: 1 })
    expect(await versionOf(first)).toBe(1)
    await settled()
    expect(kept).toEqual([1])
  })

  test('loads once for each request: none waits for another one’s promise', async () => {
    const { get, asked } = source()
    const [one, two] = [get(), get()]
    expect(asked).toHaveLength(2)
    asked[1]?.answer({ version: 1 })
    expect(await versionOf(two)).toBe(1)
    asked[0]?.answer({ version: 1 })
    expect(await versionOf(one)).toBe(1)
  })

  test('takes the last good value when the source is away, and does not keep it again', async () => {
    const { get, asked, state, kept, settled } = source()
    state.rescued = { version: 7 }
    const first = get()
    asked[0]?.fail()
    expect(await versionOf(first)).toBe(7)
    await settled()
    expect(kept).toEqual([])
    expect(get()).toEqual({ version: 7 })
    expect(asked).toHaveLength(1)
  })

  test('does not wait for ever: with a silent source the last good value serves', async () => {
    const { get, state } = source()
    state.rescued = { version: 7 }
    const nothing = scheduler.wait(2_000).then(() => 'nothing')
    expect(await Promise.race([versionOf(get()), nothing])).toBe(7)
  })

  test('fails as the source does when there is no last good value, and tries again at once', async () => {
    const { get, asked, state } = source()
    const first = get()
    asked[0]?.fail()
    await expect(first).rejects.toThrow('the source is away')
    expect(state.rescues).toBe(1)
    const second = get()
    asked[1]?.answer({ version: 1 })
    expect(await versionOf(second)).toBe(1)
  })
})

describe('a warm isolate', () => {
  test.each([0, 1, 4_999])('answers at once and asks nobody after %i ms', async (ageMs) => {
    const { get, asked, state } = await warm()
    state.nowMs += ageMs
    expect(get()).toEqual({ version: 1 })
    expect(asked).toHaveLength(1)
  })

  test.each([5_000, 7_999])('answers at once after %i ms and looks for changes behind it', async (ageMs) => {
    const { get, asked, state, settled, kept } = await warm()
    state.nowMs += ageMs
    expect(get()).toEqual({ version: 1 })
    expect(asked).toHaveLength(2)
    expect(asked[1]?.known).toEqual({ version: 1 })
    asked[1]?.answer({ version: 2 })
    await settled()
    expect(get()).toEqual({ version: 2 })
    expect(kept).toEqual([1, 2])
  })

  test('keeps nothing and looks again after five seconds when nothing has changed', async () => {
    const { get, asked, state, settled, kept } = await warm()
    state.nowMs += 5_000
    const known = get()
    if (known instanceof Promise) throw new Error('a warm isolate does not wait')
    asked[1]?.answer(known)
    await settled()
    expect(kept).toEqual([1])
    state.nowMs += 4_999
    expect(get()).toBe(known)
    expect(asked).toHaveLength(2)
    state.nowMs += 1
    expect(get()).toBe(known)
    expect(asked).toHaveLength(3)
  })

  test('looks once while many requests come', async () => {
    const { get, asked, state } = await warm()
    state.nowMs += 6_000
    for (let count = 0; count < 50; count++) expect(get()).toEqual({ version: 1 })
    expect(asked).toHaveLength(2)
  })

  test('waits for the look after a quiet time, so that nothing older than ten seconds is served', async () => {
    const { get, asked, state } = await warm()
    state.nowMs += 8_000
    const answer = get()
    expect(answer).toBeInstanceOf(Promise)
    asked[1]?.answer({ version: 2 })
    expect(await versionOf(answer)).toBe(2)
    expect(get()).toEqual({ version: 2 })
  })

  test('does not wait for ever: with a silent source what is known is served', async () => {
    const { get, state, asked } = await warm()
    state.nowMs += 60_000
    expect(await versionOf(get())).toBe(1)
    expect(asked).toHaveLength(2)
  })

  test('asks again when a look never came back', async () => {
    const { get, state, asked } = await warm()
    state.nowMs += 6_000
    get()
    state.nowMs += 1_000
    get()
    expect(asked).toHaveLength(3)
  })
})

describe('while the source is away', () => {
  test('the last good value serves, also after a quiet time', async () => {
    const { get, asked, state, kept, settled } = await warm()
    state.nowMs += 3_600_000
    const answer = get()
    asked[1]?.fail()
    expect(await versionOf(answer)).toBe(1)
    await settled()
    expect(kept).toEqual([1])
    expect(state.rescues).toBe(0)
  })

  test('it is tried once in five seconds, not by every request', async () => {
    const { get, asked, state, settled } = await warm()
    state.nowMs += 5_000
    get()
    asked[1]?.fail()
    await settled()
    for (let count = 0; count < 20; count++) expect(get()).toEqual({ version: 1 })
    expect(asked).toHaveLength(2)
    state.nowMs += 5_000
    get()
    expect(asked).toHaveLength(3)
  })

  test.each([
    ['fails', (look: { fail(): void } | undefined) => look?.fail()],
    ['stays silent', () => undefined],
  ])('what is known is told to be behind when a look %s, until the next one succeeds', async (_, end) => {
    const { get, asked, state, isBehind } = await warm()
    expect(isBehind()).toBe(false)
    state.nowMs += 60_000
    const first = get()
    end(asked[1])
    await first
    expect(isBehind()).toBe(true)
    state.nowMs += 60_000
    const second = get()
    asked[2]?.answer({ version: 2 })
    await second
    expect(isBehind()).toBe(false)
  })

  test('it is found again when it comes back', async () => {
    const { get, asked, state, settled } = await warm()
    state.nowMs += 6_000
    get()
    asked[1]?.fail()
    await settled()
    state.nowMs += 6_000
    get()
    asked[2]?.answer({ version: 2 })
    await settled()
    expect(get()).toEqual({ version: 2 })
  })
})

describe('a look that is asked for', () => {
  test('is taken when what is known is old enough', async () => {
    const { refreshed, asked, state } = await warm()
    state.nowMs += 1_000
    const answer = refreshed(1_000)
    expect(asked).toHaveLength(2)
    asked[1]?.answer({ version: 2 })
    expect(await versionOf(answer)).toBe(2)
  })

  test('is not taken when somebody looked a moment ago', async () => {
    const { refreshed, asked, state } = await warm()
    state.nowMs += 999
    expect(await versionOf(refreshed(1_000))).toBe(1)
    expect(asked).toHaveLength(1)
  })

  test('is taken at any age with a minimum of none, which a change asks for', async () => {
    const { refreshed, asked } = await warm()
    const answer = refreshed(0)
    asked[1]?.answer({ version: 2 })
    expect(await versionOf(answer)).toBe(2)
  })

  test('is taken by a cold isolate, too', async () => {
    const { refreshed, asked } = source()
    const answer = refreshed(1_000)
    asked[0]?.answer({ version: 1 })
    expect(await versionOf(answer)).toBe(1)
  })

  test('is not undone by one that began before it and ends after it', async () => {
    const { get, refreshed, asked, state, settled, kept } = await warm()
    state.nowMs += 5_000
    const known = get()
    if (known instanceof Promise) throw new Error('a warm isolate does not wait')
    const changed = refreshed(0)
    asked[2]?.answer({ version: 2 })
    expect(await versionOf(changed)).toBe(2)
    // The earlier look read before the change, so to it nothing has changed.
    asked[1]?.answer(known)
    await settled()
    expect(get()).toEqual({ version: 2 })
    expect(kept).toEqual([1, 2])
  })
})
