import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import { postDirectly } from '../direct'
import type { LogRow } from '../gateway'
import { contentsInArray, type Surface, surfaces } from './surfaces'
import { logIdOf, pairs, startWorld, told, UPSTREAMS, type Upstream, type World } from './world'

const KEEP_ALIVE_MS = 300
const LONG_MS = 60_000

let world: World

beforeAll(async () => {
  world = await startWorld({ KEEP_ALIVE_MS: String(KEEP_ALIVE_MS), FIRST_CONTENT_TIMEOUT_MS: '3000' })
})
afterAll(() => world.close())

const all: [string, Surface, Upstream][] = [
  ...pairs,
  ...UPSTREAMS.map((upstream): [string, Surface, Upstream] => [
    `${contentsInArray.name} at ${upstream}`,
    contentsInArray,
    upstream,
  ]),
]

/** Reads until the condition holds; tells what came. */
async function readUntil(response: Response, isEnough: (text: string) => boolean): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true })
    if (isEnough(text)) break
  }
  return text
}

/** How long after the client had left the provider saw its connection close. */
async function closedAfter(model: string, leftAt: number): Promise<number> {
  const { fake, name } = world.behind(model)
  const isClosed = (call: fakes.RecordedCall) => call.model === name && call.closedByClientAt !== undefined
  const { closedByClientAt = Number.NaN } = await fake.waitFor(isClosed, 5_000)
  return closedByClientAt - leftAt
}

function expectCancelled(log: LogRow) {
  expect(log).toMatchObject({ ending: 'cancelled', status_code: 499, error_code: 'cancelled', failed: false })
  expect(log.attempts).toMatchObject([{ status_code: 499, error_code: 'cancelled' }])
}

describe.concurrent.for(all)('%s', ([, surface, upstream]) => {
  test('a client that leaves in the middle stops the provider within a second', async () => {
    const model = world.model(upstream, fakes.endlessDrip(20, { content: ['drip drip '] }))
    const leaving = new AbortController()
    const response = await world.ask(surface, model, { stream: true, signal: leaving.signal })
    await readUntil(response, (text) => text.split('drip drip').length > 10)
    const leftAt = Date.now()
    leaving.abort()
    expect(await closedAfter(model, leftAt)).toBeLessThan(1_000)
    const log = await world.logOf(logIdOf(response))
    expectCancelled(log)
    expect(log.usage_source).toMatch(/^(?:estimated|partial)$/)
    expect(log.usage?.input_tokens).toBeGreaterThan(0)
    expect(log.usage?.output_tokens).toBeGreaterThan(0)
    expect(JSON.stringify(log.full_response)).toContain('drip drip')
  })

  test('a client that leaves while it is kept alive stops the provider within a second', async () => {
    const model = world.model(upstream, fakes.hangBeforeHeaders())
    const leaving = new AbortController()
    const response = await world.ask(surface, model, { stream: true, signal: leaving.signal })
    await sleep(KEEP_ALIVE_MS)
    const leftAt = Date.now()
    leaving.abort()
    expect(await closedAfter(model, leftAt)).toBeLessThan(1_000)
    const log = await world.logOf(logIdOf(response))
    expectCancelled(log)
    expect(log).toMatchObject({ usage: null, full_response: null })
  })

  // Past the proxy of the tests, which does not hear at once of a client that leaves in silence.
  test('the first words arrive before the provider says more, and who leaves then is noticed', async () => {
    const model = world.model(upstream, fakes.hangMidStream(8, { content: wordsOf(60) }))
    const body = surface.body(model, true)
    const socket = postDirectly(world.direct, surface.path(model, true), world.key, body)
    let text = ''
    for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
      text += String(bytes)
      if (text.includes('word0')) break
    }
    expect(text).toContain('word0')
    const call = await world.callOf(model)
    expect([call.finishedAt, call.closedByClientAt]).toEqual([undefined, undefined])
    const leftAt = Date.now()
    socket.resetAndDestroy()
    expect(await closedAfter(model, leftAt)).toBeLessThan(1_000)
    const logId = /x-respan-log-id: (\S+)/i.exec(text)?.[1] ?? ''
    expectCancelled(await world.logOf(logId))
  })

  test('words come one after another, not all at the end', async () => {
    const model = world.model(upstream, fakes.stream({ content: wordsOf(12), gapMs: 60 }))
    const response = await world.ask(surface, model, { stream: true })
    const seenAt: number[] = []
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += Buffer.from(bytes).toString()
      seenAt.push(Date.now())
    }
    expect(surface.story(text)).toMatchObject({ text: wordsOf(12).join(''), isFinished: true, errors: [] })
    expect(seenAt.length).toBeGreaterThanOrEqual(4)
    expect((seenAt.at(-1) ?? 0) - (seenAt[0] ?? 0)).toBeGreaterThan(300)
    expect(await world.logOf(logIdOf(response))).toMatchObject({
      ...{ ending: 'completed', usage_source: 'provider' },
    })
  })

  test('a stream whose first words are late is kept alive and then goes on', async () => {
    const model = world.model(upstream, fakes.stream({ content: 'late but whole', firstGapMs: 1_200 }))
    const { text, status, log } = await told(world, await world.ask(surface, model, { stream: true }))
    expect(status).toBe(200)
    const waiting = surface === contentsInArray ? /^\n{2,}/ : /^(?:: keep-alive\n\n){2,}/
    expect(text).toMatch(waiting)
    expect(surface.story(text)).toMatchObject({ text: 'late but whole', isFinished: true, errors: [] })
    expect(log).toMatchObject({ ending: 'completed', usage_source: 'provider' })
  })

  test.for<[string, fakes.Step, number]>([
    ['an error status', fakes.after(900, fakes.rateLimited()), 429],
    ['a reset', fakes.after(900, fakes.resetBeforeHeaders()), 502],
    ['nothing at all', fakes.hangBeforeFirstEvent(), 504],
  ])('a stream that was kept alive and then gets %s ends with an error event', async ([, step, status]) => {
    const model = world.model(upstream, step)
    const { text, log, ...answer } = await told(world, await world.ask(surface, model, { stream: true }))
    expect(answer.status).toBe(200)
    const story = surface.story(text)
    expect(story).toMatchObject({ text: '', isFinished: false, hasMoreAfterError: false })
    expect(story.errors).toHaveLength(1)
    expect(story.errors[0]?.message).toMatch(/\w{3}/)
    expect(log).toMatchObject({ ending: 'failed', status_code: status, usage: null })
  })
})

function wordsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `word${index} `)
}

describe.concurrent.for(
  surfaces.flatMap((one) =>
    UPSTREAMS.map((upstream) => [`${one.name} at ${upstream}`, one, upstream] as const),
  ),
)('%s: an SDK', ([, surface, upstream]) => {
  test(
    'throws for a stream that was kept alive and then fails',
    async () => {
      const model = world.model(upstream, fakes.after(700, fakes.status(500)))
      const thrown = await surface.thrown(world, model, { stream: true })
      expect(thrown?.error).toBeInstanceOf(Error)
    },
    LONG_MS,
  )
})
