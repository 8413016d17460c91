import { expect, test } from 'vitest'
import { modelDetails } from '../../src/routing/model-details'
import { modelRow, providerRow, surroundings } from './config-rows'

const around = surroundings({
  providers: [providerRow('acme'), providerRow('groq')],
  models: [
    modelRow('own', {
      providerId: 'acme',
      maxContextWindow: 9,
      inputCost: 1,
      outputCost: 0,
      imageSupport: 0,
    }),
    modelRow('bare', { providerId: 'acme' }),
    modelRow('alias', { baseModelName: 'gpt-4o' }),
    modelRow('narrow', { baseModelName: 'gpt-4o', maxContextWindow: 1_000, functionCall: 1 }),
    modelRow('priced', { baseModelName: 'narrow', inputCost: 7 }),
    modelRow('circle-a', { baseModelName: 'circle-b', maxContextWindow: 5 }),
    modelRow('circle-b', { baseModelName: 'circle-a' }),
  ],
})
const gpt4o = { contextWindow: 128_000, inputCost: 2.5, outputCost: 10, cacheHitInputCost: 1.25 }

test.each<[string, object]>([
  ['openai/gpt-4o', gpt4o],
  ['gpt-4o', gpt4o],
  ['alias', gpt4o],
  ['narrow', { ...gpt4o, contextWindow: 1_000 }],
  // Own prices overrule those of the base as a whole, and nothing is made up beside them.
  ['priced', { contextWindow: 1_000, inputCost: 7 }],
  ['own', { contextWindow: 9, inputCost: 1, outputCost: 0 }],
  ['bare', {}],
  ['acme/gpt-4o', {}],
  // A stored provider has no price list, also under the id of a built-in one.
  ['groq/llama-3.3-70b-versatile', {}],
  ['azure/gpt-4o-of-nobody', {}],
  ['nothing', {}],
  ['circle-a', { contextWindow: 5 }],
])('the numbers of %s', (name, expected) => {
  const { capabilities: _, maxOutputTokens: __, ...numbers } = modelDetails(name, around)
  expect(numbers).toEqual(expected)
})

test.each<[string, object]>([
  ['own', { image: false }],
  ['priced', { function_call: true, prompt_caching: true }],
  ['anthropic/claude-sonnet-4-5', { reasoning: true, structured_output: true }],
  ['nothing', {}],
])('the capabilities of %s', (name, expected) => {
  expect(modelDetails(name, around).capabilities).toMatchObject(expected)
})
