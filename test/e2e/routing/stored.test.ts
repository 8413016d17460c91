import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import { type FakeUpstream, startFakeUpstream } from '../../fakes'
import { type Gateway, startGateway, UPSTREAM_KEY, user } from '../gateway'

let catalog: FakeUpstream
let elsewhere: FakeUpstream
let gateway: Gateway

beforeAll(async () => {
  catalog = await startFakeUpstream()
  elsewhere = await startFakeUpstream()
  gateway = await startGateway({ OPENAI_API_KEY: 'sk-worker-0123456789', OPENAI_BASE_URL: catalog.origin })
  const stored = [
    ['/api/provider-keys/', { provider_id: 'openai', name: 'first', api_key: 'sk-first', weight: 1 }],
    [
      '/api/provider-keys/',
      { provider_id: 'openai', name: 'mini', api_key: 'sk-mini', available_models: ['gpt-4o-mini'] },
    ],
    [
      '/api/load-balance-groups/',
      {
        group_id: 'team',
        models: [{ model: 'gpt-4.1', weight: 1, credentials: { api_key: 'sk-group' } }],
      },
    ],
    [
      '/api/load-balance-groups/',
      {
        group_id: 'away',
        models: [
          { model: 'fake/away', weight: 1, credentials: { api_key: 'sk-away', api_base: elsewhere.url } },
        ],
      },
    ],
  ] as const
  for (const [path, body] of stored) expect((await gateway.manage('POST', path, body)).status).toBe(201)
})
afterAll(async () => {
  await gateway.close()
  await Promise.all([catalog.close(), elsewhere.close()])
})

async function ask(body: object) {
  const reply = await gateway.chat({ messages: user('hi'), ...body })
  return { ...reply, log: await gateway.logOf(reply.logId) }
}

describe('stored keys', () => {
  test('go before the secret of the worker, each to the models that it is for', async () => {
    const seen = new Set<string | undefined>()
    for (let index = 0; index < 40 && seen.size < 2; index++) {
      const { log } = await ask({ model: 'gpt-4o-mini' })
      expect(log).toMatchObject({ credential_kind: 'stored', ending: 'completed' })
      seen.add(catalog.calls.at(-1)?.headers.authorization)
    }
    expect([...seen].sort()).toEqual(['Bearer sk-first', 'Bearer sk-mini'])
    await ask({ model: 'gpt-4o' })
    expect(catalog.calls.at(-1)?.headers.authorization).toBe('Bearer sk-first')
  })

  test('take over from each other', async () => {
    catalog.script('gpt-4o-mini', fakes.rateLimited({ seconds: 1 }), fakes.answer())
    const { log, status } = await ask({ model: 'gpt-4o-mini', user: 'u1' })
    expect(status).toBe(200)
    expect(log.attempts).toMatchObject([
      { status_code: 429, reason: 'requested' },
      { status_code: 200, reason: 'other_key', credential_kind: 'stored' },
    ])
  })
})

describe('a stored group', () => {
  test('is drawn from when no model is named, with its own credential', async () => {
    const { log } = await ask({ load_balance_group: { group_id: 'team' } })
    expect(log).toMatchObject({ deployment_name: 'gpt-4.1', credential_kind: 'load_balance' })
    expect(catalog.calls.at(-1)?.headers.authorization).toBe('Bearer sk-group')
  })

  test('gives way to a model', async () => {
    const { log } = await ask({ model: 'fake/own', load_balance_group: { group_id: 'team' } })
    expect(log).toMatchObject({ model: 'fake/own' })
  })

  test('sends its credential to its own place, and to no other, nor another key there', async () => {
    const { log } = await ask({ load_balance_group: { group_id: 'away' } })
    expect(log).toMatchObject({ deployment_name: 'away', credential_kind: 'load_balance' })
    expect(elsewhere.calls.at(-1)?.headers.authorization).toBe('Bearer sk-away')
    expect(JSON.stringify(elsewhere.calls.map(({ headers }) => headers))).not.toContain(UPSTREAM_KEY)
  })

  test('that there is not is refused, with one that is near', async () => {
    const { status, text } = await gateway.chat({
      messages: user('x'),
      load_balance_group: { group_id: 'taem' },
    })
    expect(status).toBe(404)
    expect(text).toContain("'team'")
  })
})

test('a prompt that is too long goes to a model that is known to take more', async () => {
  catalog.script('gpt-4o', fakes.contextTooLong(128_000))
  const { log } = await ask({ model: 'gpt-4o', fallback_models: ['gpt-4o-mini', 'fake/unknown', 'gpt-4.1'] })
  expect(log.attempts.map(({ deployment_name }) => deployment_name)).toEqual(['gpt-4o', 'gpt-4.1'])
  catalog.reset()
})

describe('a model of its own', () => {
  const made = (model: object) => gateway.manage('POST', '/api/models/', { provider_id: 'fake', ...model })

  test.for([false, true])(
    'has deadlines that another target takes over behind, streamed: %s',
    async (stream) => {
      const model_name = `hasty-${stream}`
      const timeouts = { headers: 0.3, total: stream ? 20 : 0.3 }
      expect((await made({ model_name, timeouts })).status).toBe(201)
      gateway.upstream.script(model_name, fakes.hangBeforeHeaders())
      const asked = { model: model_name, stream, fallback_models: ['fake/quick'] }
      const { status, log } = await ask(asked)
      expect(status).toBe(200)
      expect(log.attempts).toMatchObject([
        {
          ...{ deployment_name: model_name, status_code: 504, error_class: 'timeout' },
          error_message: expect.stringContaining('within 300 ms'),
        },
        { deployment_name: 'quick', status_code: 200 },
      ])
    },
  )

  test('has retries of its own, which others do not have, and a request may turn them off', async () => {
    const retry_params = { num_retries: 2, retry_after: 0.01 }
    await made({ model_name: 'stubborn', retry_params })
    for (const name of ['stubborn', 'meek']) gateway.upstream.script(name, fakes.status(503))
    expect((await ask({ model: 'stubborn' })).log.attempts).toHaveLength(3)
    expect((await ask({ model: 'stubborn', retries: 0 })).log.attempts).toHaveLength(1)
    expect((await ask({ model: 'fake/meek' })).log.attempts).toHaveLength(1)
  })
})

describe('settings for all requests', () => {
  test('are used where the request says nothing', async () => {
    const platform = {
      fallback_models: ['fake/platform'],
      retry_params: { num_retries: 1, retry_after: 0.05 },
    }
    expect((await gateway.manage('PATCH', '/api/settings/', platform)).status).toBe(200)
    gateway.upstream.script('down', fakes.status(500))
    const fallen = await ask({ model: 'fake/down' })
    expect(fallen.log.attempts).toMatchObject([
      { status_code: 500 },
      { deployment_name: 'platform', reason: 'fallback:platform', status_code: 200 },
    ])
    gateway.upstream.script('down2', fakes.status(503))
    const repeated = await ask({ model: 'fake/down2', disable_fallback: true })
    expect(repeated.log.attempts).toMatchObject([{ status_code: 503 }, { status_code: 503, is_retry: true }])
    expect(repeated.headers.get('x-should-retry')).toBe('false')
    const others = await ask({ model: 'fake/down2', disable_fallback: true, retries: 0 })
    expect(others.log.attempts).toHaveLength(1)
  })

  test('bound the whole', async () => {
    await gateway.manage('PATCH', '/api/settings/', { timeouts: { total: 0.5 }, fallback_models: null })
    gateway.upstream.script('silent', fakes.hangBeforeHeaders())
    const { status, log } = await ask({ model: 'fake/silent' })
    expect(status).toBe(504)
    expect(log.error_message).toContain('within 500 ms')
  })
})
