import {
  evictDurableObject,
  listDurableObjectIds,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { type FrameReader, frameReader } from '../../src/flights/frames'
import { recordAnswer } from '../../src/flights/recording'
import { type AnswerEnd, type AnswerHead, decodeEnd, decodeHead } from '../../src/idempotency/answer'
import { claim } from '../../src/idempotency/claim'

const HOUR = 3_600_000
const head: AnswerHead = { status: 200, headers: [['content-type', 'text/plain']], logId: 'first' }
const end: AnswerEnd = { isKept: true, isCut: false, kind: 'completed', statusCode: 200 }
const failedEnd: AnswerEnd = { ...end, isKept: false, kind: 'failed', statusCode: 502 }
const encoder = new TextEncoder()

let keys = 0

/** The object of a key that no other test has. */
function newKey() {
  const of = { apiKeyId: 'of-the-test', key: `key-${++keys}` }
  const stub = env.IDEMPOTENCY.getByName(`${of.apiKeyId}:${of.key}`)
  const ask = (fingerprint = 'a', leaseMs = 60_000) => claim(env, of, { fingerprint, leaseMs })
  return {
    stub,
    ask,
    async lead(fingerprint = 'a', leaseMs = 60_000) {
      const claimed = await ask(fingerprint, leaseMs)
      if (claimed.kind !== 'lead') throw new Error(`to lead, but is to ${claimed.kind}`)
      return claimed.recording
    },
    async follow(fingerprint = 'a') {
      const claimed = await ask(fingerprint)
      if (claimed.kind !== 'follow') throw new Error(`to follow, but is to ${claimed.kind}`)
      return claimed.frames
    },
    /** What it stores, as SQLite tells. */
    stored: () =>
      runInDurableObject(stub, async (_, state) => ({
        tables: state.storage.sql
          .exec("select name from sqlite_master where name in ('answers', 'chunks')")
          .toArray().length,
        alarm: await state.storage.getAlarm(),
      })),
  }
}

/** Everything that frames say. */
async function told(frames: FrameReader) {
  const all = { head: undefined as AnswerHead | undefined, text: '', end: undefined as AnswerEnd | undefined }
  for (let frame = await frames.next(); frame !== undefined; frame = await frames.next()) {
    if (frame.kind === 'head') all.head = decodeHead(frame.payload)
    if (frame.kind === 'bytes') all.text += new TextDecoder().decode(frame.payload)
    if (frame.kind === 'end') all.end = decodeEnd(frame.payload)
  }
  return all
}

async function answer(
  recording: Awaited<ReturnType<ReturnType<typeof newKey>['lead']>>,
  text: string,
  how = end,
) {
  await recording.head(head)
  await recording.bytes(encoder.encode(text))
  await recording.end(how)
}

const long = 'long answer '.repeat(100_000)

describe('an answer', () => {
  test.each([
    ['short', 'hello'],
    ['empty', ''],
    ['long', long],
  ])('that is %s goes to those who wait and to those who come later', async (_, text) => {
    const key = newKey()
    const recording = await key.lead()
    const before = key.follow().then(told)
    await answer(recording, text)
    expect(await before).toEqual({ head, text, end })
    expect(await told(await key.follow())).toEqual({ head, text, end })
    expect(await key.ask('b')).toEqual({ kind: 'other_body' })
  })

  test('comes piece by piece, from the first byte for one who joins late', async () => {
    const key = newKey()
    const recording = await key.lead()
    await recording.head(head)
    await recording.bytes(encoder.encode('one '))
    await recording.bytes(encoder.encode('two '))
    const frames = await key.follow()
    const next = async () => new TextDecoder().decode((await frames.next())?.payload)
    expect(JSON.parse(await next())).toEqual(head)
    let text = await next()
    while (text.length < 8) text += await next()
    expect(text).toBe('one two ')
    await recording.bytes(encoder.encode('three'))
    expect(await next()).toBe('three')
    await recording.end(end)
    expect((await frames.next())?.kind).toBe('end')
  })

  test('that is kept survives a restart of the object', async () => {
    const key = newKey()
    const recording = await key.lead()
    await answer(recording, long)
    await told(await key.follow())
    await evictDurableObject(key.stub)
    expect(await told(await key.follow())).toEqual({ head, text: long, end })
  })

  test('that failed goes to those who wait, and then nothing is left of it', async () => {
    const key = newKey()
    const recording = await key.lead()
    const before = key.follow().then(told)
    await answer(recording, long, failedEnd)
    expect(await before).toEqual({ head, text: long, end: failedEnd })
    await expect.poll(key.stored).toEqual({ tables: 0, alarm: null })
    expect((await key.ask('b')).kind).toBe('lead')
  })
})

describe('after a day', () => {
  test('the alarm forgets everything, and the next request calls', async () => {
    const key = newKey()
    await answer(await key.lead(), 'yesterday')
    await told(await key.follow())
    const { alarm, tables } = await key.stored()
    expect(tables).toBe(2)
    expect(Number(alarm) - Date.now()).toBeGreaterThan(24 * HOUR - 60_000)
    expect(Number(alarm) - Date.now()).toBeLessThanOrEqual(24 * HOUR)
    expect(await runDurableObjectAlarm(key.stub)).toBe(true)
    expect(await key.stored()).toEqual({ tables: 0, alarm: null })
    const recording = await key.lead('b')
    await answer(recording, 'today')
    expect((await told(await key.follow('b'))).text).toBe('today')
  })

  test('an answer is not given any more, also when the alarm is late', async () => {
    const key = newKey()
    await answer(await key.lead(), 'yesterday')
    await told(await key.follow())
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 24 * HOUR - 60_000 })
    expect((await told(await key.follow())).text).toBe('yesterday')
    vi.setSystemTime(Date.now() + 60_001)
    await answer(await key.lead('b'), 'today')
    expect((await told(await key.follow('b'))).text).toBe('today')
    vi.useRealTimers()
  })

  test('a call in flight keeps what it has', async () => {
    const key = newKey()
    const recording = await key.lead()
    await recording.head(head)
    await recording.bytes(encoder.encode(long))
    await expect.poll(async () => (await key.stored()).alarm).toBeGreaterThan(Date.now())
    expect(await runDurableObjectAlarm(key.stub)).toBe(true)
    await recording.end(end)
    expect((await told(await key.follow())).text).toBe(long)
  })
})

describe('one that calls and dies', () => {
  /** Takes the lead over a connection of its own, which the test may break as the end of an isolate does. */
  async function leadByHand(key: ReturnType<typeof newKey>, leaseMs: number) {
    const reply = await key.stub.claim({ fingerprint: 'a', leaseMs })
    if (reply.kind !== 'lead') throw new Error(reply.kind)
    const { readable, writable } = new IdentityTransformStream()
    const led = key.stub.lead(reply.flightId, readable)
    return { led, writable, flightId: reply.flightId }
  }

  test('before a word lets one of those who wait call, when its lease is over', async () => {
    const key = newKey()
    await key.stub.claim({ fingerprint: 'a', leaseMs: 300 })
    const [one, other] = [await key.follow(), await key.follow()]
    const startedAt = Date.now()
    expect(await Promise.all([one.next(), other.next()])).toEqual([undefined, undefined])
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(250)
    expect([(await key.ask()).kind, (await key.ask()).kind]).toEqual(['lead', 'follow'])
  })

  test('with its connection lets the next one call at once', async () => {
    const key = newKey()
    const { writable } = await leadByHand(key, 60_000)
    const frames = await key.follow()
    await writable.abort(new Error('isolate gone'))
    expect(await frames.next()).toBeUndefined()
    expect((await key.ask()).kind).toBe('lead')
  })

  test('in the middle breaks the answer of those who have a part of it', async () => {
    const key = newKey()
    const { led, writable } = await leadByHand(key, 60_000)
    const recording = recordAnswer({ led: new Promise(() => undefined), writable, leaseMs: 300 })
    await recording.head(head)
    await recording.bytes(encoder.encode(long))
    const frames = await key.follow()
    expect((await frames.next())?.kind).toBe('head')
    await recording.fail()
    const { text, end: cut } = await told(frames)
    expect([text.length <= long.length, cut]).toEqual([true, undefined])
    expect(await led).toBe('over')
    await expect.poll(key.stored).toEqual({ tables: 0, alarm: null })
    expect((await key.ask()).kind).toBe('lead')
  })

  test('but was only slow is not heard any more once another one calls', async () => {
    const key = newKey()
    const { led, writable } = await leadByHand(key, 200)
    const frames = await key.follow()
    expect(await frames.next()).toBeUndefined()
    const second = await key.lead()
    const slow = recordAnswer({ led, writable, leaseMs: 60_000 })
    await slow.head({ ...head, logId: 'slow' })
    await second.head(head)
    await slow.bytes(encoder.encode('slow'))
    await second.bytes(encoder.encode('second'))
    await slow.end(end)
    await second.end(end)
    expect(await told(await key.follow())).toEqual({ head, text: 'second', end })
  })

  test('is not thought dead while it only has nothing to say', async () => {
    const key = newKey()
    const recording = await key.lead('a', 300)
    await scheduler.wait(1_200)
    const frames = await key.follow()
    await answer(recording, 'at last')
    expect((await told(frames)).text).toBe('at last')
  })

  test('with the whole object lets the next one call', async () => {
    const key = newKey()
    const recording = await key.lead()
    const frames = await key.follow()
    await runInDurableObject(key.stub, (_, state) => state.abort('restart')).catch(() => undefined)
    await expect(frames.next()).rejects.toThrow()
    expect((await key.ask('b')).kind).toBe('lead')
    // The one that called is alone now, and learns nothing of the others.
    await answer(recording, 'alone')
  })
})

describe('one whose client has left', () => {
  test.each([
    ['nobody waits', 0],
    ['the last of those who wait has left', 2],
  ])('is told to stop when %s', async (_, count) => {
    const key = newKey()
    const recording = await key.lead('a', 300)
    const followers = await Promise.all(Array.from({ length: count }, () => key.follow()))
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
    expect((await key.ask('b')).kind).toBe('lead')
  })
})

describe('a request', () => {
  const ask = (key: Record<string, string>) =>
    exports.default.fetch('https://sluice.test/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${env.ADMIN_KEY}`, 'content-type': 'application/json', ...key },
      body: JSON.stringify({ model: 'demo/echo', messages: [{ role: 'user', content: 'hi' }] }),
    })

  test('without a key visits no object', async () => {
    const before = await listDurableObjectIds(env.IDEMPOTENCY)
    const response = await ask({})
    expect(response.status).toBe(200)
    await response.text()
    expect(await listDurableObjectIds(env.IDEMPOTENCY)).toEqual(before)
  })

  test('with a key that cannot be checked makes no call', async () => {
    const claimAway = () => ({ claim: () => Promise.reject(new Error('away')) })
    const IDEMPOTENCY = new Proxy(env.IDEMPOTENCY, {
      get: (target, name) => (name === 'getByName' ? claimAway : Reflect.get(target, name)),
    })
    const asked = claim({ IDEMPOTENCY }, { apiKeyId: 'k', key: 'away' }, { fingerprint: 'a', leaseMs: 1 })
    await expect(asked).rejects.toMatchObject({ failure: { kind: 'unavailable' } })
  })
})

test('frames are read however they are cut', async () => {
  const key = newKey()
  await answer(await key.lead(), 'cut anywhere')
  const reply = await key.stub.claim({ fingerprint: 'a', leaseMs: 1 })
  if (reply.kind !== 'follow') throw new Error(reply.kind)
  const bytes = new Uint8Array(await new Response(reply.frames).arrayBuffer())
  for (const size of [1, 2, 4, 5, 6, 7, 1_000]) {
    const cut = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size))
        controller.close()
      },
    })
    expect(await told(frameReader(cut))).toEqual({ head, text: 'cut anywhere', end })
  }
})
