import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../../fakes'
import { type FakeUpstream, startFakeUpstream } from '../../fakes'
import { type Gateway, startGateway, UPSTREAM_KEY, user } from '../gateway'

const SECRETS = {
  OPENAI_API_KEY: 'sk-worker-openai-0123456789',
  ANTHROPIC_API_KEY: 'sk-worker-anthropic-0123456789',
  GEMINI_API_KEY: 'sk-worker-gemini-0123456789',
}
/** What a request brings itself; it must be seen by nobody but the upstream that it is for. */
const CALLERS = 'sk-callers-own-0123456789abcdef'

let catalog: FakeUpstream
/** An endpoint of the caller's own, which is known to the gateway by its request only. */
let callers: FakeUpstream
let gateway: Gateway
/** The same where upstreams must be public. */
let strict: Gateway

beforeAll(async () => {
  catalog = await startFakeUpstream()
  callers = await startFakeUpstream()
  const moved = {
    ...SECRETS,
    OPENAI_BASE_URL: catalog.origin,
    ANTHROPIC_BASE_URL: catalog.origin,
    GEMINI_BASE_URL: catalog.origin,
  }
  gateway = await startGateway(moved)
  strict = await startGateway({ ...SECRETS, ALLOW_PRIVATE_UPSTREAMS: 'false' })
  const custom = { model_name: 'MY_CUSTOM_MODEL_ID', provider_id: 'fake', upstream_model: 'mine' }
  await gateway.manage('POST', '/api/models/', custom)
  const headers = {
    provider_id: 'with-headers',
    api_key: 'sk-of-headers',
    headers: { 'x-team': 'secret-team' },
  }
  await gateway.manage('POST', '/api/providers/', { ...headers, base_url: gateway.upstream.url })
})
afterAll(async () => {
  await Promise.all([gateway.close(), strict.close()])
  await Promise.all([catalog.close(), callers.close()])
})

/** All that an upstream got, as one text. */
function gotBy(upstream: FakeUpstream): string {
  return JSON.stringify(
    upstream.calls.map(({ path, headers, bodyBytes }) => [path, headers, bodyBytes.toString()]),
  )
}

describe('the example of fallback models and cache options', () => {
  const extra_body = {
    customer_identifier: 'user_123',
    metadata: { feature: 'chatbot', environment: 'production' },
    fallback_models: ['claude-sonnet-4-20250514', 'gemini-2.5-flash'],
    cache_enabled: true,
    cache_ttl: 600,
    cache_options: { cache_by_customer: true },
  }

  // The example caches: a story of its own is one of another customer's.
  async function ask(customer_identifier = 'user_123') {
    const client = gateway.client({ baseURL: `${gateway.url}/api/` })
    // The Python SDK puts extra_body on the top level of the body.
    const body = { model: 'gpt-5.4', messages: user('Hello!'), ...extra_body, customer_identifier }
    const { data, response } = await client.chat.completions.create(body).withResponse()
    const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    return { content: data.choices[0]?.message.content, headers: response.headers, log }
  }

  test('is answered by the model itself while that is well', async () => {
    const { content, log } = await ask()
    expect(content).toBe('echo: Hello!')
    expect(log).toMatchObject({
      provider_id: 'openai',
      deployment_name: 'gpt-5.4',
      credential_kind: 'secret',
    })
    expect(log).toMatchObject({ customer_identifier: 'user_123', metadata: extra_body.metadata })
  })

  test('is answered from the cache the next time, for the same customer', async () => {
    const before = catalog.calls.length
    const { content, headers } = await ask()
    expect([content, headers.get('x-sluice-cache')]).toEqual(['echo: Hello!', 'hit'])
    expect((await ask('user_456')).headers.get('x-sluice-cache')).toBe('miss')
    expect(catalog.calls.length - before).toBe(1)
  })

  test.for<[string, string[], string]>([
    ['claude-sonnet-4-20250514', ['gpt-5.4'], 'anthropic'],
    ['gemini-2.5-flash', ['gpt-5.4', 'claude-sonnet-4-20250514'], 'gemini'],
  ])('is answered by %s after %j', async ([model, failing, provider_id]) => {
    for (const one of failing) catalog.script(one, fakes.status(503))
    const { content, headers, log } = await ask(`after ${failing.join(' and ')}`)
    expect(content).toBe('echo: Hello!')
    expect(headers.get('x-sluice-attempts')).toBe(String(failing.length + 1))
    expect(log).toMatchObject({ provider_id, deployment_name: model, ending: 'completed' })
    expect(log.attempts.map(({ status_code }) => status_code)).toEqual([...failing.map(() => 503), 200])
    catalog.reset()
  })
})

describe('the example of credential_override', () => {
  const credential_override = {
    MY_CUSTOM_MODEL_ID: { api_key: CALLERS, api_base: '' },
  }
  const asking = (content: string, more: object = {}) => ({
    model: 'MY_CUSTOM_MODEL_ID',
    messages: user(content),
    credential_override: {
      MY_CUSTOM_MODEL_ID: { ...credential_override.MY_CUSTOM_MODEL_ID, api_base: callers.url },
    },
    ...more,
  })

  test.for([false, true])('goes to the endpoint with the key that it names, streamed: %s', async (stream) => {
    const reply = await gateway.chat(asking(`override ${stream}`, { stream }))
    expect(reply.status).toBe(200)
    const call = await callers.waitFor(({ bodyBytes }) => bodyBytes.includes(`override ${stream}`))
    expect(call).toMatchObject({ path: '/v1/chat/completions', model: 'mine' })
    expect(call.headers.authorization).toBe(`Bearer ${CALLERS}`)
    const log = await gateway.logOf(reply.logId)
    expect(log).toMatchObject({ credential_kind: 'override', attempts: [{ credential_kind: 'override' }] })
    expect(reply.headers.get('x-sluice-dropped')).toBeNull()
    expect(JSON.stringify(log)).not.toContain(CALLERS)
  })

  test('brings no stored key and no stored header to that endpoint', async () => {
    const model = 'with-headers/any'
    const override = { [model]: { api_key: CALLERS, api_base: callers.url } }
    await gateway.chat({ model, messages: user('bare'), credential_override: override })
    const seen = gotBy(callers)
    for (const stored of [UPSTREAM_KEY, 'sk-of-headers', 'secret-team', ...Object.values(SECRETS)])
      expect(seen).not.toContain(stored)
    const reached = gateway.upstream.calls.filter(({ bodyBytes }) => bodyBytes.includes('bare'))
    expect(reached).toEqual([])
  })

  test('is refused without a key of its own, before anybody is asked', async () => {
    const before = callers.calls.length
    for (const fields of [{ api_base: callers.url }, { api_base: callers.url, api_key: null }]) {
      const reply = await gateway.chat(
        asking('keyless', { credential_override: { MY_CUSTOM_MODEL_ID: fields } }),
      )
      expect(reply.status).toBe(400)
      expect(JSON.parse(reply.text)).toMatchObject({
        error: { param: 'credential_override.MY_CUSTOM_MODEL_ID' },
      })
    }
    expect(callers.calls).toHaveLength(before)
  })

  test('is not echoed when the endpoint repeats the key', async () => {
    callers.script('mine', fakes.echoAuthInError())
    const reply = await gateway.chat(asking('echo it'))
    expect(reply.status).toBe(401)
    expect(reply.text).not.toContain(CALLERS)
    const log = await gateway.logOf(reply.logId)
    expect(JSON.stringify(log)).not.toContain(CALLERS)
    callers.reset()
  })

  test('does not follow a redirect with the key', async () => {
    callers.script('mine', fakes.redirect(`${catalog.url}/chat/completions`))
    const reply = await gateway.chat(asking('redirected away'))
    expect(reply.status).toBe(502)
    expect(catalog.calls.filter(({ bodyBytes }) => bodyBytes.includes('redirected away'))).toEqual([])
    callers.reset()
  })

  test('does not follow a redirect with a stored key either', async () => {
    gateway.upstream.script('leads-away', fakes.redirect(`${callers.url}/chat/completions`))
    for (const stream of [false, true]) {
      const reply = await gateway.chat({ model: 'fake/leads-away', messages: user('led away'), stream })
      expect(reply.status).toBe(502)
    }
    expect(callers.calls.filter(({ bodyBytes }) => bodyBytes.includes('led away'))).toEqual([])
    expect(gotBy(callers)).not.toContain(UPSTREAM_KEY)
  })
})

describe("a place of the caller's that is not public", () => {
  /** Every way in which a request may name a place, with where it is found wrong. */
  const ways: [string, (api_base: string) => object, string][] = [
    [
      'credential_override',
      (api_base) => ({ credential_override: { 'gpt-4o': { api_key: CALLERS, api_base } } }),
      'credential_override.gpt-4o.api_base',
    ],
    [
      'customer_credentials',
      (api_base) => ({ customer_credentials: { openai: { api_key: CALLERS, api_base } } }),
      'customer_credentials.openai.api_base',
    ],
    [
      'customer_credentials with weights',
      (api_base) => ({ customer_credentials: { openai: [{ credentials: { api_key: CALLERS, api_base } }] } }),
      'customer_credentials.openai.0.credentials.api_base',
    ],
    [
      'a list of customer_credentials',
      (api_base) => ({ customer_credentials: [{ credentials: { openai: { api_key: CALLERS, api_base } } }] }),
      'customer_credentials.0.credentials.openai.api_base',
    ],
    [
      'load_balance_models',
      (api_base) => ({
        load_balance_models: [{ model: 'gpt-4o', credentials: { api_key: CALLERS, api_base } }],
      }),
      'load_balance_models.0.credentials.api_base',
    ],
    [
      'load_balance_group',
      (api_base) => ({
        load_balance_group: {
          group_id: 'g',
          models: [{ model: 'gpt-4o', credentials: { api_key: CALLERS, api_base } }],
        },
      }),
      'load_balance_group.models.0.credentials.api_base',
    ],
    [
      'a fallback',
      (api_base) => ({
        fallback_models: ['gpt-4.1'],
        credential_override: { 'gpt-4.1': { api_key: CALLERS, api_base } },
      }),
      'credential_override.gpt-4.1.api_base',
    ],
  ]
  const loopback = [
    ...[
      '127.0.0.1',
      '127.1',
      '127.0.0.1.',
      '2130706433',
      '0x7f.1',
      '0x7f000001',
      '0177.0.0.1',
      '017700000001',
    ],
    ...[
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '0.0.0.0',
      '127。0。0。1',
      '１２７.0.0.1',
      '%31%32%37.0.0.1',
    ],
    ...['localhost', 'localhost.', 'LOCALHOST', 'x.localhost', 'ｌｏｃａｌｈｏｓｔ', 'localhost.localdomain'],
    ...[
      '127.0.0.1.nip.io',
      'app-127-0-0-1.sslip.io',
      '7f000001.nip.io',
      'localtest.me',
      '127.0.0.1.example.com',
    ],
  ]

  test.for(ways)('is refused before anybody is asked: %s', async ([, parameters, param]) => {
    const { port } = callers
    const before = [catalog.calls.length, callers.calls.length, strict.upstream.calls.length]
    const others = ['10.0.0.1', '192.168.0.1', '172.16.0.1', '169.254.169.254', '[fd00::1]', '[fe80::1]']
    const places = [
      ...loopback.flatMap((host) => [`http://${host}:${port}/v1`, `https://${host}:${port}/v1`]),
      ...[...others, 'metadata.google.internal', 'db.corp'].map((host) => `https://${host}/v1`),
      ...[`https://user:pw@api.example.com/v1`, `https://api.example.com@127.0.0.1:${port}/v1`],
      ...['http://api.example.com/v1', 'ftp://api.example.com/v1', 'https://api.example.com/v1#x', 'nothing'],
    ]
    const check = async (api_base: string) => {
      const body = { model: 'gpt-4o', messages: user('x'), ...parameters(api_base) }
      const reply = await strict.chat(body)
      expect([reply.status, api_base]).toEqual([400, api_base])
      const { error } = JSON.parse(reply.text)
      expect([error.param, api_base]).toEqual([param, api_base])
      expect(error.message).toContain('in the body')
      expect(reply.text).not.toContain(CALLERS)
    }
    await Promise.all(places.map(check))
    expect([catalog.calls.length, callers.calls.length, strict.upstream.calls.length]).toEqual(before)
  })
})

describe('the example of load_balance_group', () => {
  const load_balance_group = {
    group_id: 'mine',
    models: [
      { model: 'fake/left', weight: 1 },
      { model: 'gpt-4o', weight: 1, credentials: { api_key: CALLERS } },
    ],
  }

  test('draws from the models in it, each with its own credential', async () => {
    const seen = new Map<unknown, unknown>()
    for (let index = 0; index < 40 && seen.size < 2; index++) {
      const reply = await gateway.chat({ model: 'fake/none', messages: user('draw'), load_balance_group })
      expect(reply.status).toBe(200)
      const log = await gateway.logOf(reply.logId)
      seen.set(log.deployment_name, log.credential_kind)
    }
    expect(Object.fromEntries(seen)).toEqual({ left: 'stored', 'gpt-4o': 'load_balance' })
    const call = await catalog.waitFor(({ model }) => model === 'gpt-4o')
    expect(call.headers.authorization).toBe(`Bearer ${CALLERS}`)
  })

  test('comes to the same for the same thread, and to the other when that fails', async () => {
    const asking = { messages: user('stick'), thread_identifier: 'thread-1', load_balance_group }
    const chosen = async () => (await gateway.chat(asking)).headers.get('x-sluice-model') ?? ''
    const own = await chosen()
    expect(await chosen()).toBe(own)
    expect(await chosen()).toBe(own)
    const [upstream, other] = own === 'left' ? [gateway.upstream, 'gpt-4o'] : [catalog, 'left']
    upstream.script(own, fakes.rateLimited({ seconds: 2 }))
    const moved = await gateway.chat(asking)
    expect([moved.headers.get('x-sluice-model'), moved.headers.get('x-sluice-attempts')]).toEqual([
      other,
      '2',
    ])
    // It is left alone for as long as it asked.
    const later = await gateway.chat(asking)
    expect([later.headers.get('x-sluice-model'), later.headers.get('x-sluice-attempts')]).toEqual([
      other,
      '1',
    ])
    upstream.reset()
    await expect.poll(chosen, { timeout: 6_000, interval: 300 }).toBe(own)
  })

  test.each(['prompt_cache_key', 'thread_identifier', 'user', 'customer_identifier'])(
    'comes to the same for the same %s, and to each for some',
    async (field) => {
      const models = ['even', 'odd'].map((name) => ({ model: `fake/${name}`, weight: 1 }))
      const chosen = async (key: string) => {
        const body = { messages: user('x'), [field]: key, load_balance_group: { group_id: 'sticky', models } }
        return (await gateway.chat(body)).headers.get('x-sluice-model')
      }
      const keys = Array.from({ length: 12 }, (_, index) => `${field}-${index}`)
      const [first, second] = [await Promise.all(keys.map(chosen)), await Promise.all(keys.map(chosen))]
      expect(second).toEqual(first)
      expect(new Set(first)).toEqual(new Set(['even', 'odd']))
    },
  )

  test('follows the key of the prompt cache before the thread, and that before the user', async () => {
    const models = ['even', 'odd'].map((name) => ({ model: `fake/${name}`, weight: 1 }))
    const chosen = async (more: object) => {
      const body = { messages: user('x'), load_balance_group: { group_id: 'sticky', models }, ...more }
      return (await gateway.chat(body)).headers.get('x-sluice-model')
    }
    const order = ['prompt_cache_key', 'thread_identifier', 'user', 'customer_identifier']
    const [even, odd] = await Promise.all(
      ['even', 'odd'].map(async (wanted) => {
        for (let index = 0; index < 40; index++)
          if ((await chosen({ user: `key-${index}` })) === wanted) return `key-${index}`
        throw new Error(wanted)
      }),
    )
    for (const [index, stronger] of order.entries())
      for (const weaker of order.slice(index + 1)) {
        expect(await chosen({ [stronger]: even, [weaker]: odd })).toBe('even')
        expect(await chosen({ [stronger]: odd, [weaker]: even })).toBe('odd')
      }
  })

  test('that there is not is a 404 that says so, and how it was asked for', async () => {
    const reply = await gateway.chat(
      { model: 'fake/x', messages: user('x') },
      { headers: { 'x-data-respan-params': '{"load_balance_group":{"group_id":"none"}}' } },
    )
    expect(reply.status).toBe(404)
    const { error } = JSON.parse(reply.text)
    expect(error.param).toBe('load_balance_group.group_id')
    expect(error.message).toContain("'none'")
    expect(error.message).toContain('the header x-data-respan-params')
  })
})

describe('the example of customer_credentials', () => {
  test.for<[string, object]>([
    ['an object by provider', { openai: { api_key: CALLERS } }],
    ['a list by provider', { openai: [{ credentials: { api_key: CALLERS }, weight: 1 }] }],
    [
      'a list',
      [{ credentials: { openai: { api_key: CALLERS } }, weight: 1, available_models: ['gpt-4o-mini'] }],
    ],
  ])('pays with the key of the customer: %s', async ([shape, customer_credentials]) => {
    const content = `paid by ${shape}`
    const reply = await gateway.chat({ model: 'gpt-4o-mini', messages: user(content), customer_credentials })
    expect(reply.status).toBe(200)
    const call = await catalog.waitFor(({ bodyBytes }) => bodyBytes.includes(content))
    expect(call.headers.authorization).toBe(`Bearer ${CALLERS}`)
    expect(call.bodyBytes.toString()).not.toContain('customer_credentials')
    expect(await gateway.logOf(reply.logId)).toMatchObject({ credential_kind: 'customer' })
  })

  test('that are wrong are not covered up by another target', async () => {
    catalog.script('gpt-4.1', fakes.status(401))
    const reply = await gateway.chat({
      ...{ model: 'gpt-4.1', messages: user('wrong key'), fallback_models: ['fake/other'] },
      customer_credentials: { openai: { api_key: CALLERS } },
    })
    expect([reply.status, reply.headers.get('x-sluice-attempts')]).toEqual([401, '1'])
    const log = await gateway.logOf(reply.logId)
    expect(log.attempts).toMatchObject([{ error_class: 'caller_auth', credential_kind: 'customer' }])
    catalog.reset()
  })
})

describe('what is wrong is told by name, and nobody is asked', () => {
  test.for<[string, object, number, string]>([
    ['an empty list of fallbacks', { fallback_models: [] }, 400, 'fallback_models'],
    ['an empty list to balance', { load_balance_models: [] }, 400, 'load_balance_models'],
    ['an empty list of the router', { models: [] }, 400, 'models'],
    ['an unknown fallback', { fallback_models: ['nobody-x'] }, 404, 'fallback_models'],
    [
      'a weight of nothing',
      { load_balance_models: [{ model: 'fake/a', weight: 0 }] },
      400,
      'load_balance_models.0.weight',
    ],
    [
      'a weight below nothing',
      { load_balance_group: { group_id: 'g', models: [{ model: 'fake/a', weight: -1 }] } },
      400,
      'load_balance_group.models.0.weight',
    ],
    [
      'a weight of a key',
      { customer_credentials: { openai: [{ credentials: { api_key: 'k' }, weight: 0 }] } },
      400,
      'customer_credentials.openai.0.weight',
    ],
    [
      'credentials for nobody',
      { customer_credentials: { nobody: { api_key: 'k' } } },
      404,
      'customer_credentials.nobody',
    ],
    ['a group without an id', { load_balance_group: {} }, 400, 'load_balance_group.group_id'],
  ])('%s', async ([, wrong, status, param]) => {
    for (const [way, body] of [
      ["'respan_params' in the body", { respan_params: wrong }],
      ['the body', wrong],
    ] as const) {
      const reply = await gateway.chat({ model: 'fake/unasked', messages: user('x'), ...body })
      expect(reply.status).toBe(status)
      const { error } = JSON.parse(reply.text)
      expect(error.param).toBe(param)
      expect(error.message).toContain(way)
    }
    expect(gateway.upstream.calls.filter(({ model }) => model === 'unasked')).toEqual([])
  })
})

test('no key of a caller is in any log, of a request or of the workers', async () => {
  for (const id of gateway.logIds.slice(0, 40))
    expect(JSON.stringify(await gateway.logOf(id))).not.toContain(CALLERS)
  expect(gateway.consoleLines().join('\n')).not.toContain(CALLERS)
  for (const upstream of [callers, catalog]) expect(gotBy(upstream)).not.toContain(UPSTREAM_KEY)
})

describe('a request that is passed through', () => {
  const path = '/api/openai/v1/models/any'

  test('is paid with the key that it brings, and tells what has no effect on it', async () => {
    const parameters = { customer_credentials: { openai: { api_key: CALLERS } }, fallback_models: ['fake/x'] }
    const response = await gateway.fetch('/api/openai/v1/files?purpose=forwarded', {
      headers: { 'x-data-respan-params': JSON.stringify(parameters) },
    })
    await response.text()
    expect(response.headers.get('x-sluice-dropped')).toBe('fallback_models')
    const call = await catalog.waitFor(({ query }) => query.get('purpose') === 'forwarded')
    expect(call.headers.authorization).toBe(`Bearer ${CALLERS}`)
    expect(JSON.stringify(call.headers)).not.toContain('respan')
    const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log.attempts).toMatchObject([{ credential_kind: 'customer' }])
  })

  test('is not sent elsewhere', async () => {
    const parameters = { customer_credentials: { openai: { api_key: CALLERS, api_base: callers.url } } }
    const response = await gateway.fetch(path, {
      headers: { 'x-data-respan-params': JSON.stringify(parameters) },
    })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('customer_credentials')
  })
})
