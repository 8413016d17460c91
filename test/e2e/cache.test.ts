import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as fakes from '../fakes'
import { type CallInit, user } from './gateway'
import type { Ask, Mode } from './protocols/client'
import { clients } from './protocols/clients'
import { type Bench, newModel, startBench, upstreams } from './protocols/upstreams'

const NATIVE = ['openai by hand', 'openai responses', '@anthropic-ai/sdk', '@google/genai']
const native = clients.filter(({ name }) => NATIVE.includes(name))
const MODES: readonly Mode[] = ['whole', 'streamed']
const CHAT = '/v1/chat/completions'

let bench: Bench

// Each story of the first table is of forty calls.
vi.setConfig({ testTimeout: 90_000 })

// Nothing fits into the memory of an isolate, so that every hit is read from KV.
beforeAll(async () => {
  bench = await startBench({ CACHE_MEMORY_BYTES: '1' })
})
afterAll(() => bench.close())

let models = 0

/** A model of the provider `fake` that no other test calls, which answers with its number. */
function freshModel(step: fakes.Step = fakes.answer({ content: `answer ${models + 1}` })): string {
  const name = `cached-${++models}`
  bench.gateway.upstream.script(name, step)
  return `fake/${name}`
}

function callsFor(model: string): number {
  const name = model.replace(/^fake\//, '')
  return bench.gateway.upstream.calls.filter((call) => call.model === name).length
}

interface Got {
  status: number
  /** What the answer says of the cache. */
  cache: string | null
  headers: Headers
  text: string
  logId: string
}

async function post(path: string, body: object, init: CallInit = {}): Promise<Got> {
  const response = await bench.gateway.fetch(path, { method: 'POST', body: JSON.stringify(body), ...init })
  const { status, headers } = response
  const logId = headers.get('x-respan-log-id') ?? ''
  return { status, cache: headers.get('x-sluice-cache'), headers, text: await response.text(), logId }
}

/** A question that only this model's test asks: by default the model does not tell two questions apart. */
function question(model: string) {
  return { model, messages: user(`hi ${model}`), cache_enabled: true }
}

/** A chat completion that wants the cache. */
function chat(model: string, more: object = {}, init?: CallInit): Promise<Got> {
  return post(CHAT, { ...question(model), ...more }, init)
}

async function kept(model: string, more: object = {}): Promise<Got> {
  const first = await chat(model, more)
  expect([first.status, first.cache]).toEqual([200, 'miss'])
  await sleep(100)
  return first
}

/** A client whose requests all have these gateway parameters, and what its answers say of the cache. */
function cachingClient(row: (typeof clients)[number], parameters: object = {}) {
  const { url, key } = bench.gateway
  const cache: (string | null)[] = []
  const noted: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    request.headers.set('x-data-respan-params', JSON.stringify({ cache_enabled: true, ...parameters }))
    const response = await fetch(request)
    cache.push(response.headers.get('x-sluice-cache'))
    return response
  }
  const client = row.open({ url, key, fetch: noted })
  return { cache, say: (ask: Ask, mode: Mode) => (mode === 'whole' ? client.ask(ask) : client.stream(ask)) }
}

// Each kind of provider asked in its own words, whose bytes pass, and in another protocol's.
const stories = upstreams.flatMap((upstream, index) =>
  MODES.flatMap((stored, mode) => {
    const own = native.find(({ protocol }) => protocol === upstream.protocol)
    const others = native.filter((client) => client !== own)
    return [own, others[(index + mode) % others.length]].flatMap((by) =>
      by === undefined
        ? []
        : [[`${upstream.id}, ${stored}, by ${by.name}`, { upstream, stored, by }] as const],
    )
  }),
)

describe('an answer of each kind of provider is kept and told to everybody who asks the same', () => {
  test.concurrent.for(stories)('%s', async ([, { upstream, stored, by }]) => {
    const { scripted, model } = newModel(upstream, upstream.model)
    const content = ['It ', 'is ', 'a "square" ', '\\ ', 'ünd 🏔.']
    const tokens = { prompt_tokens: 21, completion_tokens: 12 }
    const calls = [{ name: 'look_up', arguments: { city: 'Zürich "ZH" 🏔', depth: 2 } }]
    bench.fake.script(
      scripted,
      fakes.answer({ content, tokens }),
      fakes.answer({ reasoning: 'Let me think of it.', content: 'Looking.', toolCalls: calls, tokens }),
    )
    const asks = ['What is this?', 'Please look it up.'].map((text) => ({
      ...{ model, text: `${text} ${randomUUID()}`, maxTokens: 400 },
    }))
    const said = [
      { text: content.join(''), calls: [], input: 21, output: 12 },
      { text: 'Looking.', calls: [{ name: 'look_up', input: calls[0]?.arguments }], input: 21, output: 12 },
    ]
    const maker = cachingClient(by)
    const reasoned: string[] = []
    for (const [index, ask] of asks.entries()) {
      const first = await maker.say(ask, stored)
      expect(first).toMatchObject(said[index] ?? {})
      reasoned.push(first.reasoning)
    }
    expect(maker.cache).toEqual(['miss', 'miss'])
    await sleep(200)
    for (const client of native)
      for (const mode of MODES) {
        const reader = cachingClient(client)
        for (const [index, ask] of asks.entries()) {
          const finish = index === 0 ? client.words.stop : client.words.toolCalls
          const reasoning = reasoned[index]
          const told = await reader.say(ask, mode)
          expect([client.name, mode, told]).toMatchObject([
            client.name,
            mode,
            { ...said[index], finish, reasoning },
          ])
        }
        expect([client.name, mode, reader.cache]).toEqual([client.name, mode, ['hit', 'hit']])
      }
    expect(bench.fake.calls.filter((call) => call.model === scripted)).toHaveLength(2)
  })
})

describe('the bytes of a hit', () => {
  test.concurrent.for([
    ['whole', {}],
    ['streamed', { stream: true }],
    ['streamed with usage', { stream: true, stream_options: { include_usage: true } }],
  ] as const)('are those of the first answer: %s', async ([, more]) => {
    const model = freshModel(fakes.answer({ content: ['one ', 'two'], extraFields: { odd: { x: [1] } } }))
    const first = await kept(model, more)
    const second = await chat(model, more)
    expect(second.cache).toBe('hit')
    expect(second.text).toBe(first.text)
    expect(second.text).toContain('"odd"')
    for (const name of ['content-type', 'x-sluice-provider', 'x-sluice-model'])
      expect([name, second.headers.get(name)]).toEqual([name, first.headers.get(name)])
    expect(callsFor(model)).toBe(1)
  })

  test.concurrent('have the usage of the stream for those only who ask for it', async () => {
    const model = freshModel()
    const asked = { stream: true, stream_options: { include_usage: true } }
    await kept(model, { stream: true })
    const [without, withUsage] = [await chat(model, { stream: true }), await chat(model, asked)]
    expect([without.cache, withUsage.cache]).toEqual(['hit', 'hit'])
    expect(without.text).not.toContain('"usage":{')
    expect(withUsage.text).toContain('"usage":{')
  })

  test.concurrent('are told with their age, and kept out of other caches', async () => {
    const model = freshModel()
    const first = await kept(model)
    expect(first.headers.get('cache-control')).toBe('no-store')
    expect([first.headers.get('age'), first.headers.get('x-llmgateway-cache')]).toEqual([null, null])
    await sleep(1_100)
    const { headers } = await chat(model)
    expect(headers.get('x-llmgateway-cache')).toBe('HIT')
    expect(Number(headers.get('age'))).toBeGreaterThanOrEqual(1)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-sluice-attempts')).toBe('0')
    expect(headers.get('server-timing')).toMatch(/cache;dur=\d/)
  })

  test.concurrent('come as a JSON array where Gemini clients ask for one', async () => {
    const model = freshModel()
    await kept(model)
    const path = `/v1beta/models/${model}:streamGenerateContent`
    const contents = [{ role: 'user', parts: [{ text: `hi ${model}` }] }]
    const { cache, text, headers } = await post(path, { contents, cache_enabled: true })
    expect([cache, headers.get('content-type')]).toEqual(['hit', expect.stringContaining('application/json')])
    expect(headers.get('cache-control')).toBe('no-store, no-transform')
    expect(JSON.parse(text).map(Object.keys)).not.toEqual([])
    expect(text).toContain('answer')
  })
})

describe('a stream from the cache', () => {
  const content = ['one ', 'two ', 'three ', 'four']

  /** When each piece of a stream came, in milliseconds, and all of it. */
  async function timed(body: object) {
    const response = await bench.gateway.fetch(CHAT, { method: 'POST', body: JSON.stringify(body) })
    const times: number[] = []
    const startedAt = performance.now()
    let text = ''
    for await (const piece of response.body ?? []) {
      times.push(performance.now() - startedAt)
      text += new TextDecoder().decode(piece)
    }
    return {
      cache: response.headers.get('x-sluice-cache'),
      text,
      spanMs: (times.at(-1) ?? 0) - (times[0] ?? 0),
      times,
    }
  }

  test.concurrent('takes the time that the first one took, when asked to', async () => {
    const model = freshModel(fakes.answer({ content, gapMs: 300 }))
    const body = { ...question(model), stream: true }
    const first = await timed(body)
    await sleep(100)
    const paced = await timed({ ...body, cache_options: { pace: 'natural' } })
    expect([first.cache, paced.cache]).toEqual(['miss', 'hit'])
    expect(paced.text).toBe(first.text)
    expect(paced.times.length).toBeGreaterThan(3)
    expect(paced.spanMs).toBeGreaterThan(500)
  })

  test.concurrent('is told word by word when the first answer came in one piece', async () => {
    const model = freshModel(fakes.answer({ content: content.join('') }))
    await kept(model)
    const { cache, text, times } = await timed({
      ...{ ...question(model), stream: true },
      cache_options: { pace: 'natural' },
    })
    expect(cache).toBe('hit')
    expect(text.match(/"content":"[^"]+"/g)).toEqual(
      content.map((word, index) => `"content":"${index === 0 ? '' : ' '}${word.trim()}"`),
    )
    expect(times.length).toBeGreaterThan(3)
  })

  test.concurrent('that its client leaves is told as cancelled, and costs nothing', async () => {
    const model = freshModel(fakes.answer({ content, gapMs: 400 }))
    await kept(model, { stream: true })
    const leaving = new AbortController()
    const body = { ...question(model), stream: true, cache_options: { pace: 'natural' } }
    const response = await bench.gateway.fetch(CHAT, {
      ...{ method: 'POST', body: JSON.stringify(body), signal: leaving.signal },
    })
    await response.body?.getReader().read()
    leaving.abort()
    const log = await bench.gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({ ending: 'cancelled', status_code: 499, cost: 0, cache_hit: true })
  })
})

describe('what is not shared', () => {
  test.concurrent.for<[string, object, object, string]>([
    ['nothing', {}, {}, 'hit'],
    ['another question', {}, { messages: user('bye') }, 'miss'],
    ['another model, by default', {}, { model: 'fake/cached-other' }, 'hit'],
    [
      'another model, by model',
      {},
      { model: 'fake/cached-other', cache_options: { is_cached_by_model: true } },
      'miss',
    ],
    ['another customer, by default', { customer_identifier: 'a' }, { customer_identifier: 'b' }, 'hit'],
    [
      'another customer, by customer',
      { customer_identifier: 'a', cache_options: { cache_by_customer: true } },
      { customer_identifier: 'b', cache_options: { cache_by_customer: true } },
      'miss',
    ],
    [
      'the same customer, by customer',
      { customer_identifier: 'a', cache_options: { cache_by_customer: true } },
      { customer_params: { customer_identifier: 'a' }, cache_options: { cache_by_customer: true } },
      'hit',
    ],
    [
      'a customer of a request that is for nobody',
      { cache_options: { cache_by_customer: true } },
      { customer_identifier: 'a', cache_options: { cache_by_customer: true } },
      'miss',
    ],
    ['a header that steers the provider', {}, { extra_headers: { 'x-mode': 'deep' } }, 'miss'],
    ['tags of the log', {}, { metadata: { a: 1 }, note: 'n', user: 'u', thread_identifier: 't' }, 'hit'],
    ['the older name of a parameter', { max_tokens: 9 }, { max_completion_tokens: 9 }, 'hit'],
    ['an unknown field', {}, { my_field: 1 }, 'miss'],
  ])('%s', async ([, first, second, expected]) => {
    const model = freshModel()
    await kept(model, first)
    expect((await chat(model, second)).cache).toBe(expected)
  })

  test.concurrent('numbers that only their text tells apart', async () => {
    const model = freshModel()
    const body = (seed: string) => JSON.stringify(question(model)).replace('{', `{"seed":${seed},`)
    const ask = async (seed: string) => (await bench.gateway.chat(body(seed))).headers.get('x-sluice-cache')
    expect(await ask('9007199254740993')).toBe('miss')
    await sleep(100)
    expect([await ask('9007199254740992'), await ask('9007199254740993')]).toEqual(['miss', 'hit'])
  })

  test.concurrent('answers between environments, and of a key that keeps its own', async () => {
    const keyOf = async (more: object) => {
      const { body } = await bench.gateway.manage('POST', '/api/api-keys/', { name: randomUUID(), ...more })
      return { headers: { authorization: `Bearer ${body.api_key}` } }
    }
    const [test, own, plain] = await Promise.all([
      keyOf({ environment: 'test' }),
      keyOf({ cache_scope: 'api_key' }),
      keyOf({}),
    ])
    const model = freshModel()
    await kept(model)
    const told = async (init: CallInit) => (await chat(model, {}, init)).cache
    expect([await told(plain), await told(test), await told(own)]).toEqual(['hit', 'miss', 'miss'])
    await sleep(100)
    expect([await told(test), await told(own)]).toEqual(['hit', 'hit'])
  })

  test.concurrent('answers of somebody who brought the credential', async () => {
    const { gateway } = bench
    const { body } = await gateway.manage('POST', '/api/api-keys/', { name: randomUUID() })
    const model = freshModel()
    const theirs = { api_key: 'sk-of-the-request', api_base: gateway.upstream.url }
    const brought = { credential_override: { [model]: theirs } }
    await kept(model, brought)
    const other = { headers: { authorization: `Bearer ${body.api_key}` } }
    expect((await chat(model, brought, other)).cache).toBe('miss')
    expect((await chat(model)).cache).toBe('miss')
    expect((await chat(model, brought)).cache).toBe('hit')
  })

  test.concurrent('an answer of a model that the key may not call', async () => {
    const model = freshModel()
    const { messages } = question(model)
    const given = { name: randomUUID(), allowed_models: ['fake/cached-allowed'] }
    const { body } = await bench.gateway.manage('POST', '/api/api-keys/', given)
    const init = { headers: { authorization: `Bearer ${body.api_key}` } }
    await kept(model)
    expect(await chat(model, {}, init)).toMatchObject({ status: 403, cache: null })
    // By default the model is not in the key, so that the question is known; its answer is another model's.
    expect(await chat('fake/cached-allowed', { messages }, init)).toMatchObject({
      status: 200,
      cache: 'miss',
    })
  })

  test.concurrent('a fallback’s answer, by model', async () => {
    const [failing, falling] = [freshModel(fakes.status(503)), freshModel()]
    const more = { fallback_models: [falling], cache_options: { is_cached_by_model: true } }
    expect((await chat(failing, more)).cache).toBe('miss')
    await sleep(100)
    expect((await chat(failing, more)).cache).toBe('miss')
    expect(callsFor(falling)).toBe(2)
  })
})

describe('what is not kept', () => {
  const filtered = { content: ['half of '], finishReason: 'content_filter' }

  test.concurrent.for<[string, fakes.Step, object?]>([
    ['an error', fakes.status(503)],
    ['an error with status 200', fakes.jsonErrorWith200()],
    ['a refusal', fakes.answer({ refusal: 'I cannot help with that.' })],
    ['a streamed refusal', fakes.answer({ refusal: 'I cannot help with that.' }), { stream: true }],
    ['what a filter cut', fakes.answer(filtered)],
    ['a stream that a filter cut', fakes.answer(filtered), { stream: true }],
    ['one filtered choice among others', fakes.answer({ ...filtered, n: 2 }), { n: 2 }],
    ['a stream without its end marker', fakes.endWithoutTerminal(4), { stream: true }],
    ['a stream that broke', fakes.cutMidStream(4), { stream: true }],
    ['a stream that was reset', fakes.resetMidStream(4), { stream: true }],
    ['a stream that ended with an error', fakes.errorEventAfter(4), { stream: true }],
    ['a body that is cut', fakes.truncatedJson()],
    [
      'a call of a tool, when that is switched off',
      fakes.answer({ toolCalls: [{ name: 'f', arguments: {} }] }),
      { cache_options: { cache_tool_calls: false } },
    ],
  ])('%s', async ([, step, more]) => {
    const model = freshModel(step)
    await chat(model, more).catch(() => undefined)
    await sleep(300)
    await chat(model, more).catch(() => undefined)
    expect(callsFor(model)).toBe(2)
  })

  test.concurrent('the stream that its client left', async () => {
    const model = freshModel(fakes.answer({ content: Array.from({ length: 30 }, () => 'word '), gapMs: 100 }))
    const leaving = new AbortController()
    const body = { ...question(model), stream: true }
    const response = await bench.gateway.fetch(CHAT, {
      ...{ method: 'POST', body: JSON.stringify(body), signal: leaving.signal },
    })
    await response.body?.getReader().read()
    leaving.abort()
    const log = await bench.gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({ ending: 'cancelled', cache_hit: false, cache_status: 'miss' })
    const { body: looked } = await bench.gateway.manage('POST', '/api/cache/lookup/', body)
    expect(looked).toEqual({ cache_key: log.cache_key, is_cached: false, entry: null })
  })

  test.concurrent.for<[string, object, CallInit]>([
    ['a request that does not ask for it', { cache_enabled: undefined }, {}],
    ['a request that switches it off', { cache_enabled: false }, {}],
    ['a request with no-store', {}, { headers: { 'cache-control': 'no-store' } }],
    ['a request that the gateway cannot read whole', { messages: [{ role: 'oracle', content: 'hi' }] }, {}],
  ])('%s', async ([, more, init]) => {
    const model = freshModel()
    const all = [await chat(model, more, init), await chat(model, more, init)]
    expect(all.map(({ cache }) => cache)).toEqual([null, null])
    expect(callsFor(model)).toBe(2)
  })
})

describe('how long', () => {
  test.concurrent('an answer is kept for the seconds that were asked for', async () => {
    const model = freshModel()
    await kept(model, { cache_ttl: 5 })
    expect((await chat(model, { cache_ttl: 5 })).cache).toBe('hit')
    await sleep(5_100)
    expect((await chat(model, { cache_ttl: 5 })).cache).toBe('miss')
    expect(callsFor(model)).toBe(2)
  })

  test.concurrent('an answer may be too old for one and not for another', async () => {
    const model = freshModel()
    await kept(model, { cache_ttl: 600 })
    await sleep(1_200)
    expect((await chat(model, { cache_ttl: 600 })).cache).toBe('hit')
    expect((await chat(model, { cache_ttl: 1 })).cache).toBe('miss')
  })

  test.concurrent.for([
    [{ 'cache-control': 'no-cache' }],
    [{ 'cache-control': 'max-age=0, No-Cache' }],
    [{ 'x-no-cache': 'true' }],
  ] as const)('a client that wants a new answer replaces the old one: %j', async ([headers]) => {
    const model = freshModel(fakes.answer({ content: 'old' }))
    await kept(model)
    bench.gateway.upstream.script(model.replace('fake/', ''), fakes.answer({ content: 'new' }))
    // KV takes one write a second for each key.
    await sleep(1_100)
    expect(await chat(model, {}, { headers })).toMatchObject({
      cache: 'miss',
      text: expect.stringContaining('new'),
    })
    await sleep(100)
    expect(await chat(model)).toMatchObject({ cache: 'hit', text: expect.stringContaining('new') })
  })

  test.concurrent.for<[object, string]>([
    [{ cache_ttl: 0 }, 'cache_ttl'],
    [{ cache_ttl: 0.5 }, 'cache_ttl'],
    [{ cache_ttl: '60' }, 'cache_ttl'],
    [{ cache_enabled: 'yes' }, 'cache_enabled'],
    [{ cache_options: true }, 'cache_options'],
    [{ cache_options: { cache_by_customer: 1 } }, 'cache_options.cache_by_customer'],
    [{ cache_options: { pace: 'slow' } }, 'cache_options.pace'],
  ])('%j is refused, naming %s', async ([parameters, param]) => {
    const { status, text } = await chat('fake/any', parameters)
    expect([status, JSON.parse(text).error]).toMatchObject([400, { param }])
  })
})

describe('damaged entries', () => {
  test.concurrent.for<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['cut', (bytes) => bytes.subarray(0, bytes.length - 5)],
    ['cut in its head', (bytes) => bytes.subarray(0, 40)],
    ['empty', () => new Uint8Array(0)],
    ['with more behind', (bytes) => Buffer.concat([bytes, Buffer.from('more')])],
    [
      'of another format',
      (bytes) =>
        Buffer.from(Buffer.from(bytes).toString('latin1').replace('"format":1', '"format":9'), 'latin1'),
    ],
    ['something else', () => Buffer.from(JSON.stringify({ response: 'hello' }))],
  ])('are not given to anybody: %s', async ([, damage]) => {
    const { CACHE } = bench.gateway.env
    const model = freshModel()
    await kept(model)
    const { body: looked } = await bench.gateway.manage('POST', '/api/cache/lookup/', question(model))
    const name = `cache:${looked.cache_key}`
    const stored = new Uint8Array((await CACHE.get(name, 'arrayBuffer')) ?? new ArrayBuffer(0))
    expect(stored.length).toBeGreaterThan(100)
    await CACHE.put(name, damage(stored).slice())
    await sleep(1_100)
    // The object through which calls in flight are shared has the answer for a while, too.
    const again = await chat(model)
    expect(again).toMatchObject({ status: 200, cache: expect.stringMatching(/^(?:miss|joined)$/) })
    expect(again.text).toContain('answer')
  })

  test('holds no key, neither the caller’s nor the provider’s', async () => {
    const model = freshModel()
    await kept(model)
    const { CACHE } = bench.gateway.env
    const { keys } = await CACHE.list({ prefix: 'cache:' })
    expect(keys.length).toBeGreaterThan(0)
    const texts = await Promise.all(keys.map(({ name }) => CACHE.get(name)))
    expect(texts.join('\n')).not.toMatch(/sk-upstream|sk-of-the-request/)
    expect(texts.join('\n')).not.toContain(bench.gateway.key)
  })
})
