import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { type CacheEntry, decodeEntry, encodeEntry } from '../../src/cache/entry'
import { beginGeneration, isCleared } from '../../src/cache/generations'
import { createMemoryTier } from '../../src/cache/memory-tier'
import { type CacheEnv, createResponseCache, readEntry, writeEntry } from '../../src/cache/response-cache'
import { createIsolate } from '../../src/pipeline/isolate'
import { serve } from '../../src/pipeline/serve'
import type { Exchange } from '../../src/pipeline/stages'
import { realEffects } from '../../src/platform/effects'
import { protocols } from '../../src/protocols/table'
import { storeKey } from './config-database'

const encoder = new TextEncoder()

function entryOf(text: string, given: Partial<CacheEntry['about']> = {}): CacheEntry {
  return {
    reply: {
      head: {
        ...{ protocol: 'openai-chat', isStream: true, contentType: 'text/event-stream', standIns: {} },
        ...{ providerId: 'demo', model: 'demo/echo', upstreamModel: 'echo' },
      },
      bytes: encoder.encode(text),
      beats: [[0, 3] as const],
    },
    about: {
      ...{ askedAtMs: 1_000, createdAtMs: 2_000, expiresAtMs: 1e9, logId: 'log', hasToolCalls: false },
      ...{ losses: ['top_k'], ...given },
    },
  }
}

let keys = 0
const newKey = () => `key-${++keys}`

/** KV as it is, but for what a test replaces. */
function kvWith(replaced: Partial<KVNamespace>): KVNamespace {
  return new Proxy(env.CACHE, {
    get(target, name) {
      const value: unknown = Reflect.get(replaced, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** KV that counts what it is asked. */
function countingKv() {
  const counts = { gets: 0, puts: 0 }
  const CACHE = kvWith({
    get: (...given: unknown[]) => {
      counts.gets++
      return Reflect.apply(env.CACHE.get, env.CACHE, given)
    },
    put: (...given: unknown[]) => {
      counts.puts++
      return Reflect.apply(env.CACHE.put, env.CACHE, given)
    },
  })
  return { counts, CACHE }
}

const away = () => Promise.reject(new Error('KV is away'))
const silent = () => new Promise<never>(() => undefined)

describe('entries', () => {
  test('are the same after a round trip', () => {
    const entry = entryOf('data: héllo\n\n', { customer: 'ada', prices: undefined })
    expect(decodeEntry(encodeEntry(entry))).toEqual(entry)
  })

  test('that are cut anywhere are none', () => {
    const bytes = encodeEntry(entryOf('data: hello\n\n'))
    for (let length = 0; length < bytes.length; length++)
      expect([length, decodeEntry(bytes.subarray(0, length))]).toEqual([length, undefined])
  })
})

describe('the store', () => {
  test('finds in KV what another isolate wrote, and then in its memory', async () => {
    const { counts, CACHE } = countingKv()
    const [key, entry] = [newKey(), entryOf('data: 1\n\n')]
    await writeEntry({ CACHE }, createResponseCache(1e6), { key, entry, nowMs: 3_000 })
    const own = createResponseCache(1e6)
    const read = () => readEntry({ CACHE }, own, { key, nowMs: 3_000, timeoutMs: 1_000 })
    expect(await read()).toEqual(entry)
    expect(await read()).toEqual(entry)
    expect(counts).toEqual({ gets: 1, puts: 1 })
  })

  test('looks into KV again after a minute', async () => {
    const { counts, CACHE } = countingKv()
    const [key, entry] = [newKey(), entryOf('data: 1\n\n')]
    const own = createResponseCache(1e6)
    await writeEntry({ CACHE }, own, { key, entry, nowMs: 3_000 })
    const read = (nowMs: number) => readEntry({ CACHE }, own, { key, nowMs, timeoutMs: 1_000 })
    expect([await read(62_000), counts.gets]).toEqual([entry, 0])
    expect([await read(63_000), counts.gets]).toEqual([entry, 1])
  })

  test('writes a key once a second', async () => {
    const { counts, CACHE } = countingKv()
    const own = createResponseCache(1e6)
    const key = newKey()
    const write = (text: string, nowMs: number) =>
      writeEntry({ CACHE }, own, { key, entry: entryOf(text), nowMs })
    await write('one', 5_000)
    await write('two', 5_999)
    expect(counts.puts).toBe(1)
    // The isolate itself has the newest.
    const held = await readEntry({ CACHE }, own, { key, nowMs: 6_000, timeoutMs: 1_000 })
    expect(new TextDecoder().decode(held?.reply.bytes)).toBe('two')
    await write('three', 6_000)
    expect(counts.puts).toBe(2)
  })

  test('keeps nothing that is larger than a value may be', async () => {
    const { counts, CACHE } = countingKv()
    const entry = entryOf('x'.repeat(25 * 1024 * 1024))
    await writeEntry({ CACHE }, createResponseCache(1e9), { key: newKey(), entry, nowMs: 3_000 })
    expect(counts.puts).toBe(0)
  })

  test('gives KV a minute at least, and the entry its own end', async () => {
    const given: unknown[] = []
    const CACHE = kvWith({ put: async (...all: unknown[]) => void given.push(all[2]) })
    for (const ttlMs of [1_000, 59_000, 61_500]) {
      const entry = entryOf('x', { expiresAtMs: 3_000 + ttlMs })
      await writeEntry({ CACHE }, createResponseCache(1e6), { key: newKey(), entry, nowMs: 3_000 })
    }
    expect(given).toEqual([60, 60, 62].map((expirationTtl) => ({ expirationTtl })))
  })

  test.each<[string, Partial<KVNamespace>]>([
    ['fails', { get: away }],
    ['says nothing', { get: silent }],
  ])('finds nothing when KV %s', async (_, kv) => {
    const found = readEntry({ CACHE: kvWith(kv) }, createResponseCache(1e6), {
      ...{ key: newKey(), nowMs: 3_000, timeoutMs: 30 },
    })
    expect(await found).toBeUndefined()
  })

  test('does not mind when KV takes nothing', async () => {
    const own = createResponseCache(1e6)
    const [key, entry] = [newKey(), entryOf('x')]
    await writeEntry({ CACHE: kvWith({ put: away }) }, own, { key, entry, nowMs: 3_000 })
    expect(await readEntry({ CACHE: env.CACHE }, own, { key, nowMs: 3_000, timeoutMs: 1_000 })).toEqual(entry)
  })
})

describe('the memory of an isolate', () => {
  test('drops what was not used for the longest time when it is full', () => {
    const memory = createMemoryTier<string>(100)
    for (const key of ['a', 'b', 'c', 'd']) memory.put(key, key, { bytes: 25, untilMs: 10 })
    expect(memory.get('a', 1)).toBe('a')
    memory.put('e', 'e', { bytes: 25, untilMs: 10 })
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => memory.get(key, 1))).toEqual([
      'a',
      undefined,
      'c',
      'd',
      'e',
    ])
  })

  test('holds nothing that would drive out the others, nor what is over', () => {
    const memory = createMemoryTier<string>(100)
    memory.put('large', 'large', { bytes: 26, untilMs: 10 })
    memory.put('small', 'small', { bytes: 25, untilMs: 10 })
    expect(memory.get('large', 1)).toBeUndefined()
    expect([memory.get('small', 9), memory.get('small', 10)]).toEqual(['small', undefined])
  })

  test('counts an entry that is replaced once', () => {
    const memory = createMemoryTier<string>(100)
    memory.put('kept', 'kept', { bytes: 25, untilMs: 10 })
    for (let index = 0; index < 20; index++) memory.put('again', String(index), { bytes: 25, untilMs: 10 })
    memory.forget('nothing')
    expect([memory.get('kept', 1), memory.get('again', 1)]).toEqual(['kept', '19'])
  })
})

describe('generations', () => {
  const rows = async () =>
    (await env.CONFIG.prepare('select scope, subject from cache_generations order by 1, 2').all()).results
  const version = async () =>
    await env.CONFIG.prepare("select version from config_versions where section = 'cache_generations'").first(
      'version',
    )

  test.each<[string, Map<string, number>, boolean]>([
    ['nothing', new Map(), false],
    ['all', new Map([['all:', 1_000]]), true],
    ['all, before the request came', new Map([['all:', 999]]), false],
    ['its model', new Map([['model:demo/echo', 5_000]]), true],
    ['another model', new Map([['model:demo/other', 5_000]]), false],
    ['its customer', new Map([['customer:ada', 5_000]]), true],
    ['another customer', new Map([['customer:bob', 5_000]]), false],
    ['its key', new Map([['key:k', 5_000]]), true],
  ])('clear an entry when they are of %s', (_, generations, expected) => {
    expect(isCleared(entryOf('x', { customer: 'ada' }), 'k', generations)).toBe(expected)
  })

  test('never go back, raise the version of their section, and are forgotten when they say nothing more', async () => {
    const before = Number(await version())
    expect(await beginGeneration(env.CONFIG, { scope: 'model', subject: 'm' }, 5_000)).toBe(5_000)
    expect(await beginGeneration(env.CONFIG, { scope: 'model', subject: 'm' }, 4_000)).toBe(5_000)
    await beginGeneration(env.CONFIG, { scope: 'key', subject: 'old' }, 5_000)
    await beginGeneration(env.CONFIG, { scope: 'key', subject: 'new' }, 700_000)
    expect(await rows()).toEqual([
      { scope: 'key', subject: 'new' },
      { scope: 'model', subject: 'm' },
    ])
    await beginGeneration(env.CONFIG, { scope: 'all', subject: '' }, 800_000)
    expect(await rows()).toEqual([{ scope: 'all', subject: '' }])
    expect(Number(await version())).toBeGreaterThan(before + 4)
  })
})

describe('a request whose KV is away', () => {
  beforeAll(() => storeKey('sk-cache'))

  async function ask(CACHE: KVNamespace, more: Partial<CacheEnv> = {}) {
    const context = createExecutionContext()
    const all = { ...env, CACHE_TIMEOUT_MS: '30', ...more, CACHE }
    const body = {
      ...{ model: 'demo/echo', cache_enabled: true },
      messages: [{ role: 'user', content: `hello ${newKey()}` }],
    }
    const exchange: Exchange = {
      request: new Request('https://gateway.example/v1/chat/completions', {
        method: 'POST',
        headers: { authorization: 'Bearer sk-cache', 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
      ...{ env: all, effects: realEffects, protocol: protocols['openai-chat'] },
      ...{ logId: realEffects.newId(), startedAtMs: Date.now() },
      background: (work) => context.waitUntil(work),
    }
    const response = await serve(exchange, createIsolate(all, realEffects))
    const text = await response.text()
    await waitOnExecutionContext(context)
    return { status: response.status, cache: response.headers.get('x-sluice-cache'), text }
  }

  test.each<[string, Partial<KVNamespace>]>([
    ['and fails', { get: away, put: away }],
    ['and says nothing', { get: silent }],
    ['for writing', { put: away }],
  ])('%s is answered by its provider', async (_, kv) => {
    const { status, cache, text } = await ask(kvWith(kv))
    expect([status, cache]).toEqual([200, 'miss'])
    expect(text).toContain('hello')
  })
})
