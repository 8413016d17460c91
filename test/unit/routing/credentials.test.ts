import { describe, expect, test } from 'vitest'
import type { Target } from '../../../src/providers/target'
import { failureOf } from '../config-rows'
import { planOf, rolls, sources, told, type Written } from './planning'

type Asked = Written & { model?: string }

const all: Asked = {
  credential_override: { 'openai/gpt-4o': { api_key: 'k-override' } },
  load_balance_models: [{ model: 'gpt-4o', weight: 1, credentials: { api_key: 'k-entry' } }],
  customer_credentials: { openai: { api_key: 'k-customer' } },
  customer_api_keys: { 'gpt-4o': 'k-model' },
}

function without(...names: (keyof Written)[]): Asked {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !names.some((one) => one === name)))
}

/** The text of the key that each target is called with; what is sealed or a secret tells its name. */
function keysOf(targets: readonly Target[]): string[] {
  return targets.map(({ credential }) => {
    if (credential.kind === 'request') return credential.text
    if (credential.kind === 'stored') return credential.sealed
    return credential.kind === 'secret' ? credential.name : ''
  })
}

describe('the credential of a call', () => {
  const noEntry = { ...without('credential_override', 'load_balance_models'), model: 'gpt-4o' }
  const lastOnes = { model: 'gpt-4o' }

  test.each<[string, Asked, boolean, string[]]>([
    ['credential_override', all, true, ['k-override']],
    ["the entry's own", without('credential_override'), true, ['k-entry']],
    ['customer_credentials', noEntry, true, ['k-customer']],
    [
      'customer_api_keys',
      { ...lastOnes, customer_api_keys: { 'openai/gpt-4o': 'k-model' } },
      true,
      ['k-model'],
    ],
    ['a stored key', lastOnes, true, ['sealed-b']],
    ["the worker's secret", lastOnes, false, ['OPENAI_API_KEY']],
  ])('is that of %s, before all below it', (_, asked, hasStored, keys) => {
    const stored = hasStored && sources.keys !== undefined ? { keys: sources.keys } : {}
    expect(keysOf(planOf(asked, { sources: stored }))).toEqual(keys)
  })

  test.each<[string, Asked, string[]]>([
    ['an object by provider', { customer_credentials: { openai: { api_key: 'k1' } } }, ['k1']],
    [
      'a list by provider',
      {
        customer_credentials: {
          openai: [
            { credentials: { api_key: 'k1' }, weight: 1 },
            { credentials: { api_key: 'k2' }, weight: 2 },
          ],
        },
      },
      ['k1', 'k2'],
    ],
    [
      'a list of deployments',
      {
        customer_credentials: [
          { credentials: { openai: { api_key: 'k1' }, acme: { api_key: 'other' } }, weight: 1 },
          { credentials: { openai: { api_key: 'k2' } }, weight: 0.5, exclude_models: ['gpt-4o'] },
          { credentials: { openai: { api_key: 'k3' } }, available_models: ['gpt-4o'] },
          { credentials: { openai: { api_key: 'k4' } }, available_models: ['gpt-5'] },
        ],
      },
      ['k1', 'k3'],
    ],
    [
      'none that may be used for this model',
      { customer_credentials: { openai: [{ credentials: { api_key: 'k' }, exclude_models: ['gpt-*'] }] } },
      ['OPENAI_API_KEY'],
    ],
  ])('comes from customer_credentials as %s', (_, asked, keys) => {
    expect(keysOf(planOf({ model: 'gpt-4o', ...asked }))).toEqual(keys)
  })

  test("is one of several stored keys, the provider's own among them", () => {
    const stored = sources.keys === undefined ? {} : { keys: sources.keys }
    expect(told(planOf({ model: 'beta/m' }, { sources: stored }))).toEqual([
      'beta: m (stored) requested',
      'beta: m (stored) other_key',
    ])
    expect(keysOf(planOf({ model: 'beta/m' }, { sources: stored, luck: rolls(0.9, 0.1) }))).toEqual([
      'sealed-second',
      'sealed-beta',
    ])
  })

  test('is none that was stored for another place', () => {
    const nowhere = { on: () => undefined }
    const keys = new Map([['beta', [{ name: 'moved', weight: 1, ...nowhere }]]])
    expect(keysOf(planOf({ model: 'beta/m' }, { sources: { keys } }))).toEqual(['sealed-beta'])
    const groups = new Map([['g', { models: [{ model: 'beta/m', weight: 1, credentials: nowhere }] }]])
    expect(
      failureOf(() => planOf({ load_balance_group: { group_id: 'g' } }, { sources: { groups } })),
    ).toMatchObject({ kind: 'provider_not_configured' })
  })

  test.each([
    'azure_openai',
    'google_vertex_ai',
    'google_gemini_ai',
    'togetherai',
    'bedrock',
    'fireworks',
    'ai21labs',
  ])('may name its provider %s', (name) => {
    expect(planOf({ model: 'acme/m', customer_credentials: { [name]: { api_key: 'k' } } })).toHaveLength(1)
  })
})

describe('a provider that needs more than a key', () => {
  test.each<[string, string, Record<string, unknown>, Partial<Target>]>([
    [
      'azure without anything set here',
      'azure/gpt-4o',
      { api_key: 'k', api_base: 'https://mine.openai.azure.com' },
      { url: 'https://mine.openai.azure.com/openai/v1', auth: { kind: 'header', header: 'api-key' } },
    ],
    [
      'azure with a version',
      'azure/gpt-4o',
      { api_key: 'k', api_base: 'https://mine.openai.azure.com/', api_version: '2024-10-21' },
      {
        url: 'https://mine.openai.azure.com/openai?api-version=2024-10-21',
        urlStyle: 'azure-deployments',
      },
    ],
    [
      'bedrock in a region of its own',
      'bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0',
      { aws_access_key_id: 'AK', aws_secret_access_key: 'SK', aws_region_name: 'eu-central-1' },
      { url: 'https://bedrock-runtime.eu-central-1.amazonaws.com', auth: { kind: 'aws' } },
    ],
    [
      'vertex_ai with a project and a location',
      'vertex_ai/gemini-2.5-pro',
      {
        vertex_ai_project: 'p1',
        vertex_ai_location: 'europe-west4',
        vertex_ai_credentials: { client_email: 'a@b', private_key: 'pk' },
      },
      {
        url: 'https://europe-west4-aiplatform.googleapis.com/v1/projects/p1/locations/europe-west4/publishers/google',
        auth: { kind: 'google' },
      },
    ],
    [
      'openai at another place',
      'gpt-4o',
      { api_key: 'k', api_base: 'https://your-endpoint.example.com/v1' },
      { url: 'https://your-endpoint.example.com/v1', auth: { kind: 'bearer' } },
    ],
    [
      'openai at another place without a version',
      'gpt-4o',
      { api_key: 'k', api_base: 'https://your-endpoint.example.com' },
      { url: 'https://your-endpoint.example.com/v1' },
    ],
    [
      'openai at another place, written out',
      'gpt-4o',
      { api_key: 'k', api_base: 'https://your-endpoint.example.com/v1/chat/completions' },
      { url: 'https://your-endpoint.example.com/v1' },
    ],
  ])('%s', (_, model, fields, target) => {
    const [planned] = planOf({ model, credential_override: { [model]: fields } })
    expect(planned).toMatchObject(target)
    expect(planned?.problem).toBeUndefined()
  })

  test('without a credential of the request is a problem of its own', () => {
    expect(failureOf(() => planOf({ model: 'azure/gpt-4o' }))).toMatchObject({
      kind: 'provider_not_configured',
    })
  })
})

describe("a caller's base URL", () => {
  const override = (fields: Record<string, unknown>): Asked => ({
    model: 'MY_CUSTOM_MODEL_ID',
    credential_override: { MY_CUSTOM_MODEL_ID: fields },
  })

  test('takes the call with the key that came with it, and nothing that is stored', () => {
    const [target] = planOf(
      override({ api_key: 'YOUR_CUSTOM_API_KEY', api_base: 'https://your-endpoint.example.com/v1' }),
      { sources },
    )
    expect(target).toMatchObject({
      upstreamModel: 'mine',
      url: 'https://your-endpoint.example.com/v1',
      credential: { kind: 'request', from: 'override', text: 'YOUR_CUSTOM_API_KEY' },
    })
    expect(JSON.stringify(target)).not.toContain('sealed')
  })

  test("keeps the provider's stored headers where the key alone is the caller's", () => {
    expect(planOf(override({ api_key: 'k' }))[0]).toMatchObject({
      url: 'https://acme.example/v1',
      sealedHeaders: { sealed: 'sealed-headers' },
    })
  })

  test.each([
    { api_base: 'https://evil.example/v1' },
    { api_base: 'https://evil.example/v1', api_key: null },
    { aws_region_name: 'eu-west-1' },
    { api_version: '1' },
    {},
  ])('or what else is not a key is refused by itself: %j', (fields) => {
    expect(failureOf(() => planOf(override(fields)))).toMatchObject({
      kind: 'invalid_request',
      param: 'credential_override.MY_CUSTOM_MODEL_ID',
    })
  })

  const inside = [
    'http://localhost:8080',
    'https://localhost/v1',
    'https://127.0.0.1/v1',
    'https://127.1/v1',
    'https://2130706433/v1',
    'https://0177.0.0.1/v1',
    'https://0x7f000001/v1',
    'https://10.0.0.1/v1',
    'https://172.16.0.1/v1',
    'https://192.168.1.1/v1',
    'https://169.254.169.254/latest',
    'https://100.64.0.1/v1',
    'https://0.0.0.0/v1',
    'https://[::1]/v1',
    'https://[::ffff:127.0.0.1]/v1',
    'https://[fd00::1]/v1',
    'https://[fe80::1]/v1',
    'https://user:password@api.example.com/v1',
    'https://api.example.com@127.0.0.1/v1',
    'https://anything.localhost/v1',
    'https://metadata.google.internal/v1',
    'https://printer.local/v1',
    'https://LOCALHOST./v1',
    'http://api.example.com/v1',
    'file:///etc/passwd',
    'not a url',
  ]
  const places = ['credential_override', 'customer_credentials', 'load_balance_models'] as const

  test.each(inside.flatMap((api_base) => places.map((place) => [api_base, place] as const)))(
    '%s is refused in %s',
    (api_base, place) => {
      const credentials = { api_key: 'k', api_base }
      const asked: Asked = {
        credential_override: { model: 'acme/m', credential_override: { 'acme/m': credentials } },
        customer_credentials: { model: 'acme/m', customer_credentials: { acme: [{ credentials }] } },
        load_balance_models: { load_balance_models: [{ model: 'gpt-4o', weight: 1, credentials }] },
      }[place]
      const refused = failureOf(() => planOf(asked))
      expect(refused).toMatchObject({ kind: 'invalid_request', code: 'invalid_parameter' })
      expect(refused).toMatchObject({ param: expect.stringMatching(new RegExp(`^${place}.*\\.api_base$`)) })
    },
  )

  test.each(['x.evil.example/', 'evil.example#', 'a@evil.example', 'eu west'])(
    'is not smuggled in by a part of a URL: %j',
    (aws_region_name) => {
      const fields = { aws_access_key_id: 'A', aws_secret_access_key: 'S', aws_region_name }
      const model = 'bedrock/anthropic.claude-x'
      expect(failureOf(() => planOf({ model, credential_override: { [model]: fields } }))).toMatchObject({
        param: `credential_override.${model}.aws_region_name`,
      })
    },
  )
})
