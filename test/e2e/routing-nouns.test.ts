import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { unseal } from '../../src/platform/encryption'
import { testVariables } from '../variables'
import { type Gateway, startGateway } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway({ OPENAI_API_KEY: 'sk-of-the-worker' })
})
afterAll(() => gateway.close())

const SECRET = 'sk-further-key-of-a-provider'
const KEYS = '/api/provider-keys/'
const GROUPS = '/api/load-balance-groups/'
const SETTINGS = '/api/settings/'

/** The opened copy of a stored credential for each host that it is sealed for. */
async function opened(credential: { providerId: string; sealedByHost: Record<string, string> }) {
  const copies = Object.entries(credential.sealedByHost).map(async ([host, sealed]) => {
    const context = `provider:${credential.providerId}@${host}`
    return [host, await unseal(String(testVariables.ENCRYPTION_KEY), context, sealed)]
  })
  return Object.fromEntries(await Promise.all(copies))
}

async function stored(sql: string, ...values: string[]) {
  const json = await gateway.env.CONFIG.prepare(sql)
    .bind(...values)
    .first<string>('json')
  return JSON.parse(json ?? 'null')
}

const storedKey = (id: unknown) =>
  stored('select credential as json from provider_keys where id = ?', String(id))
const storedGroup = (id: string) =>
  stored('select models as json from load_balance_groups where group_id = ?', id)
const refused = (errors: object) => ({ status: 422, body: { detail: 'Validation error', errors } })

describe('a further key of a provider', () => {
  test('is made, listed, changed, replaced and removed, and never shown', async () => {
    const given = { provider_id: 'openai', name: 'second', api_key: SECRET, available_models: ['gpt-4o'] }
    const made = await gateway.manage('POST', KEYS, given)
    expect(made).toMatchObject({
      status: 201,
      body: {
        ...{ provider_id: 'openai', name: 'second', weight: 1, available_models: ['gpt-4o'] },
        ...{ exclude_models: null, has_credentials: true, hosts: ['api.openai.com'] },
      },
    })
    const path = `${KEYS}${made.body.id}/`
    expect(await gateway.manage('GET', path)).toEqual({ status: 200, body: made.body })
    const patched = await gateway.manage('PATCH', path, { weight: 0.25, available_models: null })
    expect(patched).toMatchObject({ status: 200, body: { weight: 0.25, available_models: null } })
    const again = await gateway.manage('POST', KEYS, {
      provider_id: 'openai',
      name: 'second',
      exclude_models: ['o3'],
    })
    expect(again).toMatchObject({
      status: 200,
      body: { id: made.body.id, weight: 0.25, exclude_models: ['o3'] },
    })
    const replaced = await gateway.manage('PUT', path, {})
    expect(replaced).toMatchObject({ status: 200, body: { weight: 1, exclude_models: null } })
    // None of these changes named the secret, so that it is still the same.
    expect(await opened(await storedKey(made.body.id))).toEqual({ 'api.openai.com': SECRET })
    const list = await gateway.manage('GET', KEYS)
    expect(list.body.results).toContainEqual(replaced.body)
    expect(JSON.stringify([made, patched, again, replaced, list])).not.toContain(SECRET)
    expect((await gateway.manage('DELETE', path)).status).toBe(204)
    expect((await gateway.manage('GET', path)).status).toBe(404)
  })

  test.for<[string, object, object]>([
    ['a stored provider', { provider_id: 'fake', api_key: SECRET }, { provider_id: 'fake' }],
    ['an alias', { provider_id: 'google_gemini_ai', api_key: SECRET }, { provider_id: 'gemini' }],
    [
      'another resource',
      {
        provider_id: 'azure_openai',
        api_key: SECRET,
        api_base: 'https://b.openai.azure.com',
        api_version: '2024-10-21',
      },
      { provider_id: 'azure', hosts: ['b.openai.azure.com'], api_base: 'https://b.openai.azure.com' },
    ],
    [
      'another region',
      {
        provider_id: 'bedrock',
        aws_access_key_id: 'AKIA',
        aws_secret_access_key: SECRET,
        aws_region_name: 'eu-west-1',
      },
      { hosts: ['bedrock-runtime.eu-west-1.amazonaws.com'], aws_region_name: 'eu-west-1' },
    ],
    [
      'a service account',
      {
        provider_id: 'vertex_ai',
        vertex_credentials: { client_email: 'e', private_key: SECRET, project_id: 'mine' },
      },
      { hosts: ['aiplatform.googleapis.com'], vertex_project: 'mine' },
    ],
  ])('of %s is sealed for its hosts and no others', async ([name, given, expected]) => {
    const made = await gateway.manage('POST', KEYS, { name, ...given })
    expect(made).toMatchObject({ status: 201, body: expected })
    expect(JSON.stringify(made)).not.toContain(SECRET)
    const credential = await storedKey(made.body.id)
    const copies = await opened(credential)
    expect(Object.keys(copies)).toEqual(made.body.hosts)
    for (const copy of Object.values(copies)) expect(copy).toContain(SECRET)
    const elsewhere = {
      ...credential,
      sealedByHost: { 'evil.example': Object.values(credential.sealedByHost)[0] },
    }
    await expect(opened(elsewhere)).rejects.toThrow()
    expect((await gateway.manage('DELETE', `${KEYS}${made.body.id}/`)).status).toBe(204)
  })

  test('is given anew together with its place', async () => {
    const made = await gateway.manage('POST', KEYS, {
      provider_id: 'openai',
      name: 'moving',
      api_key: SECRET,
    })
    const path = `${KEYS}${made.body.id}/`
    const api_base = 'https://eu.api.openai.com/v1'
    expect(await gateway.manage('PATCH', path, { api_base })).toMatchObject(
      refused({ api_key: ['is required'] }),
    )
    const moved = await gateway.manage('PATCH', path, { api_base, api_key: 'sk-eu' })
    expect(moved).toMatchObject({ status: 200, body: { hosts: ['eu.api.openai.com'], api_base } })
    expect(await opened(await storedKey(made.body.id))).toEqual({ 'eu.api.openai.com': 'sk-eu' })
  })

  test('keeps its provider at its host, and goes with it', async () => {
    const acme = { provider_id: 'acme', base_url: 'https://acme.example/v1' }
    await gateway.manage('POST', '/api/providers/', acme)
    const { body: key } = await gateway.manage('POST', KEYS, {
      provider_id: 'acme',
      name: 'kept',
      api_key: SECRET,
    })
    const move = { base_url: 'https://new.example/v1' }
    const answer = await gateway.manage('PATCH', '/api/providers/acme/', move)
    expect(answer).toMatchObject(refused({ base_url: [expect.stringContaining("'kept'")] }))
    expect(
      (await gateway.manage('PATCH', '/api/providers/acme/', { base_url: 'https://acme.example/v2' })).status,
    ).toBe(200)
    expect((await gateway.manage('DELETE', '/api/providers/acme/')).status).toBe(204)
    expect((await gateway.manage('GET', `${KEYS}${key.id}/`)).status).toBe(404)
  })

  test('of a built-in provider is in the way of another one with its id', async () => {
    const { body: key } = await gateway.manage('POST', KEYS, {
      provider_id: 'groq',
      name: 'first',
      api_key: SECRET,
    })
    const shadow = { provider_id: 'groq', base_url: 'https://own-groq.example/v1' }
    expect((await gateway.manage('POST', '/api/providers/', shadow)).status).toBe(422)
    await gateway.manage('DELETE', `${KEYS}${key.id}/`)
    expect((await gateway.manage('POST', '/api/providers/', shadow)).status).toBe(201)
    await gateway.manage('DELETE', '/api/providers/groq/')
  })

  test.for<[object, string]>([
    [{ provider_id: undefined }, 'provider_id'],
    [{ provider_id: 'opnai' }, 'provider_id'],
    [{ provider_id: 'demo' }, 'provider_id'],
    [{ provider_id: 'ollama' }, 'api_key'],
    [{ name: undefined }, 'name'],
    [{ name: ' ' }, 'name'],
    [{ api_key: undefined }, 'api_key'],
    [{ api_key: null }, 'api_key'],
    [{ api_key: '' }, 'api_key'],
    [{ weight: 0 }, 'weight'],
    [{ weight: -1 }, 'weight'],
    [{ weight: '1' }, 'weight'],
    [{ weight: null }, 'weight'],
    [{ available_models: [] }, 'available_models'],
    [{ exclude_models: [''] }, 'exclude_models.0'],
    [{ available_models: ['a'], exclude_models: ['a'] }, 'exclude_models'],
    [{ api_base: 'http://api.openai.com/v1' }, 'api_base'],
    [{ api_base: 'not a url' }, 'api_base'],
    [{ aws_secret_access_key: 's' }, 'aws_secret_access_key'],
    [{ vertex_project: 'p' }, 'vertex_project'],
    [{ colour: 'red' }, 'body'],
  ])('with %j is refused, naming %s', async ([change, field]) => {
    const given = { provider_id: 'openai', name: 'bad', api_key: SECRET, ...change }
    const answer = await gateway.manage('POST', KEYS, given)
    expect(answer).toMatchObject({ status: 422, body: { detail: 'Validation error' } })
    expect(Object.keys(Object(answer.body.errors))).toEqual([field])
    expect(JSON.stringify(answer)).not.toContain(SECRET)
  })
})

describe('a load balance group', () => {
  const models = [
    { model: 'fake/a', weight: 0.7 },
    { model: 'openai/gpt-4o', weight: 3, credentials: { api_key: SECRET } },
  ]

  test('is made, listed, changed, replaced and removed, and its credentials are never shown', async () => {
    const made = await gateway.manage('POST', GROUPS, { group_id: 'team/a', models })
    const shown = [
      { model: 'fake/a', weight: 0.7, has_credentials: false },
      { model: 'openai/gpt-4o', weight: 3, has_credentials: true },
    ]
    expect(made).toMatchObject({
      status: 201,
      body: { id: 'team/a', group_id: 'team/a', name: 'team/a', models: shown },
    })
    const path = `${GROUPS}team/a/`
    expect(await gateway.manage('GET', path)).toEqual({ status: 200, body: made.body })
    expect(await gateway.manage('PATCH', path, { name: 'A' })).toMatchObject({
      status: 200,
      body: { name: 'A', models: shown },
    })
    const again = await gateway.manage('POST', GROUPS, { group_id: 'team/a', models })
    expect(again).toMatchObject({ status: 200, body: { name: 'A', models: shown } })
    const list = await gateway.manage('GET', GROUPS)
    expect(list.body).toMatchObject({ count: 1, results: [{ group_id: 'team/a' }] })
    const replaced = await gateway.manage('PUT', path, { models: [{ model: 'demo/echo' }] })
    expect(replaced.body).toMatchObject({
      name: 'team/a',
      models: [{ model: 'demo/echo', weight: 1, has_credentials: false }],
    })
    expect(JSON.stringify([made, again, list, replaced])).not.toContain(SECRET)
    expect((await gateway.manage('DELETE', path)).status).toBe(204)
    expect((await gateway.manage('GET', path)).status).toBe(404)
  })

  test('keeps stored credentials where a change says that there are some', async () => {
    await gateway.manage('POST', GROUPS, { group_id: 'kept', models })
    const { body } = await gateway.manage('GET', `${GROUPS}kept/`)
    const shown = Array.isArray(body.models) ? body.models : []
    const heavier = shown.map((member) => ({ ...Object(member), weight: 9 }))
    expect((await gateway.manage('PATCH', `${GROUPS}kept/`, { models: heavier })).status).toBe(200)
    const [, member] = await storedGroup('kept')
    expect(member).toMatchObject({ model: 'openai/gpt-4o', weight: 9 })
    expect(await opened(member.sealedCredentials)).toEqual({ 'api.openai.com': SECRET })
    const without = heavier.map((one) => ({ ...one, has_credentials: false }))
    await gateway.manage('PATCH', `${GROUPS}kept/`, { models: without })
    expect((await storedGroup('kept'))[1]).toEqual({ model: 'openai/gpt-4o', weight: 9 })
    const lost = await gateway.manage('PATCH', `${GROUPS}kept/`, { models: heavier })
    expect(lost).toMatchObject(
      refused({ 'models.1.has_credentials': [expect.stringContaining('openai/gpt-4o')] }),
    )
  })

  test('seals credentials for the provider that the model has, in their own place', async () => {
    await gateway.manage('POST', '/api/models/', {
      model_name: 'mine',
      provider_id: 'azure',
      upstream_model: 'd',
    })
    const credentials = { api_key: SECRET, api_base: 'https://r.openai.azure.com', api_version: '2024-10-21' }
    const given = { group_id: 'azure', models: [{ model: 'azure/d', weight: 1, credentials }] }
    expect((await gateway.manage('POST', GROUPS, given)).status).toBe(201)
    const [{ sealedCredentials }] = await storedGroup('azure')
    expect(sealedCredentials).toMatchObject({
      providerId: 'azure',
      place: { api_base: 'https://r.openai.azure.com', api_version: '2024-10-21' },
    })
    expect(await opened(sealedCredentials)).toEqual({ 'r.openai.azure.com': SECRET })
  })

  test.for<[object, string]>([
    [{ group_id: undefined }, 'group_id'],
    [{ group_id: ' ' }, 'group_id'],
    [{ models: undefined }, 'models'],
    [{ models: [] }, 'models'],
    [{ models: ['fake/a'] }, 'models.0'],
    [{ models: [{ weight: 1 }] }, 'models.0.model'],
    [{ models: [models[0], { model: 'no-such-model', weight: 1 }] }, 'models.1.model'],
    [{ models: [{ model: 'fake/a', weight: 0 }] }, 'models.0.weight'],
    [{ models: [{ model: 'fake/a', weight: -0.5 }] }, 'models.0.weight'],
    [{ models: [{ model: 'fake/a', weight: '1' }] }, 'models.0.weight'],
    [{ models: [{ model: 'fake/a', colour: 'red' }] }, 'models.0'],
    [{ models: [{ model: 'openai/gpt-4o', credentials: {} }] }, 'models.0.credentials.api_key'],
    [{ models: [{ model: 'demo/echo', credentials: { api_key: 'k' } }] }, 'models.0.credentials.provider_id'],
    [
      { models: [{ model: 'openai/x', credentials: { api_key: 'k', api_base: 'ftp://x.example' } }] },
      'models.0.credentials.api_base',
    ],
  ])('with %j is refused, naming %s', async ([change, field]) => {
    const answer = await gateway.manage('POST', GROUPS, { group_id: 'bad', models, ...change })
    expect(answer).toMatchObject({ status: 422, body: { detail: 'Validation error' } })
    expect(Object.keys(Object(answer.body.errors))).toEqual([field])
    expect((await gateway.manage('GET', `${GROUPS}bad/`)).status).toBe(404)
  })

  test('tells names that are near an unknown one', async () => {
    const answer = await gateway.manage('POST', GROUPS, { group_id: 'bad', models: [{ model: 'demo/ecko' }] })
    expect(JSON.stringify(answer.body)).toContain("'demo/echo'")
  })

  test('does not take a weight that is no number', async () => {
    const text = '{"group_id": "bad", "models": [{"model": "demo/echo", "weight": 1e999}]}'
    expect(await gateway.manage('POST', GROUPS, text)).toMatchObject(
      refused({ 'models.0.weight': [expect.any(String)] }),
    )
  })
})

describe('the settings', () => {
  const defaults = {
    fallback_models: [],
    retry_params: { retry_enabled: false, num_retries: 3, retry_after: 0.2 },
    cache: {
      cache_enabled: false,
      cache_ttl: 2_592_000,
      cache_options: {
        ...{ cache_by_customer: false, is_cached_by_model: false, omit_log: false },
        ...{ cache_tool_calls: true, pace: 'instant' },
      },
    },
    timeouts: { headers: null, first_content: null, idle: null, total: null },
    retention: { bodies_days: null, logs_days: null, rollups_days: null, search_days: 30 },
    logging: { bodies: 'all', sample_rate: 1, search: true },
    unknown_price: 'block',
    redaction: {
      ...{ enabled: false, patterns: ['email', 'phone', 'credit_card', 'us_ssn', 'secrets'] },
      ...{ custom_patterns: [], replacement: '[REDACTED]', apply_to: ['logs'] },
    },
  }

  test('are the defaults, change one by one, and go back by null', async () => {
    expect(await gateway.manage('GET', SETTINGS)).toEqual({
      status: 200,
      body: { ...defaults, updated_at: null },
    })
    const change = async (patch: object) => {
      const { status, body } = await gateway.manage('PATCH', SETTINGS, patch)
      expect(status).toBe(200)
      expect((await gateway.manage('GET', SETTINGS)).body).toEqual(body)
      const { updated_at, ...rest } = body
      expect(updated_at).toMatch(/Z$/)
      return rest
    }
    // Whoever sets any of it wants them.
    const retries = { ...defaults.retry_params, retry_enabled: true, num_retries: 5 }
    expect(await change({ retry_params: { num_retries: 5 } })).toEqual({ ...defaults, retry_params: retries })
    const more = {
      fallback_models: ['demo/echo', 'fake/a'],
      timeouts: { total: 30.5 },
      cache: { cache_options: { omit_log: true } },
      retention: { logs_days: 90 },
    }
    const cache = { ...defaults.cache, cache_options: { ...defaults.cache.cache_options, omit_log: true } }
    expect(await change(more)).toEqual({
      ...defaults,
      ...{ fallback_models: ['demo/echo', 'fake/a'], retry_params: retries, cache },
      timeouts: { ...defaults.timeouts, total: 30.5 },
      retention: { ...defaults.retention, logs_days: 90 },
    })
    expect(await change({})).toMatchObject({ retry_params: retries, cache })
    const back = { retry_params: { num_retries: null }, cache: { cache_options: null }, timeouts: null }
    expect(await change({ ...back, retention: null, fallback_models: null })).toEqual(defaults)
  })

  test('take two changes at the same time', async () => {
    const both = [{ timeouts: { idle: 7 } }, { retention: { bodies_days: 7 } }]
    await Promise.all(both.map((patch) => gateway.manage('PATCH', SETTINGS, patch)))
    const { body } = await gateway.manage('GET', SETTINGS)
    expect(body).toMatchObject({ timeouts: { idle: 7 }, retention: { bodies_days: 7 } })
    await gateway.manage('PATCH', SETTINGS, { timeouts: null, retention: null })
  })

  test.for<[object, string]>([
    [{ fallback_models: [] }, 'fallback_models'],
    [{ fallback_models: 'demo/echo' }, 'fallback_models'],
    [{ fallback_models: ['demo/echo', 5] }, 'fallback_models.1'],
    [{ fallback_models: ['demo/echo', 'no-such-model'] }, 'fallback_models.1'],
    [{ retry_params: { num_retries: 0 } }, 'retry_params.num_retries'],
    [{ retry_params: { num_retries: 1.5 } }, 'retry_params.num_retries'],
    [{ retry_params: { retry_after: 0 } }, 'retry_params.retry_after'],
    [{ retry_params: { retry_enabled: 1 } }, 'retry_params.retry_enabled'],
    [{ retry_params: { retries: 1 } }, 'retry_params'],
    [{ cache: { cache_ttl: 0 } }, 'cache.cache_ttl'],
    [{ cache: { cache_options: { omit_logs: true } } }, 'cache.cache_options'],
    [{ cache: { cache_options: { pace: 'slow' } } }, 'cache.cache_options.pace'],
    [{ timeouts: { total: -1 } }, 'timeouts.total'],
    [{ timeouts: { connect: 1 } }, 'timeouts'],
    [{ retention: { logs_days: 0.5 } }, 'retention.logs_days'],
    [{ colour: 'red' }, 'body'],
  ])('refuse %j, naming %s', async ([patch, field]) => {
    const answer = await gateway.manage('PATCH', SETTINGS, patch)
    expect(answer).toMatchObject({ status: 422, body: { detail: 'Validation error' } })
    expect(Object.keys(Object(answer.body.errors))).toEqual([field])
  })

  test("refuse no retries in the words of the hosted gateway's SDK", async () => {
    const { body } = await gateway.manage('PATCH', SETTINGS, { retry_params: { num_retries: 0 } })
    expect(JSON.stringify(body)).toContain('num_retries has to be greater than 0')
  })

  test('want a key with the admin role', async () => {
    for (const [method, patch] of [['GET'], ['PATCH', '{}']] as const) {
      expect((await gateway.manage(method, SETTINGS, patch, gateway.key)).status).toBe(403)
      expect((await gateway.manage(method, SETTINGS, patch, 'abcdefgh.wrong')).status).toBe(401)
    }
  })
})
