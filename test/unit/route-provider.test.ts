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

test.each<[string, string, string]>([
  ['azure', 'gpt-4o', 'gpt-4o'],
  ['azure', 'openai/gpt-4o', 'gpt-4o'],
  ['azure', 'azure_openai/my-deployment', 'my-deployment'],
  ['azure_openai', 'azure/my-deployment', 'my-deployment'],
  ['azure', 'my-own-deployment', 'my-own-deployment'],
  ['vertex_ai', 'gemini-2.5-flash', 'gemini-2.5-flash'],
  ['vertex_ai', 'gemini/gemini-2.5-flash', 'gemini-2.5-flash'],
  ['vertex_ai', 'claude-sonnet-4-5', 'claude-sonnet-4-5'],
  ['vertex_ai', 'claude-sonnet-4-5-20250929', 'claude-sonnet-4-5@20250929'],
  ['vertex_ai', 'anthropic/claude-sonnet-4-5@20250929', 'claude-sonnet-4-5@20250929'],
  ['bedrock', 'claude-sonnet-4-5', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['bedrock', 'claude-sonnet-4-5-20250929', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['bedrock', 'anthropic/claude-opus-4-6', 'global.anthropic.claude-opus-4-6-v1:0'],
  ['bedrock', 'anthropic.claude-v9', 'anthropic.claude-v9'],
  ['bedrock', 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0', 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'],
  [
    'bedrock',
    'arn:aws:bedrock:us-east-1:1:inference-profile/x',
    'arn:aws:bedrock:us-east-1:1:inference-profile/x',
  ],
  ['openrouter', 'openai/gpt-4o', 'openai/gpt-4o'],
  ['openai', 'gpt-9-from-tomorrow', 'gpt-9-from-tomorrow'],
  ['openai', 'openrouter/gpt-9-from-tomorrow', 'openrouter/gpt-9-from-tomorrow'],
])('the provider %s is asked for %s as %s', (name, model, upstreamModel) => {
  const variables = {
    ...{
      AZURE_OPENAI_API_KEY: 'k',
      AZURE_OPENAI_RESOURCE: 'r',
      OPENAI_API_KEY: 'k',
      OPENROUTER_API_KEY: 'k',
    },
    ...{
      AWS_BEARER_TOKEN_BEDROCK: 't',
      AWS_REGION: 'eu-central-1',
      VERTEX_PROJECT: 'p',
      VERTEX_ACCESS_TOKEN: 't',
    },
  }
  const there = surroundings({ variables })
  const planned = plan({ model, pin: { name, isProvider: true }, ...settings }, there, luck)
  expect(planned.map((target) => target.upstreamModel)).toEqual([upstreamModel])
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
