import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AlertSink, startSink } from './alert-sink'
import { type Gateway, startGateway } from './gateway'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** The middle of an hour, so that windows have parts of hours at both ends. */
const NOW = Math.floor(Date.now() / HOUR) * HOUR - 24 * HOUR + 30 * MINUTE
let gateway: Gateway
let sink: AlertSink
let channelId: string

beforeAll(async () => {
  ;[gateway, sink] = await Promise.all([startGateway(), startSink()])
  const given = { name: 'ops', type: 'webhook', url: sink.url('/ops'), secret: 'whsec_0123456789abcdef' }
  const { body } = await gateway.manage('POST', '/api/alert-channels/', given)
  channelId = String(body.id)
})
afterAll(async () => {
  await gateway.close()
  await sink.close()
})

let logged = 0

/** Log records of requests that began so long before NOW, all the same but for that. */
async function log(minutesAgo: number[], more: object = {}): Promise<void> {
  const records = minutesAgo.map((minutes) => {
    const startedAtMs = NOW - minutes * MINUTE
    const { latencyMs = 1_000, ...given } = { ...more } as { latencyMs?: number }
    return {
      ...{ version: 1, id: `monitored-${++logged}`, startedAtMs, endedAtMs: startedAtMs + latencyMs },
      ...{
        environment: 'prod',
        method: 'POST',
        path: '/v1/chat/completions',
        logType: 'chat',
        stream: false,
      },
      ...{ ending: 'completed', statusCode: 200, routingMs: 0, attempts: [], dropped: [], tags: {} },
      ...{ model: 'demo/echo', providerId: 'demo', apiKeyId: 'key-1', ...given },
    }
  })
  for (let at = 0; at < records.length; at += 50)
    await gateway.env.LOG_QUEUE.sendBatch(records.slice(at, at + 50).map((body) => ({ body })))
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(100)) {
    const rows = await gateway.env.LOGS.prepare('select count(*) as n from request_logs').first<number>('n')
    if (rows === logged) return
  }
  throw new Error('the records were not written')
}

async function monitor(given: object) {
  const { status, body } = await gateway.manage('POST', '/api/monitors/', { window_minutes: 5, ...given })
  expect(status, JSON.stringify(body)).toBe(201)
  const path = `/api/monitors/${body.id}/`
  return { id: body.id, path, made: body, read: async () => (await gateway.manage('GET', path)).body }
}

/** What the sink was told of a monitor. */
async function told(id: unknown, count: number): Promise<{ event: string; data: Record<string, unknown> }[]> {
  const all = () =>
    sink
      .at('/ops')
      .map(({ body }) => JSON.parse(body))
      .filter(({ data }) => data.monitor_id === id)
  for (const until = Date.now() + 10_000; all().length < count && Date.now() < until; ) await sleep(50)
  await sleep(1_500)
  return all()
}

describe('a monitor', () => {
  test('fires once when its condition begins to hold, and is resolved once when it ceases', async () => {
    const errors = await monitor({
      name: 'errors',
      metric: 'errors',
      threshold: 2,
      filters: { model: 'fake/bad' },
    })
    expect(errors.made).toMatchObject({
      ...{ name: 'errors', metric: 'errors', aggregation: 'average', comparison: 'above', threshold: 2 },
      ...{ window_minutes: 5, filters: { model: 'fake/bad' }, channels: null, is_paused: false },
      ...{ state: 'ok', since: null, value: null, evaluated_at: null },
    })
    const failed = { model: 'fake/bad', ending: 'failed', statusCode: 500 }
    await log([4, 3, 60], failed)
    await log([4, 3, 2], { ...failed, model: 'fake/other' })
    await gateway.tick(NOW)
    expect(await errors.read()).toMatchObject({ state: 'ok', value: 2, since: null })
    await log([2], failed)
    for (let minute = 0; minute < 3; minute++) await gateway.tick(NOW)
    // At the same time too.
    await Promise.all([gateway.tick(NOW + 1), gateway.tick(NOW + 1)])
    expect(await errors.read()).toMatchObject({
      state: 'firing',
      value: 3,
      since: new Date(NOW).toISOString(),
      evaluated_at: new Date(NOW + 1).toISOString(),
    })
    expect(await told(errors.id, 1)).toMatchObject([
      {
        event: 'monitor.firing',
        title: 'Firing: errors',
        summary: 'errors above 2 over 5 minutes. It is 3.',
        data: { name: 'errors', value: 3, threshold: 2, window_minutes: 5 },
      },
    ])
    await gateway.tick(NOW + 10 * MINUTE)
    await gateway.tick(NOW + 11 * MINUTE)
    expect(await errors.read()).toMatchObject({ state: 'ok', value: 0 })
    expect((await told(errors.id, 2)).map(({ event }) => event)).toEqual([
      'monitor.firing',
      'monitor.resolved',
    ])
    // And again the next time.
    await gateway.tick(NOW)
    expect(await told(errors.id, 3)).toHaveLength(3)
    await gateway.manage('DELETE', errors.path)
    expect((await gateway.manage('GET', errors.path)).status).toBe(404)
  })

  test('measures what it is about, over minutes from the rows and over hours from the roll-ups', async () => {
    const usage = {
      ...{ inputTokens: 100, cacheReadTokens: 10, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 },
      ...{ outputTokens: 40, reasoningTokens: 0, audioInputTokens: 0, audioOutputTokens: 0 },
    }
    const one = { apiKeyId: 'key-m', providerId: 'prov-m', model: 'm/m', tags: { customerIdentifier: 'c-m' } }
    const priced = { ...one, usage, usageSource: 'provider', givenCostNanoUsd: 250_000_000 }
    // In the window of 5 minutes, of 6 hours (whole hours and both ends), and of neither.
    await log([1, 2, 3], { ...priced, latencyMs: 2_000 })
    await log([4], { ...priced, latencyMs: 10_000, ending: 'failed', statusCode: 500 })
    await log([10, 100, 200, 355], { ...priced, latencyMs: 1_000 })
    await log([365, 370], { ...priced, environment: 'test' })
    const filters = { api_key: 'key-m' }
    for (const [given, short, long] of [
      [{ metric: 'count' }, 4, 8],
      [{ metric: 'errors' }, 1, 1],
      [{ metric: 'error_rate', threshold: 0.5 }, 0.25, 0.125],
      [{ metric: 'tokens' }, 600, 1_200],
      [{ metric: 'cost' }, 1, 2],
      [{ metric: 'latency' }, 4, 2.5],
      [{ metric: 'latency', aggregation: 'p95' }, 10, 10],
      [{ metric: 'count', filters: { provider: 'prov-m' } }, 4, 8],
      [{ metric: 'count', filters: { model: 'm/m' } }, 4, 8],
      [{ metric: 'count', filters: { customer: 'c-m' } }, 4, 8],
      [{ metric: 'count', filters: { ...filters, environment: 'test' } }, 0, 0],
    ] as const) {
      for (const [minutes, value] of [
        [5, short],
        [360, long],
      ] as const) {
        const name = `${JSON.stringify(given)} over ${minutes}`
        const { path, read } = await monitor({
          name,
          threshold: 1e9,
          filters,
          window_minutes: minutes,
          ...given,
          ...('threshold' in given ? {} : { threshold: 1e9 }),
        })
        await gateway.tick(NOW)
        expect((await read()).value, name).toBeCloseTo(value, 9)
        await gateway.manage('DELETE', path)
      }
    }
  })

  test('below a threshold fires for nothing at all, but for what cannot be measured', async () => {
    const filters = { api_key: 'nobody' }
    const count = await monitor({
      name: 'silence',
      metric: 'count',
      comparison: 'below',
      threshold: 1,
      filters,
    })
    const rate = await monitor({
      name: 'rate',
      metric: 'error_rate',
      comparison: 'below',
      threshold: 1,
      filters,
    })
    await gateway.tick(NOW)
    expect(await count.read()).toMatchObject({ state: 'firing', value: 0 })
    expect(await rate.read()).toMatchObject({ state: 'ok', value: null })
    for (const { path } of [count, rate]) await gateway.manage('DELETE', path)
  })

  test('is not looked at while it is paused', async () => {
    const { id, path, read } = await monitor({
      name: 'pausing',
      metric: 'count',
      comparison: 'below',
      threshold: 1,
      filters: { api_key: 'nobody' },
    })
    expect((await gateway.manage('POST', `${path}pause/`)).body).toMatchObject({ is_paused: true })
    await gateway.tick(NOW)
    expect(await read()).toMatchObject({ state: 'ok', evaluated_at: null })
    expect((await gateway.manage('POST', `${path}resume/`)).body).toMatchObject({ is_paused: false })
    await gateway.tick(NOW)
    expect(await read()).toMatchObject({ state: 'firing' })
    expect(await told(id, 1)).toHaveLength(1)
    await gateway.manage('DELETE', path)
  })

  test('tells those that it names, and tries them out', async () => {
    const { body } = await gateway.manage('POST', '/api/alert-channels/', {
      ...{ name: 'named', type: 'slack', url: sink.url('/named'), events: ['limit.block'] },
    })
    const { id, path } = await monitor({
      ...{ name: 'named', metric: 'count', comparison: 'below', threshold: 1, channels: [body.id] },
      filters: { api_key: 'nobody' },
    })
    expect((await gateway.manage('POST', `${path}test/`)).body).toEqual({
      value: 0,
      is_met: true,
      deliveries: [{ channel_id: body.id, delivered: true, error: null }],
    })
    await gateway.tick(NOW)
    const got = await sink.settled('/named', 2)
    expect(got.map(({ body: text }) => JSON.parse(text).text)).toEqual([
      expect.stringContaining('Test: named'),
      expect.stringContaining('Firing: named'),
    ])
    expect(await told(id, 0)).toEqual([])
    await gateway.manage('DELETE', path)
  })

  test('is made anew under its name, and changed by PATCH', async () => {
    const { path, id } = await monitor({ name: 'changing', metric: 'latency', threshold: 10 })
    const again = { name: 'changing', metric: 'cost', threshold: 5, window_minutes: 60 }
    expect(await gateway.manage('POST', '/api/monitors/', again)).toMatchObject({
      status: 200,
      body: { ...again, id },
    })
    const patch = {
      threshold: 6,
      comparison: 'below',
      filters: { environment: 'test' },
      channels: [channelId],
    }
    expect((await gateway.manage('PATCH', path, patch)).body).toMatchObject({ ...again, ...patch })
    expect((await gateway.manage('GET', '/api/monitors/')).body.results).toMatchObject([{ id, ...patch }])
    await gateway.manage('DELETE', path)
  })

  test.each<[string, object]>([
    ['metric', { metric: 'joy' }],
    ['threshold', { threshold: -1 }],
    ['threshold', { metric: 'error_rate', threshold: 5 }],
    ['window_minutes', { window_minutes: 0 }],
    ['window_minutes', { metric: 'latency', aggregation: 'p95', window_minutes: 2_000 }],
    ['aggregation', { aggregation: 'p95' }],
    ['filters', { filters: { planet: 'earth' } }],
    ['channels', { channels: ['nowhere'] }],
  ])('is refused for its %s: %j', async (field, given) => {
    const usual = { name: 'wrong', metric: 'count', threshold: 1, window_minutes: 5 }
    const { status, body } = await gateway.manage('POST', '/api/monitors/', { ...usual, ...given })
    expect(status).toBe(422)
    expect(Object.keys(Object(body.errors))).toEqual([field])
  })
})

test('all that was told was signed', () => {
  const all = sink.at('/ops')
  expect(all.length).toBeGreaterThan(4)
  for (const { headers, body } of all)
    expect(headers['x-respan-signature']).toBe(
      createHmac('sha256', 'whsec_0123456789abcdef').update(body).digest('hex'),
    )
})
