import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import { postDirectly } from '../direct'
import { type Gateway, startGateway, user } from '../gateway'
import { askIn } from './clients'

let gateway: Gateway

beforeAll(async () => {
  // Long enough for a busy machine to answer well.
  gateway = await startGateway({ TOTAL_TIMEOUT_MS: '8000' })
})
afterAll(() => gateway.close())

const callsOf = (model: string) => gateway.upstream.calls.filter((call) => call.model === model)
const quick = { retry_params: { num_retries: 2, retry_after: 0.05 } }

function ask(
  model: string,
  parameters: object,
  more: { stream?: boolean; headers?: Record<string, string> } = {},
) {
  return askIn(gateway, 'chat', { model: `fake/${model}`, parameters, ...more })
}

describe.concurrent.for([false, true])('retries, streamed: %s', (stream) => {
  const name = (what: string) => `${what}-${stream}`

  test.for<[string, fakes.Step]>([
    ['429', fakes.rateLimited()],
    ['500', fakes.status(500)],
    ['503', fakes.status(503)],
    ['529', fakes.status(529)],
    ['408', fakes.status(408)],
    ['409', fakes.status(409)],
    ['a refused connection', fakes.refuse()],
    ['a reset connection', fakes.resetBeforeHeaders()],
  ])('repeat after %s until there is an answer', async ([what, step]) => {
    const model = name(`mended-${what.replaceAll(' ', '-')}`)
    gateway.upstream.script(model, step, step, fakes.answer())
    const asked = await ask(model, quick, { stream })
    expect(asked.status).toBe(200)
    expect(asked.headers.get('x-sluice-attempts')).toBe('3')
    expect(callsOf(model)).toHaveLength(3)
    expect(asked.log.attempts.map(({ is_retry }) => is_retry)).toEqual([false, true, true])
    expect(asked.log).toMatchObject({ ending: 'completed', status_code: 200 })
  })

  test.for<[string, fakes.Step]>([
    ['400', fakes.status(400)],
    ['401', fakes.status(401)],
    ['404', fakes.status(404)],
    ['no quota', fakes.quotaExhausted()],
    ['forbidden content', fakes.contentBlocked()],
  ])('do not repeat %s', async ([what, step]) => {
    const model = name(`final-${what.replaceAll(' ', '-')}`)
    gateway.upstream.script(model, step)
    const asked = await ask(model, quick, { stream })
    expect(asked.status).toBeGreaterThanOrEqual(400)
    expect(asked.headers.get('x-should-retry')).toBeNull()
    expect(callsOf(model)).toHaveLength(1)
  })

  test('that are used up end with the last answer, which tells the SDK not to begin again', async () => {
    const model = name('exhausted')
    gateway.upstream.script(model, fakes.status(529))
    const asked = await ask(model, quick, { stream })
    expect([asked.status, callsOf(model).length]).toEqual([529, 3])
    expect(asked.headers.get('x-should-retry')).toBe('false')
  })

  test('wait as long as the provider asks', async () => {
    const model = name('patient')
    gateway.upstream.script(model, fakes.rateLimited({ ms: 700 }), fakes.answer())
    const asked = await ask(model, quick, { stream })
    expect(asked.status).toBe(200)
    expect(asked.tookMs).toBeGreaterThanOrEqual(700)
    expect(asked.log.attempts).toMatchObject([{ retry_after: 0.7 }, { waited: 0.7, status_code: 200 }])
  })

  test.for<[string, fakes.RetryAfter]>([
    ['seconds', { seconds: 30 }],
    ['a date', { dateInMs: 30_000 }],
    ['milliseconds', { ms: 30_000 }],
  ])('do not wait past the deadline: %s', async ([what, after]) => {
    const model = name(`late-${what.replaceAll(' ', '-')}`)
    gateway.upstream.script(model, fakes.rateLimited(after))
    const asked = await ask(model, quick, { stream })
    expect([asked.status, callsOf(model).length]).toEqual([429, 1])
    // The SDK may have the time that the gateway has not.
    expect(asked.headers.get('x-should-retry')).toBeNull()
  })

  test('are for the last target only: others are asked at once', async () => {
    const [first, second] = [name('at-once'), name('last')]
    gateway.upstream.script(first, fakes.rateLimited({ seconds: 2 }))
    gateway.upstream.script(second, fakes.status(503), fakes.answer())
    const asked = await ask(first, { ...quick, fallback_models: [`fake/${second}`] }, { stream })
    expect(asked.status).toBe(200)
    const [one, other, again] = asked.log.attempts.map((attempt) => ({
      ...attempt,
      waited: Number(Object(attempt).waited),
    }))
    expect([one, other, again].map((attempt) => attempt?.deployment_name)).toEqual([first, second, second])
    // Not the two seconds that the first asked for.
    expect(other?.waited).toBe(0)
    expect(again?.waited).toBeLessThanOrEqual(0.05)
  })
})

describe.concurrent('retries', () => {
  test('are none unless somebody asks', async () => {
    gateway.upstream.script('unasked', fakes.status(503))
    expect((await ask('unasked', {})).status).toBe(503)
    expect(callsOf('unasked')).toHaveLength(1)
  })

  test('of the SDK are taken off', async () => {
    gateway.upstream.script('stacked', fakes.status(503))
    await ask('stacked', quick, { headers: { 'x-stainless-retry-count': '1' } })
    expect(callsOf('stacked')).toHaveLength(2)
  })

  test('and those of the SDK do not multiply', async () => {
    gateway.upstream.script('multiplied', fakes.status(503))
    const client = gateway.client({ maxRetries: 2 })
    const body = { model: 'fake/multiplied', messages: user('hi'), ...quick }
    await expect(client.chat.completions.create(body)).rejects.toMatchObject({ status: 503 })
    expect(callsOf('multiplied')).toHaveLength(3)
  })

  test('end when the client leaves', async ({ expect }) => {
    gateway.upstream.script('left', fakes.rateLimited({ seconds: 2 }))
    const body = { model: 'fake/left', messages: user('hi'), custom_identifier: 'left', ...quick }
    const socket = postDirectly(gateway.direct, '/v1/chat/completions', gateway.key, body)
    await gateway.upstream.waitFor(({ model, finishedAt }) => model === 'left' && finishedAt !== undefined)
    await sleep(200)
    socket.resetAndDestroy()
    await sleep(2_600)
    expect(callsOf('left')).toHaveLength(1)
    const sql = "select ending from request_logs where custom_identifier = 'left'"
    await expect
      .poll(async () => (await gateway.env.LOGS.prepare(sql).all()).results, { timeout: 10_000 })
      .toEqual([{ ending: 'cancelled' }])
  })

  test.for<[object, string, string]>([
    [{ num_retries: 0 }, 'retry_params.num_retries', 'num_retries has to be greater than 0'],
    [{ retry_after: 0 }, 'retry_params.retry_after', 'retry_after has to be greater than 0'],
    [{ retry_count: 3 }, 'retry_params', 'retry_count'],
  ])('that are wrong are refused: %j', async ([retry_params, param, words]) => {
    const reply = await gateway.chat({ model: 'fake/never', messages: user('hi'), retry_params })
    expect(reply.status).toBe(400)
    const { error } = JSON.parse(reply.text)
    expect(error).toMatchObject({ param, message: expect.stringContaining(words) })
    expect(error.message).toContain('in the body')
  })
})

describe.concurrent('deadlines', () => {
  test('a timeout bounds each attempt up to its first content', async () => {
    gateway.upstream.script('slow-start', fakes.hangBeforeHeaders())
    const parameters = { timeout: 3, fallback_models: ['fake/quick-start'] }
    for (const stream of [false, true]) {
      const asked = await ask('slow-start', parameters, { stream })
      expect(asked.status).toBe(200)
      if (!stream)
        expect(asked.log.attempts[0]).toMatchObject({
          status_code: 504,
          error_message: expect.stringContaining('within 3000 ms'),
        })
    }
  })

  test('a timeout does not cut a stream that has begun', async () => {
    const content = Array.from({ length: 12 }, (_, index) => `word${index} `)
    gateway.upstream.script('long-stream', fakes.stream({ content, gapMs: 350 }))
    const asked = await ask('long-stream', { timeout: 3 }, { stream: true })
    expect(asked.log).toMatchObject({ ending: 'completed' })
    expect(asked.tookMs).toBeGreaterThan(3_000)
  })

  test('the deadline of the whole holds for all attempts together', async () => {
    gateway.upstream.script('hangs-1', fakes.hangBeforeHeaders())
    gateway.upstream.script('hangs-2', fakes.hangBeforeHeaders())
    gateway.upstream.script('hangs-3', fakes.hangBeforeHeaders())
    const asked = await ask('hangs-1', { fallback_models: ['fake/hangs-2', 'fake/hangs-3'] })
    expect(asked.status).toBe(504)
    expect(callsOf('hangs-3')).toHaveLength(1)
    const waits = asked.log.attempts.map((attempt) => String(Object(attempt).error_message))
    // Half of what is left each time, and the last all of it.
    expect(waits).toEqual([
      expect.stringMatching(/within (?:4000|3\d{3}) ms/),
      expect.stringMatching(/within (?:2000|1\d{3}) ms/),
      expect.stringMatching(/within 8000 ms/),
    ])
  })
})
