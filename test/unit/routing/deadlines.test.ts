import { describe, expect, test } from 'vitest'
import { attemptTimeouts, timeoutsOf } from '../../../src/pipeline/deadlines'
import { retryDefaultsOf } from '../../../src/pipeline/stored-routing'
import type { RetrySettings } from '../../../src/platform/settings'
import type { Target } from '../../../src/providers/target'
import { resolveModel } from '../../../src/routing/resolve'
import { modelRow, providerRow, surroundings } from '../config-rows'

const NOW = 1_000_000
const target: Target = {
  ...{ providerId: 'p', model: 'p/m', upstreamModel: 'm', protocol: 'openai-chat', traits: {} },
  ...{ url: 'https://p.example/v1', auth: { kind: 'none' }, credential: { kind: 'none' } },
}
/** What the settings and the worker's variables come to, in seconds. */
const USUAL = { headers: 60, first: 180, idle: 120, total: 600 }

/** The deadlines of an attempt, in seconds. */
function seconds(given: {
  stream: boolean
  asked?: number
  ofModel?: Target['timeouts']
  ofProvider?: number
  hasOthers?: boolean
}) {
  const { stream, asked, ofModel, ofProvider, hasOthers = false } = given
  const job = {
    timeouts: { headersMs: 60_000, firstContentMs: 180_000, idleMs: 120_000, totalMs: 600_000 },
    intake: { stream, parameters: asked === undefined ? {} : { timeout: asked } },
    deadlineAtMs: NOW + 500_000,
    effects: { now: () => NOW },
  }
  const asTarget = {
    ...target,
    ...(ofModel === undefined ? {} : { timeouts: ofModel }),
    ...(ofProvider === undefined ? {} : { timeoutMs: ofProvider * 1_000 }),
  }
  const { headersMs, firstContentMs, idleMs, totalMs, attemptMs } = attemptTimeouts(job, asTarget, hasOthers)
  return {
    headers: headersMs / 1_000,
    first: firstContentMs / 1_000,
    idle: idleMs / 1_000,
    total: totalMs / 1_000,
    ...(attemptMs === undefined ? {} : { attempt: attemptMs / 1_000 }),
  }
}

describe('the deadlines of an attempt at a stream', () => {
  test.each<[string, Omit<Parameters<typeof seconds>[0], 'stream'>, object]>([
    ['nobody says anything', {}, {}],
    ['others behind it take nothing of its time', { hasOthers: true }, {}],
    ['the request', { asked: 7 }, { headers: 7, first: 7, attempt: 7 }],
    ['a long one of the request', { asked: 900 }, { headers: 900, first: 900, attempt: 900, total: 900 }],
    ['the provider', { ofProvider: 30 }, { headers: 30, first: 30, attempt: 30 }],
    ['a long one of the provider', { ofProvider: 300 }, { headers: 300, first: 300, attempt: 300 }],
    [
      'each of the model',
      { ofModel: { headersMs: 1_000, firstContentMs: 2_000, idleMs: 3_000, totalMs: 4_000 } },
      { headers: 1, first: 2, idle: 3, total: 4 },
    ],
    ['a longer total of the model', { ofModel: { totalMs: 900_000 } }, { total: 900 }],
    [
      'the first content of the model before the provider',
      { ofModel: { firstContentMs: 90_000 }, ofProvider: 30 },
      { headers: 30, first: 90 },
    ],
    [
      'the silence of the model beside the provider',
      { ofModel: { idleMs: 5_000 }, ofProvider: 30 },
      { headers: 30, first: 30, attempt: 30, idle: 5 },
    ],
    [
      'the request before the model and the provider',
      { asked: 7, ofModel: { headersMs: 1_000, firstContentMs: 2_000, idleMs: 3_000 }, ofProvider: 30 },
      { headers: 7, first: 7, attempt: 7, idle: 3 },
    ],
    [
      'the request before a shorter total of the model',
      { asked: 50, ofModel: { totalMs: 4_000 } },
      { headers: 50, first: 50, attempt: 50, total: 50 },
    ],
  ])('%s', (_, given, expected) => {
    expect(seconds({ stream: true, ...given })).toEqual({ ...USUAL, ...expected })
  })
})

describe('the deadlines of an attempt at a reply in one piece', () => {
  test.each<[string, Omit<Parameters<typeof seconds>[0], 'stream'>, object]>([
    ['nobody says anything', {}, {}],
    ['with others half of what is left', { hasOthers: true }, { attempt: 250 }],
    ['the request', { asked: 7, hasOthers: true }, { attempt: 7 }],
    ['the provider', { ofProvider: 30, hasOthers: true }, { attempt: 30 }],
    [
      'the total of the model before the provider',
      { ofModel: { totalMs: 40_000 }, ofProvider: 30, hasOthers: true },
      { total: 40 },
    ],
    ['the request before the model', { asked: 50, ofModel: { totalMs: 40_000 } }, { attempt: 50 }],
    ['nothing of a stream', { ofModel: { headersMs: 1_000, firstContentMs: 1_000, idleMs: 1_000 } }, {}],
  ])('%s', (_, given, expected) => {
    expect(seconds({ stream: false, ...given })).toEqual({ ...USUAL, ...expected })
  })
})

describe('the deadline of the whole', () => {
  test.each<[string, Partial<Target>[], number]>([
    ['is the usual', [{}, { timeoutMs: 5_000 }, { timeouts: { totalMs: 5_000 } }], 600_000],
    ['grows with a provider', [{}, { timeoutMs: 700_000 }], 700_000],
    ['grows with a model', [{ timeouts: { totalMs: 900_000 } }, {}], 900_000],
  ])('%s', (_, targets, totalMs) => {
    const all = targets.map((one) => ({ ...target, ...one }))
    expect(timeoutsOf({ env: {} }, { settings: {} }, all).totalMs).toBe(totalMs)
  })
})

test('a custom model lays its deadlines one by one over those of its base', () => {
  const around = surroundings({
    providers: [providerRow('own', { timeoutMs: 7_000 })],
    models: [
      modelRow('base', { providerId: 'own', timeouts: { idle: 5, total: 1.5 } }),
      modelRow('based', { baseModelName: 'base', timeouts: { total: 30, headers: 0.25 } }),
      modelRow('plain', { baseModelName: 'base' }),
    ],
  })
  const { timeouts } = resolveModel('based', around)
  expect(timeouts).toEqual({ idleMs: 5_000, totalMs: 30_000, headersMs: 250 })
  expect(resolveModel('plain', around).timeouts).toEqual({ idleMs: 5_000, totalMs: 1_500 })
  expect(resolveModel('own/other', around)).not.toHaveProperty('timeouts')
})

describe('how often the calls of a model are repeated where the request says nothing', () => {
  test.each<[string, RetrySettings | undefined, RetrySettings | null, object | undefined]>([
    ['nobody', undefined, null, undefined],
    ['nothing of what was set is left', {}, {}, undefined],
    ['the settings', { num_retries: 5 }, null, { isEnabled: true, retries: 5, firstWaitMs: 200 }],
    ['the model', undefined, { num_retries: 2 }, { isEnabled: true, retries: 2, firstWaitMs: 200 }],
    [
      'the model over the settings',
      { num_retries: 5, retry_after: 1 },
      { num_retries: 2 },
      { isEnabled: true, retries: 2, firstWaitMs: 1_000 },
    ],
    [
      'the model where the settings forbid it',
      { retry_enabled: false, num_retries: 5 },
      { retry_enabled: true },
      { isEnabled: true, retries: 5, firstWaitMs: 200 },
    ],
    [
      'not the model',
      { num_retries: 5 },
      { retry_enabled: false },
      { isEnabled: false, retries: 5, firstWaitMs: 200 },
    ],
  ])('%s', (_, ofPlatform, ofModel, expected) => {
    const settings = ofPlatform === undefined ? {} : { retry_params: ofPlatform }
    const { config } = surroundings({ models: [modelRow('m', { retryParams: ofModel })] })
    expect(retryDefaultsOf({ ...config, settings }, 'm')).toEqual(expected)
  })
})
