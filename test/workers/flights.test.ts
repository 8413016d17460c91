import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import type { FrameReader } from '../../src/flights/frames'
import type { Recording } from '../../src/flights/recording'
import { type FlightsEnv, forgetShared, type SharedTail, shareCall } from '../../src/flights/share'
import { LINGER_MS } from '../../src/flights/shared-call'

interface Head {
  provider: string
}

const head: Head = { provider: 'fake' }
const complete: SharedTail = { isKept: true }
const broken: SharedTail = { isKept: false }
const encoder = new TextEncoder()
const long = 'long answer '.repeat(100_000)
const short = 'short answer'

let questions = 0

/** A question that no other test asks. */
function newQuestion(wishes: { leaseMs?: number; maxAgeMs?: number } = {}) {
  const name = `question-${++questions}`
  const stub = env.FLIGHTS.getByName(name)
  const given = {
    leaseMs: 60_000,
    maxAgeMs: LINGER_MS,
    waitMs: 5_000,
    background: () => undefined,
    ...wishes,
  }
  const ask = (more: Partial<typeof given> = {}) =>
    shareCall<Head, SharedTail>(env, name, { ...given, ...more })
  return {
    name,
    stub,
    ask,
    async lead() {
      const share = await ask()
      if (share.kind !== 'lead') throw new Error(`to lead, but is to ${share.kind}`)
      return share.recording
    },
    async follow(more: Partial<typeof given> = {}) {
      const share = await ask(more)
      if (share.kind !== 'follow') throw new Error(`to follow, but is to ${share.kind}`)
      return share.frames
    },
    stored: () =>
      runInDurableObject(stub, async (_, state) => ({
        tables: state.storage.sql.exec("select name from sqlite_master where name = 'chunks'").toArray()
          .length,
        alarm: await state.storage.getAlarm(),
      })),
  }
}

/** Everything that frames say. */
async function told(frames: FrameReader) {
  const all = { head: undefined as unknown, text: '', end: undefined as unknown }
  const json = (payload: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(payload))
  for (let frame = await frames.next(); frame !== undefined; frame = await frames.next()) {
    if (frame.kind === 'head') all.head = json(frame.payload)
    if (frame.kind === 'bytes') all.text += new TextDecoder().decode(frame.payload)
    if (frame.kind === 'end') all.end = json(frame.payload)
  }
  return all
}

async function answer(recording: Recording<Head, SharedTail>, text: string, end = complete) {
  await recording.head(head)
  await recording.bytes(encoder.encode(text))
  await recording.end(end)
}

describe('a call', () => {
  test.each([
    ['short', short],
    ['long', long],
  ])('with a %s answer is made once for a hundred who ask', async (_, text) => {
    const question = newQuestion()
    const recording = await question.lead()
    const others = Array.from({ length: 99 }, () => question.follow().then(told))
    await scheduler.wait(50)
    await answer(recording, text)
    const all = await Promise.all(others)
    expect(all.every((one) => one.text === text)).toBe(true)
    expect(all[98]).toEqual({ head, text, end: complete })
  })

  test('that failed is made by one of those who waited, and the others wait for that one', async () => {
    const question = newQuestion()
    const first = await question.lead()
    const waiting = await Promise.all(Array.from({ length: 5 }, () => question.follow()))
    await first.fail()
    expect(await Promise.all(waiting.map((frames) => frames.next()))).toEqual(Array(5).fill(undefined))
    const next = await Promise.all(Array.from({ length: 5 }, () => question.ask()))
    expect(next.map(({ kind }) => kind).sort()).toEqual(['follow', 'follow', 'follow', 'follow', 'lead'])
  })

  test('whose one follower is slow keeps none of the others waiting', async () => {
    const question = newQuestion()
    const recording = await question.lead()
    const slow = await question.follow()
    const quick = question.follow().then(told)
    await recording.head(head)
    await slow.next()
    await recording.bytes(encoder.encode(long))
    await recording.end(complete)
    expect((await quick).text).toBe(long)
    expect((await told(slow)).text).toBe(long)
    await expect.poll(question.stored).toEqual({ tables: 0, alarm: null })
  })

  test('is dead when nothing is heard of it, and one of those who wait calls', async () => {
    const question = newQuestion({ leaseMs: 300 })
    await question.stub.claim({ leaseMs: 300, maxAgeMs: 0 })
    const frames = await question.follow()
    const startedAt = Date.now()
    expect(await frames.next()).toBeUndefined()
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(250)
    expect((await question.ask()).kind).toBe('lead')
  })

  test('breaks with its object for those who follow, and goes on for its own client', async () => {
    const question = newQuestion()
    const recording = await question.lead()
    const frames = await question.follow()
    await runInDurableObject(question.stub, (_, state) => state.abort('restart')).catch(() => undefined)
    await expect(frames.next()).rejects.toThrow()
    await answer(recording, short)
    expect((await question.ask()).kind).toBe('lead')
  })

  test.each([
    ['nobody waits', 0],
    ['the last of those who wait has left', 2],
  ])('may stop once its client has left and %s', async (_, count) => {
    const question = newQuestion({ leaseMs: 300 })
    const recording = await question.lead()
    const followers = await Promise.all(Array.from({ length: count }, () => question.follow()))
    let isUnwanted = false
    const unwanted = recording.unwanted.then(() => {
      isUnwanted = true
    })
    recording.leave()
    for (const frames of followers) {
      await scheduler.wait(100)
      expect(isUnwanted).toBe(false)
      frames.cancel()
    }
    await unwanted
    expect((await question.ask()).kind).toBe('lead')
  })
})

describe('an answer that has come', () => {
  test('is there for those who do not find it in KV yet', async () => {
    const question = newQuestion()
    await answer(await question.lead(), short)
    expect(await told(await question.follow())).toEqual({ head, text: short, end: complete })
    expect(await question.stored()).toEqual({ tables: 0, alarm: null })
  })

  test.each<[string, string, SharedTail]>([
    ['broke off', short, broken],
    ['is long', long, complete],
  ])('and %s is not', async (_, text, end) => {
    const question = newQuestion()
    const recording = await question.lead()
    const following = question.follow().then(told)
    await answer(recording, text, end)
    expect(await following).toEqual({ head, text, end })
    expect((await question.ask()).kind).toBe('lead')
    await expect.poll(question.stored).toEqual({ tables: 0, alarm: null })
  })

  test('is not given to those who want a younger one, nor after a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const question = newQuestion()
    await answer(await question.lead(), short)
    await told(await question.follow())
    vi.setSystemTime(Date.now() + LINGER_MS - 1)
    expect((await told(await question.follow())).text).toBe(short)
    expect((await question.ask({ maxAgeMs: 5_000 })).kind).toBe('lead')
    vi.useRealTimers()
  })

  test('can be forgotten', async () => {
    const question = newQuestion()
    await answer(await question.lead(), short)
    await forgetShared(env, question.name)
    expect((await question.ask()).kind).toBe('lead')
  })
})

describe('an object that', () => {
  function instead(claim: () => Promise<unknown>): FlightsEnv {
    const FLIGHTS = new Proxy(env.FLIGHTS, {
      get: (target, name) =>
        name === 'getByName'
          ? (question: string) => new Proxy(env.FLIGHTS.getByName(question), { get: stubWith(claim) })
          : Reflect.get(target, name),
    })
    return { FLIGHTS }
  }
  const stubWith =
    (claim: () => Promise<unknown>) =>
    (stub: object, name: string | symbol): unknown =>
      name === 'claim' ? claim : Reflect.get(stub, name)
  const wish = { leaseMs: 60_000, maxAgeMs: 0, waitMs: 100, background: () => undefined }

  test('is away lets everybody call alone', async () => {
    const away = instead(() => Promise.reject(new Error('away')))
    expect(await shareCall(away, 'away', wish)).toEqual({ kind: 'alone' })
  })

  test('is slow lets them call alone, and does not make others wait for them', async () => {
    const question = newQuestion()
    const slow = instead(async () => {
      await scheduler.wait(300)
      return question.stub.claim({ leaseMs: 60_000, maxAgeMs: 0 })
    })
    let later: Promise<unknown> = Promise.resolve()
    const background = (work: Promise<unknown>) => {
      later = work
    }
    expect(await shareCall(slow, question.name, { ...wish, background })).toEqual({ kind: 'alone' })
    await scheduler.wait(250)
    await later
    expect((await question.ask()).kind).toBe('lead')
  })

  test('falls silent in the middle is not waited for', async () => {
    const question = newQuestion()
    const recording = await question.lead()
    await recording.head(head)
    const silent = new ReadableStream<Uint8Array>()
    const hung = instead(async () => ({ kind: 'follow', frames: silent }))
    const share = await shareCall(hung, 'hung', { ...wish, leaseMs: 200 })
    if (share.kind !== 'follow') throw new Error(share.kind)
    expect(await share.frames.next()).toBeUndefined()
  })
})

describe('a request', () => {
  const ask = async (body: object) => {
    const response = await exports.default.fetch('https://sluice.test/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${env.ADMIN_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo/echo', messages: [{ role: 'user', content: 'hi' }], ...body }),
    })
    await response.text()
    return response.headers.get('x-sluice-cache')
  }

  test('without the cache, or with an answer in it, visits no object', async () => {
    const before = await listDurableObjectIds(env.FLIGHTS)
    expect(await ask({})).toBeNull()
    expect(await listDurableObjectIds(env.FLIGHTS)).toEqual(before)
    expect(await ask({ cache_enabled: true })).toBe('miss')
    const known = before.map(String)
    const [made] = (await listDurableObjectIds(env.FLIGHTS)).filter((id) => !known.includes(String(id)))
    if (made === undefined) throw new Error('Nobody was asked who calls.')
    const claims = await runInDurableObject(env.FLIGHTS.get(made), (object) => vi.spyOn(object, 'claim'))
    expect(await ask({ cache_enabled: true })).toBe('hit')
    expect(claims).not.toHaveBeenCalled()
  })
})
