import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { authenticate } from '../../src/pipeline/authenticate'
import { createIsolate } from '../../src/pipeline/isolate'
import { serve } from '../../src/pipeline/serve'
import type { Exchange } from '../../src/pipeline/stages'
import { realEffects } from '../../src/platform/effects'
import { SluiceError } from '../../src/platform/failure'
import { protocols } from '../../src/protocols/table'
import { awayDatabase } from './away'
import { storeKey } from './config-database'

const body = JSON.stringify({ model: 'demo/echo', messages: [{ role: 'user', content: 'hi' }] })

/** One request in an isolate of its own, whose D1 is away or not. */
async function inColdIsolate<T>(
  key: string,
  isAway: boolean,
  work: (exchange: Exchange) => Promise<T>,
): Promise<T> {
  const context = createExecutionContext()
  const exchange: Exchange = {
    request: new Request('https://gateway.example/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
    }),
    env: isAway ? { ...env, CONFIG: awayDatabase() } : env,
    effects: realEffects,
    background: (promise) => context.waitUntil(promise),
    protocol: protocols['openai-chat'],
    logId: realEffects.newId(),
    startedAtMs: realEffects.now(),
  }
  const result = await work(exchange)
  await waitOnExecutionContext(context)
  return result
}

async function chatIn(key: string, isAway: boolean) {
  return inColdIsolate(key, isAway, async (exchange) => {
    const response = await serve(exchange, createIsolate(exchange.env, realEffects))
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: await response.json(),
    }
  })
}

async function callerIn(key: string, isAway: boolean) {
  return inColdIsolate(key, isAway, async (exchange) => {
    const work = authenticate(exchange, createIsolate(exchange.env, realEffects))
    return work.catch((cause: unknown) => {
      if (cause instanceof SluiceError) return cause.failure
      throw cause
    })
  })
}

/** Lets an isolate with a database load the configuration, and so keep a copy of it. */
async function keepCopy(): Promise<void> {
  expect(await callerIn('known.key', false)).toMatchObject({ apiKeyName: 'the known one' })
}

describe('while D1 is away, in a cold isolate', () => {
  test('the keys that are worker secrets authenticate without any copy', async () => {
    expect(await callerIn(env.ADMIN_KEY ?? '', true)).toMatchObject({ apiKeyId: 'bootstrap', role: 'admin' })
  })

  test('nobody is refused when there is no copy: the gateway says that it is not ready', async () => {
    expect(await chatIn('known.key', true)).toMatchObject({
      status: 503,
      retryAfter: expect.stringMatching(/^\d+$/),
    })
  })

  test('a known key is known, and its request is served', async () => {
    await storeKey('known.key', { name: 'the known one' })
    await keepCopy()
    expect(await callerIn('known.key', true)).toMatchObject({ apiKeyName: 'the known one' })
    expect(await chatIn('known.key', true)).toMatchObject({
      status: 200,
      body: { object: 'chat.completion' },
    })
  })

  test('a key that is revoked in the copy stays revoked', async () => {
    await storeKey('revoked.key', { revokedAtMs: 1 })
    await keepCopy()
    expect(await callerIn('revoked.key', true)).toMatchObject({
      kind: 'unauthenticated',
      message: expect.stringContaining('has been revoked'),
    })
  })

  test('a key that may be newer than the copy is not refused: the gateway says that it is not ready', async () => {
    await keepCopy()
    await storeKey('newer.key')
    expect(await chatIn('newer.key', true)).toMatchObject({
      status: 503,
      retryAfter: expect.stringMatching(/^\d+$/),
    })
  })
})
