import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GatewayEnv } from '../../src/pipeline/stages'
import * as fakes from '../fakes'
import { postDirectly } from './direct'
import type { CallInit, LogRow } from './gateway'
import type { Mode } from './protocols/client'
import { clients } from './protocols/clients'
import { type Bench, newModel, startBench, upstreams } from './protocols/upstreams'

const FIRST_CONTENT_TIMEOUT_MS = 3_000
const CHAT = '/v1/chat/completions'
const streaming = { stream: true }
const forms: [string, object][] = [
  ['whole', {}],
  ['streamed', streaming],
]

let bench: Bench

beforeAll(async () => {
  bench = await startBench({
    FIRST_CONTENT_TIMEOUT_MS: String(FIRST_CONTENT_TIMEOUT_MS),
    // A hundred requests at once on two cores take their time.
    SHARE_TIMEOUT_MS: '20000',
  })
})
afterAll(() => bench.close())

interface Told {
  status: number
  headers: Headers
  text: string
  cache: string | null
}

/** A question that nobody else asks, to a model whose name is the question's. */
function question(name: string) {
  const model = `${name.replaceAll(/\W+/g, '-')}-${randomUUID().slice(0, 8)}`
  const body = {
    ...{ model: `fake/${model}`, cache_enabled: true, custom_identifier: model },
    messages: [{ role: 'user', content: `What is ${model}?` }],
  }
  return { model, body }
}

async function ask(body: object, init: CallInit = {}): Promise<Told> {
  const { gateway } = bench
  const response = await gateway.fetch(CHAT, { method: 'POST', body: JSON.stringify(body), ...init })
  const { status, headers } = response
  return { status, headers, text: await response.text(), cache: headers.get('x-sluice-cache') }
}

function script(model: string, ...steps: fakes.Step[]): void {
  bench.gateway.upstream.script(model, ...steps)
}

function callsOf(model: string): fakes.RecordedCall[] {
  return bench.gateway.upstream.calls.filter((call) => call.model === model)
}

function whenCalled(model: string, events = 0): Promise<fakes.RecordedCall> {
  return bench.gateway.upstream.waitFor((call) => call.model === model && call.eventsSent >= events)
}

/** All rows with the model as their identifier, once there are so many. */
async function rowsOf(model: string, count: number): Promise<LogRow[]> {
  const { env, logOf } = bench.gateway
  const sql = 'select id from request_logs where custom_identifier = ? order by id'
  const ids = async () => (await env.LOGS.prepare(sql).bind(model).all<{ id: string }>()).results
  await expect.poll(async () => (await ids()).length, { timeout: 20_000, interval: 100 }).toBe(count)
  return await Promise.all((await ids()).map(({ id }) => logOf(id)))
}

const many = (count: number, make: () => Promise<Told>) => Promise.all(Array.from({ length: count }, make))
const statusesOf = (all: Told[]) => all.map(({ cache }) => cache).sort()
/** The text without what names each request of its own. */
const words = (count: number) => Array.from({ length: count }, (_, index) => `word${index} `)

describe('a hundred who ask the same at once', () => {
  test.for(forms)('are answered by one call: %s', async ([how, options]) => {
    const { model, body } = question(`crowd ${how}`)
    script(model, fakes.answer({ content: words(10), delayMs: 2_000, gapMs: 20 }), fakes.status(500))
    const all = await many(100, () => ask({ ...body, ...options }))
    expect(callsOf(model)).toHaveLength(1)
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(all.map(({ text }) => text)).size).toBe(1)
    expect(all[0]?.text).toContain('word9')
    const [missed, ...others] = statusesOf(all).reverse()
    expect(missed).toBe('miss')
    expect(new Set(others)).toEqual(new Set(['joined']))
    expect((await ask({ ...body, ...options })).cache).toBe('hit')
    const rows = await rowsOf(model, 101)
    expect(rows.every(({ ending }) => ending === 'completed')).toBe(true)
    expect(rows.filter(({ attempts }) => attempts.length > 0)).toHaveLength(1)
  })

  test('are told in their own protocols and forms', async () => {
    const native = ['openai', 'openai responses', '@anthropic-ai/sdk', '@google/genai']
    const modes: readonly Mode[] = ['whole', 'streamed']
    for (const upstream of upstreams) {
      const { scripted, model } = newModel(upstream, upstream.model)
      const tokens = { prompt_tokens: 21, completion_tokens: 12 }
      const content = ['It ', 'is ', 'a "square" ', 'ünd 🏔.']
      bench.fake.script(scripted, fakes.answer({ content, tokens, delayMs: 700 }), fakes.status(500))
      const text = `What is this? ${randomUUID()}`
      const said = clients
        .filter(({ name }) => native.includes(name))
        .flatMap((row) =>
          modes.map(async (mode) => {
            const { url, key } = bench.gateway
            const client = row.open({ url, key, fetch: withCache })
            const told = { model, text, maxTokens: 400 }
            return [row.name, await (mode === 'whole' ? client.ask(told) : client.stream(told))] as const
          }),
        )
      for (const [name, told] of await Promise.all(said))
        expect([upstream.id, name, told]).toMatchObject([
          ...[upstream.id, name],
          { text: content.join(''), input: 21, output: 12 },
        ])
      expect(bench.fake.calls.filter((call) => call.model === scripted)).toHaveLength(1)
    }
  })

  test('pay once: the others’ rows cost nothing and say what they saved', async () => {
    const { model, body } = question('paid')
    await bench.gateway.manage('POST', '/api/models/', {
      ...{ model_name: `team/${model}`, provider_id: 'fake', upstream_model: model },
      ...{ input_cost: 1_000, output_cost: 1_000 },
    })
    script(model, fakes.answer({ delayMs: 500 }), fakes.status(500))
    const all = await many(3, () => ask({ ...body, model: `team/${model}` }))
    const rows = await rowsOf(model, 3)
    const [made, ...joined] = rows.sort((one, other) => Number(other.cost) - Number(one.cost))
    expect(made).toMatchObject({ cache_status: 'miss', cache_hit: false, attempts: [{ status_code: 200 }] })
    expect(made?.cost).toBeGreaterThan(0)
    for (const row of joined)
      expect(row).toMatchObject({
        ...{ cache_status: 'joined', cache_hit: true, cost: 0, saved_cost: made?.cost, attempts: [] },
        ...{ cache_key: made?.cache_key, deployment_name: model, provider_id: 'fake', ending: 'completed' },
        ...{ finish_reason: 'stop', response_id: made?.response_id },
      })
    expect(all.every(({ headers }) => headers.get('x-sluice-provider') === 'fake')).toBe(true)
  })
})

/** fetch with the cache switched on. */
const withCache: typeof fetch = (input, init) => {
  const headers = new Headers(input instanceof Request ? input.headers : init?.headers)
  for (const [name, value] of new Headers(init?.headers)) headers.set(name, value)
  headers.set('x-data-respan-params', JSON.stringify({ cache_enabled: true }))
  return fetch(input, { ...init, headers })
}

test('one who joins in the middle of a stream gets it from its first byte, and then as it comes', async () => {
  const { model, body } = question('middle')
  const content = words(40)
  script(model, fakes.stream({ content, gapMs: 40 }))
  const leading = ask({ ...body, ...streaming })
  const call = await whenCalled(model, 11)
  const response = await bench.gateway.fetch(CHAT, {
    method: 'POST',
    body: JSON.stringify({ ...body, ...streaming }),
  })
  let text = ''
  const lags: number[] = []
  for await (const bytes of response.body ?? []) {
    text += Buffer.from(bytes).toString()
    lags.push(call.eventsSent - text.split('\n\n').length + 1)
  }
  expect(response.headers.get('x-sluice-cache')).toBe('joined')
  expect(text).toBe((await leading).text)
  // What was missed comes at once, and the rest piece by piece.
  expect(Math.max(...lags)).toBeLessThan(15)
  expect(lags.length).toBeGreaterThan(8)
  expect(callsOf(model)).toHaveLength(1)
})

describe('nobody joins', () => {
  const joins: [string, object, object, CallInit, boolean][] = [
    ['the same for a request with another name for its end user', { customer_identifier: 'b' }, {}, {}, true],
    ['a call for another customer', { customer_identifier: 'b' }, by('cache_by_customer'), {}, false],
    ['a call that has no cache', { cache_enabled: false }, {}, {}, false],
    ['another question', { temperature: 0.5 }, {}, {}, false],
    ['a call, who wants an answer of his own', {}, {}, { headers: { 'cache-control': 'no-cache' } }, false],
    ['a call, who wants nothing kept', {}, {}, { headers: { 'cache-control': 'no-store' } }, false],
  ]
  function by(option: string) {
    return { cache_options: { [option]: true }, customer_identifier: 'a' }
  }
  test.concurrent.for(joins)('%s', async ([how, more, both, init, isJoined]) => {
    const { model, body } = question(how)
    script(model, fakes.answer({ delayMs: 1_000 }), fakes.answer({ delayMs: 1_000 }))
    const first = ask({ ...body, ...both })
    await whenCalled(model)
    await ask({ ...body, ...both, ...more }, init)
    await first
    expect(callsOf(model)).toHaveLength(isJoined ? 1 : 2)
  })

  test('a call of another environment', async () => {
    const made = await bench.gateway.manage('POST', '/api/api-keys/', { name: 'test', environment: 'test' })
    const headers = { authorization: `Bearer ${made.body.api_key}` }
    const { model, body } = question('environment')
    script(model, fakes.answer({ delayMs: 800 }), fakes.answer({ delayMs: 800 }))
    const both = await Promise.all([ask(body), ask(body, { headers })])
    expect(both.map(({ cache }) => cache)).toEqual(['miss', 'miss'])
    expect(callsOf(model)).toHaveLength(2)
  })

  test('a call to another model, where answers are told by their models', async () => {
    const { model, body } = question('models')
    const other = { ...body, model: `fake/${model}-2`, cache_options: { is_cached_by_model: true } }
    for (const name of [model, `${model}-2`]) script(name, fakes.answer({ delayMs: 800 }))
    await Promise.all([ask({ ...body, cache_options: { is_cached_by_model: true } }), ask(other)])
    expect([callsOf(model).length, callsOf(`${model}-2`).length]).toEqual([1, 1])
  })
})

describe('when the call fails', () => {
  test.for(forms)('another one calls, and the others get that answer: %s', async ([how, options]) => {
    const { model, body } = question(`second ${how}`)
    const well = fakes.answer({ delayMs: 600, content: 'well' })
    script(model, fakes.after(600, fakes.status(500)), well, fakes.status(500))
    const all = await many(6, () => ask({ ...body, ...options }))
    expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 500])
    expect(callsOf(model)).toHaveLength(2)
    expect(statusesOf(all)).toEqual(['joined', 'joined', 'joined', 'joined', 'miss', 'miss'])
  })

  test('twice, everybody calls', async () => {
    const { model, body } = question('twice')
    script(model, ...Array(6).fill(fakes.after(300, fakes.status(500))))
    const all = await many(6, () => ask(body))
    expect(all.map(({ status }) => status)).toEqual(Array(6).fill(500))
    expect(callsOf(model)).toHaveLength(6)
  })

  test('each goes on to the fallbacks of its own', async () => {
    const { model, body } = question('own fallbacks')
    const spare = `${model}-spare`
    script(model, ...Array(4).fill(fakes.after(300, fakes.status(500))))
    script(spare, fakes.answer({ content: 'spare', delayMs: 300 }))
    const plain = ask(body)
    await whenCalled(model)
    const fallback_models = [`fake/${spare}`]
    const withSpare = await ask({ ...body, fallback_models })
    expect((await plain).status).toBe(500)
    expect([withSpare.status, withSpare.text.includes('spare')]).toEqual([200, true])
  })

  test('in the middle, those who have a part of its stream are told, and those who have nothing call', async () => {
    const { model, body } = question('broken')
    script(model, fakes.cutMidStream(6, { gapMs: 100 }), fakes.answer({ content: 'second' }))
    const leading = ask({ ...body, ...streaming })
    await whenCalled(model, 3)
    const [first, streamed, whole] = await Promise.all([leading, ask({ ...body, ...streaming }), ask(body)])
    expect([first.cache, streamed.cache, whole.cache]).toEqual(['miss', 'joined', 'miss'])
    expect(streamed.text).toContain('broke off')
    expect([whole.status, whole.text.includes('second')]).toEqual([200, true])
    expect(callsOf(model)).toHaveLength(2)
    const rows = await rowsOf(model, 3)
    expect(rows.map(({ ending }) => ending).sort()).toEqual(['completed', 'failed', 'failed'])
  })

  test('or its answer is deleted a moment later, the next one calls', async () => {
    const { model, body } = question('deleted')
    script(model, fakes.answer({ content: 'first' }), fakes.answer({ content: 'second' }))
    expect((await ask(body)).text).toContain('first')
    const [row] = await rowsOf(model, 1)
    expect((await bench.gateway.manage('DELETE', `/api/cache/${row?.cache_key}/`)).status).toBe(204)
    const again = await ask(body)
    expect([again.cache, again.text.includes('second')]).toEqual(['miss', true])
  })

  test('because its worker is gone, the next one calls after its lease', async () => {
    const { model, body } = question('orphan')
    await ask(body)
    const [row] = await rowsOf(model, 1)
    const env = bench.gateway.env as GatewayEnv
    await bench.gateway.env.CACHE.delete(`cache:${row?.cache_key}`)
    const object = env.FLIGHTS.getByName(String(row?.cache_key))
    await object.forget()
    expect((await object.claim({ leaseMs: 1_500, maxAgeMs: 0 })).kind).toBe('lead')
    const startedAt = Date.now()
    // This worker holds the answer in its memory; one that wants a younger one does not take it.
    await sleep(1_100)
    const told = await ask({ ...body, cache_ttl: 1 })
    expect([told.status, told.cache]).toEqual([200, 'miss'])
    expect(Date.now() - startedAt).toBeGreaterThan(1_000)
    expect(Date.now() - startedAt).toBeLessThan(FIRST_CONTENT_TIMEOUT_MS + 1_500)
    expect(callsOf(model)).toHaveLength(2)
  })
})

/** Breaks the connection of a request that was sent past wrangler's proxy. */
function askDirectly(body: object) {
  const { direct, key } = bench.gateway
  return postDirectly(direct, CHAT, key, body)
}

const hasLeft = (model: string) => (call: fakes.RecordedCall) =>
  call.model === model && call.closedByClientAt !== undefined

describe('a client that leaves', () => {
  const content = words(30)

  test.for<[string, fakes.Step, object]>([
    ['before its answer', fakes.answer({ content, delayMs: 1_500 }), {}],
    ['before its stream', fakes.stream({ content, delayMs: 1_500 }), streaming],
    ['in the middle of its stream', fakes.stream({ content, gapMs: 60 }), streaming],
  ])('%s does not take the answer from those who wait for it', async ([when, step, options]) => {
    const { model, body } = question(`left ${when}`)
    script(model, step, fakes.status(500))
    const socket = askDirectly({ ...body, ...options })
    await whenCalled(model)
    const following = ask({ ...body, ...options })
    await sleep(600)
    socket.resetAndDestroy()
    const { status, text, cache } = await following
    expect([status, cache]).toEqual([200, 'joined'])
    expect(text).toContain('word29')
    expect(callsOf(model)).toHaveLength(1)
    expect(callsOf(model)[0]?.closedByClientAt).toBeUndefined()
    // All of it was paid for, and is kept.
    const rows = await rowsOf(model, 2)
    expect(rows.map(({ ending }) => ending)).toEqual(['completed', 'completed'])
    expect((await ask({ ...body, ...options })).cache).toBe('hit')
  })

  test.for<[string, fakes.Step, object]>([
    ['before its answer', fakes.hangBeforeHeaders(), {}],
    ['in the middle of its stream', fakes.endlessDrip(20), streaming],
  ])('%s stops the provider when nobody waits', async ([when, step, options]) => {
    const { model, body } = question(`alone ${when}`)
    script(model, step, fakes.answer({ content: 'again' }))
    const socket = askDirectly({ ...body, ...options })
    await whenCalled(model)
    await sleep(200)
    const leftAt = Date.now()
    socket.resetAndDestroy()
    const { closedByClientAt = Number.NaN } = await bench.gateway.upstream.waitFor(hasLeft(model), 5_000)
    expect(closedByClientAt - leftAt).toBeLessThan(1_000)
    expect((await rowsOf(model, 1))[0]).toMatchObject({ ending: 'cancelled', error_code: 'cancelled' })
    expect((await ask({ ...body, ...options })).text).toContain('again')
  })

  test('while it follows leaves a row, and everybody else their answer', async () => {
    const { model, body } = question('follower left')
    script(model, fakes.stream({ content, gapMs: 60 }), fakes.status(500))
    const leading = ask({ ...body, ...streaming })
    await whenCalled(model, 2)
    const socket = askDirectly({ ...body, ...streaming })
    const other = ask({ ...body, ...streaming })
    await sleep(500)
    socket.resetAndDestroy()
    expect((await other).text).toBe((await leading).text)
    const rows = await rowsOf(model, 3)
    expect(rows.map(({ ending }) => ending).sort()).toEqual(['cancelled', 'completed', 'completed'])
    expect(rows.map(({ cost }) => cost).filter((cost) => cost !== 0).length).toBeLessThanOrEqual(1)
  })

  test('as the last of those who want the answer stops the provider', async () => {
    const { model, body } = question('all left')
    script(model, fakes.endlessDrip(20))
    const leader = askDirectly({ ...body, ...streaming })
    await whenCalled(model)
    await sleep(200)
    const follower = askDirectly({ ...body, ...streaming })
    await sleep(500)
    leader.resetAndDestroy()
    await sleep(500)
    expect(callsOf(model)[0]?.closedByClientAt).toBeUndefined()
    follower.resetAndDestroy()
    await bench.gateway.upstream.waitFor(hasLeft(model), 3_000)
    const rows = await rowsOf(model, 2)
    expect(rows.map(({ ending }) => ending)).toEqual(['cancelled', 'cancelled'])
  })

  test('or does not read does not hold up those who follow', async () => {
    const { model, body } = question('slow leader')
    const large = Array.from({ length: 40 }, (_, index) => `${index} ${'x'.repeat(20_000)} `)
    script(model, fakes.stream({ content: large, gapMs: 10 }), fakes.status(500))
    const socket = askDirectly({ ...body, ...streaming })
    socket.pause()
    await whenCalled(model, 2)
    const followed = await ask({ ...body, ...streaming })
    expect(followed.cache).toBe('joined')
    expect(followed.text).toContain('39 xxx')
    socket.destroy()
  })
})

test('a limit that refuses one of those who ask refuses only that one', async () => {
  const made = await bench.gateway.manage('POST', '/api/api-keys/', { name: 'limited' })
  const of = { scope: 'api_key', subject: made.body.id, window: 'day', metric: 'requests', value: 1 }
  await bench.gateway.manage('POST', '/api/limits/', { name: 'one a day', ...of })
  const headers = { authorization: `Bearer ${made.body.api_key}` }
  const { model, body } = question('limits')
  script(model, fakes.answer({ delayMs: 1_500, content: 'well' }), fakes.status(500))
  const free = ask(body)
  await whenCalled(model)
  const first = ask(body, { headers })
  await sleep(500)
  const second = await ask(body, { headers })
  expect(second.status).toBe(429)
  expect([(await free).cache, (await first).cache]).toEqual(['miss', 'joined'])
  expect(callsOf(model)).toHaveLength(1)
})
