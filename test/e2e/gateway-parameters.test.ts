import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway, user } from './gateway'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

const parameters = {
  customer_identifier: 'kunde-ü-😀??>>',
  metadata: { team: 'a', depth: { n: 1 } },
  thread_identifier: 7,
  note: 'n',
}
const logged = {
  customer_identifier: 'kunde-ü-😀??>>',
  metadata: { team: 'a', depth: { n: 1 } },
  thread_identifier: '7',
  note: 'n',
}

function base64(value: object, kind: 'base64' | 'base64url' = 'base64'): string {
  return Buffer.from(JSON.stringify(value)).toString(kind)
}

/** The call as the SDK sends it, the log it left, and what reached the provider. */
async function call(model: string, extra: object = {}, headers: Record<string, string> = {}) {
  // The Python SDK's extra_body puts fields on the top level of the body, as this does.
  const body: ChatCompletionCreateParamsNonStreaming = {
    model: `fake/${model}`,
    messages: user('hi'),
    ...extra,
  }
  const { response } = await gateway.client().chat.completions.create(body, { headers }).withResponse()
  const upstream = await gateway.upstream.waitFor((made) => made.model === model)
  return { upstream, log: await gateway.logOf(response.headers.get('x-respan-log-id') ?? '') }
}

describe.concurrent('gateway parameters', () => {
  test.for<[string, object, Record<string, string>]>([
    ['on the top level of the body', parameters, {}],
    ['in respan_params', { respan_params: parameters }, {}],
    ['in keywordsai_params', { keywordsai_params: parameters }, {}],
    ['in a header as base64', {}, { 'X-Data-Respan-Params': base64(parameters) }],
    ['in a header as url-safe base64', {}, { 'X-Data-Respan-Params': base64(parameters, 'base64url') }],
    ['in a header under its other name', {}, { 'X-Respan-Params': base64(parameters) }],
    ['in a header under its old name', {}, { 'X-Data-Keywordsai-Params': base64(parameters) }],
  ])('%s are logged and never sent upstream', async ([place, body, headers]) => {
    const model = place.replaceAll(' ', '-')
    const { log, upstream } = await call(model, body, headers)
    expect(log).toMatchObject(logged)
    expect(upstream.json()).toEqual({ model, messages: user('hi') })
    expect(Object.keys(upstream.headers).filter((name) => /respan|keywords/.test(name))).toEqual([])
  })

  test('in a header may be plain JSON', async () => {
    const plain = { customer_identifier: 'c', properties: { n: 1, ok: true } }
    const { log } = await call('plain', {}, { 'X-Data-Respan-Params': ` ${JSON.stringify(plain)} ` })
    expect(log).toMatchObject(plain)
  })

  test('of the body win over a container, and a container over a header', async () => {
    const from = (place: string) => ({ customer_identifier: place })
    const body = { ...from('body'), respan_params: { ...from('container'), note: 'container' } }
    const inHeader = { ...from('header'), note: 'header', category: 'header' }
    const { log } = await call('wins', body, { 'X-Data-Respan-Params': base64(inHeader) })
    expect(log).toMatchObject({ customer_identifier: 'body', note: 'container', category: 'header' })
  })

  test('that this release does not act on are named and kept from the provider', async () => {
    const body = { model: 'fake/ignored', messages: user('hi'), field_name: 's', eval_params: {} }
    const reply = await gateway.chat(body)
    expect(reply.status).toBe(200)
    expect(reply.headers.get('x-sluice-dropped')?.split(', ').sort()).toEqual(['eval_params', 'field_name'])
    const upstream = await gateway.upstream.waitFor(({ model }) => model === 'ignored')
    expect(upstream.json()).toEqual({ model: 'ignored', messages: user('hi') })
  })

  test('with a long identifier are cut, not refused', async () => {
    const { log } = await call('long', { customer_identifier: 'x'.repeat(400) })
    expect(log.customer_identifier).toBe('x'.repeat(254))
  })

  test.for<[object, Record<string, string>, string]>([
    [{ customer_identifier: ['a'] }, {}, 'customer_identifier'],
    [{ respan_params: { metadata: 'x' } }, {}, 'metadata'],
    [{ respan_params: 'x' }, {}, 'respan_params'],
    [{ fallback_models: 'fake/other' }, {}, 'fallback_models'],
    [{ timeout: -1 }, {}, 'timeout'],
    [{}, { 'X-Data-Respan-Params': 'not base64 of JSON' }, 'x-data-respan-params'],
    [{}, { 'X-Data-Respan-Params': base64([1]) }, 'x-data-respan-params'],
    [{}, { 'X-Data-Respan-Params': '{"note":' }, 'x-data-respan-params'],
  ])('that are wrong are refused by name: %j %j', async ([body, headers, param]) => {
    const wrong = { model: 'fake/never', messages: user('hi'), ...body }
    const reply = await gateway.chat(wrong, { headers })
    expect(reply.status).toBe(400)
    expect(JSON.parse(reply.text)).toMatchObject({ error: { param, code: 'invalid_parameter' } })
    expect(gateway.upstream.calls.filter(({ model }) => model === 'never')).toEqual([])
  })
})
