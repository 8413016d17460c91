import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { app } from '../../src/gateway'
import { secretKeys } from '../../src/keys/authenticate'
import { storeKey } from './config-database'

const ADMIN = env.ADMIN_KEY ?? ''
const CHAT = { model: 'demo/echo', messages: [{ role: 'user', content: 'hi' }] }

/** A call to the gateway, with all that it does behind the answer. */
async function call(
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const context = createExecutionContext()
  const request = new Request(`https://gateway.example${path}`, init)
  const response = await app.fetch(request, env, context)
  const text = await response.text()
  await waitOnExecutionContext(context)
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}

function bearer(key: string): RequestInit {
  return { headers: { authorization: `Bearer ${key}` } }
}

function chat(headers: Record<string, string>, fields: Record<string, unknown> = {}): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...CHAT, ...fields }),
  }
}

/** The places where the SDKs put a key. */
const places: [string, (key: string) => { path: string; headers: Record<string, string> }][] = [
  ['Authorization', (key) => ({ path: '', headers: { authorization: `Bearer ${key}` } })],
  ['Authorization in small letters', (key) => ({ path: '', headers: { authorization: `bearer   ${key} ` } })],
  ['x-api-key', (key) => ({ path: '', headers: { 'x-api-key': key } })],
  ['x-goog-api-key', (key) => ({ path: '', headers: { 'x-goog-api-key': key } })],
  ['the query', (key) => ({ path: `?key=${key}`, headers: {} })],
]

const management = ['/api/api-keys/', '/api/providers/', '/api/limits/', '/api/models/']

// All are stored before the first request: for a key that was made elsewhere an isolate looks once a second at most.
await storeKey('plain.key')
await storeKey('admin.key', { role: 'admin' })
await storeKey('narrow.key', { allowedModels: ['demo/none'] })
await storeKey('revoked.key', { revokedAtMs: 5, prefix: 'revoked.' })
await storeKey('expired.key', { expiresAtMs: Date.parse('2026-01-02T03:04:05Z'), prefix: 'expired.' })
await storeKey('fresh.key', { expiresAtMs: Date.now() + 3_600_000 })
const secret = await storeKey('a-secret.key', { name: 'a secret one', prefix: 'a-prefix' })

describe.each(places)('a key in %s', (_, put) => {
  test('that is stored calls a model and lists models', async () => {
    const { path, headers } = put('plain.key')
    expect(await call(`/v1/models${path}`, { headers })).toMatchObject({
      status: 200,
      // Each SDK puts its key in its own place, and gets the list in its own shape.
      body: 'x-goog-api-key' in headers ? { models: expect.any(Array) } : { object: 'list' },
    })
    expect(await call(`/v1/chat/completions${path}`, chat(headers))).toMatchObject({ status: 200 })
  })

  test('that is the bootstrap key manages the gateway', async () => {
    const { path, headers } = put(ADMIN)
    expect(await call(`/api/api-keys/${path}`, { headers })).toMatchObject({ status: 200 })
  })

  test('that nobody stored is refused', async () => {
    const { path, headers } = put('not.stored')
    expect(await call(`/v1/chat/completions${path}`, chat(headers))).toMatchObject({
      status: 401,
      body: { error: { code: 'invalid_api_key', message: expect.stringContaining('invalid or expired') } },
    })
    expect(await call(`/api/api-keys/${path}`, { headers })).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining('invalid or expired') },
    })
  })
})

describe('a request without a usable key is refused', () => {
  test.each<[string, RequestInit, string]>([
    ['none', {}, 'credentials were not provided'],
    ['an empty bearer', { headers: { authorization: 'Bearer ' } }, 'credentials were not provided'],
    ['another scheme', { headers: { authorization: 'Basic dXNlcjpwYXNz' } }, 'credentials were not provided'],
    ['an empty header', { headers: { 'x-api-key': '' } }, 'credentials were not provided'],
    ['a key beyond all length', bearer('x'.repeat(513)), 'longer than any key'],
  ])('%s', async (_, init, words) => {
    const answers = [
      await call('/v1/models', init),
      await call('/v1/chat/completions', { ...init, method: 'POST', body: '{}' }),
    ]
    for (const { status, body } of answers) {
      expect(status).toBe(401)
      expect(body).toMatchObject({ error: { message: expect.stringContaining(words) } })
    }
  })

  test('an empty key in the query', async () => {
    expect(await call('/v1/models?key=')).toMatchObject({ status: 401 })
  })

  test('a header counts before the query', async () => {
    expect(await call(`/v1/models?key=${ADMIN}`, bearer('wrong'))).toMatchObject({ status: 401 })
  })
})

describe('a stored key', () => {
  test.each([
    ['revoked', 'revoked.... has been revoked'],
    ['expired', 'expired.... expired at 2026-01-02T03:04:05.000Z'],
  ])('that is %s is refused in those words', async (word, message) => {
    expect(await call('/v1/models', bearer(`${word}.key`))).toMatchObject({
      status: 401,
      body: { error: { message: expect.stringContaining(message) } },
    })
  })

  test('that expires later is taken', async () => {
    expect(await call('/v1/models', bearer('fresh.key'))).toMatchObject({ status: 200 })
  })

  test('works at once in the isolate that made it, and no more when it revoked it', async () => {
    const made = await call('/api/api-keys/', {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN}` },
      body: JSON.stringify({ name: 'made here' }),
    })
    const { api_key: key, id }: { api_key: string; id: string } = Object(made.body)
    expect(made.status).toBe(201)
    expect(await call('/v1/models', bearer(key))).toMatchObject({ status: 200 })
    expect(await call(`/api/api-keys/${id}/`, { method: 'DELETE', ...bearer(ADMIN) })).toMatchObject({
      status: 204,
    })
    expect(await call('/v1/models', bearer(key))).toMatchObject({
      status: 401,
      body: { error: { message: expect.stringContaining('has been revoked') } },
    })
  })

  test('is never given out again, neither whole nor as its hash', async () => {
    const { body } = await call('/api/api-keys/', bearer(ADMIN))
    const text = JSON.stringify(body)
    expect(text).toContain('a secret one')
    expect(text).not.toContain('a-secret.key')
    expect(text).not.toContain(secret.hash)
  })

  test('may call only the models of its list, which are also the only ones it sees', async () => {
    expect(await call('/v1/models', bearer('narrow.key'))).toMatchObject({ body: { data: [] } })
    expect(await call('/v1/chat/completions', chat({ 'x-api-key': 'narrow.key' }))).toMatchObject({
      status: 403,
      body: { error: { code: 'forbidden', param: 'model' } },
    })
  })
})

describe('the role of a key', () => {
  test.each(management)('%s needs the admin role', async (path) => {
    expect(await call(path, bearer('plain.key'))).toMatchObject({ status: 403 })
    expect(await call(path, { method: 'POST', body: '{}', ...bearer('plain.key') })).toMatchObject({
      status: 403,
    })
    expect(await call(path, bearer('admin.key'))).toMatchObject({ status: 200 })
  })

  test('an admin key calls models, too', async () => {
    expect(await call('/v1/chat/completions', chat({ 'x-api-key': 'admin.key' }))).toMatchObject({
      status: 200,
    })
  })
})

describe('the keys that are worker secrets', () => {
  test.each([
    ['both', { ADMIN_KEY: 'a', DEV_API_KEY: 'd' }, ['bootstrap admin', 'dev inference']],
    ['only the bootstrap key', { ADMIN_KEY: 'a' }, ['bootstrap admin']],
    ['none that is empty', { ADMIN_KEY: '', DEV_API_KEY: '' }, []],
    ['none', {}, []],
  ])('are %s', async (_, variables, callers) => {
    const keys = await secretKeys({ ...env, ADMIN_KEY: '', DEV_API_KEY: '', ...variables })
    expect(keys.map(({ caller: { apiKeyId, role } }) => `${apiKeyId} ${role}`)).toEqual(callers)
    for (const { hash } of keys) expect(hash).toMatch(/^[0-9a-f]{64}$/)
  })
})
