import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { app } from '../../src/gateway'
import { policiesOf } from '../../src/limits/applied-limits'
import type { ReserveCall } from '../../src/limits/wish'
import type { GatewayEnv } from '../../src/pipeline/stages'
import { limits } from '../../src/platform/config-schema'
import { NO_USAGE } from '../../src/protocols/canonical'
import { costOf } from '../../src/providers/prices'
import type { InferenceRoute } from '../../src/routes/route'
import { routes } from '../../src/routes/table'
import { changeBySql, storeKey } from './config-database'

/** What every route that takes JSON finds something in. */
const anything = {
  ...{ model: 'demo/echo', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 },
  ...{ input: 'hi', prompt: 'hi', query: 'hi', documents: ['hi'], voice: 'alloy' },
  contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
}

/** Values for the parts of paths, and of the ones that are any path. */
const parts: Record<string, string> = { call: 'demo%2Fecho:generateContent', provider: 'demo', name: 'demo' }

function sampleOf(path: string): string {
  return path
    .replaceAll(/:(\w+)(?:\{[^}]*\})?/g, (_, name: string) => parts[name] ?? 'sample')
    .replace('*', 'v1/things/x')
}

function formOf(fields: object): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) if (typeof value === 'string') form.set(name, value)
  for (const name of ['file', 'image']) form.set(name, new File(['x'], 'x.bin'))
  return form
}

/** Providers as if they were set up; nobody is called. */
const setUp = {
  ...{ OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k', GEMINI_API_KEY: 'k', AZURE_API_KEY: 'k' },
  ...{ AZURE_OPENAI_API_KEY: 'k', AZURE_OPENAI_RESOURCE: 'r', VERTEX_API_KEY: 'k', VERTEX_PROJECT: 'p' },
  ...{ VERTEX_LOCATION: 'l', GOOGLE_SERVICE_ACCOUNT_JSON: '{}' },
}

async function statusOf(
  route: InferenceRoute,
  path: string,
  key = 'limited.key',
): Promise<{ status: number; text: string }> {
  const ask = async (body: BodyInit | null, headers: Record<string, string>) => {
    const context = createExecutionContext()
    const url = `https://gateway.example${sampleOf(path)}`
    const init = { method: route.method, headers: { authorization: `Bearer ${key}`, ...headers }, body }
    const response = await app.fetch(new Request(url, init), { ...env, ...setUp }, context)
    const text = await response.text()
    await waitOnExecutionContext(context)
    return { status: response.status, text: `${response.status} ${text}` }
  }
  // What the router's own objects are asked for must be kept somewhere, or the answer is 404.
  const named = /\/(?:responses\/|files|batches)/.test(path) ? { 'x-respan-route-provider': 'openai' } : {}
  if (route.method === 'GET' || route.method === 'DELETE') return ask(null, named)
  // A text to some, and a stored prompt to others.
  const { prompt: _, ...others } = anything
  const json = { 'content-type': 'application/json', ...named }
  const tries = [
    () => ask(JSON.stringify(others), json),
    () => ask(JSON.stringify(anything), json),
    () => ask(formOf(anything), named),
  ]
  const answers: { status: number; text: string }[] = []
  for (const attempt of tries) {
    const answer = await attempt()
    answers.push(answer)
    if (answer.status === 429) break
  }
  return { status: answers.at(-1)?.status ?? 0, text: answers.map(({ text }) => text).join('\n') }
}

/** Calls the built-in model, with other bindings than usual. */
async function chat(bindings: object, body: object = {}): Promise<Response> {
  const context = createExecutionContext()
  const init = {
    method: 'POST',
    headers: { authorization: 'Bearer free.key', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo/echo', messages: [{ role: 'user', content: 'hi' }], ...body }),
  }
  const url = 'https://gateway.example/v1/chat/completions'
  const response = await app.fetch(new Request(url, init), { ...env, ...bindings }, context)
  const text = await response.text()
  await waitOnExecutionContext(context)
  return new Response(text, response)
}

// Before the isolate reads any of it.
beforeAll(async () => {
  for (const mode of ['closed', 'open'])
    await changeBySql(
      `insert into limits (id, name, scope, subject, metric, window, value, action, on_unavailable, created_at_ms, updated_at_ms) values ('${mode}', '${mode}', 'customer', '${mode}', 'requests', 'day', 5, 'block', '${mode}', 1, 1)`,
    )
  for (const mode of ['closed', 'open'])
    await changeBySql(
      `insert into limits (id, name, scope, subject, metric, window, value, action, on_unavailable, created_at_ms, updated_at_ms) values ('model-${mode}', 'model ${mode}', 'model', 'openai/${mode}', 'requests', 'day', 5, 'block', '${mode}', 1, 1)`,
    )
  for (const [customer, mode] of Object.entries({ costly: 'closed', lenient: 'open' }))
    await changeBySql(
      `insert into limits (id, name, scope, subject, metric, window, value, action, on_unavailable, created_at_ms, updated_at_ms) values ('${customer}', '${customer}', 'customer', '${customer}', 'cost', 'day', 5000000000, 'block', '${mode}', 1, 1)`,
    )
  await storeKey('free.key', { id: 'free' })
  await storeKey('limited.key', { id: 'limited' })
  await changeBySql(
    "insert into limits (id, name, scope, subject, metric, window, value, action, created_at_ms, updated_at_ms) values ('shut', 'shut', 'api_key', 'limited', 'requests', 'day', 0, 'block', 1, 1)",
  )
  await storeKey('tokens.key', { id: 'tokens' })
  await changeBySql(
    "insert into limits (id, name, scope, subject, metric, window, value, action, created_at_ms, updated_at_ms) values ('no-tokens', 'no tokens', 'api_key', 'tokens', 'tokens', 'day', 0, 'block', 1, 1)",
  )
  await changeBySql(
    "insert into limits (id, name, scope, subject, metric, window, value, action, created_at_ms, updated_at_ms) values ('left', 'left', 'customer', 'left', 'tokens', 'year', 5000, 'block', 1, 1), ('one', 'one', 'customer', 'left', 'concurrency', 'total', 1, 'block', 1, 1)",
  )
})

describe('a shield', () => {
  test('stops a flood of one key, and is not there when it is not configured or away', async () => {
    const statuses: number[] = []
    for (let count = 0; count < 5; count++)
      statuses.push((await chat({ KEY_SHIELD: env.TEST_SHIELD })).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    const refused = await chat({ KEY_SHIELD: env.TEST_SHIELD })
    expect(refused.headers.get('retry-after')).toBe('10')
    expect(await refused.json()).toMatchObject({
      error: { code: 'limit_exceeded', type: 'rate_limit_error' },
    })
    expect((await chat({})).status).toBe(200)
    const away = { limit: () => Promise.reject(new Error('away')) }
    expect((await chat({ KEY_SHIELD: away })).status).toBe(200)
  })
})

describe('a ledger that is away', () => {
  const broken = { reserve: () => Promise.reject(new Error('away')), settle: () => Promise.resolve([]) }
  const away = { LEDGER: { getByName: () => broken } }

  test.each([
    ['closed', 503],
    ['open', 200],
  ])('refuses or lets in, as the limit says: %s', async (mode, status) => {
    const answer = await chat(away, { customer_identifier: mode })
    expect(answer.status).toBe(status)
    if (status === 200) return
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await answer.json()).toMatchObject({
      error: {
        type: 'api_error',
        code: 'unavailable',
        message: expect.stringContaining("The limit 'closed'"),
      },
      retry_after: 1,
    })
  })
})

describe('a ledger of a fallback that is away', () => {
  const broken = { reserve: () => Promise.reject(new Error('away')), settle: () => Promise.resolve([]) }
  const away = { ...setUp, LEDGER: { getByName: () => broken } }
  // There is no key for it.
  const model = 'groq/any'
  const called: string[] = []

  beforeEach(() => {
    const choices = [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }]
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      called.push(Object(await new Request(input, init).json()).model)
      return Response.json({ id: 'x', object: 'chat.completion', choices })
    })
  })
  afterEach(() => vi.restoreAllMocks())

  test('keeps requests from it, or lets them in, as the limit says', async () => {
    const refused = await chat(away, { model, fallback_models: ['openai/closed'] })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await refused.json()).toMatchObject({
      error: { code: 'unavailable', message: expect.stringContaining("The limit 'model closed'") },
    })
    const passed = await chat(away, { model, fallback_models: ['openai/closed', 'openai/open'] })
    expect([passed.status, passed.headers.get('x-sluice-attempts')]).toEqual([200, '3'])
    expect(called).toEqual(['open'])
  })
})

describe('a limit on cost, for a model of the price list', () => {
  const usage = { prompt_tokens: 1_234, completion_tokens: 77, total_tokens: 1_311 }
  const call = { model: 'openai/gpt-4.1-mini', max_tokens: 100 }
  const away = { ...env.MANAGEMENT, listRates: () => Promise.reject(new Error('away')) }
  const listCost: GatewayEnv['MANAGEMENT']['listCost'] = (asked) => env.MANAGEMENT.listCost(asked)
  const used = async (customer: string) => {
    const rows = await drizzle(env.CONFIG).select().from(limits).where(eq(limits.subject, customer))
    const policies = rows.flatMap(policiesOf).map(({ policy }) => policy)
    return (await env.LEDGER.getByName(`customer:${customer}`).read(policies)).map((one) => one.used)
  }
  const priced = costOf({
    usage: { ...NO_USAGE, inputTokens: 1_234, outputTokens: 77 },
    ...{ pricesAs: 'openai', upstreamModel: 'gpt-4.1-mini', startedAtMs: Date.now() },
  }).costNanoUsd

  beforeEach(() => {
    const choices = [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }]
    vi.spyOn(globalThis, 'fetch').mockImplementation(() =>
      Promise.resolve(Response.json({ id: 'x', object: 'chat.completion', choices, usage })),
    )
  })
  afterEach(() => vi.restoreAllMocks())

  test.each([
    ['costly', 503, 0],
    ['lenient', 200, priced],
  ])('does as it says while the list cannot be asked: %s', async (customer, status, expected) => {
    const bindings = { ...setUp, MANAGEMENT: { ...away, listCost } }
    const answer = await chat(bindings, { ...call, customer_identifier: customer })
    expect(answer.status).toBe(status)
    if (status === 503)
      expect(await answer.json()).toMatchObject({
        error: {
          message: "The limit 'costly' cannot be checked right now. Send the request again in a moment.",
        },
      })
    expect(await used(customer)).toEqual([expected])
  })

  test('settles for what the log will say, and asks for rates once', async () => {
    const rates = vi.fn<GatewayEnv['MANAGEMENT']['listRates']>((model) => env.MANAGEMENT.listRates(model))
    const bindings = { ...setUp, MANAGEMENT: { ...away, listCost, listRates: rates } }
    for (const _ of [1, 2, 3])
      expect((await chat(bindings, { ...call, customer_identifier: 'costly' })).status).toBe(200)
    expect(priced).toBeGreaterThan(0)
    expect(await used('costly')).toEqual([3 * (priced ?? 0)])
    expect(rates).toHaveBeenCalledTimes(1)
  })

  test('and none on cost asks for no price', async () => {
    const ask = vi.fn(() => Promise.reject(new Error('nobody asks')))
    const bindings = { ...setUp, MANAGEMENT: { ...away, listRates: ask, listCost: ask } }
    expect((await chat(bindings, { ...call, customer_identifier: 'open' })).status).toBe(200)
    expect(ask).not.toHaveBeenCalled()
  })
})

describe('a worker that dies in the middle of a request', () => {
  afterEach(() => vi.useRealTimers())

  test('leaves a hold that expires, is charged as reserved, and is put right by late truth', async () => {
    const settled: unknown[][] = []
    // What a dead worker does not do.
    const dead = new Proxy(env.LEDGER, {
      get(target, name) {
        if (name !== 'getByName') return Reflect.get(target, name)
        return (subject: string) => ({
          reserve: (call: ReserveCall) => target.getByName(subject).reserve(call),
          async settle(...given: unknown[]) {
            settled.push(given)
            return []
          },
        })
      },
    })
    const rows = await drizzle(env.CONFIG).select().from(limits).where(eq(limits.subject, 'left'))
    const policies = rows.flatMap(policiesOf).map(({ policy }) => policy)
    const stands = async () => {
      const standings = await env.LEDGER.getByName('customer:left').read(policies)
      return standings.map(({ used, reserved }) => `${used}/${reserved}`)
    }
    const body = { customer_identifier: 'left', max_tokens: 700 }
    expect((await chat({ LEDGER: dead }, body)).status).toBe(200)
    const [[holdId, taken] = []] = settled
    const reserved = 700 + Math.ceil(JSON.stringify([{ role: 'user', content: 'hi' }]).length / 4)
    expect(await stands()).toEqual([`0/${reserved}`, '0/1'])
    expect((await chat({}, body)).status).toBe(429)
    // Ten minutes are the longest time of a request, and one more is waited for it.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 + 1_000 })
    expect(await stands()).toEqual([`${reserved}/0`, '0/0'])
    expect((await chat({}, body)).status).toBe(200)
    await env.LEDGER.getByName('customer:left').settle(String(holdId), Object(taken))
    const [tokens] = await stands()
    expect(tokens).toBe(`${2 * Object(taken).tokens}/0`)
  })
})

const inference = routes.flatMap((route) =>
  route.auth === 'inference'
    ? route.paths.map((path) => [`${route.method} ${path}`, route, path] as const)
    : [],
)

describe('no route that a provider answers can dodge a limit', () => {
  test.each(inference)('%s', async (_, route, path) => {
    const { text } = await statusOf(route, path)
    expect(text).toMatch(/^429 .*The limit 'shut' is reached/m)
  })
})

/** What reads, removes, counts or uploads takes no tokens. */
const FREE = /^(?:GET|DELETE) |count_?tokens|:countTokens|\/files|\/cancel\/?$/i

describe('no route that may take tokens can dodge a limit on them', () => {
  const taking = inference.filter(([name]) => !FREE.test(name))

  test.each(taking)('%s', async (_, route, path) => {
    expect((await statusOf(route, path, 'tokens.key')).text).toMatch(
      /^429 .*The limit 'no tokens' is reached/m,
    )
  })

  test('and those are most of them', () => expect(taking.length).toBeGreaterThan(inference.length / 3))
})
