import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fingerprintOf } from '../../src/idempotency/key'
import type { GatewayEnv } from '../../src/pipeline/stages'
import * as fakes from '../fakes'
import { postDirectly } from './direct'
import { type CallInit, type Gateway, type LogRow, startGateway, user } from './gateway'

const FIRST_CONTENT_TIMEOUT_MS = 3_000
const MIB = 1024 * 1024

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway({
    FIRST_CONTENT_TIMEOUT_MS: String(FIRST_CONTENT_TIMEOUT_MS),
    TOTAL_TIMEOUT_MS: '20000',
  })
})
afterAll(() => gateway.close())

interface Told {
  status: number
  headers: Headers
  bytes: Buffer
  isReplay: boolean
}

/** POSTs JSON under an idempotency key. */
async function post(path: string, body: object, key: string, init: CallInit = {}): Promise<Told> {
  const headers = { 'idempotency-key': key, ...init.headers }
  const response = await gateway.fetch(path, { method: 'POST', body: JSON.stringify(body), ...init, headers })
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
    isReplay: response.headers.get('idempotent-replayed') === 'true',
  }
}

const CHAT = '/v1/chat/completions'

function chatBody(model: string, more: object = {}) {
  return { model: `fake/${model}`, messages: user('hi'), custom_identifier: model, ...more }
}

function chat(model: string, key: string, more: object = {}, init?: CallInit): Promise<Told> {
  return post(CHAT, chatBody(model, more), key, init)
}

function callsOf(model: string): fakes.RecordedCall[] {
  return gateway.upstream.calls.filter((call) => call.model === model)
}

/** All rows with the model as their identifier, once there are so many. */
async function rowsOf(model: string, count: number): Promise<LogRow[]> {
  const sql = 'select id from request_logs where custom_identifier = ? order by id'
  const ids = async () => (await gateway.env.LOGS.prepare(sql).bind(model).all<{ id: string }>()).results
  await expect.poll(async () => (await ids()).length, { timeout: 20_000, interval: 100 }).toBe(count)
  return await Promise.all((await ids()).map(({ id }) => gateway.logOf(id)))
}

const streaming = { stream: true }
const askedFor = { stream: true, stream_options: { include_usage: true } }
const contents = [{ role: 'user', parts: [{ text: 'hi' }] }]
const messages = { model: 'fake/twice', max_tokens: 50, messages: user('hi') }
const speech = { model: 'fake/twice', input: 'hello', voice: 'alloy' }

const routes: [string, string, object][] = [
  ['a chat completion', CHAT, chatBody('twice')],
  ['a streamed chat completion', CHAT, chatBody('twice', streaming)],
  ['a streamed chat completion with usage', CHAT, chatBody('twice', askedFor)],
  ['a response', '/v1/responses', { model: 'fake/twice', input: 'hi' }],
  ['a streamed response', '/v1/responses', { model: 'fake/twice', input: 'hi', stream: true }],
  ['a message', '/v1/messages', messages],
  ['a streamed message', '/v1/messages', { ...messages, stream: true }],
  ['content', '/v1beta/models/fake/twice:generateContent', { contents }],
  ['streamed content', '/v1beta/models/fake/twice:streamGenerateContent?alt=sse', { contents }],
  ['content streamed as an array', '/v1beta/models/fake/twice:streamGenerateContent', { contents }],
  ['embeddings', '/v1/embeddings', { model: 'fake/twice', input: 'hi' }],
  ['an image', '/v1/images/generations', { model: 'fake/twice', prompt: 'a square' }],
  ['speech as a file', '/v1/audio/speech', speech],
  ['speech as events', '/v1/audio/speech', { ...speech, stream_format: 'sse' }],
]

describe('the same request again', () => {
  test.for(routes)('gets the same %s, and the provider no call', async ([, path, body]) => {
    const key = randomUUID()
    const before = gateway.upstream.calls.length
    const first = await post(path, body, key)
    const second = await post(path, body, key)
    expect(first).toMatchObject({ status: 200, isReplay: false })
    expect(second).toMatchObject({ status: 200, isReplay: true })
    expect(first.bytes.length).toBeGreaterThan(10)
    expect(second.bytes.equals(first.bytes)).toBe(true)
    for (const name of ['content-type', 'x-respan-log-id', 'x-sluice-provider', 'x-sluice-attempts'])
      expect([name, second.headers.get(name)]).toEqual([name, first.headers.get(name)])
    expect(gateway.upstream.calls.length - before).toBe(1)
    expect(gateway.upstream.calls.at(-1)?.headers).not.toHaveProperty('idempotency-key')
  })

  test.for<[string, object]>([
    ['whole', {}],
    ['streamed', streaming],
  ])('by ten others at the same time joins the call in flight: %s', async ([how, options]) => {
    const model = `crowd-${how}`
    const content = Array.from({ length: 10 }, (_, index) => `word${index} `)
    gateway.upstream.script(model, fakes.answer({ content, delayMs: 500, gapMs: 20 }))
    const key = randomUUID()
    const all = await Promise.all(Array.from({ length: 11 }, () => chat(model, key, options)))
    expect(all.filter(({ isReplay }) => isReplay)).toHaveLength(10)
    expect(new Set(all.map(({ bytes }) => bytes.toString())).size).toBe(1)
    expect(all[0]?.bytes.toString()).toContain('word9')
    expect(callsOf(model)).toHaveLength(1)
    const rows = await rowsOf(model, 11)
    const original = rows.find(({ replay_of }) => replay_of === null)
    expect(original?.usage).toMatchObject({ output_tokens: 10 })
    expect(rows.filter(({ replay_of }) => replay_of === original?.id)).toHaveLength(10)
  })

  test('in the middle of a stream gets it from its first byte, and then as it comes', async () => {
    const content = Array.from({ length: 40 }, (_, index) => `word${index} `)
    gateway.upstream.script('middle', fakes.stream({ content, gapMs: 40 }))
    const key = randomUUID()
    const leading = chat('middle', key, streaming)
    const call = await gateway.upstream.waitFor(
      ({ model, eventsSent }) => model === 'middle' && eventsSent > 10,
    )
    const response = await gateway.fetch(CHAT, {
      method: 'POST',
      headers: { 'idempotency-key': key },
      body: JSON.stringify(chatBody('middle', streaming)),
    })
    let text = ''
    const lags: number[] = []
    for await (const bytes of response.body ?? []) {
      text += Buffer.from(bytes).toString()
      lags.push(call.eventsSent - text.split('\n\n').length + 1)
    }
    expect(text).toBe((await leading).bytes.toString())
    expect(content.every((word) => text.includes(word))).toBe(true)
    expect(response.headers.get('idempotent-replayed')).toBe('true')
    // What was missed comes at once, and the rest one by one.
    expect(Math.max(...lags)).toBeLessThan(15)
    expect(lags.length).toBeGreaterThan(10)
    expect(callsOf('middle')).toHaveLength(1)
  })

  test('leaves a row of its own, which costs nothing and names the one that was paid for', async () => {
    await gateway.manage('POST', '/api/models/', {
      ...{ model_name: 'team/priced', provider_id: 'fake', upstream_model: 'priced' },
      ...{ input_cost: 1_000, output_cost: 1_000 },
    })
    const key = randomUUID()
    const given = { model: 'team/priced', custom_identifier: 'rows', stream: true }
    await chat('rows', key, given)
    await chat('rows', key, given)
    const [first, second] = await rowsOf('rows', 2)
    expect(first).toMatchObject({
      replay_of: null,
      price_status: 'custom_model',
      attempts: [{ status_code: 200 }],
    })
    expect(first?.cost).toBeGreaterThan(0)
    expect(second).toMatchObject({
      ...{ replay_of: first?.id, ending: 'completed', status_code: 200, log_type: 'chat', stream: true },
      ...{ model: 'team/priced', deployment_name: 'priced', provider_id: 'fake', attempts: [] },
      ...{ cost: 0, price_status: 'replay', total_request_tokens: 0, usage_source: 'provider' },
      ...{ finish_reason: 'stop', response_id: first?.response_id },
    })
  })

  test('counts as a request where requests are limited', async () => {
    const made = await gateway.manage('POST', '/api/api-keys/', { name: 'limited' })
    const of = { scope: 'api_key', subject: made.body.id, window: 'day' }
    await gateway.manage('POST', '/api/limits/', { name: 'two a day', ...of, metric: 'requests', value: 2 })
    await gateway.manage('POST', '/api/limits/', { name: 'tokens', ...of, metric: 'tokens', value: 100_000 })
    const key = randomUUID()
    const headers = { authorization: `Bearer ${made.body.api_key}` }
    const ask = () => chat('limited', key, { max_tokens: 10 }, { headers })
    const told = [await ask(), await ask(), await ask()]
    expect(told.map(({ status, isReplay }) => [status, isReplay])).toEqual([
      [200, false],
      [200, true],
      [429, false],
    ])
    const { results } = (await gateway.manage('GET', '/api/limits/')).body
    const used = Object.fromEntries(
      (results as { name: string; used: number }[]).map((one) => [one.name, one.used]),
    )
    expect(used).toMatchObject({ 'two a day': 2 })
    expect(used.tokens).toBe((await rowsOf('limited', 3))[0]?.total_request_tokens)
  })

  test('is answered by the official SDK’s own retry when the first call failed', async () => {
    class Keyed extends OpenAI {
      protected override idempotencyHeader = 'Idempotency-Key'
    }
    const sent: (string | null)[] = []
    const noted: typeof fetch = (input, init) => {
      sent.push(new Headers(init?.headers).get('idempotency-key'))
      return fetch(input, init)
    }
    gateway.upstream.script('sdk', fakes.status(503), fakes.rateLimited(), fakes.answer({ content: 'third' }))
    const client = new Keyed({
      apiKey: gateway.key,
      baseURL: `${gateway.url}/v1`,
      maxRetries: 2,
      fetch: noted,
    })
    const reply = await client.chat.completions.create({ model: 'fake/sdk', messages: user('hi') })
    expect(reply.choices[0]?.message.content).toBe('third')
    expect(sent).toHaveLength(3)
    expect(new Set(sent).size).toBe(1)
    expect(sent[0]).toMatch(/^stainless-node-retry-/)
  })
})

describe('another request', () => {
  const other: [string, string, object, object][] = [
    [
      'chat',
      CHAT,
      chatBody('other'),
      { error: { code: 'idempotency_key_reused', param: 'Idempotency-Key' } },
    ],
    ['messages', '/v1/messages', messages, { type: 'error', error: { type: 'invalid_request_error' } }],
    [
      'content',
      '/v1beta/models/fake/twice:generateContent',
      { contents },
      { error: { code: 409, status: 'ABORTED' } },
    ],
  ]
  test.for(other)(
    'under the same key is refused in the words of its protocol: %s',
    async ([, path, body, error]) => {
      const key = randomUUID()
      expect((await post(path, body, key)).status).toBe(200)
      const refused = await post(path, { ...body, metadata: { a: 'b' } }, key)
      expect(refused.status).toBe(409)
      expect(JSON.parse(refused.bytes.toString())).toMatchObject(error)
      // Without it the SDKs would take it for a lock and try again.
      expect(refused.headers.get('x-should-retry')).toBe('false')
    },
  )

  test.for<[string, string, CallInit]>([
    [
      'other parameters in a header',
      CHAT,
      { headers: { 'x-data-respan-params': '{"thread_identifier":"t"}' } },
    ],
    ['another provider', CHAT, { headers: { 'x-respan-route-provider': 'fake' } }],
    ['another path', `/api${CHAT.slice(3)}`, {}],
  ])('is one with %s', async ([, path, init]) => {
    const key = randomUUID()
    expect((await chat('same', key)).status).toBe(200)
    expect((await post(path, chatBody('same'), key, init)).status).toBe(409)
  })

  test('is refused while the first one is in flight as well', async () => {
    gateway.upstream.script('busy', fakes.answer({ content: 'done', delayMs: 800 }))
    const key = randomUUID()
    const first = chat('busy', key)
    await gateway.upstream.waitFor(({ model }) => model === 'busy')
    expect((await chat('busy', key, { temperature: 1 })).status).toBe(409)
    expect((await first).status).toBe(200)
  })

  test('is one by another API key, which never sees the first one’s answer', async () => {
    const made = await gateway.manage('POST', '/api/api-keys/', { name: 'neighbour' })
    const key = randomUUID()
    const mine = await chat('neighbour', key)
    const headers = { authorization: `Bearer ${made.body.api_key}` }
    const theirs = await chat('neighbour', key, {}, { headers })
    expect([mine.isReplay, theirs.isReplay]).toEqual([false, false])
    expect(theirs.headers.get('x-respan-log-id')).not.toBe(mine.headers.get('x-respan-log-id'))
    expect(callsOf('neighbour')).toHaveLength(2)
  })
})

describe('a key', () => {
  test.for<[number, number]>([
    [0, 400],
    [1, 200],
    [255, 200],
    [256, 400],
  ])('of %i characters: %i', async ([length, status]) => {
    const told = await chat('length', 'k'.repeat(length))
    expect(told.status).toBe(status)
    if (status === 400)
      expect(JSON.parse(told.bytes.toString())).toMatchObject({ error: { code: 'invalid_idempotency_key' } })
  })

  test('is no way around the API key', async () => {
    const key = randomUUID()
    expect((await chat('auth', key)).status).toBe(200)
    expect((await chat('auth', key, {}, { headers: { authorization: 'Bearer sk-wrong' } })).status).toBe(401)
  })

  test('is left to the provider with a form, whose bytes differ each time', async () => {
    const key = randomUUID()
    for (let count = 0; count < 2; count++) {
      const form = new FormData()
      form.set('model', 'fake/form')
      form.set('file', new Blob(['sound']), 'a.wav')
      const headers = { 'idempotency-key': key, 'content-type': null }
      const path = '/v1/audio/transcriptions'
      const response = await gateway.fetch(path, { method: 'POST', body: form, headers })
      expect([response.status, response.headers.get('idempotent-replayed')]).toEqual([200, null])
    }
    expect(callsOf('form').map(({ headers }) => headers['idempotency-key'])).toEqual([key, key])
  })
})

describe('a first call that failed', () => {
  test.for<[string, fakes.Step, object, number]>([
    ['with a 500', fakes.status(500), {}, 500],
    ['with a 429', fakes.rateLimited({ seconds: 1 }), {}, 429],
    ['without a connection', fakes.resetBeforeHeaders(), {}, 502],
    ['with an error first', fakes.errorEventFirst(), streaming, 500],
    ['without any content', fakes.hangBeforeFirstEvent(), streaming, 504],
    ['in the middle of its stream', fakes.cutMidStream(3), streaming, 200],
    ['without an end', fakes.endWithoutTerminal(3), streaming, 200],
  ])('%s is not kept: the same request calls again', async ([how, step, options, status]) => {
    const model = how.replaceAll(' ', '-')
    gateway.upstream.script(model, step, fakes.answer({ content: 'well' }))
    const key = randomUUID()
    const told = [
      await chat(model, key, options),
      await chat(model, key, options),
      await chat(model, key, options),
    ]
    expect(told.map((one) => [one.status, one.isReplay])).toEqual([
      [status, false],
      [200, false],
      [200, true],
    ])
    expect(callsOf(model)).toHaveLength(2)
  })

  test('for those who wait for it lets them call one after the other', async () => {
    gateway.upstream.script(
      'waiting',
      fakes.after(400, fakes.status(500)),
      fakes.answer({ delayMs: 400, content: 'well' }),
    )
    const key = randomUUID()
    const all = await Promise.all(Array.from({ length: 5 }, () => chat('waiting', key)))
    expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 500])
    expect(callsOf('waiting')).toHaveLength(2)
  })

  test.for([400, 404, 422])('with the provider’s own %i is kept', async (status) => {
    const model = `refused-${status}`
    gateway.upstream.script(model, fakes.status(status), fakes.answer())
    const key = randomUUID()
    const first = await chat(model, key)
    const second = await chat(model, key)
    expect([first.status, second.status, second.isReplay]).toEqual([status, status, true])
    expect(second.bytes.equals(first.bytes)).toBe(true)
    expect(callsOf(model)).toHaveLength(1)
    const rows = await rowsOf(model, 2)
    expect(rows.map((row) => [row.ending, row.error_code])).toEqual(
      Array(2).fill(['failed', 'upstream_status']),
    )
  })

  test('in the middle of a stream is told to those who follow it, as to its own client', async () => {
    gateway.upstream.script('broken', fakes.cutMidStream(6, { gapMs: 100 }))
    const key = randomUUID()
    const leading = chat('broken', key, streaming)
    await gateway.upstream.waitFor(({ model, eventsSent }) => model === 'broken' && eventsSent > 2)
    const [first, second] = await Promise.all([leading, chat('broken', key, streaming)])
    expect(second.isReplay).toBe(true)
    expect(second.bytes.toString()).toBe(first.bytes.toString())
    expect(second.bytes.toString()).toContain('upstream_incomplete')
    const rows = await rowsOf('broken', 2)
    expect(rows.map(({ ending, error_code }) => [ending, error_code])).toEqual(
      Array(2).fill(['failed', 'upstream_incomplete']),
    )
  })
})

/** Breaks the connection of a request that was sent past wrangler's proxy. */
function askDirectly(model: string, key: string, more: object) {
  const headers = { 'idempotency-key': key }
  return postDirectly(gateway.direct, CHAT, gateway.key, chatBody(model, more), headers)
}

describe('a client that leaves', () => {
  const content = Array.from({ length: 30 }, (_, index) => `word${index} `)

  test.for<[string, fakes.Step, object]>([
    ['before its answer', fakes.answer({ content, delayMs: 1_200 }), {}],
    ['before its stream', fakes.stream({ content, delayMs: 1_200 }), streaming],
    ['in the middle of its stream', fakes.stream({ content, gapMs: 60 }), streaming],
  ])('%s does not take the answer from those who wait for it', async ([when, step, options]) => {
    const model = `left-${when.replaceAll(' ', '-')}`
    gateway.upstream.script(model, step)
    const key = randomUUID()
    const socket = askDirectly(model, key, options)
    await gateway.upstream.waitFor((call) => call.model === model)
    const following = chat(model, key, options)
    await sleep(500)
    socket.resetAndDestroy()
    const { status, bytes, isReplay } = await following
    expect([status, isReplay]).toEqual([200, true])
    expect(bytes.toString()).toContain('word29')
    expect(callsOf(model)).toHaveLength(1)
    expect(callsOf(model)[0]?.closedByClientAt).toBeUndefined()
    expect(await chat(model, key, options)).toMatchObject({ status: 200, isReplay: true })
    const rows = await rowsOf(model, 3)
    expect(rows.map(({ ending }) => ending)).toEqual(['completed', 'completed', 'completed'])
  })

  test.for<[string, fakes.Step, object]>([
    ['before its answer', fakes.hangBeforeHeaders(), {}],
    ['in the middle of its stream', fakes.endlessDrip(20), streaming],
  ])(
    '%s stops the provider when nobody waits, and the same request calls again',
    async ([when, step, options]) => {
      const model = `alone-${when.replaceAll(' ', '-')}`
      gateway.upstream.script(model, step, fakes.answer({ content: 'again' }))
      const key = randomUUID()
      const socket = askDirectly(model, key, options)
      await gateway.upstream.waitFor((call) => call.model === model)
      await sleep(200)
      const leftAt = Date.now()
      socket.resetAndDestroy()
      const isClosed = (call: fakes.RecordedCall) =>
        call.model === model && call.closedByClientAt !== undefined
      const { closedByClientAt = Number.NaN } = await gateway.upstream.waitFor(isClosed, 5_000)
      expect(closedByClientAt - leftAt).toBeLessThan(1_000)
      expect((await rowsOf(model, 1))[0]).toMatchObject({ ending: 'cancelled', error_code: 'cancelled' })
      const again = await chat(model, key, options)
      expect([again.status, again.isReplay, again.bytes.includes('again')]).toEqual([200, false, true])
    },
  )

  test('as the last of those who want the answer stops the provider', async () => {
    gateway.upstream.script('all-left', fakes.endlessDrip(20))
    const key = randomUUID()
    const leader = askDirectly('all-left', key, streaming)
    await gateway.upstream.waitFor(({ model }) => model === 'all-left')
    await sleep(200)
    const follower = askDirectly('all-left', key, streaming)
    await sleep(500)
    leader.resetAndDestroy()
    await sleep(500)
    expect(callsOf('all-left')[0]?.closedByClientAt).toBeUndefined()
    follower.resetAndDestroy()
    const isClosed = (call: fakes.RecordedCall) =>
      call.model === 'all-left' && call.closedByClientAt !== undefined
    await gateway.upstream.waitFor(isClosed, 3_000)
    expect(callsOf('all-left')).toHaveLength(1)
    const rows = await rowsOf('all-left', 2)
    expect(rows.map(({ ending }) => ending)).toEqual(['cancelled', 'cancelled'])
  })

  test('while it waits for another’s answer leaves a row, and nothing else', async () => {
    gateway.upstream.script('waits', fakes.answer({ content: 'late', delayMs: 1_500 }))
    const key = randomUUID()
    const leading = chat('waits', key)
    await gateway.upstream.waitFor(({ model }) => model === 'waits')
    const follower = askDirectly('waits', key, {})
    await sleep(400)
    follower.resetAndDestroy()
    expect((await leading).status).toBe(200)
    const rows = await rowsOf('waits', 2)
    expect(rows.map(({ ending }) => ending).sort()).toEqual(['cancelled', 'completed'])
  })
})

test('a leader that was never heard of again is followed by the next one after its lease', async () => {
  const key = randomUUID()
  const body = chatBody('orphan')
  // A request of another isolate has claimed the key, and its isolate is gone.
  const fingerprint = await fingerprintOf(
    [CHAT, { custom_identifier: 'orphan' }, undefined],
    Buffer.from(JSON.stringify(body)),
  )
  const env = gateway.env as GatewayEnv
  const object = env.IDEMPOTENCY.getByName(`${gateway.keyId}:${key}`)
  expect((await object.claim({ fingerprint, leaseMs: 1_500 })).kind).toBe('lead')
  const startedAt = Date.now()
  const told = await post(CHAT, body, key)
  expect(told).toMatchObject({ status: 200, isReplay: false })
  expect(Date.now() - startedAt).toBeGreaterThan(1_000)
  expect(Date.now() - startedAt).toBeLessThan(FIRST_CONTENT_TIMEOUT_MS + 1_000)
  expect(callsOf('orphan')).toHaveLength(1)
})

describe('a long answer', () => {
  test('is kept up to 25 MiB', async () => {
    gateway.upstream.script('long', fakes.hugeReply(20 * MIB))
    const key = randomUUID()
    const first = await chat('long', key)
    const second = await chat('long', key)
    expect(first.bytes.length).toBeGreaterThan(20 * MIB)
    expect(second.isReplay).toBe(true)
    expect(second.bytes.equals(first.bytes)).toBe(true)
  })

  test.for<[string, object]>([
    ['whole', {}],
    ['streamed', streaming],
  ])('beyond that says that it is not kept, and is not called for again: %s', async ([how, options]) => {
    const model = `too-long-${how}`
    gateway.upstream.script(model, fakes.hugeReply(26 * MIB))
    const key = randomUUID()
    expect((await chat(model, key, options)).bytes.length).toBeGreaterThan(26 * MIB)
    const refused = await chat(model, key, options)
    expect(refused.status).toBe(409)
    expect(JSON.parse(refused.bytes.toString()).error).toMatchObject({ code: 'idempotent_answer_not_kept' })
    expect(callsOf(model)).toHaveLength(1)
  })

  test('beyond that still goes to those who joined it', async () => {
    gateway.upstream.script('long-joined', fakes.after(500, fakes.hugeReply(26 * MIB)))
    const key = randomUUID()
    const leading = chat('long-joined', key)
    await gateway.upstream.waitFor(({ model }) => model === 'long-joined')
    const [first, second] = await Promise.all([leading, chat('long-joined', key)])
    expect(second.isReplay).toBe(true)
    expect(second.bytes.equals(first.bytes)).toBe(true)
  })
})
