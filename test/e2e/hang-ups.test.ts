import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { postDirectly } from './direct'
import { type Gateway, type LogRow, startGateway, user } from './gateway'

/** It takes about a tenth of a second; a machine that runs the whole suite may need more. */
const PROMPT_MS = 3_000

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

const relays: [string, object][] = [
  ['with', { stream: true, stream_options: { include_usage: true } }],
  ['without', { stream: true }],
]

/** Waits until the provider has seen the connection close; tells how long that took after the client had left. */
async function closedAfter(model: string, leftAt: number): Promise<number> {
  const isClosed = (call: fakes.RecordedCall) => call.model === model && call.closedByClientAt !== undefined
  const { closedByClientAt = Number.NaN } = await gateway.upstream.waitFor(isClosed, 5_000)
  return closedByClientAt - leftAt
}

/** A client that left before the headers never learnt its log's id, so the log is found by its custom identifier. */
async function logOfModel(model: string): Promise<LogRow> {
  const sql = 'select id from request_logs where custom_identifier = ?'
  for (let tries = 0; tries < 100; tries++) {
    const { results } = await gateway.env.LOGS.prepare(sql).bind(model).all<{ id: string }>()
    expect(results.length).toBeLessThanOrEqual(1)
    if (results[0] !== undefined) return gateway.logOf(results[0].id)
    await sleep(100)
  }
  throw new Error(`There is no log of ${model}.`)
}

function bodyFor(model: string, options: object) {
  return { model: `fake/${model}`, messages: user('hi'), custom_identifier: model, ...options }
}

function ask(model: string, options: object, signal: AbortSignal): Promise<Response> {
  const body = JSON.stringify(bodyFor(model, options))
  return gateway.fetch('/v1/chat/completions', { method: 'POST', body, signal })
}

/** Asks, and breaks the connection once the provider works on it; tells when. */
async function askAndReset(model: string, options: object): Promise<number> {
  const body = bodyFor(model, options)
  const socket = postDirectly(gateway.direct, '/v1/chat/completions', gateway.key, body)
  await gateway.upstream.waitFor((call) => call.model === model)
  // So that the provider's headers or first event, where it sends them, are read.
  await sleep(100)
  socket.resetAndDestroy()
  return Date.now()
}

const cancelled = { ending: 'cancelled', status_code: 499, error_code: 'cancelled', failed: false }

describe.concurrent.for(relays)('a client of a stream asked for %s usage', ([asked, options]) => {
  test('that leaves in the middle stops the provider promptly', async () => {
    const model = `drip-${asked}`
    gateway.upstream.script(model, fakes.endlessDrip(20, { content: ['drip drip '] }))
    const leaving = new AbortController()
    const response = await ask(model, options, leaving.signal)
    let received = ''
    for await (const bytes of response.body ?? []) {
      received += Buffer.from(bytes).toString()
      if (received.split('drip drip').length > 20) break
    }
    const leftAt = Date.now()
    leaving.abort()
    expect(await closedAfter(model, leftAt)).toBeLessThan(PROMPT_MS)
    const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({ ...cancelled, usage_source: 'estimated' })
    expect(log.attempts).toMatchObject([{ status_code: 499, error_code: 'cancelled' }])
    expect(log.usage?.input_tokens).toBeGreaterThan(0)
    expect(log.usage?.output_tokens).toBeGreaterThan(20)
    expect(log.response_stream).toContain('drip drip')
  })

  test('that leaves in the middle is logged with the usage that the provider told so far', async () => {
    const model = `told-${asked}`
    const tokens = { prompt_tokens: 40, completion_tokens: 100_000 }
    gateway.upstream.script(
      model,
      fakes.stream({
        ...{ content: Array.from({ length: 500 }, () => 'word '), gapMs: 20 },
        ...{ usage: 'in-every-chunk', tokens },
      }),
    )
    const leaving = new AbortController()
    const response = await ask(model, options, leaving.signal)
    let received = ''
    for await (const bytes of response.body ?? []) {
      received += Buffer.from(bytes).toString()
      if (received.split('word ').length > 10) break
    }
    leaving.abort()
    const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({ ...cancelled, usage_source: 'partial', usage: { input_tokens: 40 } })
    expect(log.usage?.output_tokens).toBeGreaterThanOrEqual(10)
  })

  test.for<[string, fakes.Step]>([
    ['the headers', fakes.hangBeforeHeaders()],
    ['the first event', fakes.hangBeforeFirstEvent()],
    ['the first token', fakes.hangMidStream(1)],
  ])('that leaves before %s stops the provider promptly', async ([what, step]) => {
    const model = `${what.replaceAll(' ', '-')}-${asked}`
    gateway.upstream.script(model, step)
    const leftAt = await askAndReset(model, options)
    expect(await closedAfter(model, leftAt)).toBeLessThan(PROMPT_MS)
    const log = await logOfModel(model)
    expect(log).toMatchObject({ ...cancelled, usage: null, full_response: null })
    expect(log.attempts).toMatchObject([{ status_code: 499, error_code: 'cancelled' }])
  })
})

describe.concurrent('a client that leaves', () => {
  test.for<[string, fakes.Step]>([
    ['before', fakes.hangBeforeHeaders()],
    ['within', fakes.truncatedJson('hang')],
  ])('%s its answer in one piece stops the provider promptly', async ([when, step]) => {
    const model = `whole-${when}`
    gateway.upstream.script(model, step)
    const leftAt = await askAndReset(model, {})
    expect(await closedAfter(model, leftAt)).toBeLessThan(PROMPT_MS)
    const log = await logOfModel(model)
    expect(log).toMatchObject({ ...cancelled, stream: false, usage: null })
    expect(log.attempts).toMatchObject([{ status_code: 499, error_code: 'cancelled' }])
  })

  test('is not answered by another target', async () => {
    gateway.upstream.script('left', fakes.hangBeforeHeaders())
    await askAndReset('left', { fallback_models: ['fake/left-second'] })
    expect((await logOfModel('left')).attempts).toHaveLength(1)
    expect(gateway.upstream.calls.filter(({ model }) => model === 'left-second')).toEqual([])
  })

  test('through the SDK, by breaking out of its loop, is noticed too', async () => {
    gateway.upstream.script('sdk', fakes.endlessDrip(20))
    const body = { model: 'fake/sdk', messages: user('hi'), stream: true as const }
    const { data, response } = await gateway.client().chat.completions.create(body).withResponse()
    let count = 0
    for await (const _ of data) if (++count === 5) break
    const leftAt = Date.now()
    expect(await closedAfter('sdk', leftAt)).toBeLessThan(PROMPT_MS)
    expect(await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')).toMatchObject(cancelled)
  })

  test('at the very end has its answer logged as it was', async () => {
    gateway.upstream.script('end', fakes.stream({ content: 'the end', done: true }))
    const leaving = new AbortController()
    const response = await ask('end', { stream: true }, leaving.signal)
    await response.text()
    leaving.abort()
    expect(await logOfModel('end')).toMatchObject({ ending: 'completed', usage_source: 'provider' })
  })
})

describe.for(relays)('a client of a stream asked for %s usage', ([asked, options]) => {
  test('that leaves together with many others leaves its row as they do', async () => {
    const model = `crowd-${asked}`
    gateway.upstream.script(model, fakes.endlessDrip(10))
    const ids = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const leaving = new AbortController()
        const response = await ask(model, options, leaving.signal)
        await response.body?.getReader().read()
        leaving.abort()
        return response.headers.get('x-respan-log-id') ?? ''
      }),
    )
    const sql = 'select id from request_logs where upstream_model = ? and ending = ?'
    const rows = async () => {
      const { results } = await gateway.env.LOGS.prepare(sql).bind(model, 'cancelled').all<{ id: string }>()
      return results.map(({ id }) => id).sort()
    }
    await expect.poll(rows, { timeout: 20_000, interval: 200 }).toEqual(ids.sort())
  })
})
