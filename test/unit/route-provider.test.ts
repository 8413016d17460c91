import { expect, test } from 'vitest'
import { plan } from '../../src/routing/plan'
import { failureOf, modelRow, providerRow, surroundings } from './config-rows'

const around = surroundings({
  providers: [providerRow('lone')],
  models: [
    modelRow('only', { providerId: 'lone', upstreamModel: 'only-1' }),
    modelRow('demo', { providerId: 'lone', upstreamModel: 'named-like-a-provider' }),
  ],
})
const settings = { parameters: {}, allowedModels: undefined }
const luck = { roll: () => 0.5 }

test.each<[string, string, string[]]>([
  ['lone', 'any', ['lone: any']],
  ['lone', 'lone/any', ['lone: any']],
  ['lone', 'only', ['lone: only-1']],
  ['demo', 'echo', ['demo: echo']],
])('at the provider %s the model %s is %j', (name, model, targets) => {
  const planned = plan({ model, pin: { name, isProvider: true }, ...settings }, around, luck)
  expect(planned.map(({ providerId, upstreamModel }) => `${providerId}: ${upstreamModel}`)).toEqual(targets)
})

test.each([
  ['nobody', 'provider_not_found'],
  ['only', 'provider_not_found'],
])('%s is no provider', (name, code) => {
  const pin = { name, isProvider: true as const }
  expect(failureOf(() => plan({ model: 'm', pin, ...settings }, around, luck))).toMatchObject({
    kind: 'not_found',
    code,
  })
})

test('every target is at the pinned provider, whichever rule chose it', () => {
  const pin = { name: 'lone', isProvider: true as const }
  const parameters = { fallback_models: ['only', 'other/slug'] }
  const planned = plan({ model: 'm', pin, ...settings, parameters }, around, luck)
  expect(planned.map(({ providerId, upstreamModel, reason }) => [providerId, upstreamModel, reason])).toEqual(
    [
      ['lone', 'm', 'pinned'],
      ['lone', 'only-1', 'fallback:request'],
      ['lone', 'other/slug', 'fallback:request'],
    ],
  )
})
