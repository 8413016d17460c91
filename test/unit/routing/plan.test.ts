import { describe, expect, test } from 'vitest'
import type { RoutingSources } from '../../../src/routing/sources'
import { failureOf } from '../config-rows'
import { planOf, rolls, sources, told, type Written } from './planning'

type Asked = Written & { model?: string }

const balanced = [
  { model: 'acme/a', weight: 3 },
  { model: 'beta/b', weight: 1 },
]

describe('the first model', () => {
  test.each<[string, Asked, string[]]>([
    [
      'comes from load_balance_models, over the model',
      { model: 'open/m', load_balance_models: balanced },
      ['acme: a (stored) load_balance', 'beta: b (stored) load_balance'],
    ],
    [
      'comes from loadbalance_models, the old name',
      { loadbalance_models: balanced },
      ['acme: a (stored) load_balance', 'beta: b (stored) load_balance'],
    ],
    [
      "comes from a group's own models, over the model",
      { model: 'open/m', load_balance_group: { group_id: 'any', models: balanced } },
      ['acme: a (stored) load_balance', 'beta: b (stored) load_balance'],
    ],
    [
      'is the model, over a stored group',
      { model: 'open/m', load_balance_group: { group_id: 'main' } },
      ['open: m (none) requested'],
    ],
    [
      'comes from a stored group',
      { load_balance_group: { group_id: 'main' } },
      ['acme: g1 (stored) load_balance', 'beta: g2 (stored) load_balance'],
    ],
    [
      "comes from a stored group with the group's credential",
      { load_balance_group: { group_id: 'keyed' } },
      ['acme: g1 (load_balance) load_balance'],
    ],
    ["is the only one of the router's", { models: ['open/m'] }, ['open: m (none) requested']],
    [
      "is one of the router's, as texts",
      { models: ['open/m', 'acme/a'] },
      ['open: m (none) router', 'acme: a (stored) router'],
    ],
    [
      "is one of the router's, as objects",
      { models: balanced },
      ['acme: a (stored) router', 'beta: b (stored) router'],
    ],
    [
      'is none that the router excludes by model',
      { models: ['open/m', 'acme/a'], exclude_models: ['m'] },
      ['acme: a (stored) router'],
    ],
    [
      'is none that the router excludes by provider',
      { models: ['open/m', 'acme/a'], exclude_providers: ['acme'] },
      ['open: m (none) router'],
    ],
    [
      'turns the router into fallbacks, which nothing excludes',
      { model: 'open/m', models: ['acme/a'], exclude_providers: ['acme'] },
      ['open: m (none) requested', 'acme: a (stored) fallback:request'],
    ],
  ])('%s', (_, asked, targets) => {
    const { keys: _keys, fallbackModels: _models, ...groups } = sources
    expect(told(planOf(asked, { sources: groups }))).toEqual(targets)
  })
})

describe('fallbacks', () => {
  const platform: RoutingSources = { fallbackModels: ['acme/platform'] }

  test.each<[string, Asked, string[]]>([
    [
      "of the request go before the platform's",
      { model: 'open/m', fallback_models: ['acme/x'] },
      ['acme: x (stored) fallback:request', 'acme: platform (stored) fallback:platform'],
    ],
    [
      "of the model go before the platform's",
      { model: 'fast' },
      ['beta: own (stored) fallback:model', 'acme: platform (stored) fallback:platform'],
    ],
    [
      'of the request replace those of the model',
      { model: 'fast', fallback_models: ['open/x'] },
      ['open: x (none) fallback:request', 'acme: platform (stored) fallback:platform'],
    ],
    ['are none when the request forbids them', { model: 'fast', disable_fallback: true }, []],
    [
      'that are met twice count once',
      { model: 'open/m', fallback_models: ['open/m', 'acme/platform', 'open/n'] },
      ['acme: platform (stored) fallback:request', 'open: n (none) fallback:request'],
    ],
    [
      'stand behind every model that is drawn from',
      { load_balance_models: balanced, fallback_models: ['open/x'] },
      [
        'beta: b (stored) load_balance',
        'open: x (none) fallback:request',
        'acme: platform (stored) fallback:platform',
      ],
    ],
  ])('%s', (_, asked, others) => {
    expect(told(planOf(asked, { sources: platform })).slice(1)).toEqual(others)
  })

  test('that the platform names and nobody knows any more are left out', () => {
    const stored = { fallbackModels: ['gone', 'acme/platform'] }
    expect(told(planOf({ model: 'open/m' }, { sources: stored }))).toHaveLength(2)
  })
})

describe('what failed a moment ago', () => {
  const cooling = (...upstreamModels: string[]) => ({
    ...rolls(),
    isCooling: ({ upstreamModel }: { upstreamModel: string }) => upstreamModels.includes(upstreamModel),
  })

  test.each<[string[], string[]]>([
    [[], ['a', 'b', 'x']],
    [['a'], ['b', 'x', 'a']],
    [
      ['a', 'b'],
      ['x', 'a', 'b'],
    ],
    [
      ['a', 'b', 'x'],
      ['a', 'b', 'x'],
    ],
  ])('%j is tried last', (upstreamModels, order) => {
    const asked = { load_balance_models: balanced, fallback_models: ['open/x'] }
    const planned = planOf(asked, { luck: cooling(...upstreamModels) })
    expect(planned.map(({ upstreamModel }) => upstreamModel)).toEqual(order)
  })

  test('is asked all the same when there is nobody else', () => {
    expect(planOf({ model: 'open/a' }, { luck: cooling('a') })).toHaveLength(1)
  })
})

describe('the allowed models of an API key', () => {
  test('leave out others that are drawn from', () => {
    const planned = planOf({ load_balance_models: balanced }, { allowedModels: ['beta/*'] })
    expect(told(planned)).toEqual(['beta: b (stored) load_balance'])
  })

  test('refuse a list of which none is left', () => {
    const refused = failureOf(() => planOf({ load_balance_models: balanced }, { allowedModels: ['open/*'] }))
    expect(refused).toMatchObject({ kind: 'forbidden' })
  })
})

describe('model_name_map', () => {
  test('renames the deployment, and nothing else', () => {
    const planned = planOf({ model: 'acme/gpt-4o', model_name_map: { 'acme/gpt-4o': 'acme/my-deployment' } })
    expect(planned).toMatchObject([{ model: 'acme/gpt-4o', upstreamModel: 'my-deployment' }])
  })
})

describe('a plan is refused, by the name of the parameter', () => {
  test.each<[string, Asked, string, string]>([
    ['no model at all', {}, 'invalid_request', 'model'],
    ['an unknown fallback', { model: 'open/m', fallback_models: ['nobody'] }, 'not_found', 'fallback_models'],
    [
      'an unknown fallback, even when none is used',
      { model: 'open/m', fallback_models: ['nobody'], disable_fallback: true },
      'not_found',
      'fallback_models',
    ],
    [
      'an unknown model to balance',
      { load_balance_models: [{ model: 'nobody', weight: 1 }, ...balanced] },
      'not_found',
      'load_balance_models.0.model',
    ],
    ["an unknown model of the router's", { models: ['acme/a', 'nobody'] }, 'not_found', 'models.1'],
    [
      'a group that there is not',
      { load_balance_group: { group_id: 'mian' } },
      'not_found',
      'load_balance_group.group_id',
    ],
    [
      'a group that there is not, beside a model',
      { model: 'open/m', load_balance_group: { group_id: 'nope' } },
      'not_found',
      'load_balance_group.group_id',
    ],
    [
      'credentials for an unknown provider',
      { model: 'open/m', customer_credentials: { nobody: { api_key: 'k' } } },
      'not_found',
      'customer_credentials.nobody',
    ],
    [
      'credentials for an unknown model',
      { model: 'open/m', credential_override: { nobody: { api_key: 'k' } } },
      'not_found',
      'credential_override.nobody',
    ],
    [
      'a router of which nothing is left',
      { models: ['acme/a', 'acme/b'], exclude_providers: ['acme'] },
      'invalid_request',
      'exclude_providers',
    ],
  ])('for %s', (_, asked, kind, param) => {
    expect(failureOf(() => planOf(asked, { sources }))).toMatchObject({ kind, param })
  })

  test('with the group whose name is near', () => {
    const refused = failureOf(() => planOf({ load_balance_group: { group_id: 'mian' } }, { sources }))
    expect(refused).toMatchObject({ message: expect.stringContaining("'main'") })
  })
})
