import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { after, answer, status } from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

const MINUTE = 60_000
let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

let named = 0

/** Three models that nobody else uses: the first fails without cooling down, and the others answer. */
async function threeModels() {
  const [first, second, third] = ['first', 'second', 'third'].map((name) => `${name}-${++named}`) as [
    string,
    string,
    string,
  ]
  const prices = { input_cost: 3, output_cost: 15 }
  for (const model_name of [first, second, third])
    await gateway.manage('POST', '/api/models/', { model_name, provider_id: 'fake', ...prices })
  gateway.upstream.script(first, status(404))
  return { first, second, third }
}

async function limitOn(subject: string, given: object) {
  const name = `limit ${++named} on ${subject}`
  const usual = { scope: 'model', metric: 'requests', window: 'total', value: 1_000 }
  const made = await gateway.manage('POST', '/api/limits/', { name, subject, ...usual, ...given })
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return {
    name,
    id: String(made.body.id),
    /** What is used, once nothing is reserved any more. */
    async used() {
      for (const until = Date.now() + 10_000; Date.now() < until; await sleep(50)) {
        const { body } = await gateway.manage('GET', `/api/limits/${made.body.id}/`)
        if (body.reserved === 0) return Number(body.used)
      }
      throw new Error('something stays reserved')
    },
  }
}

const callsOf = (wanted: string) => gateway.upstream.calls.filter(({ model }) => model === wanted).length

const send = (model: string, more: object) =>
  gateway.chat({ model, max_tokens: 50, messages: user('ask me'), ...more })

async function ask(model: string, more: object) {
  const reply = await send(model, more)
  const row = await gateway.logOf(reply.logId)
  const attempts = row.attempts.map((one) => [one.deployment_name, one.error_code ?? 'none'])
  return { ...reply, row, attempts, info: Object(row.respan_params).limit_info }
}

type Asked = Awaited<ReturnType<typeof ask>>

const tokensOf = ({ row }: Asked) => Number(row.usage?.input_tokens) + Number(row.usage?.output_tokens)

describe.each([
  ['a reply in one piece', {}],
  ['a stream', { stream: true }],
])('a limit on the model of a fallback: %s', (_, options) => {
  test('lets so many come to it, and each model counts what it took', async () => {
    const { first, second, third } = await threeModels()
    const limit = await limitOn(second, { value: 2 })
    const calls = [await limitOn(first, {}), await limitOn(third, {})] as const
    const tokens = await Promise.all(
      [first, second, third].map((model) => limitOn(model, { metric: 'tokens', value: 1e6 })),
    )
    const cost = await Promise.all(
      [first, second, third].map((model) => limitOn(model, { metric: 'cost', value: 1e3 })),
    )
    const replies: Asked[] = []
    for (let count = 0; count < 4; count++)
      replies.push(await ask(first, { ...options, fallback_models: [second, third] }))
    expect(replies.map((reply) => [reply.status, reply.row.model])).toEqual([
      [200, second],
      [200, second],
      [200, third],
      [200, third],
    ])
    expect([callsOf(first), callsOf(second), callsOf(third)]).toEqual([4, 2, 2])
    expect(replies[0]?.attempts).toEqual([
      [first, 'upstream_status'],
      [second, 'none'],
    ])
    expect(replies[2]?.attempts).toEqual([
      [first, 'upstream_status'],
      [second, 'limit_exceeded'],
      [third, 'none'],
    ])
    expect([await limit.used(), await calls[0].used(), await calls[1].used()]).toEqual([2, 4, 2])
    const each = (answers: Asked[], of: (reply: Asked) => number) =>
      answers.reduce((sum, reply) => sum + of(reply), 0)
    const [byTwo, byThree] = [replies.slice(0, 2), replies.slice(2)]
    expect(await Promise.all(tokens.map((one) => one.used()))).toEqual([
      0,
      each(byTwo, tokensOf),
      each(byThree, tokensOf),
    ])
    const nano = ({ row }: Asked) => Number(row.cost_nano_usd)
    expect(each(byTwo, nano)).toBeGreaterThan(0)
    expect(await Promise.all(cost.map(async (one) => Math.round((await one.used()) * 1e9)))).toEqual([
      0,
      each(byTwo, nano),
      each(byThree, nano),
    ])
    await gateway.loggedIds(gateway.logIds.length)
    for (let run = 0; run < 3; run++) await gateway.tick(Date.now() + 11 * MINUTE)
    const { body: compared } = await gateway.manage('GET', '/api/limits/drift/?all=true&page_size=1000')
    const mine = Object(compared).results.filter(({ subject }: { subject: string }) =>
      [first, second, third].includes(subject),
    )
    expect(mine.map(({ difference }: { difference: number }) => difference)).toEqual(Array(9).fill(0))
    expect((await gateway.manage('GET', '/api/limits/drift/')).body).toMatchObject({ count: 0 })
  })

  test('is told in the headers and in the log', async () => {
    const { first, second, third } = await threeModels()
    const limit = await limitOn(second, { value: 1 })
    const [own, roomy] = [await limitOn(first, {}), await limitOn(third, {})]
    const fallback_models = [second, third]
    const through = await ask(first, { ...options, fallback_models })
    expect(through.headers.get('ratelimit')).toContain(`"${limit.name}";r=0`)
    expect(through.headers.get('ratelimit')).toContain(`"${own.name}";r=999`)
    expect(through.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(through.info).toMatchObject({
      is_allowed: true,
      limits: [
        { name: own.name, is_within_limit: true },
        { name: limit.name, current_value: 0, new_value: 1, is_within_limit: true },
      ],
    })
    const passed = await ask(first, { ...options, fallback_models })
    expect(passed.headers.get('ratelimit')).not.toContain(limit.name)
    expect(passed.headers.get('ratelimit')).toContain(`"${roomy.name}";r=999`)
    expect(passed.headers.get('x-sluice-attempts')).toBe('3')
    expect(passed.info).toMatchObject({
      is_allowed: true,
      limits: [
        { name: own.name },
        { name: limit.name, is_within_limit: false },
        { name: roomy.name, is_within_limit: true },
      ],
    })
  })

  test('hides no failure of the first, and a call that was kept from it costs nothing there', async () => {
    const { first, second } = await threeModels()
    const limit = await limitOn(second, { value: 0 })
    const own = await limitOn(first, {})
    const reply = await ask(first, { ...options, fallback_models: [second] })
    expect(reply.status).toBe(404)
    expect(reply.headers.get('x-sluice-model')).toBe(first)
    expect(reply.attempts).toEqual([
      [second, 'limit_exceeded'],
      [first, 'upstream_status'],
    ])
    expect([await limit.used(), await own.used(), callsOf(second)]).toEqual([0, 1, 0])
  })

  test('is the answer where nobody could be called, and then nothing is taken anywhere', async () => {
    const { second } = await threeModels()
    const limit = await limitOn(second, { value: 0, window: 'minute' })
    const customer_identifier = `customer-${++named}`
    const all = await limitOn(customer_identifier, { scope: 'customer' })
    // There is no key for it.
    const unset = { ...options, customer_identifier, fallback_models: [second] }
    const reply = await ask('openai/gpt-4o', unset)
    expect(reply.status).toBe(429)
    expect(JSON.parse(reply.text)).toMatchObject({
      error: { code: 'limit_exceeded', message: expect.stringContaining(limit.name) },
    })
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(reply.headers.get('ratelimit')).toContain(`"${limit.name}";r=0`)
    expect(reply.info).toMatchObject({ is_allowed: false })
    expect([await limit.used(), await all.used()]).toEqual([0, 0])
  })

  test('on what runs at a time is free again when the request has ended', async () => {
    const { first, second } = await threeModels()
    const limit = await limitOn(second, { metric: 'concurrency', window: undefined, value: 1 })
    const over = Promise.withResolvers<void>()
    gateway.upstream.script(second, after(over.promise, answer()), answer())
    const asked = { ...options, fallback_models: [second] }
    const running = send(first, asked)
    await gateway.upstream.waitFor(({ model }) => model === second)
    expect((await send(first, asked)).status).toBe(404)
    over.resolve()
    expect((await running).status).toBe(200)
    expect(await limit.used()).toBe(0)
    expect((await send(first, asked)).status).toBe(200)
  })

  test('is asked once for all tries of the same model', async () => {
    const { first, second } = await threeModels()
    const limit = await limitOn(second, { value: 1 })
    gateway.upstream.script(second, status(503), answer())
    const retry_params = { num_retries: 2, retry_after: 0.01 }
    const reply = await send(first, { ...options, fallback_models: [second], retry_params })
    expect([reply.status, callsOf(second), await limit.used()]).toEqual([200, 2, 1])
  })

  test('leaves its tries to the model before it', async () => {
    const { first, second } = await threeModels()
    const limit = await limitOn(second, { value: 0 })
    gateway.upstream.script(first, status(503), answer())
    const retry_params = { num_retries: 1, retry_after: 0.01 }
    const reply = await ask(first, { ...options, fallback_models: [second], retry_params })
    expect([reply.status, callsOf(first), callsOf(second), await limit.used()]).toEqual([200, 2, 0, 0])
    expect(reply.attempts).toEqual([
      [second, 'limit_exceeded'],
      [first, 'upstream_status'],
      [first, 'none'],
    ])
  })

  test('holds for the others of a balanced group', async () => {
    const { first, second } = await threeModels()
    const limit = await limitOn(second, { value: 1 })
    const load_balance_models = [
      { model: first, weight: 1e12 },
      { model: second, weight: 1e-12 },
    ]
    const statuses = []
    for (let count = 0; count < 3; count++)
      statuses.push((await send(first, { ...options, load_balance_models })).status)
    expect(statuses).toEqual([200, 404, 404])
    expect([await limit.used(), callsOf(second)]).toEqual([1, 1])
  })

  test('passes it over also while the first cools down behind it', async () => {
    const { first, second, third } = await threeModels()
    gateway.upstream.script(first, status(401))
    const limit = await limitOn(second, { value: 1 })
    const models = []
    for (let count = 0; count < 4; count++)
      models.push((await ask(first, { ...options, fallback_models: [second, third] })).row.model)
    expect(models).toEqual([second, third, third, third])
    expect([await limit.used(), callsOf(first)]).toEqual([1, 1])
  })

  test('that is on cost keeps requests from a model without a known price', async () => {
    const { first, third } = await threeModels()
    const unpriced = `no-price-${++named}`
    await limitOn(`fake/${unpriced}`, { metric: 'cost', value: 5 })
    const fallback_models = [`fake/${unpriced}`, third]
    const reply = await ask(first, { ...options, fallback_models })
    expect(reply.attempts).toEqual([
      [first, 'upstream_status'],
      [unpriced, 'unknown_price'],
      [third, 'none'],
    ])
    const asked = { model: first, messages: user('ask me'), fallback_models, protocol: 'openai-chat' }
    expect((await gateway.manage('POST', '/api/explain', asked)).body).toMatchObject({
      targets: [{ problem: null }, { problem: { code: 'unknown_price' } }, { problem: null }],
    })
  })
})

test('a limit on the first model refuses the request, whatever fallbacks it has', async () => {
  const { first, second } = await threeModels()
  const limit = await limitOn(first, { value: 0 })
  const reply = await send(first, { fallback_models: [second] })
  expect([reply.status, callsOf(first), callsOf(second)]).toEqual([429, 0, 0])
  expect(reply.text).toContain(limit.name)
})

test('a limit for each model counts each by itself, and headers tell the one that answered', async () => {
  const { first, second } = await threeModels()
  const each = await limitOn('*', { value: 3 })
  const { id } = each
  await send(first, { fallback_models: [second] })
  await send(second, {})
  const reply = await send(first, { fallback_models: [second] })
  expect(reply.headers.get('ratelimit')).toBe(`"${each.name}";r=0`)
  const standing = async (subject: string) =>
    (await gateway.manage('GET', `/api/limits/${id}/standings/?subject=${subject}`)).body.used
  await expect.poll(() => standing(second)).toBe(3)
  await expect.poll(() => standing(first)).toBe(2)
  const explained = { model: first, messages: user('ask me'), fallback_models: [second] }
  const { body } = await gateway.manage('POST', '/api/explain', { ...explained, protocol: 'openai-chat' })
  expect(body.limits).toMatchObject([
    { name: each.name, subject: first, reserves: 1 },
    { name: each.name, subject: second, reserves: 1 },
  ])
  await gateway.manage('DELETE', `/api/limits/${id}/`)
})

test('a limit on a fallback that is called more often than its isolate asks about it is never passed', async () => {
  const { first, second } = await threeModels()
  const [paid, calls] = [300, 500]
  const limit = await limitOn(second, { value: paid })
  const all = await limitOn(first, { value: 1e6 })
  const statuses: number[] = []
  const callOn = async () => {
    while (statuses.length < calls) statuses.push((await send(first, { fallback_models: [second] })).status)
  }
  await Promise.all(Array.from({ length: 30 }, callOn))
  expect([...new Set(statuses)].sort()).toEqual([200, 404])
  const through = statuses.filter((one) => one === 200).length
  expect(through).toBe(callsOf(second))
  expect(through).toBeLessThanOrEqual(paid)
  expect([await limit.used(), await all.used()]).toEqual([through, statuses.length])
  for (let last = 200; last === 200; await limit.used())
    last = (await send(first, { fallback_models: [second] })).status
  expect([callsOf(second), await limit.used()]).toEqual([paid, paid])
}, 120_000)
