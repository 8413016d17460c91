import { setTimeout as sleep } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { after, answer, endlessDrip, json, raw, reply, type Step, status } from '../fakes'
import { surfaces } from './failures/surfaces'
import { type ChatReply, type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
  const prices = { input_cost: 3, output_cost: 15, cache_hit_input_cost: 0.3 }
  for (const model_name of ['priced', 'slow', 'warm', 'load', 'failing'])
    await gateway.manage('POST', '/api/models/', { model_name, provider_id: 'fake', ...prices })
  const dear = { input_cost: 30, output_cost: 150 }
  await gateway.manage('POST', '/api/models/', { model_name: 'dear', provider_id: 'fake', ...dear })
  const native = {
    provider_id: 'native',
    protocols: ['anthropic'],
    base_url: gateway.upstream.url,
    api_key: 'k',
  }
  await gateway.manage('POST', '/api/providers/', native)
  await gateway.manage('POST', '/api/models/', { model_name: 'claude', provider_id: 'native', ...prices })
})
afterAll(() => gateway.close())

let customers = 0

/** A customer that nobody else has, with a limit. */
async function limited(given: object) {
  const subject = `customer-${++customers}`
  const usual = { scope: 'customer', subject, metric: 'requests', window: 'year', value: 1 }
  const made = await gateway.manage('POST', '/api/limits/', {
    name: `limit of ${subject}`,
    ...usual,
    ...given,
  })
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  const path = `/api/limits/${made.body.id}/`
  return {
    subject,
    path,
    body: (more: object = {}) => ({
      ...{ model: 'priced', messages: user('hello there'), customer_identifier: subject },
      ...more,
    }),
    async shows() {
      const { body } = await gateway.manage('GET', path)
      return body
    },
    /** Once nothing is reserved any more. */
    async settled() {
      for (const until = Date.now() + 10_000; Date.now() < until; await sleep(50)) {
        const { body } = await gateway.manage('GET', path)
        if (body.reserved === 0) return body
      }
      throw new Error('something stays reserved')
    },
  }
}

/** What a request cost by its log row. */
async function nanoOf(logId: string): Promise<number> {
  const { cost_nano_usd } = await gateway.logOf(logId)
  return Number(cost_nano_usd)
}

describe('a limit on cost', () => {
  test.each<[string, object, Step]>([
    ['an answer in one piece', {}, answer()],
    ['a stream', { stream: true }, answer()],
    ['a translated answer', { model: 'claude' }, answer()],
    ['a translated stream', { model: 'claude', stream: true }, answer()],
    [
      'cached and long ones',
      {},
      reply({ usage: { prompt_tokens: 123_456, prompt_tokens_details: { cached_tokens: 100_001 } } }),
    ],
    ['one whose provider tells no usage', {}, reply({ usage: null })],
  ])('counts what the log says, to the billionth of a dollar: %s', async (_, more, step) => {
    const { body, settled } = await limited({ metric: 'cost', value: 100 })
    gateway.upstream.script('priced', step)
    const replies = [await gateway.chat(body(more)), await gateway.chat(body(more))]
    expect(replies.map(({ status }) => status)).toEqual([200, 200])
    const costs = await Promise.all(replies.map(({ logId }) => nanoOf(logId)))
    const { used } = await settled()
    const [first = 0, second = 0] = costs
    expect(first).toBeGreaterThan(0)
    expect(Math.round(Number(used) * 1e9)).toBe(first + second)
  })

  test('is reached by money, with 402 where the limit says so, and says what it is', async () => {
    const { body, shows } = await limited({
      metric: 'cost',
      window: 'total',
      value: 0.000001,
      refusal_status: 402,
    })
    const refused = await gateway.chat(body())
    expect(refused.status).toBe(402)
    expect(JSON.parse(refused.text)).toMatchObject({
      error: { type: 'billing_error', code: 'limit_exceeded' },
      detail: expect.stringMatching(
        /^The limit 'limit of customer-\d+' is reached: \$0\.000001 in total, 0 used and 0 reserved, and this request may take 0\.015/,
      ),
    })
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(refused.headers.get('retry-after')).toBeNull()
    expect(await shows()).toMatchObject({
      used: 0,
      reserved: 0,
      value: 0.000001,
      refusal_status: 402,
      resets_at: null,
    })
    const caught = await gateway
      .client()
      .chat.completions.create(body())
      .catch((error: unknown) => error)
    expect(caught).toBeInstanceOf(OpenAI.APIError)
    expect(Object(caught).status).toBe(402)
  })

  test('does not refuse an agent for a large max_tokens while there is money', async () => {
    const { body, settled } = await limited({ metric: 'cost', value: 0.1 })
    for (let count = 0; count < 12; count++)
      expect((await gateway.chat(body({ model: 'warm', max_tokens: 100_000 }))).status).toBe(200)
    expect(Number((await settled()).used)).toBeLessThan(0.1)
  })
})

describe('a limit on tokens', () => {
  const speech = { input: 'Hello', voice: 'v' }
  const audio = { headers: { 'content-type': 'audio/wav' } }
  const slowAudio = raw({
    ...audio,
    chunks: Array.from({ length: 600 }, () => ({ bytes: 'RIFF', delayMs: 50 })),
  })
  const brokenAudio = raw({ ...audio, chunks: ['RIFF', { bytes: 'more', delayMs: 300 }], ending: 'reset' })
  const batch = { endpoint: '/v1/responses', completion_window: '24h' }
  let input_file_id: unknown

  beforeAll(async () => {
    const form = formOf({ purpose: 'batch' })
    const headers = { 'content-type': null, 'x-respan-route-provider': 'fake' }
    const uploaded = await gateway.fetch('/v1/files', { method: 'POST', headers, body: form })
    input_file_id = Object(await uploaded.json()).id
  })
  const say = { messages: user('hello there') }

  interface Told {
    path?: string
    body: object
    isForm?: boolean
    step?: Step
    /** Behind the first bytes. */
    hangsUp?: boolean
    ending: 'completed' | 'cancelled' | 'failed'
    /** Settled as it was reserved, as the log's usage says, or for nothing. */
    as: 'reserved' | 'logged' | 'nothing'
  }

  test.each<[string, Told]>([
    ['a chat', { body: say, ending: 'completed', as: 'logged' }],
    [
      'a chat whose provider tells no usage',
      { body: say, step: reply({ usage: null }), ending: 'completed', as: 'logged' },
    ],
    [
      'a stream that its client leaves',
      {
        body: { ...say, stream: true },
        step: endlessDrip(10),
        hangsUp: true,
        ending: 'cancelled',
        as: 'logged',
      },
    ],
    ['a chat that failed', { body: say, step: status(500), ending: 'failed', as: 'nothing' }],
    [
      'a moderation, which has no usage',
      { path: '/v1/moderations', body: { input: 'kill' }, ending: 'completed', as: 'reserved' },
    ],
    [
      'a recording that is counted in seconds',
      {
        path: '/v1/audio/transcriptions',
        ...{ body: { response_format: 'text' }, isForm: true, ending: 'completed', as: 'reserved' },
      },
    ],
    ['speech', { path: '/v1/audio/speech', body: speech, ending: 'completed', as: 'reserved' }],
    [
      'speech that its client leaves',
      {
        path: '/v1/audio/speech',
        ...{ body: speech, step: slowAudio, hangsUp: true, ending: 'cancelled', as: 'reserved' },
      },
    ],
    [
      'speech that breaks',
      { path: '/v1/audio/speech', body: speech, step: brokenAudio, ending: 'failed', as: 'reserved' },
    ],
    ['a batch', { path: '/v1/batches', body: batch, ending: 'completed', as: 'reserved' }],
    [
      'a batch that the provider refuses',
      { path: '/v1/batches', body: { ...batch, input_file_id: 'lost' }, ending: 'failed', as: 'nothing' },
    ],
  ])('is charged, whatever the provider tells: %s', async (name, told) => {
    const { path = '/v1/chat/completions', body: given, isForm, step, hangsUp, ending, as } = told
    const { subject, settled } = await limited({ metric: 'tokens', value: 100_000 })
    const model = name.replaceAll(/\W/g, '-')
    if (step !== undefined) gateway.upstream.script(model, step)
    const fields = {
      ...(path === '/v1/batches' ? { input_file_id } : { model: `fake/${model}` }),
      ...{ customer_identifier: subject, ...given },
    }
    const response = await gateway.fetch(path, {
      method: 'POST',
      headers: { 'x-respan-route-provider': 'fake', ...(isForm === true ? { 'content-type': null } : {}) },
      body: isForm === true ? formOf(fields) : JSON.stringify(fields),
    })
    if (hangsUp === true) {
      const reader = response.body?.getReader()
      await reader?.read()
      await reader?.cancel()
    } else await response.arrayBuffer().catch(() => undefined)
    const row = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(row.ending, row.error_message).toBe(ending)
    const { current_value, new_value } = Object(row.respan_params).limit_info.limits[0]
    const { input_tokens = 0, output_tokens = 0 } = row.usage ?? {}
    const amounts = { reserved: new_value - current_value, logged: input_tokens + output_tokens, nothing: 0 }
    expect((await settled()).used).toBe(amounts[as])
    if (as !== 'nothing') expect(amounts[as]).toBeGreaterThan(0)
  })

  // Anthropic tells the output when it has ended, and that it is 1 before.
  test('counts the words that came of a stream that its client leaves before the usage', async () => {
    const { subject, settled } = await limited({ metric: 'tokens', value: 100_000 })
    gateway.upstream.script('claude', endlessDrip(5, { content: ['drip drip drip '] }))
    const asked = { model: 'claude', max_tokens: 5_000, stream: true, customer_identifier: subject, ...say }
    const response = await gateway.fetch('/v1/messages', { method: 'POST', body: JSON.stringify(asked) })
    let came = ''
    for await (const bytes of response.body ?? []) {
      came += Buffer.from(bytes).toString()
      if (came.split('drip').length > 100) break
    }
    const row = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(row).toMatchObject({ ending: 'cancelled', usage_source: 'partial' })
    expect(row.usage?.output_tokens).toBeGreaterThan(100)
    const { input_tokens = 0, output_tokens = 0 } = row.usage ?? {}
    expect((await settled()).used).toBe(input_tokens + output_tokens)
  })

  test('counts the files of a form before it is let in', async () => {
    const { subject, body } = await limited({ metric: 'tokens', value: 1_000 })
    const fields = formOf({ model: 'fake/heard', customer_identifier: subject })
    const init = { method: 'POST', headers: { 'content-type': null }, body: fields }
    expect((await gateway.fetch('/v1/audio/transcriptions', init)).status).toBe(429)
    expect((await gateway.chat(body({ max_tokens: 10 }))).status).toBe(200)
  })

  function formOf(fields: object): FormData {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, String(value))
    form.append('file', new File(['x'], 'talk.mp3'))
    return form
  }
})

describe('a model without a known price', () => {
  const unpriced = { model: 'fake/no-price' }

  test('is not for a budget: 400, never for nothing', async () => {
    const { body, shows } = await limited({ metric: 'cost', value: 5 })
    const refused = await gateway.chat(body(unpriced))
    expect(refused.status).toBe(400)
    expect(JSON.parse(refused.text).error).toMatchObject({ code: 'unknown_price', param: 'model' })
    expect(await shows()).toMatchObject({ used: 0, reserved: 0 })
  })

  test('passes with a warning where the key or the settings say so', async () => {
    const { body } = await limited({ metric: 'cost', value: 5 })
    const { body: key } = await gateway.manage('POST', '/api/api-keys/', { name: 'w', unknown_price: 'warn' })
    expect(key.unknown_price).toBe('warn')
    const withKey = { headers: { authorization: `Bearer ${key.api_key}` } }
    const passed = await gateway.chat(body(unpriced), withKey)
    expect(passed.status).toBe(200)
    expect(passed.headers.get('x-sluice-limit-warning')).toBe('unknown price')
    const { respan_params } = await gateway.logOf(passed.logId)
    expect(Object(respan_params).limit_info.is_allowed).toBe(true)
    expect((await gateway.manage('PATCH', '/api/settings/', { unknown_price: 'warn' })).body).toMatchObject({
      unknown_price: 'warn',
    })
    expect((await gateway.chat(body(unpriced))).status).toBe(200)
    await gateway.manage('PATCH', `/api/api-keys/${key.id}/`, { unknown_price: 'block' })
    expect((await gateway.chat(body(unpriced), withKey)).status).toBe(400)
    await gateway.manage('PATCH', '/api/settings/', { unknown_price: null })
    expect((await gateway.chat(body(unpriced))).status).toBe(400)
  })

  test('and other limits do not mind', async () => {
    const { body } = await limited({ metric: 'tokens', value: 10_000 })
    expect((await gateway.chat(body(unpriced))).status).toBe(200)
  })

  describe('among the fallbacks', () => {
    const failing = json({ error: { message: 'down' } }, 503)

    /** The attempts of a request, and the models that were really called. */
    async function attemptsOf(more: { model: string; fallback_models: string[] }) {
      const { body, settled } = await limited({ metric: 'cost', value: 5 })
      const reply = await gateway.chat(body(more))
      const row = await gateway.logOf(reply.logId)
      const attempts = row.attempts.map(({ deployment_name, error_code }) => [
        deployment_name,
        error_code ?? 'none',
      ])
      const cost = Number(row.cost_nano_usd)
      return { reply, attempts, isSettled: Math.round(Number((await settled()).used) * 1e9) === cost }
    }

    test('is passed over, and said to be, where a limit on cost blocks', async () => {
      gateway.upstream.script('failing', failing)
      const called = new Set<string | undefined>()
      const before = gateway.upstream.calls.length
      const first = await attemptsOf({ model: 'fake/no-price-1', fallback_models: ['priced'] })
      expect(first).toMatchObject({
        reply: { status: 200 },
        attempts: [
          ['no-price-1', 'unknown_price'],
          ['priced', 'none'],
        ],
        isSettled: true,
      })
      const last = await attemptsOf({ model: 'failing', fallback_models: ['fake/no-price-2', 'priced'] })
      expect(last).toMatchObject({
        reply: { status: 200 },
        attempts: [
          ['no-price-2', 'unknown_price'],
          ['failing', 'upstream_status'],
          ['priced', 'none'],
        ],
        isSettled: true,
      })
      const none = await attemptsOf({ model: 'failing', fallback_models: ['fake/no-price-3'] })
      expect(none).toMatchObject({
        reply: { status: 503 },
        attempts: [
          ['no-price-3', 'unknown_price'],
          ['failing', 'upstream_status'],
        ],
        isSettled: true,
      })
      for (const { model } of gateway.upstream.calls.slice(before)) called.add(model)
      expect([...called].filter((model) => model?.startsWith('no-price'))).toEqual([])
    })

    test('is not spoken of while nobody needs it', async () => {
      const { attempts } = await attemptsOf({ model: 'priced', fallback_models: ['fake/no-price-4'] })
      expect(attempts).toEqual([['priced', 'none']])
    })

    test('refuses the request when all are such, and gives back its count when nobody was called', async () => {
      const { body, shows } = await limited({ metric: 'cost', value: 5 })
      const all = { model: 'fake/no-price-5', fallback_models: ['fake/no-price-6'] }
      const refused = await gateway.chat(body(all))
      expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([400, 'unknown_price'])
      expect(await shows()).toMatchObject({ used: 0, reserved: 0 })
    })

    test('is called, with a warning, where the key says so, and is charged as the others were reserved', async () => {
      gateway.upstream.script('failing', failing)
      const { body: key } = await gateway.manage('POST', '/api/api-keys/', {
        ...{ name: 'w2', unknown_price: 'warn' },
      })
      const withKey = { headers: { authorization: `Bearer ${key.api_key}` } }
      const { body, settled } = await limited({ metric: 'cost', value: 5 })
      const fallback_models = ['fake/no-price-7']
      const first = await gateway.chat(body({ model: 'priced', fallback_models }), withKey)
      expect([first.status, first.headers.get('x-sluice-limit-warning')]).toEqual([200, null])
      const before = Number((await settled()).used)
      const second = await gateway.chat(body({ model: 'failing', fallback_models }), withKey)
      expect([second.status, second.headers.get('x-sluice-limit-warning')]).toEqual([200, 'unknown price'])
      const { limits } = Object((await gateway.logOf(second.logId)).respan_params).limit_info
      expect(limits[0].new_value - limits[0].current_value).toBeGreaterThan(0)
      expect(Number((await settled()).used) - before).toBeCloseTo(
        limits[0].new_value - limits[0].current_value,
        9,
      )
    })

    test('is explained', async () => {
      const { body } = await limited({ metric: 'cost', value: 5 })
      const asked = { ...body({ fallback_models: ['fake/no-price-8'] }), protocol: 'openai-chat' }
      const { body: told } = await gateway.manage('POST', '/api/explain', asked)
      expect(told.targets).toMatchObject([
        { model: 'priced', problem: null },
        { model: 'fake/no-price-8', problem: { code: 'unknown_price' } },
      ])
    })
  })
})

describe('a request with fallbacks', () => {
  test('reserves as much as the dearest of them would take', async () => {
    const limits = []
    for (const more of [{}, { fallback_models: ['dear'] }, { model: 'dear', fallback_models: ['priced'] }]) {
      const { body } = await limited({ metric: 'cost', value: 100 })
      const { logId } = await gateway.chat(body({ max_tokens: 100, ...more }))
      limits.push(Object((await gateway.logOf(logId)).respan_params).limit_info.limits[0].new_value)
    }
    const [cheap, mixed, dear] = limits
    expect(mixed).toBeCloseTo(cheap * 10, 9)
    expect(dear).toBe(mixed)
    const { body } = await limited({ metric: 'cost', value: cheap * 9 })
    expect((await gateway.chat(body({ max_tokens: 100, fallback_models: ['dear'] }))).status).toBe(429)
    expect((await gateway.chat(body({ max_tokens: 100 }))).status).toBe(200)
  })
})

describe('a refusal', () => {
  test.each(surfaces)('is what the SDK of $name calls a rate limit', async (surface) => {
    const { body: key } = await gateway.manage('POST', '/api/api-keys/', { name: `none ${surface.name}` })
    const none = { scope: 'api_key', subject: key.id, metric: 'requests', window: 'minute', value: 0 }
    await gateway.manage('POST', '/api/limits/', { name: `none at ${surface.name}`, ...none })
    for (const stream of [false, true]) {
      const thrown = await surface.thrown(gateway, 'priced', { stream, key: String(key.api_key) })
      expect(thrown?.status).toBe(429)
      expect(thrown?.error).toBeInstanceOf(thrown?.classFor(429))
      expect(thrown?.message).toContain(`none at ${surface.name}`)
    }
    const response = await gateway.fetch(surface.path('priced', false), {
      method: 'POST',
      body: JSON.stringify(surface.body('priced', false)),
      headers: { authorization: `Bearer ${key.api_key}` },
    })
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    surface.error(await response.json(), 429)
  })

  test.each<[string, (url: string, key: string, seen: typeof fetch) => (body: object) => Promise<unknown>]>([
    [
      'OpenAI',
      (url, apiKey, seen) => {
        const client = new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 1, fetch: seen })
        return (body) => client.post('/chat/completions', { body })
      },
    ],
    [
      'Anthropic',
      (url, apiKey, seen) => {
        const client = new Anthropic({ apiKey, baseURL: url, maxRetries: 1, fetch: seen })
        return (body) => client.post('/v1/messages', { body: { max_tokens: 50, ...body } })
      },
    ],
    [
      'Google, with the fetch that the documentation has',
      (url, apiKey, seen) => {
        const httpOptions = { baseUrl: url, fetch: patiently(seen) }
        const { models } = new GoogleGenAI({ apiKey, httpOptions })
        return (body) => models.generateContent(asContents(body))
      },
    ],
  ])('tells the SDK of %s when to come again, and then it is let in', async (_, open) => {
    const { body } = await limited({ metric: 'concurrency', window: undefined, value: 1 })
    const over = Promise.withResolvers<void>()
    firstWaitsFor(over.promise)
    const statuses: number[] = []
    const call = open(gateway.url, gateway.key, async (input, init) => {
      const response = await fetch(input, init)
      statuses.push(response.status)
      // Before the second that it is told to wait, and after the half second that it would wait by itself.
      if (response.status === 429) setTimeout(over.resolve, 650)
      return response
    })
    const first = gateway.chat(body({ model: 'slow' }))
    await gateway.upstream.waitFor(({ model }) => model === 'slow')
    await call(body({ model: 'slow' }))
    expect(statuses).toEqual([429, 200])
    expect((await first).status).toBe(200)
  })

  // It has no eye for `Retry-After`, but repeats by its own clock.
  test('is repeated by the SDK of Google until it is let in, and its tries take nothing', async () => {
    const { body } = await limited({ metric: 'concurrency', window: undefined, value: 1 })
    const { body: counted } = await gateway.manage('POST', '/api/limits/', {
      ...{ name: 'tries', scope: 'customer', subject: Object(body()).customer_identifier },
      ...{ metric: 'requests', window: 'total', value: 50 },
    })
    const over = Promise.withResolvers<void>()
    firstWaitsFor(over.promise)
    const statuses: number[] = []
    const seen: typeof fetch = async (input, init) => {
      const response = await fetch(input, init)
      statuses.push(response.status)
      if (statuses.length === 2) over.resolve()
      return response
    }
    const retryOptions = { attempts: 20, initialDelay: 0.1, expBase: 1 }
    const httpOptions = { baseUrl: gateway.url, fetch: seen, retryOptions }
    const { models } = new GoogleGenAI({ apiKey: gateway.key, httpOptions })
    const first = gateway.chat(body({ model: 'slow' }))
    await gateway.upstream.waitFor(({ model }) => model === 'slow')
    const { text } = await models.generateContent(asContents(body({ model: 'slow' })))
    expect(text).toContain('hello there')
    expect([statuses.slice(0, 2), statuses.at(-1)]).toEqual([[429, 429], 200])
    expect((await first).status).toBe(200)
    await expect
      .poll(async () => (await gateway.manage('GET', `/api/limits/${counted.id}/`)).body)
      .toMatchObject({ used: 2, reserved: 0 })
  })

  /** The first call of the model `slow` is answered then, and all others at once. */
  function firstWaitsFor(over: Promise<void>): void {
    gateway.upstream.reset()
    gateway.upstream.script('slow', after(over, answer()), answer())
  }

  /** As docs/limits.md has it. */
  function patiently(send: typeof fetch): typeof fetch {
    return async (input, init) => {
      for (;;) {
        const response = await send(input, init)
        const seconds = Number(response.headers.get('retry-after'))
        const mayPass = response.headers.get('x-should-retry') !== 'false'
        if (response.status !== 429 || !(seconds > 0) || !mayPass) return response
        await response.body?.cancel()
        await sleep(seconds * 1_000)
      }
    }
  }

  /** A chat's body, as Google's SDK takes it. */
  function asContents(body: object) {
    const { model, customer_identifier } = Object(body)
    const httpOptions = { extraBody: { customer_identifier } }
    return { model: String(model), contents: 'hello there', config: { httpOptions } }
  }

  test('takes nothing of the limits that would have let the request in', async () => {
    const roomy = await limited({ value: 50 })
    const shut = { scope: 'model', subject: 'fake/shut', metric: 'requests', window: 'day', value: 0 }
    await gateway.manage('POST', '/api/limits/', { name: 'shut', ...shut })
    for (let count = 0; count < 3; count++)
      expect((await gateway.chat(roomy.body({ model: 'fake/shut' }))).status).toBe(429)
    expect(await roomy.settled()).toMatchObject({ used: 0, reserved: 0 })
  })

  test('leaves a row that says which limit it was', async () => {
    const { body, subject } = await limited({ value: 0 })
    const refused = await gateway.chat(body())
    const { respan_params, status_code, error_code } = await gateway.logOf(refused.logId)
    expect({ status_code, error_code }).toEqual({ status_code: 429, error_code: 'limit_exceeded' })
    expect(Object(respan_params).limit_info).toMatchObject({
      is_allowed: false,
      limits: [
        {
          name: `limit of ${subject}`,
          current_value: 0,
          new_value: 1,
          limit_value: 0,
          is_within_limit: false,
        },
      ],
    })
  })
})

describe('a request that is let in', () => {
  test('is told of its limits on every kind of answer, and not of the provider’s own', async () => {
    const { body } = await limited({ value: 40 })
    gateway.upstream.script('priced', answer({ headers: { 'x-ratelimit-remaining-requests': '7777' } }))
    for (const more of [{}, { stream: true }]) {
      const { headers } = await gateway.chat(body(more))
      expect(headers.get('ratelimit-policy')).toMatch(/^"limit of customer-\d+";q=40;w=31\d{6}$/)
      expect(headers.get('ratelimit')).toMatch(/^"limit of customer-\d+";r=3\d;t=\d+$/)
      expect(headers.get('x-ratelimit-limit-requests')).toBe('40')
      expect(headers.get('server-timing')).toMatch(/limits;dur=\d/)
      expect(headers.get('x-ratelimit-remaining-requests')).toMatch(/^3\d$/)
      expect(headers.get('x-ratelimit-limit-tokens')).not.toBe('40')
    }
    gateway.upstream.script('fake-fails', json({ error: { message: 'no', type: 'x' } }, 400))
    const failed = await gateway.chat(body({ model: 'fake/fake-fails' }))
    expect([failed.status, failed.headers.get('x-ratelimit-limit-requests')]).toEqual([400, '40'])
    gateway.upstream.script('priced', answer())
  })

  test('is warned once a limit that only warns is passed, and not before', async () => {
    const { body, subject } = await limited({ value: 1, action: 'warn' })
    const warnings = []
    for (let count = 0; count < 3; count++) warnings.push(await gateway.chat(body()))
    const name = `limit of ${subject}`
    expect(warnings.map(({ headers }) => headers.get('x-sluice-limit-warning'))).toEqual([null, name, name])
    expect(warnings.map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test.each<[string, object, object]>([
    ['gives its count back when the provider is not there', { model: 'away/any' }, { used: 0 }],
    ['keeps it when the provider failed', { model: 'fake/broken' }, { used: 1 }],
  ])('%s', async (_, more, used) => {
    const away = { provider_id: 'away', api_key: 'k', base_url: 'http://127.0.0.1:9/v1' }
    await gateway.manage('POST', '/api/providers/', away)
    gateway.upstream.script('broken', json({ error: { message: 'broken' } }, 500))
    const { body, settled } = await limited({ value: 5 })
    expect((await gateway.chat(body(more))).status).toBeGreaterThanOrEqual(500)
    expect(await settled()).toMatchObject(used)
  })
})

describe('/api/limits/', () => {
  test('shows where each one stands of a limit for each', async () => {
    const made = await limited({ subject: '*', scope: 'model', metric: 'tokens', value: 100_000 })
    expect(await made.shows()).toMatchObject({ used: null, reserved: null, resets_at: null })
    await gateway.chat({ model: 'warm', messages: user('hello') })
    const standings = `${made.path}standings/`
    for (const until = Date.now() + 10_000; Date.now() < until; await sleep(50)) {
      const { body } = await gateway.manage('GET', `${standings}?subject=warm`)
      if (Number(body.used) > 0) break
    }
    const { body } = await gateway.manage('GET', `${standings}?subject=warm`)
    expect(body).toMatchObject({
      subject: 'warm',
      reserved: 0,
      resets_at: expect.stringMatching(/-01-01T00:00/),
    })
    expect(Number(body.used)).toBeGreaterThan(0)
    expect((await gateway.manage('GET', `${standings}?subject=nobody`)).body).toMatchObject({ used: 0 })
    expect((await gateway.manage('GET', standings)).status).toBe(422)
    await gateway.manage('DELETE', made.path)
  })

  test('keeps the count while a limit means the same, and begins anew when it means something else', async () => {
    const { body, settled, path, shows } = await limited({ value: 5 })
    await gateway.chat(body())
    expect(await settled()).toMatchObject({ used: 1, on_unavailable: 'closed', refusal_status: 429 })
    const change = { name: `renamed ${customers}`, value: 9, action: 'warn', on_unavailable: null }
    expect((await gateway.manage('PATCH', path, change)).body).toMatchObject({
      ...{ used: 1, value: 9, action: 'warn', on_unavailable: 'open', name: change.name },
    })
    const { scope, subject } = await shows()
    const again = { scope, subject, name: change.name, metric: 'requests', window: 'year', value: 3 }
    expect(await gateway.manage('POST', '/api/limits/', again)).toMatchObject({
      status: 200,
      body: { used: 1 },
    })
    const monthly = { ...again, window: 'month' }
    expect(await gateway.manage('POST', '/api/limits/', monthly)).toMatchObject({
      status: 200,
      body: { used: 0 },
    })
    expect(await gateway.manage('POST', '/api/limits/', again)).toMatchObject({
      status: 200,
      body: { used: 1 },
    })
  })

  test.each<[string, object, string]>([
    ['more money than can be counted', { metric: 'cost', value: 9e6 + 1 }, 'value'],
    ['a part of a request', { value: 1.5 }, 'value'],
    ['another status', { refusal_status: 403 }, 'refusal_status'],
    ['a window for concurrency', { metric: 'concurrency', window: 'day' }, 'window'],
    ['an unknown metric', { metric: 'euros' }, 'metric'],
  ])('refuses %s', async (_, given, field) => {
    const usual = { name: 'refused', scope: 'organization', metric: 'requests', window: 'day', value: 1 }
    const { status, body } = await gateway.manage('POST', '/api/limits/', { ...usual, ...given })
    expect([status, Object.keys(Object(body.errors))]).toEqual([422, [field]])
  })
})

describe('500 streams at once against money for about 50', () => {
  /** Three of input and 40 of output for what each of them says. */
  const spoken = 'word '.repeat(40).trim()

  test('never take more than there is, and what is left can be used', async () => {
    gateway.upstream.script('load', answer({ content: spoken, gapMs: 5 }))
    const one = { messages: user('hello there'), model: 'load', max_tokens: 60, stream: true }
    const probe = await gateway.chat({ ...one, customer_identifier: 'probe' })
    const costNano = await nanoOf(probe.logId)
    const value = (50 * costNano) / 1e9
    const { body, settled } = await limited({ metric: 'cost', value })
    const before = gateway.upstream.calls.length
    const called = () => gateway.upstream.calls.length - before
    const wave = await Promise.all(Array.from({ length: 500 }, () => gateway.chat(body(one))))
    const statuses = new Set(wave.map(({ status }) => status))
    expect([...statuses].sort()).toEqual([200, 429])
    const granted = wave.filter(({ status }) => status === 200).length
    expect(called()).toBe(granted)
    expect(called()).toBeGreaterThan(20)
    expect(called() * costNano).toBeLessThanOrEqual(value * 1e9)
    expect(Math.round(Number((await settled()).used) * 1e9)).toBe(called() * costNano)
    // One after the other, until the first refusal: only less than one request's reservation stays unused.
    for (let status = 200; status === 200; await settled()) status = (await gateway.chat(body(one))).status
    expect(called() * costNano).toBeLessThanOrEqual(value * 1e9)
    expect(called()).toBeGreaterThanOrEqual(47)
    const { used, reserved } = await settled()
    expect([Math.round(Number(used) * 1e9), reserved]).toEqual([called() * costNano, 0])
  }, 120_000)
})

describe('a subject that is called more often than its isolate asks about it', () => {
  /** Most of the requests of a hot subject ask no ledger, so that their `Server-Timing` tells no `limits`. */
  const isDrawn = ({ status, headers }: ChatReply) =>
    status === 200 && !/\blimits;/.test(headers.get('server-timing') ?? '')

  test('never takes more than there is, and what is left can be used', async () => {
    gateway.upstream.script('load', answer({ content: 'word '.repeat(40).trim() }))
    const one = { messages: user('hello there'), model: 'load', max_tokens: 60 }
    const probe = await gateway.chat({ ...one, customer_identifier: 'hot probe' })
    const costNano = await nanoOf(probe.logId)
    const [paid, calls] = [400, 700]
    const value = (paid * costNano) / 1e9
    const { body, settled } = await limited({ metric: 'cost', value })
    const before = gateway.upstream.calls.length
    const called = () => gateway.upstream.calls.length - before
    const replies: ChatReply[] = []
    const callOn = async () => {
      while (replies.length < calls) replies.push(await gateway.chat(body(one)))
    }
    await Promise.all(Array.from({ length: 50 }, callOn))
    expect([...new Set(replies.map(({ status }) => status))].sort()).toEqual([200, 429])
    expect(replies.filter(isDrawn).length).toBeGreaterThan(100)
    expect(called()).toBe(replies.filter(({ status }) => status === 200).length)
    expect(called()).toBeLessThanOrEqual(paid)
    expect(Math.round(Number((await settled()).used) * 1e9)).toBe(called() * costNano)
    for (let status = 200; status === 200; await settled()) status = (await gateway.chat(body(one))).status
    expect(called()).toBeLessThanOrEqual(paid)
    expect(called()).toBeGreaterThanOrEqual(paid - 3)
    const { used, reserved } = await settled()
    expect([Math.round(Number(used) * 1e9), reserved]).toEqual([called() * costNano, 0])
  }, 120_000)
})
