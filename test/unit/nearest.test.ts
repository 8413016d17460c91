import { describe, expect, test } from 'vitest'
import { nearest } from '../../src/routing/nearest'

const names = [
  'demo/echo',
  'openai/gpt-4o',
  'openai/gpt-4o-mini',
  'openai/gpt-4.1',
  'anthropic/claude-sonnet-4-5-20250929',
  'anthropic/claude-haiku-4-5',
  'my-llama',
  'My-Mixtral',
]

describe('the names most like a mistyped one', () => {
  test.each([
    ['a letter too few', 'my-lama', ['my-llama']],
    ['a letter too many', 'my-lllama', ['my-llama']],
    ['two letters turned', 'my-llmaa', ['my-llama']],
    ['other capitals', 'MY-MIXTRAL', ['My-Mixtral']],
    ['the wrong provider', 'azure/claude-haiku-4-5', ['anthropic/claude-haiku-4-5']],
    ['no provider', 'claude-haiku-4-5', ['anthropic/claude-haiku-4-5']],
    ['the beginning', 'claude-sonnet-4-5', ['anthropic/claude-sonnet-4-5-20250929']],
    ['the best first', 'openai/gpt-4o-', ['openai/gpt-4o', 'openai/gpt-4o-mini']],
    ['nothing like it', 'totally-different-thing', []],
    ['nothing at all', '', []],
  ])('%s', (_, wanted, found) => {
    expect(nearest(wanted, names).slice(0, Math.max(1, found.length))).toEqual(found)
  })

  test('are three at most, and in an order that does not change', () => {
    const many = ['model-d', 'model-b', 'model-e', 'model-a', 'model-c']
    expect(nearest('model-x', many)).toEqual(['model-a', 'model-b', 'model-c'])
    expect(nearest('model-x', many.toReversed())).toEqual(['model-a', 'model-b', 'model-c'])
  })

  test('are none where there is nothing', () => {
    expect(nearest('model', [])).toEqual([])
  })
})
