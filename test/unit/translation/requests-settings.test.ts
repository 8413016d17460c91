import { describe, expect, test } from 'vitest'
import type { ModelTraits } from '../../../src/protocols/codec'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import { upstreamCodecs } from '../../../src/protocols/table'
import { sent } from './translate'

const HI = [{ role: 'user', content: 'hi' }]
const foreign: readonly WireProtocolId[] = ['openai-responses', 'anthropic', 'gemini', 'bedrock-converse']

/** Every optional field of chat completions. */
const OPTIONAL = [
  ...[
    'audio',
    'frequency_penalty',
    'function_call',
    'functions',
    'logit_bias',
    'logprobs',
    'max_completion_tokens',
  ],
  ...['max_tokens', 'metadata', 'modalities', 'n', 'parallel_tool_calls', 'prediction', 'presence_penalty'],
  ...[
    'prompt_cache_key',
    'reasoning_effort',
    'response_format',
    'safety_identifier',
    'seed',
    'service_tier',
    'stop',
  ],
  ...[
    'store',
    'stream',
    'stream_options',
    'temperature',
    'tool_choice',
    'tools',
    'top_logprobs',
    'top_p',
    'user',
  ],
  ...['verbosity', 'web_search_options', 'thinking', 'reasoning', 'top_k'],
]

describe('null', () => {
  test.each(foreign)('%s: is as if the field were not there', (target) => {
    const nulls = Object.fromEntries(OPTIONAL.map((field) => [field, null]))
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
    const full = [
      { role: 'system', content: 's', name: null },
      { role: 'user', content: [{ type: 'text', text: 'q', cache_control: null }], name: null },
      {
        role: 'assistant',
        content: null,
        refusal: null,
        audio: null,
        function_call: null,
        tool_calls: [call],
      },
      { role: 'tool', tool_call_id: 'c', content: 'r', name: null },
    ]
    const plain = [
      { role: 'system', content: 's' },
      { role: 'user', content: 'q' },
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'r' },
    ]
    const { body, losses } = sent('openai-chat', { ...nulls, messages: full }, target)
    expect(body).toEqual(sent('openai-chat', { messages: plain }, target).body)
    expect(losses).toEqual([])
  })
})

describe('a setting at what happens without it', () => {
  const neutral = {
    ...{
      presence_penalty: 0,
      frequency_penalty: 0,
      n: 1,
      logprobs: false,
      logit_bias: {},
      store: false,
      metadata: {},
    },
    ...{ parallel_tool_calls: true, service_tier: 'auto', verbosity: 'medium', stop: [], tools: [] },
  }

  test.each(foreign)('%s: is no loss', (target) => {
    expect(sent('openai-chat', { messages: HI, ...neutral }, target).losses).toEqual([])
  })

  test('is no loss to a simple server either, nor where the model refuses it', () => {
    const codex = {
      input: 'hi',
      store: false,
      text: { verbosity: 'medium' },
      service_tier: 'auto',
      metadata: {},
    }
    expect(sent('openai-responses', codex, 'openai-chat').losses).toEqual([])
    const refuses: ModelTraits = { refuses: ['presencePenalty', 'frequencyPenalty', 'logprobs'] }
    const { body, losses } = sent('openai-chat', { messages: HI, ...neutral }, 'openai-responses', refuses)
    expect([body.presence_penalty, losses]).toEqual([undefined, []])
  })
})

describe('zero', () => {
  test.each<[WireProtocolId, object, string[]]>([
    ['openai-responses', { temperature: 0, top_p: 0 }, ['seed']],
    ['anthropic', { temperature: 0, top_p: 0 }, ['seed']],
    ['gemini', { generationConfig: { temperature: 0, topP: 0, seed: 0 } }, []],
    ['bedrock-converse', { inferenceConfig: { temperature: 0, topP: 0 } }, ['seed']],
  ])('%s: is a value', (target, fields, lost) => {
    const { body, losses } = sent('openai-chat', { messages: HI, temperature: 0, top_p: 0, seed: 0 }, target)
    expect(body).toMatchObject(fields)
    expect(losses).toEqual(lost)
  })
})

describe('stop sequences', () => {
  const five = ['a', 'b', 'c', 'd', 'e', 'f']

  test.each<[WireProtocolId, number, string[]]>([
    ['anthropic', 6, []],
    ['bedrock-converse', 6, []],
    ['gemini', 5, ['stop']],
  ])('%s: takes %i of six', (target, count, lost) => {
    const { body, losses } = sent('openai-chat', { messages: HI, stop: five }, target)
    expect(JSON.stringify(body)).toContain(JSON.stringify(five.slice(0, count)))
    expect(losses).toEqual(lost)
  })

  test('of other protocols are four at most in chat completions', () => {
    const { body, losses } = sent(
      'anthropic',
      { max_tokens: 9, messages: HI, stop_sequences: five },
      'openai-chat',
    )
    expect(body.stop).toEqual(['a', 'b', 'c', 'd'])
    expect(losses).toEqual(['stop_sequences'])
  })

  test.each<WireProtocolId>(['anthropic', 'gemini', 'bedrock-converse'])('%s: are not empty', (target) => {
    const { body, losses } = sent('openai-chat', { messages: HI, stop: '' }, target)
    expect(JSON.stringify(body)).not.toMatch(/stop_?sequences/i)
    expect(losses).toEqual(['stop'])
  })
})

describe('temperature and top_p', () => {
  test.each<[object, object, string[]]>([
    [{ temperature: 0.3, top_p: 0.9 }, { temperature: 0.3 }, ['top_p']],
    [{ temperature: 0.3, top_p: 1 }, { temperature: 0.3 }, []],
    [{ temperature: 1, top_p: 0.9 }, { top_p: 0.9 }, []],
    [{ top_p: 0.9 }, { top_p: 0.9 }, []],
  ])('%j are %j where a model takes one of them', (given, kept, lost) => {
    const claude = sent('openai-chat', { messages: HI, ...given }, 'anthropic', { hasOneSampler: true })
    const { temperature, top_p } = claude.body
    expect({ temperature, top_p }).toEqual({ temperature: undefined, top_p: undefined, ...kept })
    expect(claude.losses).toEqual(lost)
    const bedrock = sent('openai-chat', { messages: HI, ...given }, 'bedrock-converse', {
      hasOneSampler: true,
    })
    const renamed = Object.entries(kept).map(([name, value]) => [name === 'top_p' ? 'topP' : name, value])
    expect(bedrock.body.inferenceConfig).toEqual(Object.fromEntries(renamed))
    expect(bedrock.losses).toEqual(lost)
  })

  test('both go to a model that takes both', () => {
    const { body } = sent('openai-chat', { messages: HI, temperature: 0.3, top_p: 0.9 }, 'anthropic')
    expect(body).toMatchObject({ temperature: 0.3, top_p: 0.9 })
  })
})

test.each<WireProtocolId>(['openai-chat', 'openai-responses'])('%s: takes no long id of a user', (target) => {
  const of = (length: number) =>
    sent('anthropic', { max_tokens: 99, messages: HI, metadata: { user_id: 'u'.repeat(length) } }, target)
  expect(of(64).losses).toEqual([])
  expect(JSON.stringify(of(64).body)).toContain('u'.repeat(64))
  expect(of(65).losses).toEqual(['metadata.user_id'])
  expect(JSON.stringify(of(65).body)).not.toContain('uuuu')
})

test.each(Object.keys(upstreamCodecs).filter((id) => id !== 'openai-responses'))(
  '%s: that reasoning may come encrypted asks for none',
  (id) => {
    const target = foreign.find((one) => one === id) ?? 'openai-chat'
    const { body, losses } = sent(
      'openai-responses',
      { input: 'hi', include: ['reasoning.encrypted_content'] },
      target,
    )
    expect(JSON.stringify(body)).not.toMatch(/"thinking"|budget|effort/)
    expect(losses).toEqual([])
  },
)
