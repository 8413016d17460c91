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
const settings = { fallbackModels: ['only'], disableFallback: false, allowedModels: undefined }

test.each<[string, string, string[]]>([
  ['lone', 'any', ['lone: any']],
  ['lone', 'lone/any', ['lone: any']],
  ['lone', 'only', ['lone: only-1']],
  ['demo', 'echo', ['demo: echo']],
])('at the provider %s the model %s is %j', (name, model, targets) => {
  const planned = plan({ model, pin: { name, isProvider: true }, ...settings }, around)
  expect(planned.map(({ providerId, upstreamModel }) => `${providerId}: ${upstreamModel}`)).toEqual(targets)
})

test.each([
  ['nobody', 'provider_not_found'],
  ['only', 'provider_not_found'],
])('%s is no provider', (name, code) => {
  const pin = { name, isProvider: true as const }
  expect(failureOf(() => plan({ model: 'm', pin, ...settings }, around))).toMatchObject({
    kind: 'not_found',
    code,
  })
})
