import { describe, expect, test } from 'vitest'
import type { ModelTraits } from '../../../src/protocols/codec'
import { knownModels } from '../../../src/providers/known-models'
import { traitsOf } from '../../../src/providers/model-traits'

const sampling = ['temperature', 'topP', 'presencePenalty', 'frequencyPenalty', 'logprobs', 'logitBias']
const noStop = [...sampling, 'stop']
const low = ['low', 'medium', 'high']
const claudeSampling = ['temperature', 'topP', 'topK']

describe('what a model is known to take', () => {
  test.each<[string, ModelTraits | Record<string, unknown>]>([
    ['o1', { refuses: sampling, reasoning: 'effort', efforts: low, wantsMaxCompletionTokens: true }],
    ['o3-mini-2025-01-31', { refuses: sampling, reasoning: 'effort', efforts: low }],
    ['o3', { refuses: noStop, reasoning: 'effort', efforts: low, wantsMaxCompletionTokens: true }],
    ['o4-mini', { refuses: noStop }],
    ['gpt-5', { refuses: noStop, efforts: ['minimal', ...low], wantsMaxCompletionTokens: true }],
    ['gpt-5-mini-2025-08-07', { efforts: ['minimal', ...low] }],
    ['gpt-5-pro', { efforts: ['high'] }],
    ['gpt-5-codex', { efforts: low }],
    ['gpt-5.1', { refuses: noStop, efforts: ['none', ...low] }],
    ['gpt-5.1-codex-max', { efforts: [...low, 'xhigh'] }],
    ['gpt-5.1-codex-mini', { efforts: low }],
    ['gpt-5.2-2025-12-11', { efforts: ['none', ...low, 'xhigh'] }],
    ['gpt-5.4-pro', { efforts: ['medium', 'high', 'xhigh'] }],
    ['gpt-5.6-luna', { efforts: ['none', ...low, 'xhigh', 'max'] }],
    ['gpt-6-astra', { efforts: [...low, 'xhigh', 'max'] }],
    ['gpt-6-sol', { efforts: ['none', ...low, 'xhigh', 'max'] }],
    ['claude-opus-4-1-20250805', { reasoning: 'budget', maxOutputTokens: 32_000, hasStructuredOutput: true }],
    ['claude-opus-4-20250514', { reasoning: 'budget', maxOutputTokens: 32_000, hasStructuredOutput: false }],
    ['claude-sonnet-4-5', { reasoning: 'budget', maxOutputTokens: 64_000, hasStructuredOutput: true }],
    ['claude-sonnet-4-20250514', { reasoning: 'budget', hasStructuredOutput: false }],
    ['claude-opus-4-6', { reasoning: 'adaptive', efforts: [...low, 'max'], maxOutputTokens: 128_000 }],
    ['claude-opus-4-7', { reasoning: 'adaptive', refuses: claudeSampling }],
    [
      'claude-opus-5-5',
      { reasoning: 'adaptive', efforts: [...low, 'xhigh', 'max'], refuses: claudeSampling },
    ],
    ['claude-haiku-5', { reasoning: 'adaptive' }],
    [
      'claude-3-7-sonnet-20250219',
      { reasoning: 'budget', maxOutputTokens: 64_000, hasStructuredOutput: false },
    ],
    ['claude-3-5-haiku-latest', { reasoning: 'none', maxOutputTokens: 8_192 }],
    ['claude-3-haiku-20240307', { reasoning: 'none', maxOutputTokens: 4_096 }],
    ['gemini-2.0-flash', { reasoning: 'none', maxOutputTokens: 8_192 }],
    ['gemini-2.5-flash-lite', { reasoning: 'budget', maxOutputTokens: 65_536 }],
    ['gemini-2.5-flash-image', { reasoning: 'none' }],
    ['gemini-3-pro-preview', { reasoning: 'effort', efforts: ['low', 'high'] }],
    ['gemini-3.1-pro-preview', { reasoning: 'effort', efforts: low }],
    ['gemini-3.5-flash', { reasoning: 'effort', efforts: ['minimal', ...low] }],
    ['gemini-3.8-flash', { reasoning: 'effort', efforts: low }],
    ['gemini-3.8-flash-lite', { reasoning: 'effort', efforts: ['minimal', ...low] }],
    ['gemini-flash-latest', { efforts: low }],
    ['grok-4-0709', { reasoning: 'none', refuses: ['presencePenalty', 'frequencyPenalty', 'stop'] }],
    [
      'grok-4-1-fast-reasoning',
      { reasoning: 'none', refuses: ['presencePenalty', 'frequencyPenalty', 'stop'] },
    ],
    ['grok-3-mini', { reasoning: 'effort', efforts: ['low', 'high'] }],
    ['grok-4.5', { reasoning: 'effort', efforts: low }],
    ['deepseek-reasoner', { reasoning: 'none', refuses: ['logprobs'], hasStructuredOutput: false }],
    ['deepseek-v4-pro', { reasoning: 'effort', efforts: ['low', 'high', 'max'] }],
    ['kimi-k2.6', { refuses: ['temperature', 'topP', 'presencePenalty', 'frequencyPenalty'] }],
    ['amazon.nova-pro-v1:0', { reasoning: 'none', hasStructuredOutput: false }],
  ])('%s', (model, traits) => {
    expect(traitsOf(model)).toMatchObject(traits)
  })

  test.each([
    ['gpt-4o', { reasoning: 'none' }],
    ['gpt-4.1-nano', { reasoning: 'none' }],
    ['gpt-5-chat-latest', { reasoning: 'none' }],
    ['grok-4-fast-non-reasoning', { reasoning: 'none' }],
    ['gpt-3.5-turbo', { reasoning: 'none', hasStructuredOutput: false }],
    ['gpt-4-turbo', { reasoning: 'none', hasStructuredOutput: false }],
    ['my-gpt-5', {}],
    ['llama-3.3-70b-versatile', {}],
    ['mistral-large-latest', {}],
    ['', {}],
    ['constructor', {}],
  ])('and no more than that: %s', (model, traits) => {
    expect(traitsOf(model)).toEqual(traits)
  })

  test.each([
    ['claude-sonnet-4-5', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['claude-sonnet-4-5', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['claude-sonnet-4-5', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['claude-sonnet-4-5', 'anthropic/claude-sonnet-4.5'],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5@20250929'],
    [
      'claude-sonnet-4-5',
      'arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    ],
    ['gpt-5', 'openai/gpt-5'],
    ['gpt-oss-120b', 'accounts/fireworks/models/gpt-oss-120b'],
    ['gpt-oss-120b', 'openai.gpt-oss-120b-1:0'],
    ['gemini-2.5-pro', 'google/gemini-2.5-pro'],
  ])('is that of %s, also when it is called %s', (model, called) => {
    expect(traitsOf(called)).toEqual(traitsOf(model))
    expect(traitsOf(called)).not.toEqual({})
  })

  test('is there for every known model of Anthropic', () => {
    expect(knownModels('anthropic').filter((model) => traitsOf(model).maxOutputTokens === undefined)).toEqual(
      [],
    )
  })

  test('stays the same object, also after very many models', () => {
    const before = traitsOf('gpt-5')
    for (let count = 0; count < 2_500; count++) traitsOf(`model-${count}`)
    expect(traitsOf('gpt-5')).toBe(before)
  })
})
