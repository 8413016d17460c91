import { describe, expect, test } from 'vitest'
import { callerOf, hashOfKey, keyRequired, presentedKey } from '../../src/keys/authenticate'
import type { ApiKeyRow } from '../../src/platform/config-schema'
import { sha256Hex } from '../../src/platform/encryption'
import { failureOf, surroundings } from './config-rows'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const row: ApiKeyRow = {
  id: 'key-1',
  name: 'a key',
  prefix: 'abcdefgh',
  hash: 'hash',
  role: 'inference',
  environment: 'prod',
  allowedModels: null,
  requireParameters: false,
  unknownPrice: null,
  logBodies: null,
  expiresAtMs: null,
  revokedAtMs: null,
  createdAtMs: 0,
  updatedAtMs: 0,
  limits: null,
  isTemporary: false,
  cacheScope: 'organization',
}

function caller(given: Partial<ApiKeyRow>, hash = 'hash') {
  const { config } = surroundings({})
  return callerOf(hash, { ...config, apiKeysByHash: new Map([['hash', { ...row, ...given }]]) }, NOW)
}

describe('a stored key stands for', () => {
  test.each<[string, Partial<ApiKeyRow>, object]>([
    ['somebody who may call all models', {}, { role: 'inference', environment: 'prod' }],
    ['an administrator', { role: 'admin' }, { role: 'admin', environment: 'prod' }],
    ['somebody in the test environment', { environment: 'test' }, { role: 'inference', environment: 'test' }],
    [
      'somebody who may call some models',
      { allowedModels: ['a/*'] },
      { role: 'inference', environment: 'prod', allowedModels: ['a/*'] },
    ],
    [
      'somebody who may call no model',
      { allowedModels: [] },
      { role: 'inference', environment: 'prod', allowedModels: [] },
    ],
    ['somebody until later', { expiresAtMs: NOW + 1 }, { role: 'inference', environment: 'prod' }],
  ])('%s', (_, given, rest) => {
    expect(caller(given)).toEqual({ apiKeyId: 'key-1', apiKeyName: 'a key', ...rest })
  })

  test.each<[string, Partial<ApiKeyRow>, string, string]>([
    ['unknown', {}, 'other', 'Your API key is invalid or expired.'],
    ['revoked', { revokedAtMs: 1 }, 'hash', 'Your API key abcdefgh... has been revoked.'],
    [
      'expired just now',
      { expiresAtMs: NOW },
      'hash',
      'Your API key abcdefgh... expired at 2026-11-21T12:00:00.000Z.',
    ],
    ['revoked and expired', { revokedAtMs: 1, expiresAtMs: 1 }, 'hash', 'has been revoked'],
  ])('nobody when it is %s', (_, given, hash, message) => {
    expect(failureOf(() => caller(given, hash))).toEqual({
      kind: 'unauthenticated',
      message: expect.stringContaining(message),
    })
  })
})

describe('the key of a request', () => {
  const request = (headers: Record<string, string>, query = '') =>
    new Request(`https://gateway.example/v1/models${query}`, { headers })

  test.each<[string, Record<string, string>, string, string | undefined]>([
    ['is a bearer', { authorization: 'Bearer a.b' }, '', 'a.b'],
    ['is a bearer in any letters', { authorization: 'BEARER a.b' }, '', 'a.b'],
    ['is in x-api-key', { 'x-api-key': 'a.b' }, '', 'a.b'],
    ['is in x-goog-api-key', { 'x-goog-api-key': 'a.b' }, '', 'a.b'],
    ['is in the query', {}, '?alt=sse&key=a.b', 'a.b'],
    [
      'is the bearer before all others',
      { authorization: 'Bearer a', 'x-api-key': 'b', 'x-goog-api-key': 'c' },
      '?key=d',
      'a',
    ],
    ['is x-api-key before x-goog-api-key', { 'x-api-key': 'b', 'x-goog-api-key': 'c' }, '?key=d', 'b'],
    ['is beside an authorization of another kind', { authorization: 'Basic abc', 'x-api-key': 'b' }, '', 'b'],
    ['is in the query when a header is empty', { 'x-api-key': '' }, '?key=d', 'd'],
    ['is nowhere', {}, '', undefined],
    ['is no bearer of two words', { authorization: 'Bearer a b' }, '', undefined],
    ['is not under another name', {}, '?api_key=d', undefined],
  ])('%s', (_, headers, query, key) => {
    expect(presentedKey(request(headers, query))).toBe(key)
  })

  test('is required, and of a sensible length', () => {
    expect(keyRequired(request({ 'x-api-key': 'x'.repeat(512) }))).toHaveLength(512)
    for (const headers of [{}, { 'x-api-key': 'x'.repeat(513) }])
      expect(failureOf(() => keyRequired(request(headers)))).toMatchObject({ kind: 'unauthenticated' })
  })

  test('is hashed once; from then on its hash is there at once', async () => {
    const first = hashOfKey('hash.once')
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toBe(await sha256Hex('hash.once'))
    expect(hashOfKey('hash.once')).toBe(await first)
  })
})
