import { describe, expect, test } from 'vitest'
import type { LoadBalanceGroupRow, SealedCredential } from '../../src/platform/config-schema'
import { findCatalogProvider } from '../../src/providers/catalog'
import { credentialFieldNames, misfit } from '../../src/providers/credential-fit'
import type { Auth } from '../../src/providers/target'
import { credentialAt, homeOf, strandedBy } from '../../src/routing/credential-home'
import { resolveModel, sealContext } from '../../src/routing/resolve'
import { providerRow, surroundings } from './config-rows'

const AZURE = { AZURE_OPENAI_RESOURCE: 'mine' }
const providers = [
  providerRow('acme'),
  providerRow('groq', { baseUrl: 'https://own-groq.example/v1' }),
  providerRow('cloud', {
    baseUrl: 'https://bedrock-runtime.eu-west-1.amazonaws.com',
    protocols: ['bedrock-converse'],
  }),
]
const around = (variables: Record<string, string> = {}) => surroundings({ providers, variables })

describe('the hosts that a credential is sealed for', () => {
  test.each<[string, string, Record<string, string>, string, string[]]>([
    ['a stored provider', 'acme', {}, 'acme', ['acme.example']],
    ['one that takes the place of a built-in one', 'groq', {}, 'groq', ['own-groq.example']],
    ['a stored provider elsewhere', 'acme', { api_base: 'https://eu.example/v1' }, 'acme', ['eu.example']],
    ['a built-in one', 'openai', {}, 'openai', ['api.openai.com']],
    ['a built-in one by an alias', 'google_gemini_ai', {}, 'gemini', ['generativelanguage.googleapis.com']],
    [
      'a built-in one elsewhere',
      'openai',
      { api_base: 'https://eu.api.openai.com/v1' },
      'openai',
      ['eu.api.openai.com'],
    ],
    ['one with two hosts', 'azure', {}, 'azure', ['mine.openai.azure.com', 'mine.services.ai.azure.com']],
    [
      'another resource',
      'azure_openai',
      { api_base: 'https://b.openai.azure.com', api_version: '2024-10-21' },
      'azure',
      ['b.openai.azure.com'],
    ],
    [
      'another region',
      'bedrock',
      { aws_region_name: 'eu-west-1' },
      'bedrock',
      ['bedrock-runtime.eu-west-1.amazonaws.com'],
    ],
    [
      'another project',
      'vertex_ai',
      { vertex_project: 'p', vertex_location: 'europe-west4' },
      'vertex_ai',
      ['europe-west4-aiplatform.googleapis.com'],
    ],
  ])('are those of %s', (_, given, place, providerId, hosts) => {
    const home = homeOf({ providerId: given, place }, around(AZURE))
    if ('wrong' in home) throw new Error(JSON.stringify(home))
    expect([home.providerId, home.urls.map((url) => new URL(url).host)]).toEqual([providerId, hosts])
  })

  test('are in the project of the service account when none is named', () => {
    const home = homeOf({ providerId: 'vertex_ai', place: {}, projectId: 'from-account' }, around())
    expect(home).toMatchObject({ place: { vertex_project: 'from-account' } })
    expect(homeOf({ providerId: 'openai', place: {}, projectId: 'p' }, around())).toMatchObject({ place: {} })
  })

  test('follow the variable that moves a provider', () => {
    const moved = homeOf(
      { providerId: 'openai', place: {} },
      around({ OPENAI_BASE_URL: 'https://proxy.example/x' }),
    )
    expect(moved).toMatchObject({ urls: ['https://proxy.example/x/v1'] })
  })

  test.each<[string, Record<string, string>, string, RegExp]>([
    ['nobody', {}, 'provider_id', /no provider 'nobody'; POST it/],
    ['opnai', {}, 'provider_id', /did you mean 'openai'/],
    ['azure', {}, 'api_base', /AZURE_OPENAI_RESOURCE/],
    ['openai', { api_base: 'http://api.openai.com' }, 'api_base', /https/],
    ['openai', { api_base: 'https://10.0.0.1/v1' }, 'api_base', /private/],
    ['openai', { api_base: 'https://u:p@example.com' }, 'api_base', /user name/],
    ['openai', { aws_region_name: 'eu-west-1' }, 'aws_region_name', /'openai'/],
    ['bedrock', { vertex_project: 'p', aws_region_name: 'eu-west-1' }, 'vertex_project', /'bedrock'/],
    ['acme', { api_version: '1' }, 'api_version', /base_url/],
  ])('of %s with %j are none: %s', (providerId, place, field, problem) => {
    const home = homeOf({ providerId, place }, around())
    expect(home).toEqual({ wrong: { field, problem: expect.stringMatching(problem) } })
  })
})

describe('a stored credential', () => {
  const stored: SealedCredential = { providerId: 'acme', sealedByHost: { 'acme.example': 'sealed' } }

  test('is for the provider and host that it was sealed for', () => {
    expect(credentialAt(resolveModel('acme/m', around()), stored)).toEqual({
      kind: 'stored',
      sealed: 'sealed',
      context: 'provider:acme@acme.example',
    })
  })

  test.each([
    ['another provider', 'groq/m', 'own-groq.example'],
    ['another host', 'acme/m', 'old.example'],
    ['a name of every object', 'acme/m', 'constructor'],
  ])('is not for %s', (_, model, host) => {
    const target = {
      ...resolveModel(model, around()),
      ...(host === 'constructor' ? { url: 'https://constructor/v1' } : {}),
    }
    expect(
      credentialAt(target, { ...stored, sealedByHost: { [host === 'constructor' ? 'x' : host]: 's' } }),
    ).toBeUndefined()
  })

  test('is named when its provider is to move away from it', () => {
    const key = {
      id: '1',
      name: 'second',
      weight: 1,
      availableModels: null,
      excludeModels: null,
      createdAtMs: 0,
      updatedAtMs: 0,
    }
    const elsewhere = { ...stored, place: { api_base: 'https://acme.example' } }
    const group = (groupId: string, sealedCredentials: SealedCredential): [string, LoadBalanceGroupRow] => [
      groupId,
      {
        groupId,
        name: groupId,
        models: [{ model: 'acme/m', weight: 1, sealedCredentials }],
        createdAtMs: 0,
        updatedAtMs: 0,
      },
    ]
    const config = {
      ...around().config,
      providerKeys: new Map([['acme', [{ ...key, providerId: 'acme', credential: stored }]]]),
      loadBalanceGroupsById: new Map([
        group('g', stored),
        group('own', elsewhere),
        group('other', { ...stored, providerId: 'x' }),
      ]),
    }
    expect(strandedBy(config, 'acme', 'https://acme.example/v2')).toEqual([])
    expect(strandedBy(config, 'acme', 'https://new.example/v1')).toEqual([
      "the key 'second' in /api/provider-keys/",
      "credentials in the load balance group 'g'",
    ])
  })

  test('has one context for a host, whatever the path', () => {
    expect(sealContext('a', 'https://h.example/v1')).toBe(sealContext('a', 'https://h.example'))
  })
})

describe('a credential that could not authorize', () => {
  const bearer: Auth = { kind: 'bearer' }
  const aws: Auth = { kind: 'aws' }
  const google: Auth = { kind: 'google' }
  const keys = { aws_access_key_id: 'a', aws_secret_access_key: 's' }
  const account = { client_email: 'e', private_key: 'k' }

  test.each<[Auth[], object, string | undefined]>([
    [[bearer], { api_key: 'k' }, undefined],
    [[bearer], {}, 'api_key'],
    [[bearer], { api_key: null }, 'api_key'],
    [[bearer], { api_key: 'k', ...keys }, 'aws_access_key_id'],
    [[bearer], { vertex_credentials: account }, 'vertex_credentials'],
    [[{ kind: 'none' }], { api_key: 'k' }, 'api_key'],
    [[aws], keys, undefined],
    [[aws], { api_key: 'bearer token' }, undefined],
    [[aws], { aws_access_key_id: 'a' }, 'aws_access_key_id'],
    [[google], { vertex_credentials: account }, undefined],
    [[google], { vertex_ai_credentials: JSON.stringify(account) }, undefined],
    [[google], { vertex_credentials: '{"broken' }, 'vertex_credentials'],
    [[google], {}, 'vertex_credentials'],
  ])('with %j: %j is refused at %s', (auths, given, field) => {
    expect(misfit(auths, given)?.field).toBe(field)
  })

  test.each([
    ['openai', ['api_key']],
    ['azure', ['api_key', 'api_base', 'api_version']],
    ['bedrock', ['aws_access_key_id', 'aws_secret_access_key', 'api_base', 'aws_region_name']],
    ['vertex_ai', ['vertex_credentials', 'api_base', 'vertex_project', 'vertex_location']],
    ['ollama', []],
  ])('has other fields than those of %s: %j', (id, fields) => {
    const row = findCatalogProvider(id)
    expect(row === undefined ? undefined : credentialFieldNames(row)).toEqual(fields)
  })
})
