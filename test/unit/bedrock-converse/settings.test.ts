import { describe, expect, test } from 'vitest'
import { converseCodec } from '../../../src/protocols/bedrock-converse/codec'
import type { ModelTraits } from '../../../src/protocols/codec'
import type { Settings } from '../../../src/protocols/request'
import { asked, call, chatRequest, claude, result, type Said, text, thought, weather } from './requests'

const NOVA = { model: 'us.amazon.nova-2-lite-v1:0', traits: {} }
const GPT = { model: 'openai.gpt-oss-120b-1:0', traits: {} }
const LLAMA = { model: 'meta.llama3-3-70b-instruct-v1:0', traits: {} }
const names = {
  temperature: 'temp',
  reasoning: 'reasoning_effort',
  toolChoice: 'tool_choice',
  metadata: 'metadata',
}
const forced: Settings = { toolChoice: { kind: 'required' } }

/** The body without its one message, and what was lost. */
function encode(settings: Settings, target = claude(), more: Parameters<typeof asked>[1] = {}) {
  const { body, losses, standIns } = converseCodec.encodeRequest(asked(settings, { names, ...more }), target)
  const { messages: _, ...rest } = body
  return { ...rest, losses, standIns }
}

describe('settings', () => {
  test.each<[string, Settings, ModelTraits, Record<string, unknown>, string[]]>([
    ['sampling', { temperature: 0, topP: 0.9 }, {}, { inferenceConfig: { temperature: 0, topP: 0.9 } }, []],
    ['a temperature above 1', { temperature: 1.5 }, {}, { inferenceConfig: { temperature: 1 } }, ['temp']],
    ['what the model refuses', { temperature: 0.5 }, { refuses: ['temperature'] }, {}, ['temp']],
    ['topK', { topK: 40 }, {}, { additionalModelRequestFields: { top_k: 40 } }, []],
    ['no sequences', { stop: [] }, {}, {}, []],
    [
      'sequences that stop',
      { stop: ['END'] },
      {},
      {
        inferenceConfig: { stopSequences: ['END'] },
        additionalModelResponseFieldPaths: ['/stop_sequence'],
      },
      [],
    ],
    ['a tier', { serviceTier: 'flex' }, {}, { serviceTier: { type: 'flex' } }, []],
    ['the automatic tier', { serviceTier: 'auto' }, {}, {}, []],
    ['an unknown tier', { serviceTier: 'scale' }, {}, {}, ['serviceTier']],
    [
      'metadata',
      { metadata: { team: 'a', run: 7, 'bad!': 'x', deep: { a: 1 } } },
      {},
      { requestMetadata: { team: 'a', run: '7' } },
      ['metadata.bad!', 'metadata.deep'],
    ],
    [
      'what asks for nothing',
      { presencePenalty: 0, frequencyPenalty: 0, choiceCount: 1, logprobs: false, store: false },
      {},
      {},
      [],
    ],
    [
      'what has no place',
      {
        presencePenalty: 1,
        seed: 1,
        choiceCount: 2,
        logprobs: true,
        endUserId: 'u',
        parallelToolCalls: false,
      },
      {},
      {},
      ['presencePenalty', 'seed', 'choiceCount', 'logprobs', 'endUserId', 'parallelToolCalls'],
    ],
  ])('%s', (_, settings, traits, body, losses) => {
    expect(encode(settings, claude(traits))).toEqual({ ...body, losses, standIns: {} })
  })

  test('a stream tells the sequence that stopped it elsewhere, and other families do not tell', () => {
    expect(encode({ stop: ['END'] }, claude(), { stream: true })).toHaveProperty(
      'additionalModelResponseFieldPaths',
      ['/delta/stop_sequence'],
    )
    expect(encode({ stop: ['END'] }, LLAMA)).not.toHaveProperty('additionalModelResponseFieldPaths')
  })

  test('a JSON answer without a schema is asked for in words', () => {
    const { losses, system } = { system: [], ...encode({ responseFormat: { kind: 'json' } }) }
    expect(losses).toEqual(['response_format'])
    expect(system).toEqual([{ text: expect.stringContaining('JSON') }])
  })
})

describe('reasoning', () => {
  test.each<[string, Settings['reasoning'], ModelTraits, unknown]>([
    ['a budget', { budgetTokens: 2000 }, {}, { thinking: { type: 'enabled', budget_tokens: 2000 } }],
    ['a tiny budget', { budgetTokens: 5 }, {}, { thinking: { type: 'enabled', budget_tokens: 1024 } }],
    ['a grade', { effort: 'high' }, {}, { thinking: { type: 'enabled', budget_tokens: 3276 } }],
    ['any budget', { budgetTokens: -1 }, {}, { thinking: { type: 'enabled', budget_tokens: 2048 } }],
    [
      'a grade, adaptively',
      { effort: 'xhigh', shown: 'auto' },
      { reasoning: 'adaptive' },
      { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } },
    ],
    [
      'a grade that the model knows',
      { effort: 'max' },
      { reasoning: 'adaptive', efforts: ['low', 'medium', 'high', 'max'] },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'max' } },
    ],
    ['none', { effort: 'none' }, {}, undefined],
    ['off', { isEnabled: false, effort: 'high' }, {}, undefined],
    ['only how to show it', { shown: 'none' }, {}, undefined],
  ])('%s', (_, reasoning, traits, fields) => {
    const encoded = { additionalModelRequestFields: undefined, ...encode({ reasoning }, claude(traits)) }
    expect(encoded.additionalModelRequestFields).toEqual(fields)
    expect(encoded.losses).toEqual([])
  })

  test.each([
    ['grades', GPT, 'minimal', { reasoning_effort: 'low' }],
    [
      'three grades of its own',
      NOVA,
      'xhigh',
      { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } },
    ],
  ] as const)('other families have other words: %s', (_, target, effort, fields) => {
    expect(encode({ reasoning: { effort } }, target)).toHaveProperty('additionalModelRequestFields', fields)
  })

  test.each([
    ['a model that is not known to think', LLAMA, { effort: 'high' }],
    ['a model that is known not to', claude({ reasoning: 'none' }), { budgetTokens: 2000 }],
    ['none, where it cannot be turned off', GPT, { effort: 'none' }],
  ] as const)('%s is a loss', (_, target, reasoning) => {
    expect(encode({ reasoning }, target)).toEqual({ losses: ['reasoning_effort'], standIns: {} })
  })

  test.each([
    [undefined, 2000, undefined, 4096],
    [undefined, 2000, 8192, 8192],
    [100, 2048, undefined, 2148],
    [8000, 2048, undefined, 8000],
    [100, 9000, 8192, 8192],
  ])('limit %s with budget %s of at most %s becomes %s', (maxOutputTokens, budgetTokens, most, maxTokens) => {
    const settings = { maxOutputTokens, reasoning: { budgetTokens } }
    const { body } = converseCodec.encodeRequest(asked(settings), claude({ maxOutputTokens: most }))
    expect(body.inferenceConfig).toEqual({ maxTokens })
  })

  test('what a thinking model refuses is left out', () => {
    const settings: Settings = {
      ...forced,
      reasoning: { effort: 'low' },
      temperature: 0.3,
      topK: 5,
      topP: 0.5,
    }
    const { losses, ...body } = encode(settings, claude(), { tools: [weather] })
    expect(losses.sort()).toEqual(['temp', 'tool_choice', 'topK', 'topP'])
    expect(body).toMatchObject({
      inferenceConfig: { maxTokens: 4096 },
      toolConfig: { toolChoice: { auto: {} } },
      additionalModelRequestFields: { thinking: { budget_tokens: 1024 } },
    })
    expect(encode({ reasoning: { effort: 'low' }, temperature: 1, topP: 0.95 })).toMatchObject({
      inferenceConfig: { temperature: 1, topP: 0.95 },
      losses: [],
    })
  })

  test.each<[string, Said[], boolean]>([
    [
      'a call without a thought',
      [
        ['assistant', call('a', '{}')],
        ['user', result('a', text('1'))],
      ],
      true,
    ],
    [
      'a call behind a thought',
      [
        ['assistant', thought('t', 's'), call('a', '{}')],
        ['user', result('a', text('1'))],
      ],
      false,
    ],
    ['an answer to go on with', [['assistant', thought('t', 's'), text('It is')]], true],
    [
      'an answer without a thought',
      [
        ['assistant', text('It is.')],
        ['user', text('Why?')],
      ],
      false,
    ],
  ])('%s in the last turn', (_, said, isLost) => {
    const more = { tools: [weather], names, settings: { reasoning: { effort: 'low' } } } as const
    const request = chatRequest([['user', text('Hi')], ...said], more)
    expect(converseCodec.encodeRequest(request, claude()).losses).toEqual(isLost ? ['reasoning_effort'] : [])
  })
})
