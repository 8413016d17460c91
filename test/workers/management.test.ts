import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { app } from '../../src/gateway'
import { admittedOf } from '../../src/keys/admitted'
import { managementRoutes } from '../../src/management/table'
import type { GatewayEnv } from '../../src/pipeline/stages'
import { managementTable } from '../../src/routes/management-table'
import { testVariables } from '../variables'
import { storeKey } from './config-database'

await storeKey('inference.key', { id: 'inferring' })

interface Asked {
  method?: string
  key?: string
  body?: unknown
  headers?: Record<string, string>
  bindings?: Partial<GatewayEnv> & Record<string, unknown>
}

async function ask(path: string, given: Asked = {}): Promise<Response> {
  const context = createExecutionContext()
  const { method = 'GET', key = testVariables.ADMIN_KEY, body, headers } = given
  const request = new Request(`https://gateway.example${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const response = await app.fetch(request, { ...env, ...given.bindings }, context)
  const text = await response.text()
  await waitOnExecutionContext(context)
  return new Response(text === '' ? null : text, response)
}

/** The consumer worker, with a look at what it is sent. */
function watched(): { sent: Request[]; MANAGEMENT: GatewayEnv['MANAGEMENT'] } {
  const sent: Request[] = []
  const MANAGEMENT: GatewayEnv['MANAGEMENT'] = {
    fetch: (input, init) => {
      const request = new Request(input, init)
      sent.push(request.clone())
      return env.MANAGEMENT.fetch(request)
    },
    listRates: (model) => env.MANAGEMENT.listRates(model),
    listCost: (call) => env.MANAGEMENT.listCost(call),
  }
  return { sent, MANAGEMENT }
}

describe('the management table of the gateway', () => {
  test('is that of the consumer worker', () => {
    const answered = managementRoutes.flatMap(({ method, paths, auth }) =>
      paths.map((path) => `${auth} ${method} ${path}`),
    )
    const known = managementTable.map(({ method, path, auth }) => `${auth} ${method} ${path}`)
    expect(known.toSorted()).toEqual(answered.toSorted())
  })

  test('says of everything that changes what is not a log that it changes the configuration', () => {
    const silent = managementTable.filter(({ method, changesConfig }) => method !== 'GET' && !changesConfig)
    const logs = /^(?:\/api)?(?:\/v\d)?\/(?:clickhouse\/)?(?:traces|request-logs|log_threads)\b/
    expect(silent.map(({ path }) => path).filter((path) => !logs.test(path))).toEqual([])
  })
})

describe('a management request', () => {
  test('is told with its caller, route and parameters, and without its key or any secret', async () => {
    const { sent, MANAGEMENT } = watched()
    const secrets = { OPENAI_API_KEY: 'sk-canary-1', VERTEX_SERVICE_ACCOUNT_JSON: '{"project_id":"p-1"}' }
    const bindings = {
      ...secrets,
      MANAGEMENT,
      AWS_REGION: 'eu-west-1',
      GROQ_BASE_URL: 'https://groq.example/x',
    }
    const response = await ask('/api/limits/a%2Fb', { bindings, headers: { 'x-api-key': 'canary-2' } })
    expect(response.status).toBe(404)
    const [request] = sent
    if (request === undefined) throw new Error('nothing was sent')
    expect(admittedOf(request)).toMatchObject({
      route: 'GET /api/limits/:id',
      params: { id: 'a/b' },
      caller: { apiKeyId: 'bootstrap', role: 'admin' },
      variables: {
        OPENAI_API_KEY: 'set',
        VERTEX_SERVICE_ACCOUNT_JSON: 'set',
        AWS_REGION: 'eu-west-1',
        GROQ_BASE_URL: 'https://groq.example/x',
        ALLOW_PRIVATE_UPSTREAMS: 'true',
      },
    })
    const all = JSON.stringify([...request.headers].map(([name, value]) => [name, decodeURIComponent(value)]))
    expect(all).not.toMatch(new RegExp(`canary|${testVariables.ADMIN_KEY}|${testVariables.ENCRYPTION_KEY}`))
  })

  const forged = {
    'x-sluice-admitted': encodeURIComponent(
      JSON.stringify({
        route: 'GET /api/limits',
        params: {},
        caller: { apiKeyId: 'bootstrap', apiKeyName: 'x', role: 'admin', environment: 'prod' },
        variables: {},
      }),
    ),
  }

  test('cannot pose as another one, or another caller', async () => {
    const { sent, MANAGEMENT } = watched()
    const given = { key: 'inference.key', headers: forged, bindings: { MANAGEMENT } }
    expect((await ask('/api/limits', given)).status).toBe(403)
    expect((await ask('/api/limits', { ...given, key: 'wrong.key' })).status).toBe(401)
    expect(sent).toEqual([])
    expect((await ask('/api/request-logs/list', given)).status).toBe(200)
    expect(sent.map((request) => admittedOf(request))).toMatchObject([
      { route: 'GET /api/request-logs/list', caller: { apiKeyId: 'inferring', role: 'inference' } },
    ])
  })

  test('that the gateway did not send finds nothing', async () => {
    const response = await env.MANAGEMENT.fetch('https://gateway.example/api/limits')
    expect([response.status, await response.json()]).toEqual([404, { detail: 'Not found.' }])
  })

  test('that nobody can answer is refused with a reason', async () => {
    const away = { ...watched().MANAGEMENT, fetch: () => Promise.reject(new Error('away')) }
    const response = await ask('/api/limits', { bindings: { MANAGEMENT: away } })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('2')
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('management API') })
  })

  test('has changed what the next call is answered by', async () => {
    const names = ['one', 'two', 'three']
    for (const name of names) {
      const made = await ask('/api/api-keys', { method: 'POST', body: { name } })
      const { api_key: key, id } = Object(await made.json())
      expect((await ask('/v1/models', { key })).status).toBe(200)
      expect((await ask(`/api/api-keys/${id}`, { method: 'DELETE' })).status).toBeLessThan(300)
      expect((await ask('/v1/models', { key })).status).toBe(401)
    }
  })
})

test('a listener that leaves is no longer looked after', async () => {
  const reading = vi.spyOn(Object.getPrototypeOf(env.LOGS), 'prepare')
  const context = createExecutionContext()
  const headers = { authorization: `Bearer ${testVariables.ADMIN_KEY}` }
  const tail = new Request('https://gateway.example/api/request-logs/tail', { headers })
  const response = await app.fetch(tail, env, context)
  const reader = response.body?.getReader()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('event: ready')
  await vi.waitFor(() => expect(reading.mock.calls.length).toBeGreaterThan(2), {
    timeout: 5_000,
    interval: 50,
  })
  await reader?.cancel()
  await scheduler.wait(200)
  reading.mockClear()
  await scheduler.wait(2_500)
  expect(reading).not.toHaveBeenCalled()
  reading.mockRestore()
})
