import { describe, expect, test } from 'vitest'
import { callHeaders, type HeaderCall } from '../../../src/providers/call-headers'
import type { Target } from '../../../src/providers/target'

const SLUICE_KEY = 'abcdefgh.00000000000000000000000000000000'

/** All that a client may send; a Sluice key stands wherever one of the three SDKs puts it. */
const everything = {
  authorization: `Bearer ${SLUICE_KEY}`,
  'x-api-key': SLUICE_KEY,
  'x-goog-api-key': SLUICE_KEY,
  'api-key': SLUICE_KEY,
  cookie: `key=${SLUICE_KEY}`,
  'idempotency-key': 'i',
  'http-referer': 'https://app.example',
  'x-title': 'App',
  'openai-beta': 'b',
  'openai-organization': 'o',
  'openai-project': 'p',
  'openai-unknown': 'u',
  'anthropic-version': '2099-01-01',
  'anthropic-beta': 'one,two',
  'anthropic-dangerous-direct-browser-access': 'true',
  'x-goog-user-project': 'g',
  'x-stainless-lang': 'js',
  'user-agent': 'sdk',
  'accept-encoding': 'gzip',
}

function target(given: Partial<Target>): Target {
  return {
    providerId: 'acme',
    model: 'acme/m',
    upstreamModel: 'm',
    protocol: 'openai-chat',
    traits: {},
    url: 'https://api.acme.example/v1',
    auth: { kind: 'bearer' },
    credential: { kind: 'none' },
    ...given,
  }
}

function headersOf(
  given: Partial<Target>,
  call: Partial<HeaderCall> = {},
  authorizing: [string, string][] = [],
) {
  const clientHeaders = call.clientHeaders ?? new Headers(everything)
  return callHeaders({ target: target(given), isStream: false, clientHeaders, ...call }, authorizing)
}

const always = {
  accept: 'application/json',
  'accept-encoding': 'identity',
  'user-agent': 'sluice/0.1',
  'idempotency-key': 'i',
  'http-referer': 'https://app.example',
  'x-title': 'App',
}
const openai = { 'openai-beta': 'b', 'openai-organization': 'o', 'openai-project': 'p' }

describe('of a client’s headers', () => {
  test.each<[Target['protocol'], Record<string, string>]>([
    ['openai-chat', openai],
    ['openai-responses', openai],
    ['anthropic', { 'anthropic-version': '2099-01-01', 'anthropic-beta': 'one,two' }],
    ['gemini', { 'x-goog-user-project': 'g' }],
    ['bedrock-converse', {}],
  ])('only those of its protocol go to a provider that speaks %s', (protocol, own) => {
    expect(headersOf({ protocol })).toEqual({ ...always, ...own })
  })

  test('no Sluice key goes anywhere', () => {
    for (const protocol of [
      'openai-chat',
      'openai-responses',
      'anthropic',
      'gemini',
      'bedrock-converse',
    ] as const)
      expect(JSON.stringify(headersOf({ protocol }))).not.toContain(SLUICE_KEY)
  })
})

describe('Anthropic’s headers', () => {
  const none = new Headers()

  test('have a version when the client sent none, and the endpoint’s before that', () => {
    expect(headersOf({ protocol: 'anthropic' }, { clientHeaders: none })).toMatchObject({
      'anthropic-version': '2023-06-01',
    })
    const headers = { 'anthropic-version': '2024-01-01' }
    expect(headersOf({ protocol: 'anthropic', headers }, { clientHeaders: none })).toMatchObject(headers)
  })

  test('merge the betas of the endpoint, the client and the owner, each once', () => {
    const headers = { 'anthropic-beta': 'row,two' }
    expect(headersOf({ protocol: 'anthropic', headers }, {}, [['anthropic-beta', 'own, one']])).toMatchObject(
      {
        'anthropic-beta': 'row,two,one,own',
      },
    )
  })

  test('have no version on Vertex AI, where it is in the body', () => {
    const sent = headersOf({ protocol: 'anthropic', urlStyle: 'vertex-anthropic' })
    expect(sent).not.toHaveProperty('anthropic-version')
    expect(sent).toMatchObject({ 'anthropic-beta': 'one,two' })
  })
})

describe('a call', () => {
  const body = new Uint8Array(1)

  test.each<[string, Partial<Target>, Partial<HeaderCall>, Record<string, string>]>([
    ['an event stream', {}, { isStream: true }, { accept: 'text/event-stream' }],
    [
      'a binary event stream',
      { protocol: 'bedrock-converse' },
      { isStream: true },
      { accept: 'application/vnd.amazon.eventstream' },
    ],
    ['what it says', {}, { accept: 'audio/mpeg' }, { accept: 'audio/mpeg' }],
    ['JSON', {}, { body }, { accept: 'application/json', 'content-type': 'application/json' }],
    [
      'JSON for a form',
      {},
      { body, contentType: 'multipart/form-data; boundary=x' },
      { accept: 'application/json', 'content-type': 'multipart/form-data; boundary=x' },
    ],
  ])('asks for %s', (_, given, call, headers) => {
    expect(headersOf(given, call)).toMatchObject(headers)
  })

  test('without a body has no content type', () => {
    expect(headersOf({})).not.toHaveProperty('content-type')
  })

  test('is authorized over whatever the client and the endpoint say', () => {
    const authorizing: [string, string][] = [
      ['x-title', 'Team'],
      ['authorization', 'Bearer sk'],
    ]
    expect(headersOf({ headers: { authorization: 'row' } }, {}, authorizing)).toMatchObject({
      'x-title': 'Team',
      authorization: 'Bearer sk',
    })
  })
})
