import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

const timeouts = { HEADERS_TIMEOUT_MS: '2500', FIRST_CONTENT_TIMEOUT_MS: '2500', TOTAL_TIMEOUT_MS: '6000' }

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway(timeouts)
  const dead = { provider_id: 'dead', api_key: 'sk-dead', base_url: await fakes.closedPortUrl() }
  await gateway.manage('POST', '/api/providers/', dead)
  const model = { model_name: 'has-own', provider_id: 'fake', fallback_models: ['fake/own-second'] }
  await gateway.manage('POST', '/api/models/', model)
})
afterAll(() => gateway.close())

const relays = [
  ['in one piece', {}],
  ['as a stream', { stream: true }],
  ['as a stream with usage', { stream: true, stream_options: { include_usage: true } }],
] as const

let scripted = 0
/** Names of a first model that takes this step and of a second one that answers. */
function pair(step: fakes.Step): { first: string; second: string } {
  const first = `first${++scripted}`
  gateway.upstream.script(first, step)
  return { first: `fake/${first}`, second: `fake/second${scripted}` }
}

const callsOf = (model: string) => gateway.upstream.calls.filter((call) => `fake/${call.model}` === model)

async function ask(model: string, options: object) {
  const reply = await gateway.chat({ model, messages: user('ask me'), ...options })
  return { ...reply, log: await gateway.logOf(reply.logId) }
}

/** The second target answered, and nothing of the first one is seen but its attempt. */
function expectSecond(reply: Awaited<ReturnType<typeof ask>>, second: string, status_code: number) {
  const deployment_name = second.replace('fake/', '')
  expect(reply.status).toBe(200)
  expect(reply.text).toContain(deployment_name)
  expect(reply.text).not.toContain('error')
  expect(reply.headers.get('x-sluice-attempts')).toBe('2')
  expect(reply.headers.get('x-sluice-model')).toBe(deployment_name)
  expect(reply.log.attempts).toMatchObject([{ status_code }, { status_code: 200, deployment_name }])
  expect(reply.log).toMatchObject({ ending: 'completed', model: second, deployment_name })
  const usage = { usage_source: 'provider', prompt_tokens: 9, completion_tokens: 3, status_code: 200 }
  expect(reply.log).toMatchObject(usage)
}

describe.concurrent.for(relays)('asked %s, the second model answers', ([, options]) => {
  const isStream = 'stream' in options

  test.for<[string, fakes.Step, number]>([
    ['500', fakes.status(500), 500],
    ['503', fakes.status(503), 503],
    ['529', fakes.status(529), 529],
    ['429', fakes.rateLimited(), 429],
    ['401', fakes.status(401), 401],
    ['404', fakes.status(404), 404],
    ['a refused connection', fakes.refuse(), 502],
    ['a reset connection', fakes.resetBeforeHeaders(), 502],
    ['silence', fakes.hangBeforeHeaders(), 504],
    ['a page of HTML', fakes.htmlWith200(), 502],
    ['an empty reply', fakes.emptyBody200(), 502],
    ['an error with status 200', fakes.json({ error: { message: 'oh no' } }), 502],
  ])('after %s of the first', async ([, step, status]) => {
    const { first, second } = pair(step)
    const reply = await ask(first, { ...options, fallback_models: [second] })
    expectSecond(reply, second, status)
    expect(callsOf(first)).toHaveLength(1)
    expect(callsOf(second)).toHaveLength(1)
  })

  test('and the third, after two that fail, with the same request', async () => {
    const { first, second } = pair(fakes.status(500))
    const third = `${second}-third`
    const seed = { seed: 5, temperature: 0.5 }
    // Names of its own: what failed for another test would be tried last.
    const fallback_models = [`dead/${scripted}`, second]
    gateway.upstream.script(second.replace('fake/', ''), fakes.status(503))
    const reply = await ask(first, { ...options, ...seed, fallback_models: [...fallback_models, third] })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('x-sluice-attempts')).toBe('4')
    expect(reply.log.attempts.map(({ status_code }) => status_code)).toEqual([500, 502, 503, 200])
    const bodies = [first, second, third].map((model) => callsOf(model)[0]?.json())
    const common = { messages: user('ask me'), ...seed, ...(isStream ? { stream: true } : {}) }
    expect(bodies).toMatchObject([common, common, common])
    expect(JSON.stringify(bodies)).not.toContain('fallback')
  })
})

describe.concurrent.for(relays.slice(1))('asked %s, the second model answers', ([, options]) => {
  test.for<[string, fakes.Step, number]>([
    ['silence before any event', fakes.hangBeforeFirstEvent(), 504],
    ['silence before any content', fakes.hangMidStream(1), 504],
    ['an error event', fakes.errorEventFirst(), 500],
    ['an error event before any content', fakes.errorEventAfter(1), 500],
    ['a reset before any content', fakes.resetMidStream(1), 502],
    ['a cut inside the first event', fakes.cutMidStream(0, { insideEvent: true }), 502],
    ['an end before any content', fakes.endWithoutTerminal(1), 502],
    ['a reply in one piece', fakes.jsonToStreamRequest(), 502],
  ])('after %s of the first', async ([, step, status]) => {
    const { first, second } = pair(step)
    const reply = await ask(first, { ...options, fallback_models: [second] })
    expectSecond(reply, second, status)
    // The role that the first one sent is withheld, too.
    expect(reply.text.match(/"role":"assistant"/g)).toHaveLength(1)
  })

  test.for<[string, fakes.Step, number]>([
    ['breaks', fakes.resetMidStream(3), 502],
    ['reports an error', fakes.errorEventAfter(3), 500],
    ['ends too soon', fakes.endWithoutTerminal(3), 502],
    [
      'breaks after its reasoning began',
      fakes.resetMidStream(3, { content: 'a', reasoning: 'a b c d' }),
      502,
    ],
  ])('never, once the first has sent content and then %s', async ([, step, status_code]) => {
    const { first, second } = pair(step)
    const reply = await ask(first, { ...options, fallback_models: [second] })
    expect(reply.status).toBe(200)
    expect(reply.text).toContain('"error"')
    expect(reply.log).toMatchObject({ ending: 'failed', attempts: [{ status_code }] })
    expect(reply.log.attempts).toHaveLength(1)
    expect(callsOf(second)).toEqual([])
  })
})

describe.concurrent('fallbacks', () => {
  test.for([400, 413, 422])(
    'are not tried for the %i of a request that is itself at fault',
    async (status) => {
      const { first, second } = pair(fakes.status(status))
      const reply = await ask(first, { fallback_models: [second] })
      expect(reply.status).toBe(status)
      expect(reply.headers.get('x-sluice-attempts')).toBe('1')
      expect(callsOf(second)).toEqual([])
    },
  )

  test('of a custom model are used without asking, and not when the request forbids it', async () => {
    gateway.upstream.script('has-own', fakes.status(500))
    const reply = await ask('has-own', {})
    expect(reply.log).toMatchObject({ ending: 'completed', model: 'fake/own-second' })
    const forbidden = await ask('has-own', { disable_fallback: true })
    expect([forbidden.status, forbidden.log.attempts.length]).toEqual([500, 1])
    const others = await ask('has-own', { fallback_models: ['demo/echo'] })
    expect(others.log).toMatchObject({ ending: 'completed', model: 'demo/echo' })
  })

  test('that all fail end with the answer of the last', async () => {
    const { first, second } = pair(fakes.status(500))
    const last = { error: { message: 'the last word', type: 't', code: null } }
    gateway.upstream.script(second.replace('fake/', ''), fakes.status(503, last, { 'retry-after': '3' }))
    const reply = await ask(first, { stream: true, fallback_models: [second] })
    expect(reply.status).toBe(503)
    expect(JSON.parse(reply.text)).toEqual(last)
    expect(reply.headers.get('retry-after')).toBe('3')
    expect(reply.headers.get('x-sluice-attempts')).toBe('2')
    expect(reply.log).toMatchObject({ ending: 'failed', status_code: 503, error_code: 'upstream_status' })
    expect(reply.log.attempts.map(({ status_code }) => status_code)).toEqual([500, 503])
  })

  test('that nobody knows are refused before anything is sent', async () => {
    const { first } = pair(fakes.status(500))
    const reply = await ask(first, { fallback_models: ['demo/ecco'] })
    expect(reply.status).toBe(404)
    expect(JSON.parse(reply.text)).toMatchObject({
      error: {
        param: 'fallback_models',
        code: 'model_not_found',
        message: expect.stringContaining('demo/echo'),
      },
    })
    expect(callsOf(first)).toEqual([])
  })

  test('leave out what the key may not call', async () => {
    const { first, second } = pair(fakes.status(500))
    const allowed = { name: 'narrow', allowed_models: [first] }
    const { body } = await gateway.manage('POST', '/api/api-keys/', allowed)
    const headers = { authorization: `Bearer ${body.api_key}` }
    const request = { model: first, messages: user('hi'), fallback_models: [second] }
    expect((await gateway.chat(request, { headers })).status).toBe(500)
    expect(callsOf(second)).toEqual([])
  })
})
