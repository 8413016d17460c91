import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { type CallInit, type Gateway, startGateway, user } from './gateway'

/** US dollars per million tokens; an answer below has 1,000 tokens in and 100 out. */
const PRICES = { input_cost: 1, output_cost: 10 }
const COST = 0.002
const tokens = { prompt_tokens: 1_000, completion_tokens: 100 }

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

let models = 0

/** A custom model that no other test calls, and what its provider calls it. */
async function freshModel(step?: fakes.Step): Promise<{ model: string; upstream: string }> {
  const upstream = `policy-${++models}`
  const model = `team/${upstream}`
  gateway.upstream.script(
    upstream,
    step ?? fakes.answer({ content: `answer ${models}`, usage: tokens, tokens }),
  )
  const row = { model_name: model, provider_id: 'fake', upstream_model: upstream, ...PRICES }
  const { status } = await gateway.manage('POST', '/api/models/', row)
  expect(status).toBe(201)
  return { model, upstream }
}

function callsFor(upstream: string): number {
  return gateway.upstream.calls.filter((call) => call.model === upstream).length
}

interface Got {
  status: number
  cache: string | null
  headers: Headers
  text: string
  log: () => ReturnType<Gateway['logOf']>
}

async function post(path: string, body: object, init: CallInit = {}): Promise<Got> {
  const response = await gateway.fetch(path, { method: 'POST', body: JSON.stringify(body), ...init })
  const { status, headers } = response
  const text = await response.text()
  const log = () => gateway.logOf(headers.get('x-respan-log-id') ?? '')
  return { status, cache: headers.get('x-sluice-cache'), headers, text, log }
}

function question(model: string) {
  return { model, messages: user(`hi ${model}`), cache_enabled: true }
}

function chat(model: string, more: object = {}, init?: CallInit): Promise<Got> {
  return post('/v1/chat/completions', { ...question(model), ...more }, init)
}

async function kept(model: string, more: object = {}): Promise<Got> {
  const first = await chat(model, more)
  expect([first.status, first.cache]).toEqual([200, 'miss'])
  await sleep(150)
  return first
}

/** What is read, once it is as it should be, or as it still is after 20 seconds. */
async function until<T>(read: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(150)) {
    const value = await read()
    if (isThere(value)) return value
  }
  return read()
}

/** The options of a call with a key of its own, and the key's id. */
async function ownKey(more: object = {}): Promise<{ id: string; init: CallInit }> {
  const { status, body } = await gateway.manage('POST', '/api/api-keys/', { name: randomUUID(), ...more })
  expect([status, body]).toMatchObject([201, {}])
  return { id: String(body.id), init: { headers: { authorization: `Bearer ${body.api_key}` } } }
}

describe('the log of a hit', () => {
  test.concurrent('says that it cost nothing, what it saved, and whose answer it is', async () => {
    const { model, upstream } = await freshModel()
    const first = await kept(model)
    const hit = await chat(model, { customer_identifier: 'ada', metadata: { a: 1 } })
    const [made, log] = [await first.log(), await hit.log()]
    expect(made).toMatchObject({
      ...{ model, cost: COST, cache_hit: false, cache_status: 'miss', cached_model: null },
      saved_cost: null,
    })
    expect(log).toMatchObject({
      ...{ model: 'respan/cache', cached_model: model, deployment_name: upstream, provider_id: 'fake' },
      ...{ ending: 'completed', status_code: 200, cost: 0, price_status: 'cached', saved_cost: COST },
      ...{ cache_hit: true, cache_bit: 1, cache_miss_bit: 0, cache_status: 'hit', attempts: [] },
      cache_key: made.cache_key,
      ...{ customer_identifier: 'ada', metadata: { a: 1 }, credential_kind: null },
      ...{ usage: { input_tokens: 1_000, output_tokens: 100 }, finish_reason: 'stop' },
      full_response: JSON.parse(hit.text),
    })
    expect(log.cache_age).toEqual(expect.any(Number))
  })

  test.concurrent('has the stream that its client got', async () => {
    const { model } = await freshModel()
    await kept(model)
    const hit = await chat(model, { stream: true })
    const log = await hit.log()
    expect(log).toMatchObject({ cache_hit: true, stream: true, response_stream: hit.text })
  })

  test.concurrent.for([
    ['omit_log', { omit_log: true }],
    ['omit_logs', { omit_logs: true }],
  ] as const)('is left out by %s, and the hit still counts', async ([, cache_options]) => {
    const { model } = await freshModel()
    const { id, init } = await ownKey()
    const first = await chat(model, { cache_options }, init)
    await sleep(150)
    const hit = await chat(model, { cache_options }, init)
    expect([first.cache, hit.cache]).toEqual(['miss', 'hit'])
    await first.log()
    const usage = await until(
      async () => (await gateway.manage('GET', `/api/usage/?key=${id}`)).body.totals,
      (totals) => Object(totals).number_of_requests === 2,
    )
    expect(usage).toMatchObject({
      ...{ number_of_requests: 2, cache_hits: 1, cache_misses: 1, cache_hit_ratio: 0.5 },
      ...{ total_cost: COST, saved_cost: COST },
    })
    const { body } = await gateway.manage('GET', `/api/request-logs/${hit.headers.get('x-respan-log-id')}/`)
    expect(body).toEqual({ detail: 'Not found.' })
  })

  test.concurrent('has no bodies with disable_log', async () => {
    const { model } = await freshModel()
    await kept(model)
    const log = await (await chat(model, { disable_log: true })).log()
    expect(log).toMatchObject({ cache_hit: true, full_response: null })
  })
})

describe('policies on a hit', () => {
  test.concurrent('a hit needs a key', async () => {
    const { model } = await freshModel()
    await kept(model)
    expect(await chat(model, {}, { headers: { authorization: 'Bearer sk-wrong' } })).toMatchObject({
      status: 401,
    })
  })

  test.concurrent('it counts as a request', async () => {
    const { model } = await freshModel()
    await kept(model)
    const { id, init } = await ownKey()
    const limit = {
      scope: 'api_key',
      subject: id,
      metric: 'requests',
      window: 'day',
      value: 2,
      action: 'block',
    }
    await gateway.manage('POST', '/api/limits/', { name: randomUUID(), ...limit })
    const statuses: number[] = []
    for (let call = 0; call < 3; call++) statuses.push((await chat(model, {}, init)).status)
    expect(statuses).toEqual([200, 200, 429])
    expect(callsFor(model.replace('team/', ''))).toBe(1)
  })

  test.concurrent.for([
    ['tokens', 100_000],
    ['cost', 100],
  ] as const)('it takes no %s', async ([metric, value]) => {
    const { model } = await freshModel()
    await kept(model)
    const { id, init } = await ownKey()
    const limit = { scope: 'api_key', subject: id, metric, window: 'day', value, action: 'block' }
    const { body } = await gateway.manage('POST', '/api/limits/', { name: randomUUID(), ...limit })
    for (let call = 0; call < 3; call++) expect((await chat(model, {}, init)).cache).toBe('hit')
    const read = async () => (await gateway.manage('GET', `/api/limits/${body.id}/`)).body
    // What was reserved is given back behind the answer.
    expect(await until(read, ({ reserved }) => reserved === 0)).toMatchObject({ used: 0, reserved: 0 })
  })

  test.concurrent('what the request excludes does not answer', async () => {
    const { model } = await freshModel()
    await kept(model)
    expect((await chat(model, { exclude_providers: ['fake'] })).cache).toBe('miss')
    expect((await chat(model, { exclude_models: [model] })).cache).toBe('miss')
    expect((await chat(model)).cache).toBe('hit')
  })

  test.concurrent('who wants no losses is not given an answer with some', async () => {
    const { model } = await freshModel()
    const body = { model, max_tokens: 50, messages: user(`hi ${model}`), top_k: 3, cache_enabled: true }
    const first = await post('/v1/messages', body)
    expect([first.cache, first.headers.get('x-sluice-dropped')]).toEqual(['miss', 'top_k'])
    await sleep(150)
    const second = await post('/v1/messages', body)
    expect([second.cache, second.headers.get('x-sluice-dropped')]).toEqual(['hit', 'top_k'])
    const strict = await post('/v1/messages', { ...body, require_parameters: true })
    expect([strict.status, strict.cache]).toEqual([400, 'miss'])
  })
})

describe('an answer in the memory of the isolate', () => {
  test.concurrent('is the same each time, however it was sent', async () => {
    const { model } = await freshModel(fakes.answer({ content: ['one ', 'two ', 'three'], gapMs: 60 }))
    const streamed = { stream: true, stream_options: { include_usage: true } }
    const first = await kept(model, streamed)
    for (const pace of ['instant', 'natural', 'natural', 'instant']) {
      const again = await chat(model, { ...streamed, cache_options: { pace } })
      expect([pace, again.cache, again.text]).toEqual([pace, 'hit', first.text])
    }
  })

  test.concurrent('may be a large one', async () => {
    const { model } = await freshModel(fakes.answer({ content: 'word '.repeat(200_000) }))
    const first = await kept(model)
    expect(first.text.length).toBeGreaterThan(1_000_000)
    for (let call = 0; call < 3; call++) {
      const again = await chat(model)
      expect([again.cache, again.text === first.text]).toEqual(['hit', true])
    }
    expect(await (await chat(model)).log()).toMatchObject({
      cache_hit: true,
      full_response: JSON.parse(first.text),
    })
  })
})

describe('other endpoints', () => {
  test.concurrent('embeddings hit, but never another model’s or another input’s', async () => {
    const ask = (model: string, input: string, more: object = {}) =>
      post('/v1/embeddings', { model, input, cache_enabled: true, ...more })
    const first = await ask('fake/embed-cache', 'a text')
    await sleep(150)
    const all = [
      await ask('fake/embed-cache', 'a text'),
      await ask('fake/embed-cache', 'a text', { user: 'u', metadata: { a: 1 } }),
      await ask('fake/embed-cache', 'another text'),
      await ask('fake/embed-cache', 'a text', { dimensions: 4 }),
      await ask('fake/embed-other', 'a text'),
    ]
    expect(all.map(({ cache }) => cache)).toEqual(['hit', 'hit', 'miss', 'miss', 'miss'])
    expect(all[0]?.text).toBe(first.text)
    expect(await all[0]?.log()).toMatchObject({ log_type: 'embedding', cache_hit: true, cost: 0 })
  })

  test.concurrent('a spoken file comes again as it was', async () => {
    const ask = async (voice: string) => {
      const body = { model: 'fake/speech-cache', input: 'hello', voice, cache_enabled: true }
      const response = await gateway.fetch('/v1/audio/speech', { method: 'POST', body: JSON.stringify(body) })
      const { headers } = response
      const bytes = Buffer.from(await response.arrayBuffer())
      return { cache: headers.get('x-sluice-cache'), type: headers.get('content-type'), bytes }
    }
    const first = await ask('alloy')
    await sleep(150)
    const second = await ask('alloy')
    expect([first.cache, second.cache, (await ask('echo')).cache]).toEqual(['miss', 'hit', 'miss'])
    expect(first.bytes.length).toBeGreaterThan(10)
    expect([second.bytes.equals(first.bytes), second.type]).toEqual([true, first.type])
  })

  test.concurrent.for([
    ['a link that ends in an hour', 'url', 'https://example.com/a.png', 'miss'],
    ['the picture itself', 'b64_json', 'iVBORw0KGgo=', 'hit'],
  ] as const)('of images: %s', async ([, response_format, data, expected]) => {
    const model = `image-cache-${response_format}`
    gateway.upstream.script(model, fakes.json({ created: 1, data: [{ [response_format]: data }] }))
    const body = { model: `fake/${model}`, prompt: 'a square', response_format, cache_enabled: true }
    expect((await post('/v1/images/generations', body)).cache).toBe('miss')
    await sleep(150)
    expect((await post('/v1/images/generations', body)).cache).toBe(expected)
  })

  test.concurrent('a form is not kept', async () => {
    const client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
    const caches: (string | null)[] = []
    for (let call = 0; call < 2; call++) {
      const file = await OpenAI.toFile(new Uint8Array(1_000), 'talk.mp3', { type: 'audio/mpeg' })
      const given = { file, model: 'fake/listen-cache' }
      const headers = { 'x-data-respan-params': '{"cache_enabled": true}' }
      const { response } = await client.audio.transcriptions.create(given, { headers }).withResponse()
      caches.push(response.headers.get('x-sluice-cache'))
    }
    expect(caches).toEqual([null, null])
  })

  test.concurrent('a call that is passed through says that the cache has no effect', async () => {
    const headers = { 'x-data-respan-params': '{"cache_enabled": true}' }
    const response = await gateway.fetch('/v1/files', { headers })
    await response.body?.cancel()
    expect(response.headers.get('x-sluice-dropped')).toContain('cache_enabled')
  })
})

describe('the management of the cache', () => {
  const lookUp = (body: object) => gateway.manage('POST', '/api/cache/lookup/', body)

  test.concurrent('tells the key of a request, and what it would be given', async () => {
    const { model, upstream } = await freshModel()
    // As it is asked whether the request itself wants the cache or not.
    const { cache_enabled: _, ...plain } = question(model)
    const before = await lookUp(plain)
    expect(before).toMatchObject({ status: 200, body: { is_cached: false, entry: null } })
    const first = await kept(model, { customer_identifier: 'ada' })
    const { body } = await lookUp(plain)
    expect(body).toMatchObject({
      ...{ cache_key: before.body.cache_key, is_cached: true },
      entry: {
        ...{ model, deployment_name: upstream, provider_id: 'fake', protocol: 'openai-chat', stream: false },
        ...{ customer_identifier: 'ada', finish_reason: 'stop', has_tool_calls: false },
        ...{ prompt_tokens: 1_000, completion_tokens: 100, content_type: 'application/json' },
        log_id: first.headers.get('x-respan-log-id'),
      },
    })
    const path = `/api/cache/${body.cache_key}/`
    expect(await gateway.manage('GET', path)).toMatchObject({
      status: 200,
      body: { cache_key: body.cache_key, response: JSON.parse(first.text) },
    })
    const explained = await gateway.manage('POST', '/api/explain', question(model))
    expect(explained.body.cache_key).toBe(body.cache_key)
    expect((await gateway.manage('POST', '/api/explain', plain)).body.cache_key).toBeNull()
    const log = await (await chat(model)).log()
    expect(log.cache_key).toBe(body.cache_key)
  })

  test.concurrent('forgets one answer by its key', async () => {
    const { model } = await freshModel()
    await kept(model)
    expect((await chat(model)).cache).toBe('hit')
    const { body } = await lookUp(question(model))
    const path = `/api/cache/${body.cache_key}/`
    expect((await gateway.manage('DELETE', path)).status).toBe(204)
    expect((await gateway.manage('GET', path)).status).toBe(404)
    expect((await gateway.manage('DELETE', path)).status).toBe(404)
    expect((await chat(model)).cache).toBe('miss')
    await sleep(1_100)
    expect((await chat(model)).cache).toBe('hit')
  })

  test.concurrent('forgets the answers of a model, by any of its names', async () => {
    const [one, other] = [await freshModel(), await freshModel()]
    await Promise.all([kept(one.model), kept(other.model)])
    const cleared = await gateway.manage('DELETE', `/api/cache/?model=${encodeURIComponent(one.model)}`)
    expect(cleared).toMatchObject({ status: 200, body: { cleared: 'model', model: one.model } })
    expect([(await chat(one.model)).cache, (await chat(other.model)).cache]).toEqual(['miss', 'hit'])
  })

  test.concurrent('forgets the answers that a customer’s requests brought', async () => {
    const [one, other] = [await freshModel(), await freshModel()]
    await kept(one.model, { customer_identifier: 'leaving: now' })
    await kept(other.model, { customer_identifier: 'staying' })
    const query = `customer_identifier=${encodeURIComponent('leaving: now')}`
    const cleared = await gateway.manage('DELETE', `/api/cache/?${query}`)
    expect(cleared.body).toMatchObject({ cleared: 'customer', customer_identifier: 'leaving: now' })
    expect([(await chat(one.model)).cache, (await chat(other.model)).cache]).toEqual(['miss', 'hit'])
  })

  test.for<[string, string]>([
    ['', 'query'],
    ['?all=false', 'all'],
    ['?model=', 'model'],
    ['?customer=x', 'customer'],
    ['?all=true&model=x', 'query'],
  ])('refuses DELETE /api/cache/%s, naming %s', async ([query, field]) => {
    const { status, body } = await gateway.manage('DELETE', `/api/cache/${query}`)
    expect([status, Object.keys(Object(body.errors))]).toEqual([422, [field]])
  })

  test('is for admin keys, but for the look-up', async () => {
    const calls: [string, string, number][] = [
      ['GET', '/api/cache/', 403],
      ['DELETE', '/api/cache/?all=true', 403],
      ['GET', `/api/cache/${'0'.repeat(64)}/`, 403],
      ['DELETE', `/api/cache/${'0'.repeat(64)}/`, 403],
    ]
    for (const [method, path, status] of calls)
      expect([path, (await gateway.manage(method, path, undefined, gateway.key)).status]).toEqual([
        path,
        status,
      ])
    const looked = await gateway.manage('POST', '/api/cache/lookup/', question('fake/any'), gateway.key)
    expect(looked).toMatchObject({ status: 200, body: { is_cached: false } })
    const wrong = await gateway.manage('POST', '/api/cache/lookup/', { model: 'fake/any' }, gateway.key)
    expect(wrong).toMatchObject({ status: 400, body: { error: { param: 'messages' } } })
    for (const key of ['0'.repeat(64), 'nonsense', 'config%2Flast-good'])
      expect((await gateway.manage('GET', `/api/cache/${key}/`)).status).toBe(404)
  })

  // The last ones, since they change what holds for all.
  test('forgets everything, and tells what the cache was worth', async () => {
    const { model } = await freshModel()
    await kept(model)
    expect((await chat(model)).cache).toBe('hit')
    const cleared = await gateway.manage('DELETE', '/api/cache/?all=true')
    expect(cleared).toMatchObject({ status: 200, body: { cleared: 'all' } })
    expect((await chat(model)).cache).toBe('miss')
    const mine = async () => {
      const { body } = await gateway.manage('GET', '/api/cache/')
      return Object(body).by_model.find((row: { model: string }) => row.model === model)
    }
    expect(await until(mine, (row) => row?.number_of_requests === 3)).toEqual({
      ...{ model, number_of_requests: 3, cache_hits: 1, cache_misses: 2 },
      ...{ cache_hit_ratio: 1 / 3, saved_cost: COST },
    })
    const { body } = await gateway.manage('GET', '/api/cache/')
    const [byKey] = Object(body).by_key.filter(
      (row: { organization_key_id: string }) => row.organization_key_id === gateway.keyId,
    )
    expect(byKey.cache_hits).toBeGreaterThan(0)
    expect(Object(body).totals.cache_hits).toBeGreaterThanOrEqual(byKey.cache_hits)
  })

  test('takes its defaults from the settings', async () => {
    const { model } = await freshModel()
    const { cache_enabled: _, ...plain } = question(model)
    const ask = (more: object = {}) => post('/v1/chat/completions', { ...plain, ...more })
    const set = { cache_enabled: true, cache_ttl: 60, cache_options: { cache_by_customer: true } }
    await gateway.manage('PATCH', '/api/settings/', { cache: set })
    expect((await ask({ customer_identifier: 'a' })).cache).toBe('miss')
    await sleep(150)
    const all = [
      await ask({ customer_identifier: 'a' }),
      await ask({ customer_identifier: 'b' }),
      await ask({ customer_identifier: 'a', cache_enabled: false }),
      // Whoever wants no body kept is not kept by a default.
      await ask({ customer_identifier: 'a', disable_log: true }),
      await ask({ customer_identifier: 'b', cache_options: { cache_by_customer: false } }),
    ]
    await gateway.manage('PATCH', '/api/settings/', { cache: null })
    expect(all.map(({ cache }) => cache)).toEqual(['hit', 'miss', null, null, 'miss'])
    expect((await ask()).cache).toBeNull()
  })
})
