import { describe, expect, test } from 'vitest'
import { catalog } from '../../../src/providers/catalog'
import { catalogTarget } from '../../../src/providers/catalog-target'
import {
  answerCallAt,
  fileProviders,
  type PassThroughBase,
  passThroughBases,
  rootOf,
} from '../../../src/providers/pass-through'
import type { Target } from '../../../src/providers/target'
import { passedHeaders, sentHeaders } from '../../../src/providers/through-headers'
import { queryWithout } from '../../../src/routes/pass-through'

function baseOf(id: string): PassThroughBase {
  const base = passThroughBases.find(({ providerId }) => providerId === id)
  if (base === undefined) throw new Error(`There is no base of ${id}.`)
  return base
}

function targetOf(id: string, variables: Record<string, string> = {}): Target {
  const row = catalog.find((one) => one.id === id)
  if (row === undefined) throw new Error(`There is no provider ${id}.`)
  const around = { variable: (name: string) => variables[name], mayBePrivate: false }
  return catalogTarget(row, '', baseOf(id).speaks, around)
}

describe('a path asks for an answer', () => {
  test.each<[string, string, string, object]>([
    ['anthropic', '/v1/messages', 'anthropic', {}],
    ['anthropic', '/v1/messages/', 'anthropic', {}],
    ['anthropic', '/v1//messages', 'anthropic', {}],
    ['anthropic', '/v1/%6Dessages', 'anthropic', {}],
    ['gemini', '/v1beta/models/gemini-a:generateContent', 'gemini', { call: 'gemini-a:generateContent' }],
    ['gemini', '/v1beta/models/a%2Fb:countTokens', 'gemini', { call: 'a/b:countTokens' }],
    ['gemini', '/v1/models/m%ZZ:generateContent', 'gemini', { call: 'm%ZZ:generateContent' }],
    ['gemini', '/v1beta/openai/chat/completions', 'openai-chat', {}],
    [
      'vertex_ai',
      '/v1beta1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent',
      'gemini',
      { call: 'g:streamGenerateContent' },
    ],
    [
      'vertex_ai',
      '/v1/projects/p/locations/l/publishers/anthropic/models/claude%4020250101:rawPredict',
      'anthropic',
      { model: 'claude@20250101' },
    ],
    ['openai', '/v1/chat/completions', 'openai-chat', {}],
    ['openai', '/v1/responses', 'openai-responses', {}],
    ['azure', '/openai/responses', 'openai-responses', {}],
    ['azure', '/openai/v1/chat/completions', 'openai-chat', {}],
    [
      'azure',
      '/openai/deployments/d%201/chat/completions',
      'openai-chat',
      { model: 'd 1', hasModelInBody: true },
    ],
  ])('%s %s', (id, path, speaks, told) => {
    const { protocol, ...call } = answerCallAt(baseOf(id), path) ?? {}
    expect([protocol?.speaks, call]).toEqual([speaks, told])
  })

  test.each([
    ['anthropic', '/v1/messages/batches'],
    ['anthropic', '/v1/models'],
    ['gemini', '/v1beta/models/embed:embedContent'],
    ['gemini', '/v1beta/models'],
    ['openai', '/v1/responses/resp_1'],
    ['openai', '/v1/chat/completions/more'],
    ['vertex_ai', '/v1/projects/p/locations/l/endpoints/1:predict'],
  ])('not %s %s', (id, path) => {
    expect(answerCallAt(baseOf(id), path)).toBeUndefined()
  })
})

describe('the root of an API', () => {
  test.each<[string, Record<string, string>, string]>([
    ['anthropic', {}, 'https://api.anthropic.com'],
    ['openai', {}, 'https://api.openai.com'],
    ['openai', { OPENAI_BASE_URL: 'https://proxy.example/openai/v1' }, 'https://proxy.example/openai'],
    ['gemini', {}, 'https://generativelanguage.googleapis.com'],
    ['vertex_ai', { VERTEX_PROJECT: 'p', VERTEX_LOCATION: 'eu' }, 'https://aiplatform.eu.rep.googleapis.com'],
    ['azure', { AZURE_OPENAI_RESOURCE: 'r' }, 'https://r.openai.azure.com'],
    ['azure', { AZURE_OPENAI_RESOURCE: 'r', AZURE_API_VERSION: 'v' }, 'https://r.openai.azure.com'],
  ])('%s with %j', (id, variables, root) => {
    expect(rootOf(baseOf(id), targetOf(id, variables))).toBe(root)
  })

  test('every base and every provider of files is in the catalogue, and no prefix is there twice', () => {
    const ids = catalog.map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining([...fileProviders]))
    expect(ids).toEqual(expect.arrayContaining(passThroughBases.map(({ providerId }) => providerId)))
    const prefixes = passThroughBases.flatMap((base) => base.prefixes)
    expect(new Set(prefixes).size).toBe(prefixes.length)
  })
})

describe('what goes on', () => {
  const client = new Headers({
    authorization: 'Bearer sluice',
    'x-api-key': 'sluice',
    'x-goog-api-key': 'sluice',
    'api-key': 'sluice',
    cookie: 'a=b',
    'x-data-respan-params': '{}',
    'x-forwarded-for': '1.2.3.4',
    'content-type': 'text/plain',
    accept: 'text/csv',
    range: 'bytes=0-1',
    'if-none-match': '"e"',
    'anthropic-beta': 'files',
    'openai-project': 'p',
    'x-goog-upload-command': 'start',
    'accept-encoding': 'gzip',
  })

  test('of the client, without any key', () => {
    expect(sentHeaders(client, targetOf('openai'), true)).toEqual({
      accept: 'text/csv',
      'accept-encoding': 'identity',
      'user-agent': 'sluice/0.1',
      'content-type': 'text/plain',
      range: 'bytes=0-1',
      'if-none-match': '"e"',
      'anthropic-beta': 'files',
      'openai-project': 'p',
      'x-goog-upload-command': 'start',
    })
    expect(sentHeaders(client, targetOf('openai'), false)).not.toHaveProperty('content-type')
  })

  test.each<[string, string | undefined]>([
    ['https://api.example/base/upload?id=1', 'https://gw/api/x/upload?id=1'],
    ['/base/upload', 'https://gw/api/x/upload'],
    ['https://api.example/other', undefined],
    ['https://api.example/basement', undefined],
    ['https://api.example.evil/base/x', undefined],
    ['//evil.example/base/x', undefined],
    ['https://storage.example/signed', undefined],
  ])('of the provider: %s leads to %s', (location, led) => {
    const mirror = { root: 'https://api.example/base', base: 'https://gw/api/x' }
    const upstream = new Headers({ location, 'set-cookie': 'a=b', server: 'x', etag: '"e"' })
    expect(passedHeaders(upstream, mirror)).toEqual({
      etag: '"e"',
      ...(led === undefined ? {} : { location: led }),
    })
    expect(passedHeaders(upstream, undefined)).toEqual({ etag: '"e"' })
  })

  test.each([
    ['', ''],
    ['?key=sluice', ''],
    ['?a=%20&key=sluice&b', '?a=%20&b'],
    ['?keys=1&monkey=2&key', '?keys=1&monkey=2'],
  ])('of the query %j: %j', (search, kept) => {
    expect(queryWithout(search, ['key'])).toBe(kept)
  })
})
