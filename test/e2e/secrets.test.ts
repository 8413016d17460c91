import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { ADMIN_KEY, type Gateway, startGateway, user } from './gateway'

/** Every secret that the gateway is told, marked so that it is found wherever it comes out. */
const canaries = {
  providerKey: 'canary-provider-key-4f1c',
  providerHeader: 'canary-provider-header-9d2e',
  override: 'canary-credential-override-77aa',
  customer: 'canary-customer-credentials-51bd',
  customerKeys: 'canary-customer-api-keys-c0de',
  container: 'canary-respan-params-6e6e',
  header: 'canary-header-params-8f8f',
  forwarded: 'canary-extra-headers-2b2b',
  furtherKey: 'canary-further-provider-key-3d3d',
  groupKey: 'canary-load-balance-group-a4a4',
  alertUrl: 'canary-alert-url-5e5e',
  alertSecret: 'canary-alert-secret-7c7c',
  mailKey: 'canary-mail-key-1b1b',
}
const all = Object.values(canaries)

let gateway: Gateway
/** Everything that a client was told: statuses, headers and bodies. */
const told: string[] = []

beforeAll(async () => {
  gateway = await startGateway({ TOTAL_TIMEOUT_MS: '1500' })
  const provider = {
    provider_id: 'canary',
    base_url: gateway.upstream.url,
    api_key: canaries.providerKey,
    headers: { 'x-canary': canaries.providerHeader },
  }
  const made = await gateway.manage('POST', '/api/providers/', provider)
  told.push(JSON.stringify(made))
  expect(made.status).toBe(201)
})
afterAll(() => gateway.close())

const params = Buffer.from(JSON.stringify({ customer_credentials: { openai: { api_key: canaries.header } } }))

/** A request that carries every secret a client can send. */
function loaded(model: string, more: object = {}) {
  return {
    model: `canary/${model}`,
    messages: user('hi'),
    credential_override: { 'gpt-4o': { api_key: canaries.override, api_base: 'https://example.com/v1' } },
    customer_credentials: { openai: { api_key: canaries.customer } },
    customer_api_keys: { 'gpt-4o': canaries.customerKeys },
    extra_headers: { 'x-secret': canaries.forwarded },
    respan_params: { customer_credentials: { anthropic: { api_key: canaries.container } } },
    ...more,
  }
}

async function send(body: object | string): Promise<void> {
  const headers = { 'x-data-respan-params': params.toString('base64') }
  const { status, text, logId, ...reply } = await gateway.chat(body, { headers })
  told.push(JSON.stringify([status, [...reply.headers], text]))
  const log = await gateway.logOf(logId)
  told.push(JSON.stringify(log))
}

/** A provider that repeats every header of a call in what it says. */
function echo(kind: (text: string) => fakes.Step): fakes.Step {
  return fakes.byCall(({ headers }) => kind(JSON.stringify(headers)))
}

function byKey(kind: (key: string) => fakes.Step): fakes.Step {
  return fakes.byCall(({ headers }) => kind(headers.authorization?.replace('Bearer ', '') ?? ''))
}

const errorOf = (text: string) => ({ error: { message: `You sent ${text}`, type: 'echo', code: null } })
const codedErrorOf = (text: string) => ({ error: { message: `You sent ${text}`, code: 401 } })

describe.concurrent('no secret is told', () => {
  test.for<[string, fakes.Step]>([
    ['answers', fakes.answer()],
    ['fails', fakes.status(500)],
    ['repeats the headers in an error', echo((text) => fakes.status(401, errorOf(text)))],
    [
      'repeats them in HTML',
      echo((text) => fakes.status(403, `<pre>${text.replaceAll('"', '&quot;')}</pre>`)),
    ],
    ['repeats them in an error with status 200', echo((text) => fakes.json(errorOf(text)))],
    ['repeats them in an error with status 200 and a code', echo((text) => fakes.json(codedErrorOf(text)))],
    ['repeats them in a text with status 200', echo((text) => fakes.raw({ chunks: [text] }))],
    [
      'repeats one where a message is cut',
      byKey((key) => fakes.raw({ chunks: [`${'x'.repeat(190)}${key}`] })),
    ],
    ['repeats them in an error event', echo((text) => fakes.stream({ events: [errorOf(text)] }))],
    ['repeats them in a redirect', echo((text) => fakes.redirect(`/x?h=${encodeURIComponent(text)}`))],
    ['resets', fakes.resetBeforeHeaders()],
    ['breaks off', fakes.resetMidStream(4)],
    ['is silent', fakes.hangBeforeHeaders()],
  ])('when the provider %s', async ([what, step]) => {
    for (const stream of [false, true]) {
      const model = `${what.replaceAll(' ', '-')}-${stream}`
      gateway.upstream.script(model, step)
      await send(loaded(model, { stream }))
      const call = await gateway.upstream.waitFor((made) => made.model === model)
      expect(call.headers).toMatchObject({
        authorization: `Bearer ${canaries.providerKey}`,
        'x-canary': canaries.providerHeader,
      })
      const sent = [call.bodyBytes.toString(), JSON.stringify(call.headers)].join()
      const mayHave = [canaries.providerKey, canaries.providerHeader, canaries.forwarded]
      expect(all.filter((canary) => sent.includes(canary))).toEqual(mayHave)
    }
  })

  test('to the log by a stream whose client had to see one, since its content had begun', async () => {
    const content = { choices: [{ index: 0, delta: { content: 'so far' }, finish_reason: null }] }
    gateway.upstream.script(
      'late',
      echo((text) => fakes.stream({ events: [content, errorOf(text)] })),
    )
    for (const options of [{}, { stream_options: { include_usage: true } }]) {
      const { text, logId } = await gateway.chat(loaded('late', { stream: true, ...options }))
      expect(text).toContain('You sent')
      const log = await gateway.logOf(logId)
      expect(log).toMatchObject({ ending: 'failed', error_code: 'upstream_error_event' })
      told.push(JSON.stringify(log))
    }
  })

  test('when the request is refused', async () => {
    await send(loaded('x', { model: 'canary' }))
    await send(loaded('x', { messages: 'none' }))
    await send(loaded('x', { temperature: canaries.override }))
    await send(`${JSON.stringify(loaded('x')).slice(0, -1)},}`)
    await send(loaded('x', { credential_override: canaries.override, fallback_models: [1] }))
  })

  test('when the log is off or large', async () => {
    await send(loaded('quiet', { disable_log: true }))
    await send(loaded('large', { messages: user('x'.repeat(200_000)) }))
  })

  test('when providers are managed', async () => {
    const paths = ['/api/providers/', '/api/providers/canary/', '/api/models/', '/api/request-logs/list/']
    for (const path of paths) told.push(JSON.stringify(await gateway.manage('GET', path)))
    const changes = [
      { api_key: canaries.providerKey, base_url: 'not a url' },
      { api_key: canaries.providerKey, base_url: `https://u:${canaries.providerKey}@example.com` },
      { api_key: [canaries.providerKey] },
      { headers: { 'bad name': canaries.providerHeader } },
      { api_key: canaries.providerKey, unknown: 1 },
    ]
    for (const change of changes) {
      const answer = await gateway.manage('PATCH', '/api/providers/canary/', change)
      expect(answer.status).toBe(422)
      told.push(JSON.stringify(answer))
    }
    const further = { provider_id: 'openai', name: 'canary', api_key: canaries.furtherKey }
    const member = { model: 'openai/gpt-4o', weight: 1, credentials: { api_key: canaries.groupKey } }
    const group = { group_id: 'canary', models: [member] }
    for (const [path, body, status] of [
      ['/api/provider-keys/', further, 201],
      ['/api/provider-keys/', { ...further, weight: 0 }, 422],
      ['/api/provider-keys/', { ...further, api_base: `https://u:${canaries.furtherKey}@example.com` }, 422],
      ['/api/provider-keys/', { ...further, api_key: [canaries.furtherKey] }, 422],
      ['/api/provider-keys/', { ...further, aws_secret_access_key: canaries.furtherKey }, 422],
      ['/api/load-balance-groups/', group, 201],
      ['/api/load-balance-groups/', { ...group, models: [{ ...member, model: 'unknown' }] }, 422],
      ['/api/load-balance-groups/', { ...group, models: [{ ...member, weight: -1 }] }, 422],
    ] as const) {
      const answer = await gateway.manage('POST', path, body)
      expect(answer.status).toBe(status)
      told.push(JSON.stringify(answer))
    }
    for (const path of [
      '/api/provider-keys/',
      '/api/load-balance-groups/',
      '/api/load-balance-groups/canary/',
    ])
      told.push(JSON.stringify(await gateway.manage('GET', path)))
    const broken = `{"api_key":"${canaries.providerKey}",`
    told.push(JSON.stringify(await gateway.manage('PATCH', '/api/providers/canary/', broken)))
  })
})

test('no secret is told when alerts are sent to somebody who repeats them', async () => {
  const echo = createServer((request, response) => {
    response.writeHead(403).end(JSON.stringify([request.url, request.headers]))
  })
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  const address = echo.address()
  if (address === null || typeof address === 'string') throw new Error('it listens')
  const url = `http://127.0.0.1:${address.port}/${canaries.alertUrl}`
  const mail = { to: 'a@example.com', from: 'b@example.com', api_key: canaries.mailKey }
  for (const channel of [
    { name: 'hook', type: 'webhook', url, secret: canaries.alertSecret },
    { name: 'slack', type: 'slack', url },
    { name: 'mail', type: 'email', url, ...mail },
  ]) {
    const made = await gateway.manage('POST', '/api/alert-channels/', channel)
    expect(made.status).toBe(201)
    const tried = await gateway.manage('POST', `/api/alert-channels/${made.body.id}/test/`)
    expect(tried.body).toMatchObject({ delivered: false, error: expect.stringContaining('403') })
    for (const change of [{ url: `ftp://${canaries.alertUrl}` }, { url: canaries.alertUrl, events: [1] }]) {
      const refused = await gateway.manage('PATCH', `/api/alert-channels/${made.body.id}/`, change)
      expect(refused.status).toBe(422)
      told.push(JSON.stringify(refused))
    }
    told.push(JSON.stringify([made, tried]))
  }
  told.push(JSON.stringify(await gateway.manage('GET', '/api/alert-channels/')))
  // What goes through the queue as well.
  const id = gateway.keyId
  await gateway.manage('PATCH', `/api/api-keys/${id}/`, {
    limits: [{ metric: 'requests', window: 'total', value: 0 }],
  })
  await gateway.chat({ model: 'canary/x', messages: user('hi') })
  const deliveries = async () =>
    JSON.stringify((await gateway.manage('GET', '/api/alert-events/')).body).match(/given_up/g)?.length
  for (const until = Date.now() + 15_000; Date.now() < until && (await deliveries()) !== 3; )
    await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await deliveries()).toBe(3)
  told.push(JSON.stringify(await gateway.manage('GET', '/api/alert-events/')))
  await new Promise((resolve) => echo.close(resolve))
})

describe('after all of that', () => {
  /** Also what is left of a canary that was cut in the middle. */
  const found = (text: string) => [
    ...(text.match(/canary-[\w-]*/g) ?? []),
    ...[gateway.key, ADMIN_KEY].filter((secret) => text.includes(secret)),
  ]

  test('no client was told a secret, and no log shows one', () => {
    expect(told.length).toBeGreaterThan(60)
    expect(told.filter((text) => found(text).length > 0)).toEqual([])
  })

  test('no row of any table holds one', async () => {
    const { CONFIG, LOGS } = gateway.env
    for (const database of [CONFIG, LOGS]) {
      const sql = "select name from sqlite_master where type = 'table' and name not like '\\_cf%' escape '\\'"
      const { results } = await database.prepare(sql).all<{ name: string }>()
      expect(results.length).toBeGreaterThan(1)
      for (const { name } of results) {
        const rows = await database.prepare(`select * from "${name}"`).all()
        expect([name, found(JSON.stringify(rows.results))]).toEqual([name, []])
      }
    }
  })

  test('no stored object holds one, and neither does the cache', async () => {
    const { BODIES, CACHE } = gateway.env
    const { objects } = await BODIES.list({ limit: 1000 })
    expect(objects.length).toBeGreaterThan(2)
    for (const { key } of objects) {
      const bytes = Buffer.from((await (await BODIES.get(key))?.arrayBuffer()) ?? new ArrayBuffer(0))
      const text = (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
      expect(text.length).toBeGreaterThan(0)
      expect([key, found(text)]).toEqual([key, []])
    }
    const { keys } = await CACHE.list()
    expect(keys.length).toBeGreaterThan(0)
    for (const { name } of keys) expect(found((await CACHE.get(name)) ?? '')).toEqual([])
  })

  test("nothing of it is in the workers' own logs", () => {
    expect(found(gateway.consoleLines().join('\n'))).toEqual([])
  })
})
