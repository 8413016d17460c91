import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { type Gateway, startGateway, UPSTREAM_KEY, user } from './gateway'

const timeouts = { HEADERS_TIMEOUT_MS: '1000', FIRST_CONTENT_TIMEOUT_MS: '1200', TOTAL_TIMEOUT_MS: '2500' }

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway(timeouts)
  const dead = { provider_id: 'dead', api_key: 'sk-dead', base_url: await fakes.closedPortUrl() }
  await gateway.manage('POST', '/api/providers/', dead)
})
afterAll(() => gateway.close())

let scripted = 0
/** The name of a model that takes this step, new each time. */
function modelWith(step: fakes.Step): string {
  const model = `m${++scripted}`
  gateway.upstream.script(model, step)
  return `fake/${model}`
}

async function call(model: string, stream: boolean) {
  const reply = await gateway.chat({ model, messages: user('hi'), stream })
  return { ...reply, log: await gateway.logOf(reply.logId) }
}

/** What every failed call leaves: one attempt, told in the headers and in the log. */
function expectFailed(reply: Awaited<ReturnType<typeof call>>, status: number, code: string) {
  expect([reply.status, reply.text]).toEqual([status, expect.any(String)])
  expect(reply.headers.get('x-sluice-attempts')).toBe('1')
  const { log } = reply
  expect(log).toMatchObject({ ending: 'failed', status: 'error', status_code: status, error_code: code })
  expect(log.attempts).toMatchObject([{ status_code: status, error_code: code }])
  expect(log).toMatchObject({ usage: null, cost: null, organization_key_id: gateway.keyId })
}

const kinds = [
  ['in one piece', false],
  ['as a stream', true],
] as const

describe.concurrent.for(kinds)('an error status of the provider, asked %s,', ([, stream]) => {
  test.for([400, 401, 403, 404, 409, 422, 429, 500, 503, 529])(
    '%i keeps its status and its body',
    async (status) => {
      const body = { error: { message: `Odd ${status} é😀`, type: 'odd', code: null, extra: { n: 1.5 } } }
      const reply = await call(modelWith(fakes.status(status, body)), stream)
      expectFailed(reply, status, 'upstream_status')
      expect(reply.text).toBe(`${JSON.stringify(body, null, 4)}\n`)
      expect(reply.headers.get('content-type')).toContain('application/json')
      expect(reply.headers.get('x-request-id')).toMatch(/^req_/)
      expect(reply.headers.get('set-cookie')).toBeNull()
      expect(reply.log.full_response).toEqual(body)
    },
  )

  test('429 keeps its times to come back', async () => {
    const reply = await call(modelWith(fakes.rateLimited({ seconds: 7, ms: 6500 })), stream)
    expectFailed(reply, 429, 'upstream_status')
    expect(reply.headers.get('retry-after')).toBe('7')
    expect(reply.headers.get('retry-after-ms')).toBe('6500')
  })

  test('502 keeps its page of HTML', async () => {
    const reply = await call(modelWith(fakes.status(502)), stream)
    expectFailed(reply, 502, 'upstream_status')
    expect(reply.text).toContain('<h1>502 Bad Gateway</h1>')
    expect(reply.headers.get('content-type')).toBe('text/html')
  })

  test("401 that repeats the Authorization header comes back without the provider's key", async () => {
    const reply = await call(modelWith(fakes.echoAuthInError()), stream)
    expectFailed(reply, 401, 'upstream_status')
    expect(reply.text).toContain('Incorrect API key provided: Bearer [redacted]')
    expect(reply.text + JSON.stringify(reply.log)).not.toContain(UPSTREAM_KEY)
  })
})

describe.concurrent.for(kinds)('a provider that gives no answer, asked %s,', ([, stream]) => {
  test.for<[string, fakes.Step]>([
    ['refuses the connection', fakes.refuse()],
    ['resets the connection', fakes.resetBeforeHeaders()],
  ])('because it %s, is a 502', async ([, step]) => {
    expectFailed(await call(modelWith(step), stream), 502, 'upstream_unreachable')
  })

  test('because nobody listens, is a 502', async () => {
    expectFailed(await call('dead/model', stream), 502, 'upstream_unreachable')
  })

  test('because it never starts to, is a 504, and the call is given up', async () => {
    const model = modelWith(fakes.hangBeforeHeaders())
    const reply = await call(model, stream)
    expectFailed(reply, 504, 'upstream_timeout')
    expect(reply.text).toContain(
      stream ? 'did not start to answer within 1000 ms' : 'did not finish within 2500 ms',
    )
    await gateway.upstream.waitFor(
      (made) => `fake/${made.model}` === model && made.closedByClientAt !== undefined,
    )
  })

  test.for<[string, () => fakes.Step, string]>([
    ['is a page of HTML', () => fakes.htmlWith200(), 'upstream_invalid'],
    ['has no body', () => fakes.emptyBody200(), 'upstream_invalid'],
    ['ends in the middle', () => fakes.truncatedJson(), 'upstream_invalid'],
    ['leads elsewhere', () => fakes.redirect(`${gateway.upstream.url}/elsewhere`), 'upstream_invalid'],
    ['is JSON of another kind', () => fakes.json({ hello: 'world' }), 'upstream_invalid'],
    ['is a JSON array', () => fakes.json([1, 2]), 'upstream_invalid'],
  ])('but something that %s, is a 502', async ([, step, code]) => {
    const reply = await call(modelWith(step()), stream)
    expectFailed(reply, 502, code)
    expect(gateway.upstream.calls.filter(({ path }) => path.includes('elsewhere'))).toEqual([])
  })
})

describe.concurrent('a provider asked for an answer in one piece', () => {
  test.for<[string, fakes.Step]>([
    ['is cut off', fakes.truncatedJson('cut')],
    ['is reset', fakes.truncatedJson('reset')],
  ])('that %s in the middle is a 502', async ([, step]) => {
    expectFailed(await call(modelWith(step), false), 502, 'upstream_incomplete')
  })

  test('that hangs in the middle is a 504', async () => {
    expectFailed(await call(modelWith(fakes.truncatedJson('hang')), false), 504, 'upstream_timeout')
  })

  test('that streams instead is a 502', async () => {
    expectFailed(await call(modelWith(fakes.streamToJsonRequest()), false), 502, 'upstream_invalid')
  })

  test('that reports an error with status 200 is that error, with its own words', async () => {
    const error = { error: { message: 'Slow down', code: 429 }, user_id: 'u' }
    const reply = await call(modelWith(fakes.json(error)), false)
    expectFailed(reply, 429, 'upstream_status')
    expect(JSON.parse(reply.text)).toEqual(error)
    const untold = await call(modelWith(fakes.json({ error: 'out of memory' })), false)
    expectFailed(untold, 502, 'upstream_error_event')
    expect(untold.text).toContain('out of memory')
  })
})

describe.concurrent('a provider asked for a stream', () => {
  test.for<[string, fakes.Step, number, string]>([
    ['that is silent after its headers', fakes.hangBeforeFirstEvent(), 504, 'upstream_timeout'],
    ['that is silent after an event without content', fakes.hangMidStream(1), 504, 'upstream_timeout'],
    ['that begins with an error', fakes.errorEventFirst(), 500, 'upstream_error_event'],
    ['that is reset before any content', fakes.resetMidStream(1), 502, 'upstream_incomplete'],
    ['that is cut before any content', fakes.cutMidStream(1), 502, 'upstream_incomplete'],
    ['that ends before any content', fakes.endWithoutTerminal(1), 502, 'upstream_incomplete'],
    ['that is empty', fakes.stream({ events: [], done: false }), 502, 'upstream_incomplete'],
    ['that answers in one piece', fakes.jsonToStreamRequest(), 502, 'upstream_invalid'],
  ])('%s is an HTTP error, not a stream', async ([, step, status, code]) => {
    const reply = await call(modelWith(step), true)
    expectFailed(reply, status, code)
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(reply.text)).toMatchObject({ error: { type: 'upstream_error', code } })
  })

  test('that reports an error with status 200 is an error with its words', async () => {
    const reply = await call(modelWith(fakes.jsonErrorWith200()), true)
    expect(reply.status).toBe(502)
    expect(reply.text).toContain('Provider returned error')
  })
})

describe.concurrent('the SDK throws', () => {
  test.for<[number, new (...given: never[]) => Error]>([
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [409, OpenAI.ConflictError],
    [422, OpenAI.UnprocessableEntityError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
    [529, OpenAI.InternalServerError],
  ])("its own class for the provider's %i, streaming or not", async ([status, kind]) => {
    for (const stream of [false, true]) {
      const request = { model: modelWith(fakes.status(status)), messages: user('hi'), stream }
      const error: unknown = await gateway
        .client()
        .chat.completions.create(request)
        .catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(kind)
      expect(error).toMatchObject({ status })
    }
  })
})

describe('the logs', () => {
  test('have exactly one row for each of these calls', async () => {
    const ids = await gateway.loggedIds(gateway.logIds.length)
    expect(gateway.logIds.length).toBeGreaterThan(70)
    expect(ids.sort()).toEqual([...gateway.logIds].sort())
  })
})
