import { describe, expect, test } from 'vitest'
import { customerOf, readParameters } from '../../src/pipeline/gateway-parameters'
import { scanObject } from '../../src/platform/json-scan'
import { SECRET_NAMES } from '../../src/platform/parameter-names'
import type { OwnFields } from '../../src/protocols/protocol'
import { failureOf } from './config-rows'

const encoder = new TextEncoder()
const REQUEST = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }

function read(
  fields: Record<string, unknown>,
  headers: Record<string, string> = {},
  own: OwnFields = { fields: new Set() },
) {
  const bytes = encoder.encode(JSON.stringify({ ...REQUEST, ...fields }))
  return readParameters(bytes, scanObject(bytes), { headers: new Headers(headers), own })
}

function base64(value: unknown): string {
  const bytes = encoder.encode(JSON.stringify(value))
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

const given = { customer_identifier: 'user_123', note: 'Grüße 😀', metadata: { a: [1] } }
const urlSafe = base64(given).replaceAll('+', '-').replaceAll('/', '_')

describe('parameters', () => {
  test.each<[string, Record<string, unknown>, Record<string, string>]>([
    ['on top of the body', given, {}],
    ['in respan_params', { respan_params: given }, {}],
    ['in keywordsai_params', { keywordsai_params: given }, {}],
    ['in X-Data-Respan-Params as base64', {}, { 'X-Data-Respan-Params': base64(given) }],
    [
      'in X-Data-Respan-Params as URL-safe base64',
      {},
      { 'X-Data-Respan-Params': urlSafe.replace(/=+$/, '') },
    ],
    ['in X-Respan-Params', {}, { 'X-Respan-Params': base64(given) }],
    ['in X-Data-Keywordsai-Params', {}, { 'x-data-keywordsai-params': base64(given) }],
    ['with spaces around them', {}, { 'X-Data-Respan-Params': `  ${base64(given)} ` }],
    [
      'in two places, a part in each',
      { respan_params: { note: 'Grüße 😀' }, metadata: { a: [1] } },
      { 'X-Respan-Params': '{"customer_identifier":"user_123"}' },
    ],
  ])('are read %s', (_, fields, headers) => {
    expect(read(fields, headers).parameters).toEqual(given)
  })

  test('are read in a header as plain JSON', () => {
    expect(read({}, { 'X-Data-Respan-Params': ' {"customer_identifier":"user_123"}' }).parameters).toEqual({
      customer_identifier: 'user_123',
    })
  })

  test.each<[string, Record<string, unknown>, Record<string, string>, string]>([
    ['the top over a container', { note: 'top', respan_params: { note: 'container' } }, {}, 'top'],
    ['the top over a header', { note: 'top' }, { 'X-Data-Respan-Params': '{"note":"header"}' }, 'top'],
    [
      'a container over a header',
      { respan_params: { note: 'container' } },
      { 'X-Data-Respan-Params': '{"note":"header"}' },
      'container',
    ],
    [
      'the new container over the old',
      { keywordsai_params: { note: 'old' }, respan_params: { note: 'new' } },
      {},
      'new',
    ],
    [
      'the old container over a header',
      { keywordsai_params: { note: 'old' } },
      { 'X-Data-Respan-Params': '{"note":"header"}' },
      'old',
    ],
    [
      'the first header over the second',
      {},
      { 'X-Respan-Params': '{"note":"second"}', 'X-Data-Respan-Params': '{"note":"first"}' },
      'first',
    ],
    [
      'the second header over the old',
      {},
      { 'X-Data-Keywordsai-Params': '{"note":"old"}', 'X-Respan-Params': '{"note":"second"}' },
      'second',
    ],
  ])('given twice count once: %s', (_, fields, headers, note) => {
    expect(read(fields, headers).parameters.note).toBe(note)
  })

  test.each<[string, Record<string, unknown>, Record<string, string>]>([
    ['none', {}, {}],
    ['only the provider’s own', { temperature: 1, user: 'u', store: false, seed: 1 }, {}],
    ['an empty header', {}, { 'X-Data-Respan-Params': ' ' }],
  ])('are absent with %s', (_, fields, headers) => {
    expect(read(fields, headers)).toEqual({
      parameters: {},
      bodyNames: new Set(),
      bodyReplacements: new Map(),
      ignored: [],
      wayOf: expect.any(Function),
    })
  })
})

describe('what must not travel upstream', () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    [
      'parameters on top',
      { customer_identifier: 'u', fallback_models: ['m'], cache_enabled: true },
      ['customer_identifier', 'fallback_models', 'cache_enabled'],
    ],
    ['containers', { respan_params: {}, keywordsai_params: null }, ['respan_params', 'keywordsai_params']],
    ['parameters that are null', { note: null, timeout: null }, ['note', 'timeout']],
    [
      'credentials',
      { credential_override: {}, customer_credentials: {} },
      ['credential_override', 'customer_credentials'],
    ],
    ['metadata', { metadata: { a: 1 } }, ['metadata']],
    ['metadata beside store: false', { metadata: { a: 1 }, store: false }, ['metadata']],
    ['metadata beside store: null', { metadata: { a: 1 }, store: null }, ['metadata']],
    ['nothing of metadata that is stored', { metadata: { a: 1 }, store: true }, []],
    ['nothing of the provider’s', { temperature: 1, thinking: {}, user: 'u' }, []],
  ])('is %s', (_, fields, names) => {
    expect([...read(fields).bodyNames]).toEqual(names)
  })

  test('includes every field that may hold credentials', () => {
    const fields = Object.fromEntries(
      [...SECRET_NAMES].map((name) => [name, /_(?:params|headers)$/.test(name) ? {} : null]),
    )
    expect([...read(fields).bodyNames].toSorted()).toEqual([...SECRET_NAMES].toSorted())
  })

  test('metadata that is stored is the provider’s, and not read here', () => {
    expect(read({ metadata: { a: 1 }, store: true, note: 'n' }).parameters).toEqual({ note: 'n' })
    expect(read({ store: true, respan_params: { metadata: { a: 1 } } }).parameters).toEqual({
      metadata: { a: 1 },
    })
  })
})

describe('parameters without an effect', () => {
  test('are told by name, wherever they stand', () => {
    const { ignored } = read(
      {
        moda_params: {},
        note: 'n',
        cache_options: { by_day: true },
        respan_params: { delimiter: '-', my_own: 1 },
      },
      { 'X-Respan-Params': '{"mem0_params":{},"customer_identifier":"u"}' },
    )
    expect(ignored.toSorted()).toEqual([
      'cache_options.by_day',
      'delimiter',
      'mem0_params',
      'moda_params',
      'my_own',
    ])
  })
})

describe('a parameter of the wrong type', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['fallback_models as a text', { fallback_models: 'a' }, 'fallback_models'],
    ['a fallback model that is a number', { fallback_models: ['a', 1] }, 'fallback_models.1'],
    ['an empty fallback model', { fallback_models: [''] }, 'fallback_models.0'],
    ['disable_fallback as a text', { disable_fallback: 'true' }, 'disable_fallback'],
    ['disable_log as a number', { disable_log: 1 }, 'disable_log'],
    ['customer_identifier as an object', { customer_identifier: {} }, 'customer_identifier'],
    ['customer_params as a text', { customer_params: 'u' }, 'customer_params'],
    ['a customer’s name as a number', { customer_params: { name: 1 } }, 'customer_params.name'],
    ['metadata as a list', { metadata: [] }, 'metadata'],
    ['metadata as a text', { metadata: 'a' }, 'metadata'],
    ['positive_feedback as a text', { positive_feedback: 'yes' }, 'positive_feedback'],
    ['a timeout of nothing', { timeout: 0 }, 'timeout'],
    ['a timeout in the past', { timeout: -1 }, 'timeout'],
    ['a timeout as a text', { timeout: '5' }, 'timeout'],
    ['a wrong type in a container', { respan_params: { note: 1 } }, 'note'],
    ['a container as a text', { respan_params: '{}' }, 'respan_params'],
    ['a container as a list', { keywordsai_params: [] }, 'keywordsai_params'],
  ])('is refused by its name: %s', (_, fields, param) => {
    expect(failureOf(() => read(fields))).toMatchObject({
      kind: 'invalid_request',
      code: 'invalid_parameter',
      param,
      message: expect.stringContaining(param),
    })
  })

  test.each([
    ['not base64', '%%%'],
    ['base64 of something else', btoa('hello')],
    ['base64 of a list', base64([1])],
    ['base64 of a text', base64('a')],
    ['base64 of null', base64(null)],
    ['base64 that was cut', base64(given).slice(0, 20)],
    ['JSON that was cut', '{"note":'],
    ['a list', '[1]'],
    ['a parameter of the wrong type', '{"note":1}'],
  ])('is refused by the header’s name, or its own: %s', (_, value) => {
    for (const name of ['x-data-respan-params', 'x-respan-params', 'x-data-keywordsai-params']) {
      expect(failureOf(() => read({}, { [name]: value }))).toMatchObject({
        kind: 'invalid_request',
        param: value.includes('note') && value.endsWith('}') ? 'note' : name,
      })
    }
  })
})

describe('identifiers', () => {
  const NAMES = ['customer_identifier', 'thread_identifier', 'custom_identifier', 'group_identifier']
  test.each(NAMES)('%s may be a number, and is cut at 254 characters', (name) => {
    expect(read({ [name]: 42 }).parameters).toEqual({ [name]: '42' })
    expect(read({ [name]: 'x'.repeat(300) }).parameters).toEqual({ [name]: 'x'.repeat(254) })
  })

  test.each([
    ['its own field', { customer_identifier: 'a' }, 'a'],
    ['customer_params', { customer_params: { customer_identifier: 'b', name: 'B', plan: 'pro' } }, 'b'],
    ['its own field first', { customer_identifier: 'a', customer_params: { customer_identifier: 'b' } }, 'a'],
    [
      'customer_params when its own field is null',
      { customer_identifier: null, customer_params: { customer_identifier: 7 } },
      '7',
    ],
    ['nowhere', { customer_params: { name: 'B' } }, undefined],
  ])('the customer is in %s', (_, fields, customer) => {
    expect(customerOf(read(fields).parameters)).toBe(customer)
  })
})

describe('a protocol with fields of its own', () => {
  const withUserId: OwnFields = { fields: new Set(), metadata: ['user_id'] }

  test('keeps its part of metadata, and what is for the gateway is taken out of it', () => {
    const metadata = {
      user_id: 'u1',
      team: 'blue',
      respan_params: { note: 'n', customer_identifier: 'weak' },
      extra_headers: { 'x-a': '1' },
    }
    const { parameters, bodyNames, bodyReplacements, ignored } = read(
      { metadata, customer_identifier: 'strong' },
      {},
      withUserId,
    )
    expect(parameters).toMatchObject({
      note: 'n',
      customer_identifier: 'strong',
      metadata: { user_id: 'u1', team: 'blue' },
      extra_headers: { 'x-a': '1' },
    })
    expect([...bodyNames]).toEqual(['customer_identifier'])
    expect([...bodyReplacements]).toEqual([['metadata', '{"user_id":"u1"}']])
    expect(ignored).toEqual([])
  })

  test('does not get a metadata that is all the gateway’s', () => {
    const { bodyNames, bodyReplacements } = read({ metadata: { a: 1, respan_params: {} } }, {}, withUserId)
    expect([...bodyNames]).toEqual(['metadata'])
    // What the log shows of it.
    expect(bodyReplacements.get('metadata')).toBe('{"a":1}')
  })

  test('keeps all of a metadata that it has itself, which is read too', () => {
    const own: OwnFields = { fields: new Set(['prompt']), metadata: 'all' }
    const { parameters, bodyNames, bodyReplacements } = read({ metadata: { a: '1' } }, {}, own)
    expect(parameters.metadata).toEqual({ a: '1' })
    expect([bodyNames.size, bodyReplacements.size]).toEqual([0, 0])
  })

  test.each([
    ['text', 'Once upon', false],
    ['a stored prompt of the provider', { id: 'pmpt_1' }, false],
    ['a stored prompt of the gateway', { prompt_id: 'p1' }, true],
  ])('prompt as %s', (_, prompt, isOurs) => {
    const { bodyNames } = read({ prompt }, {}, { fields: new Set(['prompt']) })
    expect(bodyNames.has('prompt')).toBe(isOurs)
  })

  test('refuses a container that is none', () => {
    expect(() => read({ metadata: { respan_params: 'x' } }, {}, withUserId)).toThrow('invalid_request')
  })
})
