import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_KEY, type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

const nouns = ['providers', 'models', 'api-keys', 'provider-keys', 'load-balance-groups'] as const
/** A body that creates one of each noun. */
const bodies = {
  providers: { provider_id: 'acme', base_url: 'https://api.example.com/v1' },
  models: { model_name: 'acme/one', provider_id: 'fake' },
  'api-keys': { name: 'a key' },
  'provider-keys': { provider_id: 'openai', name: 'second', api_key: 'sk-second' },
  'load-balance-groups': { group_id: 'team', models: [{ model: 'demo/echo', weight: 1 }] },
}

describe('every management route', () => {
  test.for(nouns)('/api/%s/ wants a key, and one with the admin role', async (noun) => {
    for (const path of [`/api/${noun}/`, `/api/${noun}`, `/api/${noun}/something/`]) {
      for (const [method, body] of [['GET'], ['POST', '{}'], ['PATCH', '{}'], ['DELETE']] as const) {
        const isList = path.split('/').filter(Boolean).length === 2
        if (isList === (method === 'PATCH' || method === 'DELETE')) continue
        if (!isList && method === 'POST') continue
        const init = { method, ...(body === undefined ? {} : { body }) }
        const nobody = await fetch(gateway.url + path, init)
        expect(nobody.status).toBe(401)
        expect(JSON.stringify(await nobody.json())).toContain('Authentication credentials were not provided')
        expect((await gateway.manage(method, path, body, 'abcdefgh.wrong')).status).toBe(401)
        // The list of models is the SDK's as well, without the slash.
        if (method === 'GET' && path === '/api/models') continue
        const answer = await gateway.manage(method, path, body, gateway.key)
        expect(answer).toMatchObject({ status: 403, body: { detail: expect.stringContaining('admin role') } })
      }
    }
  })

  test.for(nouns)('/api/%s/ refuses what is not JSON, not an object or not known', async (noun) => {
    const broken = await gateway.manage('POST', `/api/${noun}/`, '{"name": ')
    expect(broken).toMatchObject({ status: 400, body: { detail: expect.stringContaining('not valid JSON') } })
    for (const text of ['[]', 'null', '"x"', '5']) {
      const answer = await gateway.manage('POST', `/api/${noun}/`, text)
      expect(answer).toMatchObject({ status: 422, body: { errors: { body: [expect.any(String)] } } })
    }
    const unknown = await gateway.manage('POST', `/api/${noun}/`, { ...bodies[noun], colour: 'red' })
    expect(unknown).toMatchObject({ status: 422, body: { detail: 'Validation error' } })
    expect(JSON.stringify(unknown.body.errors)).toContain('colour')
  })

  test.for(nouns)('/api/%s/ knows nothing of what was never made', async (noun) => {
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : '{}'
      const answer = await gateway.manage(method, `/api/${noun}/nobody/`, body)
      expect(answer).toEqual({ status: 404, body: { detail: 'Not found.' } })
    }
  })

  test.for(nouns)('/api/%s takes a slash at its end or none', async (noun) => {
    for (const slash of ['', '/']) {
      const made = await gateway.manage('POST', `/api/${noun}${slash}`, bodies[noun])
      expect([200, 201]).toContain(made.status)
      const path = `/api/${noun}/${made.body.id}${slash}`
      expect((await gateway.manage('GET', path)).body).toMatchObject({ id: made.body.id })
      expect((await gateway.manage('PATCH', path, {})).status).toBe(200)
      expect((await gateway.manage('DELETE', path)).status).toBe(204)
    }
  })
})

describe('a path that is not served', () => {
  test.for<[string, string, number, string | null]>([
    ['DELETE', '/api/providers/', 405, 'GET, POST'],
    ['GET', '/v1/chat/completions', 405, 'POST'],
    ['POST', '/v1/nothing', 404, null],
    ['POST', '/chat', 404, null],
  ])('by %s %s is a %i', async ([method, path, status, allow]) => {
    const response = await gateway.fetch(path, { method, ...(method === 'GET' ? {} : { body: '{}' }) })
    expect(response.status).toBe(status)
    expect(response.headers.get('allow')).toBe(allow)
    const code = status === 404 ? 'not_found' : 'method_not_allowed'
    expect(await response.json()).toMatchObject({ error: { code } })
  })
})

describe('an API key', () => {
  async function create(body: object) {
    const { status, body: made } = await gateway.manage('POST', '/api/api-keys/', body)
    expect(status).toBe(201)
    return { made, path: `/api/api-keys/${made.id}/`, key: String(made.api_key) }
  }

  test('is shown once, when it is made, and works at once', async () => {
    const { made, path, key } = await create({ name: 'fresh' })
    expect(key).toMatch(/^[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}$/)
    expect(made).toMatchObject({
      ...{ name: 'fresh', prefix: key.slice(0, 8), role: 'inference', environment: 'prod' },
      ...{ allowed_models: null, expires_at: null, revoked: false, revoked_at: null },
    })
    const request = { model: 'demo/echo', messages: user('hi') }
    await gateway.client({ apiKey: key }).chat.completions.create(request)
    const { api_key: _, ...shown } = made
    expect(await gateway.manage('GET', path)).toEqual({ status: 200, body: shown })
    const list = await gateway.manage('GET', '/api/api-keys/')
    expect(list.body.results).toContainEqual(shown)
    const changed = await gateway.manage('PATCH', path, { name: 'renamed' })
    expect(changed).toMatchObject({ status: 200, body: { name: 'renamed' } })
    expect(JSON.stringify([list, changed])).not.toContain(key.slice(9))
  })

  test('may manage when its role is admin', async () => {
    const { key } = await create({ name: 'second admin', role: 'admin' })
    expect((await gateway.manage('GET', '/api/api-keys/', undefined, key)).status).toBe(200)
  })

  test('stays revoked once it was, and its row stays to be read', async () => {
    for (const how of ['DELETE', 'PATCH'] as const) {
      const { path, key } = await create({ name: `revoked by ${how}` })
      const answer = await gateway.manage(how, path, how === 'PATCH' ? { revoked: true } : undefined)
      expect(answer.status).toBe(how === 'PATCH' ? 200 : 204)
      const request = { model: 'demo/echo', messages: user('hi') }
      const calling = gateway.client({ apiKey: key }).chat.completions.create(request)
      await expect(calling).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
      expect((await gateway.manage('GET', path)).body).toMatchObject({
        revoked: true,
        revoked_at: expect.stringMatching(/Z$/),
      })
      const again = await gateway.manage('PATCH', path, { revoked: false })
      expect(again).toMatchObject({ status: 422, body: { errors: { revoked: [expect.any(String)] } } })
    }
  })

  test('takes a new end and new models at once', async () => {
    const { path, key } = await create({ name: 'changing' })
    const status = async () => {
      const headers = { authorization: `Bearer ${key}` }
      return (await gateway.chat({ model: 'demo/echo', messages: user('hi') }, { headers })).status
    }
    expect(await status()).toBe(200)
    await gateway.manage('PATCH', path, { allowed_models: ['fake/*'] })
    expect(await status()).toBe(403)
    await gateway.manage('PATCH', path, { allowed_models: null })
    expect(await status()).toBe(200)
    await gateway.manage('PATCH', path, { expires_at: '2026-01-01T00:00:00Z' })
    expect(await status()).toBe(401)
  })

  test.for<[object, string]>([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 5 }, 'name'],
    [{ name: 'x', role: 'owner' }, 'role'],
    [{ name: 'x', environment: 'staging' }, 'environment'],
    [{ name: 'x', expires_at: 'tomorrow' }, 'expires_at'],
    [{ name: 'x', allowed_models: [] }, 'allowed_models'],
    [{ name: 'x', allowed_models: [''] }, 'allowed_models.0'],
  ])('like %j is refused, naming %s', async ([body, field]) => {
    const answer = await gateway.manage('POST', '/api/api-keys/', body)
    expect(answer).toMatchObject({ status: 422, body: { detail: 'Validation error' } })
    expect(Object.keys(Object(answer.body.errors))).toEqual([field])
  })

  test('is listed by page', async () => {
    const first = await gateway.manage('GET', '/api/api-keys/?page_size=2')
    expect(first.body).toMatchObject({ count: expect.any(Number), previous: null, results: [{}, {}] })
    const next = new URL(String(first.body.next))
    const second = await gateway.manage('GET', next.pathname + next.search)
    expect(String(second.body.previous)).toContain('page=1')
    expect(second.body.results).not.toEqual(first.body.results)
  })

  test('of the bootstrap admin is not among them', async () => {
    const list = await gateway.manage('GET', '/api/api-keys/?page_size=1000')
    expect(JSON.stringify(list)).not.toContain(ADMIN_KEY.slice(0, 8))
  })
})
