import { describe, expect, test } from 'vitest'
import type { Target } from '../../src/providers/target'
import {
  canonicalName,
  isKnownModelName,
  modelNames,
  resolveModel,
  sealContext,
  targetOfProvider,
} from '../../src/routing/resolve'
import { failureOf, modelRow, surroundings } from './config-rows'
import { around, PRICES } from './routing-config'

const acme = {
  providerId: 'acme',
  url: 'https://acme.example/v1',
  auth: { kind: 'none' },
  credential: { kind: 'none' },
}
const openai = {
  providerId: 'openai',
  url: 'https://api.openai.com/v1',
  auth: { kind: 'bearer' },
  credential: { kind: 'secret', name: 'OPENAI_API_KEY' },
  pricesAs: 'openai',
}

describe('a model name', () => {
  test.each<[string, string, Record<string, unknown>]>([
    ['a custom model', 'plain', { ...acme, model: 'plain', upstreamModel: 'plain' }],
    [
      'a custom model with another name there',
      'renamed',
      { ...acme, model: 'renamed', upstreamModel: 'acme-large-2' },
    ],
    [
      'a custom model with a slash',
      'team/llama',
      { ...acme, model: 'team/llama', upstreamModel: 'team/llama' },
    ],
    [
      'a custom model before a provider’s',
      'openai/gpt-4.1',
      { ...acme, model: 'openai/gpt-4.1', upstreamModel: 'other' },
    ],
    [
      'a custom model of a built-in provider',
      'hosted',
      { ...openai, model: 'hosted', upstreamModel: 'gpt-4o-2024-08-06' },
    ],
    ['a provider’s model', 'openai/gpt-4o', { ...openai, model: 'openai/gpt-4o', upstreamModel: 'gpt-4o' }],
    [
      'a provider’s model that nobody lists',
      'openai/gpt-99',
      { ...openai, model: 'openai/gpt-99', upstreamModel: 'gpt-99' },
    ],
    [
      'a custom provider’s model',
      'acme/anything',
      { ...acme, model: 'acme/anything', upstreamModel: 'anything' },
    ],
    [
      'a model with slashes of its own',
      'acme/meta/llama-3',
      { ...acme, model: 'acme/meta/llama-3', upstreamModel: 'meta/llama-3' },
    ],
    ['a bare slug', 'gpt-4o', { ...openai, model: 'openai/gpt-4o', upstreamModel: 'gpt-4o' }],
    [
      'another gateway’s prefix',
      'google/gemini-2.5-pro',
      { providerId: 'gemini', model: 'gemini/gemini-2.5-pro', upstreamModel: 'gemini-2.5-pro' },
    ],
    [
      'a provider that was replaced by an own one',
      'groq/llama',
      { providerId: 'groq', url: 'https://own-groq.example/v1', credential: { kind: 'none' } },
    ],
    [
      'the demo',
      'demo/echo',
      { providerId: 'demo', model: 'demo/echo', upstreamModel: 'echo', builtIn: true },
    ],
    ['a base with a version put behind it', 'bare/m', { url: 'https://bare.example/v1' }],
    ['a base from a whole URL', 'whole/m', { url: 'https://whole.example/x?v=1' }],
    [
      'a URL with a variable in it',
      'azure/gpt',
      {
        url: 'https://my%20res%2Fource.openai.azure.com/openai/v1',
        auth: { kind: 'header', header: 'api-key' },
      },
    ],
    ['a provider that wants no stream options', 'mistral/mistral-small', { refusesStreamOptions: true }],
  ])('means %s: %s', (_, name, target) => {
    expect(resolveModel(name, around)).toMatchObject({ protocol: 'openai-chat', ...target })
  })

  test.each<[string, string, Partial<Target>]>([
    ['its own prices', 'priced', { prices: PRICES }],
    ['its provider’s price list', 'hosted', { pricesAs: 'openai' }],
    ['its base model’s price list', 'based', { model: 'based', pricesAs: 'openai', upstreamModel: 'gpt-4o' }],
    [
      'the price list of a base model without prefix',
      'based-on-slug',
      { model: 'based-on-slug', pricesAs: 'openai' },
    ],
    [
      'the price list of an upstream model',
      'based-on-upstream',
      { model: 'based-on-upstream', upstreamModel: 'gpt-4o' },
    ],
    [
      'its base model’s own prices',
      'based-on-custom',
      { model: 'based-on-custom', upstreamModel: 'priced', prices: PRICES },
    ],
    ['the prices of its base model’s base', 'based-on-based', { model: 'based-on-based', prices: PRICES }],
    [
      'its own prices before its base model’s',
      'based-and-priced',
      { prices: { ...PRICES, inputCost: 9, outputCost: 9 } },
    ],
    [
      'its own prices for a known slug',
      'gpt-4o-mini',
      { model: 'gpt-4o-mini', providerId: 'openai', prices: PRICES },
    ],
  ])('has %s', (_, name, target) => {
    expect(resolveModel(name, around)).toMatchObject(target)
  })

  test.each(['plain', 'hosted', 'based', 'openai/gpt-4o'])(
    'has no prices of its own when none are set: %s',
    (name) => {
      expect(resolveModel(name, around)).not.toHaveProperty('prices')
    },
  )

  test('brings a custom provider’s sealed key, headers, deadline and defaults', () => {
    const context = 'provider:keyed@keyed.example'
    expect(resolveModel('keyed/m', around)).toEqual({
      providerId: 'keyed',
      model: 'keyed/m',
      upstreamModel: 'm',
      protocol: 'openai-chat',
      traits: {},
      url: 'https://keyed.example/v1',
      auth: { kind: 'bearer' },
      credential: { kind: 'stored', sealed: 'sealed-key', context },
      sealedHeaders: { sealed: 'sealed-headers', context },
      timeoutMs: 7_000,
      defaults: { temperature: 0.5 },
    })
  })

  test.each<[string, string, Record<string, unknown>]>([
    ['an unknown name', 'no-such-model', { kind: 'not_found', code: 'model_not_found', param: 'model' }],
    ['an unknown provider', 'nobody/m', { kind: 'not_found', code: 'model_not_found' }],
    ['a name without a provider', '/m', { kind: 'not_found', code: 'model_not_found' }],
    ['an empty name', '', { kind: 'not_found' }],
    ['a name from the prototype', 'constructor/m', { kind: 'not_found' }],
    ['a demo model that is not served', 'demo/other', { kind: 'not_found' }],
    ['a model whose provider is gone', 'orphan', { kind: 'not_found', code: 'provider_not_found' }],
    ['a model whose base is gone', 'based-on-nothing', { kind: 'not_found', code: 'model_not_found' }],
    ['a model that is its own base', 'circle-a', { kind: 'not_found' }],
    ['a provider on this machine', 'ollama/llama', { kind: 'upstream_unreachable', provider: 'ollama' }],
    ['a custom provider inside', 'inside/m', { kind: 'upstream_unreachable', provider: 'inside' }],
    ['a provider of another protocol', 'later/m', { kind: 'upstream_unreachable', provider: 'later' }],
  ])('leads nowhere: %s', (_, name, failure) => {
    expect(failureOf(() => resolveModel(name, around))).toMatchObject(failure)
  })

  test('leads inside where private upstreams are allowed', () => {
    const open = { ...around, mayBePrivate: true }
    expect(resolveModel('ollama/llama', open)).toMatchObject({
      url: 'http://localhost:11434/v1',
      auth: { kind: 'none' },
    })
    expect(resolveModel('inside/m', open)).toMatchObject({ url: 'https://10.0.0.1/v1' })
  })

  test('that needs an unset variable says which', () => {
    const failure = failureOf(() => resolveModel('azure/gpt', { ...around, variable: () => undefined }))
    expect(failure).toEqual({
      kind: 'provider_not_configured',
      message: expect.stringContaining('AZURE_OPENAI_RESOURCE'),
    })
  })

  test('that is unknown is told with names that are near', () => {
    expect(failureOf(() => resolveModel('renmaed', around))).toMatchObject({
      message: expect.stringContaining("Did you mean 'renamed'?"),
    })
    expect(failureOf(() => resolveModel('zzzzzzzzzzzz', around))).toMatchObject({
      message: expect.stringContaining('GET /v1/models'),
    })
  })

  test('from a chain of bases ends after a few', () => {
    const models = Array.from({ length: 9 }, (_, index) =>
      modelRow(`m${index}`, { baseModelName: index === 8 ? 'gpt-4o' : `m${index + 1}` }),
    )
    const chained = surroundings({ models })
    expect(resolveModel('m4', chained)).toMatchObject({ model: 'm4', providerId: 'openai' })
    expect(failureOf(() => resolveModel('m0', chained))).toMatchObject({ kind: 'not_found' })
  })
})

describe('the one name of a model', () => {
  test.each([
    ['a bare slug', 'gpt-4o', 'openai/gpt-4o'],
    ['its full name', 'openai/gpt-4o', 'openai/gpt-4o'],
    ['another gateway’s prefix', 'google/gemini-2.5-pro', 'gemini/gemini-2.5-pro'],
    ['a custom model', 'renamed', 'renamed'],
    ['a custom model with the name of a known one', 'gpt-4o-mini', 'gpt-4o-mini'],
    ['a custom provider’s model', 'acme/anything', 'acme/anything'],
    ['an unknown name', 'no-such-model', 'no-such-model'],
    ['a name that leads nowhere from here', 'ollama/llama', 'ollama/llama'],
  ])('for %s', (_, name, canonical) => {
    expect(canonicalName(name, around)).toBe(canonical)
  })
})

describe('a provider by name', () => {
  test.each([
    ['acme', 'acme'],
    ['groq', 'groq'],
    ['google', 'gemini'],
    ['demo', 'demo'],
  ])('%s is %s', (name, providerId) => {
    expect(targetOfProvider(name, name === 'demo' ? 'echo' : 'm', around)?.providerId).toBe(providerId)
  })

  test.each(['nobody', '', 'constructor'])('%j is none', (name) => {
    expect(targetOfProvider(name, 'm', around)).toBeUndefined()
  })
})

describe('the list of models', () => {
  const names = modelNames(around)

  test('has the demo, the custom ones, and the known ones of providers with a key', () => {
    expect(names).toEqual(
      expect.arrayContaining(['demo/echo', 'plain', 'team/llama', 'openai/gpt-4o', 'perplexity/sonar']),
    )
    expect(names.filter((name) => name.startsWith('anthropic/') || name.startsWith('ollama/'))).toEqual([])
  })

  test('holds only names that resolve, but for custom ones that lost their provider or base', () => {
    const broken = ['orphan', 'based-on-nothing', 'circle-a', 'circle-b']
    const dead = names.filter((name) => failureOf(() => resolveModel(name, around)) !== undefined)
    expect(dead).toEqual(broken)
  })

  test.each([
    ['openai/gpt-4o', true],
    ['gpt-4o', true],
    ['demo/echo', true],
    ['acme/anything', true],
    ['plain', false],
    ['nobody/m', false],
  ])('%s means a model without being stored: %s', (name, isKnown) => {
    expect(isKnownModelName(name, around)).toBe(isKnown)
  })
})

test.each([
  ['https://api.example.com/v1', 'provider:acme@api.example.com'],
  ['https://api.example.com:443/v2', 'provider:acme@api.example.com'],
  ['https://API.example.com:8443', 'provider:acme@api.example.com:8443'],
])('what is sealed for %s is bound to its id and host', (baseUrl, context) => {
  expect(sealContext('acme', baseUrl)).toBe(context)
})
