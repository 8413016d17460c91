import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

const body = { model: 'fake/good', messages: user('hello') }

/** A call with another key than the usual one. */
function chatAs(key: unknown, more: object = {}) {
  return gateway.chat({ ...body, ...more }, { headers: { authorization: `Bearer ${key}` } })
}

async function temporaryKey(given: object) {
  const { status, body: made } = await gateway.manage('POST', '/api/temporary-keys/', {
    name: 'demo',
    ...given,
  })
  expect(status, JSON.stringify(made)).toBe(201)
  return made
}

describe('a temporary key', () => {
  test('is made with all that the hosted gateway takes, and tells its key once', async () => {
    const made = await temporaryKey({
      name: 'for the demo',
      expiry_date: '2097-01-31T00:00:00Z',
      max_usage: 100,
      rate_limit: 10,
      spending_limit: 1.5,
      is_test: true,
    })
    expect(made).toEqual({
      id: expect.any(String),
      api_key: expect.stringMatching(/^[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}$/),
      prefix: String(made.api_key).slice(0, 8),
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      name: 'for the demo',
      revoked: false,
      expiry_date: '2097-01-31T00:00:00.000Z',
      key_usage: 0,
      max_usage: 100,
      last_used: null,
      rate_limit: 10,
      spending_limit: 1.5,
      spending_in_period: 0,
      is_test: true,
      is_temporary: true,
    })
    const { api_key: _, ...shown } = made
    const path = `/api/temporary-keys/${made.id}/`
    expect(await gateway.manage('GET', path)).toEqual({ status: 200, body: shown })
    const { body: list } = await gateway.manage('GET', '/api/temporary-keys/')
    expect(list).toMatchObject({ count: expect.any(Number), next: null, previous: null })
    expect(list.results).toContainEqual(shown)
    // The other noun does not know it.
    expect((await gateway.manage('GET', `/api/api-keys/${made.id}/`)).status).toBe(404)
    expect(JSON.stringify((await gateway.manage('GET', '/api/api-keys/')).body)).not.toContain(made.id)
  })

  test('has no limits but what it is given', async () => {
    const made = await temporaryKey({})
    expect(made).toMatchObject({
      max_usage: -1,
      rate_limit: null,
      spending_limit: null,
      expiry_date: null,
      is_test: false,
    })
    expect((await chatAs(made.api_key)).status).toBe(200)
    const { logId } = await chatAs(made.api_key)
    await gateway.logOf(logId)
    const { body: shown } = await gateway.manage('GET', `/api/temporary-keys/${made.id}/`)
    expect(shown).toMatchObject({ key_usage: 2, last_used: expect.stringMatching(/^\d{4}/) })
  })

  test('is changed by PATCH and is gone after DELETE', async () => {
    const made = await temporaryKey({ expiry_date: '2097-01-31' })
    const path = `/api/temporary-keys/${made.id}/`
    const changes = { name: 'other', expiry_date: '2098-02-01T12:00:00', is_test: true, prefix: 'demo-1' }
    const { status, body: changed } = await gateway.manage('PATCH', path, changes)
    expect({ status, ...changed }).toMatchObject({
      ...changes,
      status: 200,
      expiry_date: '2098-02-01T12:00:00.000Z',
    })
    expect((await chatAs(made.api_key)).status).toBe(200)
    expect((await gateway.manage('DELETE', path)).status).toBe(204)
    expect((await gateway.manage('GET', path)).status).toBe(404)
    const refused = await chatAs(made.api_key)
    expect({ status: refused.status, text: refused.text }).toMatchObject({
      status: 401,
      text: expect.stringContaining('invalid or expired'),
    })
  })

  test('ends at its expiry, and says so', async () => {
    const made = await temporaryKey({ expiry_date: new Date(Date.now() + 1_500).toISOString() })
    expect((await chatAs(made.api_key)).status).toBe(200)
    await sleep(1_600)
    const refused = await chatAs(made.api_key)
    expect(refused.status).toBe(401)
    expect(refused.text).toMatch(/expired at \d{4}-/)
  })

  test('is not an admin key, whatever is sent', async () => {
    const made = await temporaryKey({})
    expect(
      (await gateway.manage('GET', '/api/temporary-keys/', undefined, String(made.api_key))).status,
    ).toBe(403)
    expect((await gateway.manage('POST', '/api/temporary-keys/', { name: 'x', role: 'admin' })).status).toBe(
      422,
    )
  })

  test.each<[string, object]>([
    ['no name', { name: '' }],
    ['a date that is none', { expiry_date: 'tomorrow' }],
    ['half a request', { max_usage: 0.5 }],
    ['fewer than none', { max_usage: -2 }],
    ['a negative rate', { rate_limit: -1 }],
    ['a negative amount', { spending_limit: -0.5 }],
  ])('is refused with %s, by the name of the field', async (_, given) => {
    const { status, body: answer } = await gateway.manage('POST', '/api/temporary-keys/', {
      name: 'demo',
      ...given,
    })
    expect(status).toBe(422)
    expect(Object.keys(Object(answer.errors))).toEqual(Object.keys(given))
  })

  test('lets in as many requests as max_usage says, however many come at once', async () => {
    const made = await temporaryKey({ max_usage: 7 })
    const before = gateway.upstream.calls.length
    const replies = await Promise.all(Array.from({ length: 40 }, () => chatAs(made.api_key)))
    const statuses = replies.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(7)
    expect(statuses.filter((status) => status === 429)).toHaveLength(33)
    expect(gateway.upstream.calls.length - before).toBe(7)
    const refused = replies.find(({ status }) => status === 429)
    expect(refused?.text).toContain('max_usage of the key demo')
    const { body: shown } = await gateway.manage('GET', `/api/temporary-keys/${made.id}/`)
    expect(shown).toMatchObject({ key_usage: 7, max_usage: 7 })
    // More is granted without forgetting what was used.
    await gateway.manage('PATCH', `/api/temporary-keys/${made.id}/`, { max_usage: 8 })
    const later = await Promise.all(Array.from({ length: 5 }, () => chatAs(made.api_key)))
    expect(later.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('lets in so many requests a minute', async () => {
    const made = await temporaryKey({ rate_limit: 2 })
    const replies = await Promise.all(Array.from({ length: 10 }, () => chatAs(made.api_key)))
    const allowed = replies.filter(({ status }) => status === 200).length
    // Two for each of the minutes that the ten were sent in.
    expect([2, 4]).toContain(allowed)
    const refused = replies.find(({ status }) => status === 429)
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe("an API key's own limits", () => {
  test('are shown with what is used of them, and keep it when they are changed', async () => {
    const limits = [
      { metric: 'requests', window: 'total', value: 2, action: 'block' },
      { metric: 'requests', window: 'total', value: 1, action: 'warn' },
      { metric: 'concurrency', value: 5 },
    ]
    const { status, body: made } = await gateway.manage('POST', '/api/api-keys/', { name: 'limited', limits })
    expect(status).toBe(201)
    expect(made.limits).toMatchObject([
      { metric: 'requests', window: 'total', value: 2, action: 'block', used: 0, reserved: 0 },
      { metric: 'requests', window: 'total', value: 1, action: 'warn', used: 0, reserved: 0 },
      { metric: 'concurrency', window: null, value: 5, action: 'block', used: 0 },
    ])
    const replies = [await chatAs(made.api_key), await chatAs(made.api_key), await chatAs(made.api_key)]
    expect(replies.map((reply) => reply.status)).toEqual([200, 200, 429])
    expect(replies[2]?.text).toContain('requests per total of the key limited')
    const path = `/api/api-keys/${made.id}/`
    const more = { limits: [{ metric: 'requests', window: 'total', value: 3, action: 'block' }] }
    const { body: changed } = await gateway.manage('PATCH', path, more)
    expect(changed.limits).toMatchObject([{ value: 3, used: 2 }])
    expect((await chatAs(made.api_key)).status).toBe(200)
    expect((await chatAs(made.api_key)).status).toBe(429)
    expect((await gateway.manage('PATCH', path, { limits: null })).body.limits).toEqual([])
    expect((await chatAs(made.api_key)).status).toBe(200)
  })

  test('may be written in the words of another gateway', async () => {
    const given = { usageLimit: 10, periodUsageLimit: 2, periodUsageDurationUnit: 'week' }
    const { body: made } = await gateway.manage('POST', '/api/api-keys/', { name: 'aliases', ...given })
    expect(made.limits).toMatchObject([
      { name: 'usageLimit', metric: 'cost', window: 'total', value: 10, action: 'block' },
      { name: 'periodUsageLimit', metric: 'cost', window: 'week', value: 2, action: 'block' },
    ])
  })

  test.each<[string, object]>([
    ['limits.0.window', { limits: [{ metric: 'concurrency', window: 'day', value: 1 }] }],
    ['limits.0.window', { limits: [{ metric: 'requests', value: 1 }] }],
    ['limits.0.metric', { limits: [{ metric: 'joy', window: 'day', value: 1 }] }],
    ['periodUsageDurationUnit', { periodUsageLimit: 1 }],
    [
      'periodUsageDurationValue',
      { periodUsageLimit: 1, periodUsageDurationValue: 2, periodUsageDurationUnit: 'day' },
    ],
  ])('are refused by the field %s', async (field, given) => {
    const answer = await gateway.manage('POST', '/api/api-keys/', { name: 'wrong', ...given })
    expect(answer.status).toBe(422)
    expect(Object.keys(Object(answer.body.errors))).toEqual([field])
  })
})

describe('a customer', () => {
  const as = (customer: string, more: object = {}) =>
    gateway.chat({ ...body, customer_params: { customer_identifier: customer, ...more } })

  test('is made by what a request says of it, which has an effect at once', async () => {
    const told = { name: 'Ada', email: 'ada@example.com', metadata: { plan: 'pro' }, rate_limit: 3 }
    const replies = await Promise.all(Array.from({ length: 12 }, () => as('user_123', told)))
    const allowed = replies.filter(({ status }) => status === 200)
    // Three for each of the minutes that they were sent in.
    expect([3, 6]).toContain(allowed.length)
    expect(allowed[0]?.headers.get('x-sluice-dropped')).toBeNull()
    const refused = replies.find(({ status }) => status === 429)
    expect(refused?.text).toContain('rate_limit')
    const { status, body: shown } = await gateway.manage('GET', '/api/users/user_123/')
    expect({ status, ...shown }).toMatchObject({
      status: 200,
      customer_identifier: 'user_123',
      name: 'Ada',
      email: 'ada@example.com',
      metadata: { plan: 'pro' },
      rate_limit: 3,
      limits: [{ name: 'rate_limit', metric: 'requests', window: 'minute', value: 3 }],
    })
  })

  test('has budgets by PATCH, and none any more by null', async () => {
    const path = '/api/users/acme%2Fberlin/'
    const given = {
      period_budget: 10,
      budget_duration: 'yearly',
      total_budget: 100.5,
      rate_limit: 0,
      markup_percentage: 20,
    }
    const { status, body: shown } = await gateway.manage('PATCH', path, given)
    const year = new Date().getUTCFullYear()
    expect({ status, ...shown }).toMatchObject({
      ...given,
      status: 200,
      period_start: `${year}-01-01T00:00:00.000Z`,
      period_end: `${year + 1}-01-01T00:00:00.000Z`,
      limits: [
        { name: 'period_budget', metric: 'cost', window: 'year', value: 10 },
        { name: 'total_budget', metric: 'cost', window: 'total', value: 100.5 },
        { name: 'rate_limit', metric: 'requests', window: 'minute', value: 0 },
      ],
    })
    // A budget lets nobody in whose cost it cannot tell.
    const priced = { model_name: 'of-acme', provider_id: 'fake', input_cost: 1, output_cost: 2 }
    await gateway.manage('POST', '/api/models/', priced)
    const request = { ...body, model: 'of-acme', customer_identifier: 'acme/berlin' }
    expect((await gateway.chat(request)).status).toBe(429)
    const { body: changed } = await gateway.manage('PATCH', path, { rate_limit: null, total_budget: null })
    expect(changed).toMatchObject({ period_budget: 10, rate_limit: null, total_budget: null })
    expect((await gateway.chat(request)).status).toBe(200)
  })

  test('keeps a budget that a request says null of', async () => {
    await gateway.manage('PATCH', '/api/users/kept/', { rate_limit: 0 })
    expect((await as('kept', { rate_limit: null, name: null })).status).toBe(429)
    expect((await gateway.manage('GET', '/api/users/kept/')).body).toMatchObject({ rate_limit: 0 })
  })

  test('gets no budget from a temporary key, which is told so', async () => {
    const made = await temporaryKey({})
    const reply = await chatAs(made.api_key, {
      customer_params: { customer_identifier: 'sly', total_budget: 1e6 },
    })
    expect(reply.status).toBe(403)
    expect(reply.text).toContain('temporary key')
    expect((await gateway.manage('GET', '/api/users/sly/')).body.total_budget ?? null).toBeNull()
    const harmless = { customer_params: { customer_identifier: 'sly', name: 'Sly' } }
    expect((await chatAs(made.api_key, harmless)).status).toBe(200)
  })

  test.each<[string, object]>([
    ['period_budget', { period_budget: -1 }],
    ['budget_duration', { budget_duration: 'hourly' }],
    ['markup_percentage', { markup_percentage: -100 }],
    ['period_start', { period_start: 'soon' }],
    ['rate_limit', { rate_limit: 1.5 }],
  ])('is refused for a wrong %s, in PATCH and in a request', async (field, given) => {
    const answer = await gateway.manage('PATCH', '/api/users/wrong/', given)
    expect(answer.status).toBe(422)
    expect(Object.keys(Object(answer.body.errors))).toEqual([field])
    const reply = await as('wrong', given)
    expect(reply.status).toBe(400)
    expect(reply.text).toContain(`customer_params.${field}`)
  })
})
