import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway, user } from './gateway'

let gateway: Gateway
/** With the rule for addresses as it is in production. */
let strict: Gateway

beforeAll(async () => {
  gateway = await startGateway()
  strict = await startGateway({ ALLOW_PRIVATE_UPSTREAMS: 'false' })
})
afterAll(async () => {
  await gateway.close()
  await strict.close()
})

/** The field errors of a refused call. */
async function errorsOf(method: string, path: string, body: object, manage = gateway.manage) {
  const answer = await manage(method, path, body)
  expect(answer).toMatchObject({ status: 422, body: { detail: 'Validation error' } })
  return Object(answer.body.errors)
}

describe('a provider', () => {
  const acme = { provider_id: 'acme', provider_name: 'Acme AI', base_url: 'https://api.acme.com/v1' }

  test('is made, changed, replaced and removed, and its key is never told again', async () => {
    const extra_kwargs = { timeout: 12.5, temperature: 0.3, max_tokens: 9 }
    const more = { api_key: 'sk-acme-1', headers: { 'x-team': 'blue-team' }, extra_kwargs }
    const made = await gateway.manage('POST', '/api/providers/', { ...acme, ...more })
    const shown = {
      ...{ id: 'acme', ...acme, protocols: ['openai-chat'], is_managed: false, has_api_key: true },
      ...{ header_names: ['x-team'], timeout: 12.5, defaults: { temperature: 0.3, max_tokens: 9 } },
    }
    expect(made).toMatchObject({ status: 201, body: shown })
    expect((await gateway.manage('POST', '/api/providers/', { ...acme, ...more })).status).toBe(200)
    const patched = await gateway.manage('PATCH', '/api/providers/acme/', { provider_name: 'Acme' })
    expect(patched).toMatchObject({ status: 200, body: { ...shown, provider_name: 'Acme' } })
    const replaced = await gateway.manage('PUT', '/api/providers/acme/', { base_url: acme.base_url })
    const emptied = {
      provider_name: 'acme',
      header_names: [],
      timeout: null,
      defaults: {},
      has_api_key: true,
    }
    expect(replaced).toMatchObject({ status: 200, body: emptied })
    const list = await gateway.manage('GET', '/api/providers/')
    expect(list.body).toMatchObject({ count: 2, next: null, previous: null })
    expect(list.body.results).toMatchObject([{ id: 'acme' }, { id: 'fake' }])
    expect(JSON.stringify([made, patched, replaced, list])).not.toMatch(/sk-acme-1|blue-team/)
    expect((await gateway.manage('DELETE', '/api/providers/acme/')).status).toBe(204)
    expect((await gateway.manage('GET', '/api/providers/acme/')).status).toBe(404)
  })

  test("is also found by the number that Respan's clients know, and by base_url in extra_kwargs", async () => {
    const url = 'https://numbered.example.com'
    const given = { provider_id: 'numbered', extra_kwargs: { base_url: url } }
    const made = await gateway.manage('POST', '/api/providers/', given)
    expect(made).toMatchObject({ status: 201, body: { base_url: url } })
    const sql = "select id from providers where provider_id = 'numbered'"
    const number = await gateway.env.CONFIG.prepare(sql).first<number>('id')
    expect((await gateway.manage('GET', `/api/providers/${number}/`)).body).toMatchObject({ id: 'numbered' })
  })

  test.for([
    'https://u:p@api.example.com/v1',
    'https://token@api.example.com',
    'http://api.example.com/v1',
    'ftp://api.example.com',
    'api.example.com/v1',
    'https://api.example.com/#v1',
    '',
  ])('with the base URL %j is refused', async (base_url) => {
    const errors = await errorsOf('POST', '/api/providers/', { provider_id: 'bad', base_url })
    expect(errors).toEqual({ base_url: [expect.any(String)] })
    expect((await gateway.manage('GET', '/api/providers/bad/')).status).toBe(404)
  })

  test.for([
    ...['http://localhost:11434/v1', 'https://localhost', 'https://127.0.0.1/v1', 'https://2130706433/v1'],
    ...['https://0x7f.1/', 'https://10.1.2.3', 'https://172.16.0.1', 'https://192.168.1.1', 'https://[::1]/'],
    ...[
      'https://169.254.169.254/latest',
      'https://[::ffff:10.0.0.1]/',
      'https://[fd00::1]',
      'https://intranet',
    ],
    ...[
      'https://metadata.google.internal',
      'https://printer.local',
      'https://0.0.0.0',
      'https://127.0.0.1./',
    ],
  ])('at the private address %j is refused in production', async (base_url) => {
    const errors = await errorsOf(
      'POST',
      '/api/providers/',
      { provider_id: 'private', base_url },
      strict.manage,
    )
    expect(errors).toEqual({ base_url: [expect.stringContaining('ALLOW_PRIVATE_UPSTREAMS')] })
  })

  test('at a public address is taken in production', async () => {
    for (const [index, base_url] of ['https://api.example.com/v1', 'https://93.184.216.34:8443'].entries()) {
      const made = await strict.manage('POST', '/api/providers/', { provider_id: `public${index}`, base_url })
      expect(made.status).toBe(201)
    }
  })

  test('that was stored at a private address when that was allowed is not called any more', async () => {
    const { url } = strict.upstream
    const columns = 'provider_id, provider_name, base_url, protocols, created_at_ms, updated_at_ms'
    const sql = `insert into providers (${columns}) values ('old', 'old', ?, '["openai-chat"]', 0, 0)`
    await strict.env.CONFIG.prepare(sql).bind(url).run()
    await expect
      .poll(async () => (await strict.chat({ model: 'old/m', messages: user('hi') })).text, {
        timeout: 10_000,
      })
      .toContain('127.0.0.1 is a private or loopback address')
    expect(strict.upstream.calls).toEqual([])
  })

  test('keeps its key from another host', async () => {
    const given = { provider_id: 'moving', api_key: 'sk-moving', base_url: 'https://one.example.com/v1' }
    await gateway.manage('POST', '/api/providers/', given)
    const path = '/api/providers/moving/'
    const elsewhere = { base_url: 'https://two.example.com/v1' }
    for (const [method, body] of [
      ['PATCH', elsewhere],
      ['PUT', elsewhere],
      ['PATCH', { extra_kwargs: elsewhere }],
    ] as const) {
      expect(await errorsOf(method, path, body)).toEqual({ api_key: [expect.stringContaining('host')] })
    }
    const again = await gateway.manage('POST', '/api/providers/', { provider_id: 'moving', ...elsewhere })
    expect(again.status).toBe(422)
    expect((await gateway.manage('GET', path)).body).toMatchObject({ base_url: given.base_url })
    const samePlace = await gateway.manage('PATCH', path, { base_url: 'https://one.example.com/v2' })
    expect(samePlace).toMatchObject({ status: 200, body: { has_api_key: true } })
    const withKey = await gateway.manage('PATCH', path, { ...elsewhere, api_key: 'sk-new' })
    expect(withKey).toMatchObject({ status: 200, body: { ...elsewhere, has_api_key: true } })
    const without = await gateway.manage('PATCH', path, { base_url: given.base_url, api_key: null })
    expect(without).toMatchObject({ status: 200, body: { has_api_key: false } })
  })

  test('that was changed is called with its new key at once', async () => {
    const given = { provider_id: 'rotating', base_url: gateway.upstream.url }
    const used: (string | undefined)[] = []
    for (const api_key of ['sk-first', 'sk-second']) {
      await gateway.manage('POST', '/api/providers/', { ...given, api_key })
      const model = api_key.slice(3)
      await gateway.chat({ model: `rotating/${model}`, messages: user('hi') })
      const call = await gateway.upstream.waitFor((made) => made.model === model)
      used.push(call.headers.authorization)
    }
    expect(used).toEqual(['Bearer sk-first', 'Bearer sk-second'])
  })

  test.for<[object, string]>([
    [{ base_url: 'https://a.example.com' }, 'provider_id'],
    [{ provider_id: 'has space', base_url: 'https://a.example.com' }, 'provider_id'],
    [{ provider_id: 'a/b', base_url: 'https://a.example.com' }, 'provider_id'],
    [{ provider_id: 'x' }, 'base_url'],
    [{ provider_id: 'x', base_url: 'https://a.example.com', api_key: 5 }, 'api_key'],
    [{ provider_id: 'x', base_url: 'https://a.example.com', protocols: ['smtp'] }, 'protocols'],
    [
      { provider_id: 'x', base_url: 'https://a.example.com', extra_kwargs: { timeout: 0 } },
      'extra_kwargs.timeout',
    ],
  ])('like %j is refused, naming %s', async ([body, field]) => {
    expect(Object.keys(await errorsOf('POST', '/api/providers/', body))).toEqual([field])
  })

  test('that is built in cannot be changed, only replaced', async () => {
    for (const method of ['PATCH', 'DELETE'])
      expect((await gateway.manage(method, '/api/providers/openai/', '{}')).status).toBe(403)
  })
})
