import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import { createIsolate } from '../../src/pipeline/isolate'
import { serve } from '../../src/pipeline/serve'
import type { Exchange, GatewayEnv } from '../../src/pipeline/stages'
import { realEffects } from '../../src/platform/effects'
import { protocols } from '../../src/protocols/table'
import { storeKey } from './config-database'
import { call } from './log-calls'

type Counts = Record<string, number>

/** What the calls of these methods count as; others count under their own names, so that none is missed. */
const NAMES: Record<string, string> = {
  'CACHE.get': 'KV reads',
  'CACHE.put': 'KV writes',
  'CONFIG.prepare': 'D1 statements',
  'LOGS.prepare': 'D1 statements',
  'LOG_QUEUE.send': 'queue messages',
  'BODIES.put': 'R2 writes',
}

/** A binding as it is, counting its calls; what `within` makes of a result is given instead of it. */
function counting<T extends object>(
  counts: Counts,
  binding: T,
  given: { nameOf: (method: string) => string; within?: (result: object) => object },
): T {
  return new Proxy(binding, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...all: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, all)
        if (given.within !== undefined) return given.within(Object(result))
        const counted = given.nameOf(String(name))
        counts[counted] = (counts[counted] ?? 0) + 1
        return result
      }
    },
  })
}

function countingEnv(counts: Counts): GatewayEnv {
  const plain = <T extends object>(binding: T, of: string) =>
    counting(counts, binding, { nameOf: (method) => NAMES[`${of}.${method}`] ?? `${of}.${method}` })
  const objects = <T extends object>(namespace: T) =>
    counting(counts, namespace, {
      nameOf: String,
      within: (stub) => counting(counts, stub, { nameOf: () => 'Durable Object calls' }),
    })
  return {
    ...env,
    ...{
      CACHE: plain(env.CACHE, 'CACHE'),
      CONFIG: plain(env.CONFIG, 'CONFIG'),
      LOGS: plain(env.LOGS, 'LOGS'),
    },
    ...{ BODIES: plain(env.BODIES, 'BODIES'), LOG_QUEUE: plain(env.LOG_QUEUE, 'LOG_QUEUE') },
    ...{ LEDGER: objects(env.LEDGER), FLIGHTS: objects(env.FLIGHTS), IDEMPOTENCY: objects(env.IDEMPOTENCY) },
  }
}

const isolates = { own: createIsolate(env, realEffects), other: createIsolate(env, realEffects) }

interface Asked {
  key?: string
  body?: object
  headers?: Record<string, string>
  isolate?: keyof typeof isolates
}

async function operationsOf({ key = 'sk-ops', body, headers = {}, isolate = 'own' }: Asked) {
  const counts: Counts = {}
  const context = createExecutionContext()
  const plain = { model: 'demo/echo', messages: [{ role: 'user', content: 'hello' }] }
  const exchange: Exchange = {
    request: new Request('https://gateway.example/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ ...plain, ...body }),
    }),
    ...{ env: countingEnv(counts), effects: realEffects, protocol: protocols['openai-chat'] },
    ...{ logId: realEffects.newId(), startedAtMs: Date.now() },
    background: (work) => context.waitUntil(work),
  }
  const response = await serve(exchange, isolates[isolate])
  await response.text()
  await waitOnExecutionContext(context)
  return { status: response.status, cache: response.headers.get('x-sluice-cache'), counts }
}

beforeAll(async () => {
  await storeKey('sk-ops')
  await storeKey('sk-limited', { limits: [{ metric: 'cost', window: 'day', value: 5, action: 'block' }] })
  await call('POST', '/api/prompts/', { body: { name: 'Ops' } })
  const messages = [{ role: 'user', content: 'Hello {{name}}' }]
  await call('POST', '/api/prompts/ops/versions/', { body: { model: 'demo/echo', deploy: true, messages } })
  // Configuration is read at an isolate's first request.
  await operationsOf({})
  await operationsOf({ isolate: 'other' })
})

const question = { cache_enabled: true, messages: [{ role: 'user', content: 'kept' }] }
const LARGE = { messages: [{ role: 'user', content: 'x'.repeat(200_000) }] }

// The table in docs/scale.md has these numbers. The order matters: what was kept is found again.
test.each<[string, Asked, string | null, Counts]>([
  ['a plain request', {}, null, { 'queue messages': 1 }],
  ['a key with a limit', { key: 'sk-limited' }, null, { 'queue messages': 1, 'Durable Object calls': 2 }],
  [
    'a prompt',
    { body: { prompt_id: 'ops', variables: { name: 'you' }, messages: [] } },
    null,
    { 'queue messages': 1 },
  ],
  ['a large body', { body: LARGE }, null, { 'queue messages': 1, 'R2 writes': 2 }],
  [
    'a miss',
    { body: question },
    'miss',
    { 'queue messages': 1, 'KV reads': 1, 'KV writes': 1, 'Durable Object calls': 2 },
  ],
  ['a hit in memory', { body: question }, 'hit', { 'queue messages': 1 }],
  ['a hit in KV', { body: question, isolate: 'other' }, 'hit', { 'queue messages': 1, 'KV reads': 1 }],
  [
    'the first with an idempotency key',
    { headers: { 'idempotency-key': 'ops' } },
    null,
    { 'queue messages': 1, 'Durable Object calls': 2 },
  ],
  [
    'its repeat',
    { headers: { 'idempotency-key': 'ops' } },
    null,
    { 'queue messages': 1, 'Durable Object calls': 1 },
  ],
])('%s', async (_, asked, cache, expected) => {
  const { counts, ...answer } = await operationsOf(asked)
  expect(answer).toEqual({ status: 200, cache })
  expect(counts).toEqual(expected)
})

test('of two who ask at once one joins the other', async () => {
  const body = { cache_enabled: true, messages: [{ role: 'user', content: 'at once' }] }
  const both = await Promise.all([operationsOf({ body }), operationsOf({ body, isolate: 'other' })])
  const joined = both.find(({ cache }) => cache === 'joined')
  expect(joined?.counts).toEqual({ 'queue messages': 1, 'KV reads': 1, 'Durable Object calls': 1 })
})
