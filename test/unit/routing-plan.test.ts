import { describe, expect, test } from 'vitest'
import { isAllowed, plan, type RouteRequest } from '../../src/routing/plan'
import { failureOf, modelRow, providerRow, surroundings } from './config-rows'

const around = surroundings({
  providers: [providerRow('acme'), providerRow('lone'), providerRow('empty'), providerRow('both')],
  models: [
    modelRow('fast', { providerId: 'acme' }),
    modelRow('slow', { providerId: 'acme', upstreamModel: 'slow-2', fallbackModels: ['fast', 'demo/echo'] }),
    modelRow('only', { providerId: 'lone', upstreamModel: 'only-1' }),
    modelRow('both', { providerId: 'acme', upstreamModel: 'from-model' }),
    modelRow('looping', { providerId: 'acme', fallbackModels: ['looping', 'fast'] }),
  ],
})

type Given = Partial<RouteRequest> & { fallbackModels?: string[]; disableFallback?: boolean }

function request({ fallbackModels, disableFallback, ...given }: Given): RouteRequest {
  return {
    model: 'fast',
    parameters: { fallback_models: fallbackModels, disable_fallback: disableFallback },
    allowedModels: undefined,
    ...given,
  }
}

const luck = { roll: () => 0.5 }

/** `provider: model there` of each target, in order. */
function planned(given: Given): string[] {
  return plan(request(given), around, luck).map(
    ({ providerId, upstreamModel }) => `${providerId}: ${upstreamModel}`,
  )
}

function refusal(given: Given) {
  return failureOf(() => plan(request(given), around, luck))
}

describe('the targets of a request', () => {
  test.each<[string, Given, string[]]>([
    ['one model', { model: 'fast' }, ['acme: fast']],
    [
      'fallbacks of the request',
      { fallbackModels: ['demo/echo', 'gpt-4o'] },
      ['acme: fast', 'demo: echo', 'openai: gpt-4o'],
    ],
    ['fallbacks of the model', { model: 'slow' }, ['acme: slow-2', 'acme: fast', 'demo: echo']],
    [
      'the request’s before the model’s',
      { model: 'slow', fallbackModels: ['gpt-4o'] },
      ['acme: slow-2', 'openai: gpt-4o'],
    ],
    ['no fallback when it is disabled', { model: 'slow', disableFallback: true }, ['acme: slow-2']],
    ['not itself again', { model: 'looping' }, ['acme: looping', 'acme: fast']],
    ['a fallback without its own fallbacks', { fallbackModels: ['slow'] }, ['acme: fast', 'acme: slow-2']],
    [
      'not itself under its other name',
      { model: 'gpt-4o', fallbackModels: ['gpt-4o', 'openai/gpt-4o'] },
      ['openai: gpt-4o'],
    ],
  ])('are %s', (_, given, targets) => {
    expect(planned(given)).toEqual(targets)
  })

  test.each<[string, Given, Record<string, unknown>]>([
    [
      'no model',
      { model: undefined },
      { kind: 'invalid_request', param: 'model', code: 'missing_required_parameter' },
    ],
    ['an empty model', { model: '' }, { kind: 'invalid_request', param: 'model' }],
    [
      'an unknown model',
      { model: 'nothing' },
      { kind: 'not_found', param: 'model', code: 'model_not_found' },
    ],
    [
      'an unknown fallback',
      { fallbackModels: ['nothing'] },
      { kind: 'not_found', param: 'fallback_models', code: 'model_not_found' },
    ],
  ])('are refused for %s', (_, given, failure) => {
    expect(refusal(given)).toMatchObject(failure)
  })

  test('are refused by the name of the fallback that is unknown', () => {
    expect(refusal({ fallbackModels: ['demo/echo', 'nothing'] })).toMatchObject({
      message: expect.stringContaining("'nothing'"),
    })
  })

  // What fails on the way to one target must not take away the others: attempts fall back on it as well.
  test.each<[string, Given]>([
    ['a fallback', { fallbackModels: ['ollama/llama', 'demo/echo'] }],
    ['the model itself', { model: 'ollama/llama', fallbackModels: ['demo/echo'] }],
    ['one whose variable is not set', { model: 'azure/gpt', fallbackModels: ['demo/echo'] }],
  ])('are left when another cannot be reached from here: %s', (_, given) => {
    const targets = plan(request(given), around, luck)
    expect(targets.map(({ providerId }) => providerId)).toContain('demo')
    const problems = targets.flatMap(({ problem }) => problem?.kind ?? [])
    expect(problems).toHaveLength(1)
    expect(['upstream_unreachable', 'provider_not_configured']).toContain(problems[0])
  })

  test('are refused when there is only one, and it cannot be reached from here', () => {
    expect(refusal({ model: 'ollama/llama' })).toMatchObject({
      kind: 'upstream_unreachable',
      provider: 'ollama',
    })
    expect(refusal({ model: 'azure/gpt' })).toMatchObject({ kind: 'provider_not_configured' })
  })
})

describe('a route that names its upstream', () => {
  test.each<[string, string, string | undefined, string[]]>([
    ['a custom model', 'slow', 'fast', ['acme: slow-2']],
    ['a custom model, without a model in the body', 'fast', undefined, ['acme: fast']],
    ['a model before a provider of the same name', 'both', 'x', ['acme: from-model']],
    ['a provider with one model', 'lone', 'whatever', ['lone: only-1']],
    ['a provider with one model, without a model in the body', 'lone', undefined, ['lone: only-1']],
    ['a provider with several models, one of them', 'acme', 'slow', ['acme: slow-2']],
    ['a provider with several models, another', 'acme', 'unlisted', ['acme: unlisted']],
    ['a provider with several models, with its prefix', 'acme', 'acme/unlisted', ['acme: unlisted']],
    ['a provider without models', 'empty', 'm', ['empty: m']],
    ['a provider, with the prefix of another', 'empty', 'acme/m', ['empty: acme/m']],
    ['a built-in provider', 'openai', 'gpt-4o', ['openai: gpt-4o']],
    ['a built-in provider by another gateway’s name', 'google', 'gemini-2.5-pro', ['gemini: gemini-2.5-pro']],
    ['the demo', 'demo', 'echo', ['demo: echo']],
    ['the demo, with its prefix', 'demo', 'demo/echo', ['demo: echo']],
  ])('goes to %s', (_, name, model, targets) => {
    expect(planned({ pin: { name }, model })).toEqual(targets)
  })

  test('never falls back', () => {
    expect(planned({ pin: { name: 'slow' }, fallbackModels: ['demo/echo'] })).toEqual(['acme: slow-2'])
  })

  test.each<[string, string, string | undefined, Record<string, unknown>]>([
    [
      'nobody',
      'nobody',
      'm',
      { kind: 'not_found', code: 'provider_not_found', message: expect.stringContaining("'nobody'") },
    ],
    ['a provider, without a model', 'empty', undefined, { kind: 'invalid_request', param: 'model' }],
    [
      'a provider of several models, without a model',
      'acme',
      '',
      { kind: 'invalid_request', param: 'model' },
    ],
    [
      'the demo, for another model',
      'demo',
      'other',
      { kind: 'not_found', code: 'model_not_found', param: 'model' },
    ],
    ['a provider on this machine', 'ollama', 'm', { kind: 'upstream_unreachable', provider: 'ollama' }],
  ])('is refused for %s', (_, name, model, failure) => {
    expect(refusal({ pin: { name }, model })).toMatchObject(failure)
  })
})

describe('the models that an API key may call', () => {
  test.each<[string, string, string[] | undefined, boolean]>([
    ['all without a list', 'fast', undefined, true],
    ['a listed one', 'fast', ['slow', 'fast'], true],
    ['no unlisted one', 'fast', ['slow'], false],
    ['none from an empty list', 'fast', [], false],
    ['a provider’s by wildcard', 'acme/x', ['acme/*'], true],
    ['no other provider’s', 'acme2/x', ['acme/*'], false],
    ['not the bare beginning', 'acme', ['acme/*'], false],
    ['all by wildcard', 'anything', ['*'], true],
    ['by the beginning of a name', 'openai/gpt-4o-mini', ['openai/gpt-4o*'], true],
    ['no star in the middle', 'a/x/b', ['a/*/b'], false],
    ['not in other capitals', 'Fast', ['fast'], false],
  ])('are %s', (_, model, allowed, isFine) => {
    expect(isAllowed(model, allowed, around)).toBe(isFine)
  })

  test.each<[string, Given, string[]]>([
    ['a custom model by its name', { model: 'fast', allowedModels: ['fast'] }, ['acme: fast']],
    ['a provider’s model', { model: 'openai/gpt-4o', allowedModels: ['openai/*'] }, ['openai: gpt-4o']],
    [
      'a bare slug by its full name',
      { model: 'gpt-4o', allowedModels: ['openai/gpt-4o'] },
      ['openai: gpt-4o'],
    ],
    ['a bare slug as the list has it', { model: 'gpt-4o', allowedModels: ['gpt-4o'] }, ['openai: gpt-4o']],
    [
      'another gateway’s prefix for a provider that is listed',
      { model: 'google/gemini-2.5-pro', allowedModels: ['gemini/*'] },
      ['gemini: gemini-2.5-pro'],
    ],
    [
      'another gateway’s prefix as the list has it',
      { model: 'google/gemini-2.5-pro', allowedModels: ['google/gemini-2.5-pro'] },
      ['gemini: gemini-2.5-pro'],
    ],
    [
      'another gateway’s prefix with all of its models',
      { model: 'google/gemini-2.5-pro', allowedModels: ['google/*'] },
      ['gemini: gemini-2.5-pro'],
    ],
    [
      'the fallbacks among them',
      { fallbackModels: ['slow', 'demo/echo'], allowedModels: ['fast', 'demo/*'] },
      ['acme: fast', 'demo: echo'],
    ],
    [
      'a bare slug as a fallback',
      { fallbackModels: ['gpt-4o'], allowedModels: ['fast', 'openai/*'] },
      ['acme: fast', 'openai: gpt-4o'],
    ],
    ['a pinned one', { pin: { name: 'acme' }, model: 'x', allowedModels: ['acme/*'] }, ['acme: x']],
  ])('let %s pass', (_, given, targets) => {
    expect(planned(given)).toEqual(targets)
  })

  test('are told without a search for names that are near, which costs more than the request', () => {
    const asked: string[] = []
    const counted = { ...around, variable: (name: string) => void asked.push(name) }
    expect(isAllowed('acme/fast', ['no-such-model', 'neither/this'], counted)).toBe(false)
    expect(asked).toEqual([])
  })

  test.each<[string, Given]>([
    ['a model that is not listed', { model: 'slow', allowedModels: ['fast'] }],
    ['a provider’s model', { model: 'openai/gpt-4o', allowedModels: ['acme/*'] }],
    ['a bare slug', { model: 'gpt-4o', allowedModels: ['fast'] }],
    ['a pinned model', { pin: { name: 'slow' }, allowedModels: ['fast'] }],
    ['the one model of a pinned provider', { pin: { name: 'lone' }, model: 'fast', allowedModels: ['fast'] }],
    ['any model of a pinned provider', { pin: { name: 'empty' }, model: 'fast', allowedModels: ['fast'] }],
    ['a prefix that another row took over', { model: 'acme/fast', allowedModels: ['fast'] }],
  ])('do not let pass %s', (_, given) => {
    expect(refusal(given)).toMatchObject({
      kind: 'forbidden',
      param: 'model',
      message: expect.stringContaining(given.allowedModels?.[0] ?? ''),
    })
  })
})
