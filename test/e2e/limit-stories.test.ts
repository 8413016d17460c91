import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectedUsage, reply, status } from '../fakes'
import { type AlertSink, startSink } from './alert-sink'
import { type Gateway, startGateway, user } from './gateway'

const MINUTE = 60_000
/** US dollars per million tokens. */
const PRICE = 1_000
let gateway: Gateway
let sink: AlertSink

beforeAll(async () => {
  ;[gateway, sink] = await Promise.all([startGateway(), startSink()])
  gateway.upstream.script('broken', status(500))
  for (const [model_name, upstream_model] of [
    ['priced', 'good'],
    ['priced-broken', 'broken'],
  ]) {
    const prices = { input_cost: PRICE, output_cost: PRICE }
    const model = { model_name, provider_id: 'fake', upstream_model, ...prices }
    expect((await gateway.manage('POST', '/api/models/', model)).status).toBe(201)
  }
})
afterAll(async () => {
  await gateway.close()
  await sink.close()
})

const body = { model: 'priced', max_tokens: 50, messages: user('what does it cost?') }
const { total_tokens: tokens } = expectedUsage(body)
/** What one call costs, in US dollars. */
const COST = (tokens * PRICE) / 1e6

const near = (usd: number) => expect.closeTo(usd, 9)

function chatAs(key: unknown, more: object = {}) {
  return gateway.chat({ ...body, ...more }, { headers: { authorization: `Bearer ${key}` } })
}

/** Calls one after another until one is refused; how many were not. */
async function callsUntilRefused(call: () => Promise<{ status: number; text: string; logId: string }>) {
  for (let count = 0; count < 100; count++) {
    const reply = await call()
    if (reply.status !== 200) return { count, reply }
  }
  throw new Error('nothing was refused')
}

describe('money', () => {
  test('of a temporary key ends with its spending_limit, which the key shows', async () => {
    const limit = COST * 4.5
    const { body: made } = await gateway.manage('POST', '/api/temporary-keys/', {
      name: 'spender',
      spending_limit: limit,
    })
    const { count, reply } = await callsUntilRefused(() => chatAs(made.api_key))
    expect(reply.status).toBe(429)
    expect(reply.text).toContain('spending_limit of the key spender')
    // The last call or two may be kept back by what they might have cost.
    expect(count).toBeGreaterThanOrEqual(1)
    expect(count).toBeLessThanOrEqual(4)
    const { body: shown } = await gateway.manage('GET', `/api/temporary-keys/${made.id}/`)
    expect(shown).toMatchObject({ spending_limit: limit, spending_in_period: near(COST * count) })
    const log = await gateway.logOf(reply.logId)
    expect(log).toMatchObject({ status_code: 429, ending: 'failed' })
  })

  test('of a temporary key is never more than its limit, however many calls come at once', async () => {
    const { body: made } = await gateway.manage('POST', '/api/temporary-keys/', {
      name: 'crowd',
      spending_limit: COST * 10,
    })
    const before = gateway.upstream.calls.length
    const replies = await Promise.all(Array.from({ length: 60 }, () => chatAs(made.api_key)))
    const paid = replies.filter((reply) => reply.status === 200).length
    expect(gateway.upstream.calls.length - before).toBe(paid)
    expect(paid).toBeGreaterThan(0)
    expect(paid).toBeLessThanOrEqual(10)
    const { body: shown } = await gateway.manage('GET', `/api/temporary-keys/${made.id}/`)
    expect(shown.spending_in_period).toEqual(near(COST * paid))
  })

  test('of a customer counts with the markup, by customer_params that come with each request', async () => {
    const customer = {
      ...{ customer_identifier: 'user_123', name: 'Hendrix', email: 'hendrix@example.com' },
      ...{ period_budget: COST * 20, budget_duration: 'monthly', markup_percentage: 100 },
    }
    const { count, reply } = await callsUntilRefused(() =>
      gateway.chat({ ...body, customer_params: customer }),
    )
    expect(reply.status).toBe(429)
    expect(reply.text).toContain('period_budget')
    // Each call counts twice.
    expect(count).toBeGreaterThanOrEqual(1)
    expect(count).toBeLessThanOrEqual(10)
    const { body: shown } = await gateway.manage('GET', '/api/users/user_123/')
    expect(shown).toMatchObject({
      ...customer,
      limits: [{ name: 'period_budget', metric: 'cost', window: 'month', used: near(COST * 2 * count) }],
    })
    // Another customer is not touched by it.
    expect((await gateway.chat({ ...body, customer_identifier: 'user_124' })).status).toBe(200)
    const { body: more } = await gateway.manage('PATCH', '/api/users/user_123/', { period_budget: null })
    expect(more).toMatchObject({ period_budget: null, limits: [] })
    expect((await gateway.chat({ ...body, customer_identifier: 'user_123' })).status).toBe(200)
  })

  test("in a customer's own period counts only while it lasts", async () => {
    const given = { period_budget: 0, period_start: '2020-01-01', period_end: '2020-02-01' }
    await gateway.manage('PATCH', '/api/users/dated/', given)
    const call = { ...body, customer_identifier: 'dated' }
    expect((await gateway.chat(call)).status).toBe(200)
    await gateway.manage('PATCH', '/api/users/dated/', { period_end: '2097-01-01T12:00:00Z' })
    const refused = await gateway.chat(call)
    expect(refused.status).toBe(429)
    expect(refused.text).toContain('period_budget')
  })

  test("in an API key's own limits is US dollars", async () => {
    const limits = [{ metric: 'cost', window: 'day', value: COST * 2.5 }]
    const { body: made } = await gateway.manage('POST', '/api/api-keys/', { name: 'in dollars', limits })
    const { count } = await callsUntilRefused(() => chatAs(made.api_key))
    const { body: shown } = await gateway.manage('GET', `/api/api-keys/${made.id}/`)
    expect(shown.limits).toMatchObject([{ value: COST * 2.5, used: near(COST * count), reserved: 0 }])
  })
})

describe('a limit that is passed by real requests', () => {
  test('is told once of 200 at the same time: a warning and a block', async () => {
    const { body: made } = await gateway.manage('POST', '/api/api-keys/', {
      name: 'watched',
      limits: [
        { name: 'soon', metric: 'requests', window: 'total', value: 10, action: 'warn' },
        { name: 'enough', metric: 'requests', window: 'total', value: 20, action: 'block' },
      ],
    })
    const url = sink.url('/watched')
    await gateway.manage('POST', '/api/alert-channels/', {
      ...{ name: 'watched', type: 'webhook', url, events: ['limit.warn', 'limit.block'] },
    })
    const replies = await Promise.all(Array.from({ length: 200 }, () => chatAs(made.api_key)))
    expect(replies.filter((reply) => reply.status === 200)).toHaveLength(20)
    const got = (await sink.settled('/watched', 2))
      .map(({ body: text }) => JSON.parse(text))
      .filter(({ data }) => data.subject === made.id)
    expect(got.map(({ event }) => event).sort()).toEqual(['limit.block', 'limit.warn'])
    const blocked = got.find(({ event }) => event === 'limit.block')
    expect(blocked.data).toMatchObject({
      ...{ name: 'enough of the key watched', scope: 'api_key', subject: made.id, metric: 'requests' },
      ...{ window: 'total', action: 'block', threshold: 20, resets_at: null },
    })
    expect(blocked.data.value).toBeGreaterThan(20)
    await gateway.manage('PATCH', `/api/api-keys/${made.id}/`, { limits: null })
  })
})

describe('a limit that a request goes beyond only by what it really takes', () => {
  test.each(['warn', 'block'] as const)('is told of when it is settled, once: %s', async (action) => {
    const window = action === 'warn' ? 'week' : 'total'
    const limits = [{ name: action, metric: 'tokens', window, value: 4_000, action }]
    const { body: made } = await gateway.manage('POST', '/api/api-keys/', { name: `more ${action}`, limits })
    const path = `/more-${action}`
    await gateway.manage('POST', '/api/alert-channels/', {
      ...{ name: path, type: 'webhook', url: sink.url(path), events: [`limit.${action}`] },
    })
    gateway.upstream.script(`more-${action}`, reply({ usage: { prompt_tokens: 5_000 } }))
    const asked = { model: `fake/more-${action}`, stream: false }
    const first = await chatAs(made.api_key, asked)
    expect(first.headers.get('x-sluice-limit-warning')).toBeNull()
    const got = (await sink.settled(path, 1)).map(({ body: text }) => JSON.parse(text))
    expect(got).toMatchObject([
      {
        event: `limit.${action}`,
        data: { subject: made.id, metric: 'tokens', window, threshold: 4_000, log_id: first.logId },
      },
    ])
    expect(got[0].data.value).toBeGreaterThan(5_000)
    expect((await chatAs(made.api_key, asked)).status).toBe(action === 'warn' ? 200 : 429)
    expect(await sink.settled(path, 1)).toHaveLength(1)
  })
})

describe('counters and logs', () => {
  const compared = async (): Promise<Record<string, unknown>[]> =>
    (await gateway.manage('GET', '/api/limits/drift/?all=true&page_size=1000')).body.results as never
  const differing = async () => (await gateway.manage('GET', '/api/limits/drift/')).body

  test('say the same of all that was done here, and of calls that fail, stream and are cancelled', async () => {
    for (const metric of ['cost', 'requests', 'tokens'])
      for (const window of ['hour', 'total'])
        await gateway.manage('POST', '/api/limits/', {
          ...{ name: `${metric} ${window}`, scope: 'customer', subject: '*', metric, window, value: 1e6 },
        })
    const more = { customer_identifier: 'compared' }
    await gateway.chat({ ...body, ...more })
    await gateway.chat({ ...body, ...more, stream: true })
    await gateway.chat({ ...body, ...more, model: 'priced-broken' })
    // Their providers tell no usage.
    const speech = { model: 'priced', input: 'Hello', voice: 'v', ...more }
    for (const [path, asked] of [
      ['/v1/moderations', speech],
      ['/v1/audio/speech', speech],
      ['/v1/moderations', { ...speech, model: 'priced-broken' }],
    ] as const)
      await (await gateway.fetch(path, { method: 'POST', body: JSON.stringify(asked) })).arrayBuffer()
    const leaving = new AbortController()
    const request = JSON.stringify({ ...body, ...more, stream: true })
    const response = await gateway.fetch('/v1/chat/completions', {
      method: 'POST',
      body: request,
      signal: leaving.signal,
    })
    await response.body?.getReader().read()
    leaving.abort()
    await gateway.loggedIds(gateway.logIds.length)
    await gateway.tick(Date.now() + 5 * MINUTE)
    // Somebody may still be calling.
    expect(await compared()).toEqual([])
    for (let run = 0; run < 3; run++) await gateway.tick(Date.now() + 11 * MINUTE)
    const all = await compared()
    const mine = all.filter(({ subject }) => subject === 'compared')
    expect(mine.map(({ name }) => name).sort()).toEqual([
      ...['cost hour', 'cost total', 'requests hour', 'requests total', 'tokens hour', 'tokens total'],
    ])
    expect(mine.find(({ name }) => name === 'requests hour')).toMatchObject({ counted: 7, logged: 7 })
    expect(Number(mine.find(({ name }) => name === 'cost total')?.counted)).toBeGreaterThan(COST)
    expect(await differing()).toMatchObject({ count: 0, results: [] })
  })

  test('that differ are told of once', async () => {
    await gateway.manage('POST', '/api/alert-channels/', {
      ...{ name: 'drift', type: 'webhook', url: sink.url('/drift'), events: ['limits.drift'] },
    })
    const { body: found } = await gateway.manage('GET', '/api/limits/')
    const limit = (found.results as { id: string; name: string }[]).find(
      ({ name }) => name === 'tokens total',
    )
    const nowMs = Date.now()
    // A call that the counters know nothing of.
    await gateway.env.LOG_QUEUE.send({
      ...{ version: 1, id: 'injected', startedAtMs: nowMs, endedAtMs: nowMs, environment: 'prod' },
      ...{
        method: 'POST',
        path: '/v1/chat/completions',
        logType: 'chat',
        stream: false,
        ending: 'completed',
      },
      ...{ statusCode: 200, routingMs: 0, dropped: [], tags: {}, usageSource: 'provider' },
      usage: {
        ...{ inputTokens: 7, cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 },
        ...{ outputTokens: 0, reasoningTokens: 0, audioInputTokens: 0, audioOutputTokens: 0 },
      },
      attempts: [],
      limitInfo: {
        isAllowed: true,
        limits: [
          {
            ...{ policyId: limit?.id, name: 'tokens total', scope: 'customer', subject: 'compared' },
            ...{ metric: 'tokens', window: 'total', windowStartMs: 0, action: 'block' },
            ...{ currentValue: 1, newValue: 2, limitValue: 1e6, isWithinLimit: true },
          },
        ],
      },
    })
    await gateway.logOf('injected')
    for (let run = 0; run < 2; run++) await gateway.tick(Date.now() + 11 * MINUTE)
    expect(await differing()).toMatchObject({
      count: 1,
      results: [{ name: 'tokens total', subject: 'compared', metric: 'tokens', difference: -7 }],
    })
    const got = (await sink.settled('/drift', 1)).map(({ body: text }) => JSON.parse(text))
    expect(got).toMatchObject([
      { event: 'limits.drift', title: 'Limit and logs differ: tokens total', data: { difference: -7 } },
    ])
  })
})
