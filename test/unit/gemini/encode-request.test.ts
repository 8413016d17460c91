import { describe, expect, test } from 'vitest'
import type { ModelTraits } from '../../../src/protocols/codec'
import { geminiCodec } from '../../../src/protocols/gemini/codec'
import type { Part } from '../../../src/protocols/parts'
import type { ChatRequest, Message, Settings, Tool } from '../../../src/protocols/request'
import { chatRequest, plain, target } from './helpers'

const hi: Omit<Message, 'at'> = { role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }
const said = (role: Message['role'], ...parts: Part[]): Omit<Message, 'at'> => ({ role, parts })
const text = (value: string): Part => ({ kind: 'text', text: value })
const call = (id: string, more: Partial<Extract<Part, { kind: 'tool_call' }>> = {}): Part => ({
  ...{ kind: 'tool_call', id, name: `f_${id}`, argumentsJson: '{"a":1}', at: `calls.${id}` },
  ...more,
})
const result = (callId: string, ...parts: Part[]): Part => ({
  kind: 'tool_result',
  callId,
  parts,
  at: `results.${callId}`,
})

function encode(
  messages: readonly Omit<Message, 'at'>[],
  traits: ModelTraits = {},
  more: Partial<ChatRequest> = {},
) {
  return plain(geminiCodec.encodeRequest(chatRequest(messages, more), target(traits)))
}

function withSettings(settings: Settings, traits: ModelTraits = {}, names: ChatRequest['names'] = {}) {
  return encode([hi], traits, { settings, names })
}

function withTools(tools: readonly Tool[], settings: Settings = {}) {
  return encode([hi], {}, { tools, settings })
}

describe('turns', () => {
  test('system text goes in front, or into the place where it stands', () => {
    const { body } = encode([
      said('system', text('a')),
      said('developer', text('b')),
      hi,
      said('system', text('c')),
      said('assistant', text('d')),
      hi,
    ])
    expect(body).toEqual({
      systemInstruction: { parts: [{ text: 'a' }, { text: 'b' }] },
      contents: [
        { role: 'user', parts: [{ text: 'Hi' }, { text: 'c' }] },
        { role: 'model', parts: [{ text: 'd' }] },
        { role: 'user', parts: [{ text: 'Hi' }] },
      ],
    })
  })

  test('of system text alone the last is asked', () => {
    expect(encode([said('system', text('a')), said('system', text('b'))]).body).toEqual({
      systemInstruction: { parts: [{ text: 'a' }] },
      contents: [{ role: 'user', parts: [{ text: 'b' }] }],
    })
  })

  test('results are named after their calls, and stand first and in their order', () => {
    const { body } = encode([
      hi,
      said('assistant', text(''), call('x'), call('y', { isCustom: true, argumentsJson: 'free' })),
      said('user', text('And?'), result('y', text('{"b":2}')), {
        ...result('x', text('bad')),
        ...{ isError: true },
      }),
    ])
    expect(body.contents.slice(1)).toEqual([
      {
        role: 'model',
        parts: [
          { functionCall: { id: 'x', name: 'f_x', args: { a: 1 } } },
          { functionCall: { id: 'y', name: 'f_y', args: { input: 'free' } } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'x', name: 'f_x', response: { error: 'bad' } } },
          { functionResponse: { id: 'y', name: 'f_y', response: { b: 2 } } },
          { text: 'And?' },
        ],
      },
    ])
  })

  const image: Part = { kind: 'image', media: { kind: 'base64', base64: 'AA==', mediaType: 'image/png' } }
  const inlineData = { mimeType: 'image/png', data: 'AA==' }
  const functionResponse = { id: 'x', name: 'f_x', response: { output: 'seen' } }
  test.each<[ModelTraits['reasoning'], unknown[]]>([
    ['effort', [{ functionResponse: { ...functionResponse, parts: [{ inlineData }] } }]],
    ['budget', [{ functionResponse }, { inlineData }]],
  ])('pictures in results of models with %s', (reasoning, parts) => {
    const { body } = encode([said('assistant', call('x')), said('user', result('x', text('seen'), image))], {
      reasoning,
    })
    expect(body.contents[1].parts).toEqual(parts)
  })

  test.each<[ModelTraits['reasoning'], (string | null)[]]>([
    ['effort', ['skip_thought_signature_validator', null]],
    ['adaptive', ['skip_thought_signature_validator', null]],
    ['budget', [null, null]],
    [undefined, [null, null]],
  ])('unsigned calls for models with %s', (reasoning, signatures) => {
    const { body } = encode([said('assistant', call('x'), call('y'))], { reasoning })
    expect(body.contents[0].parts.map(({ thoughtSignature = null }) => thoughtSignature)).toEqual(signatures)
  })

  test('its own proofs go back byte for byte, those of others stay away', () => {
    const own = { family: 'gemini', signature: 'Cv+/=' } as const
    const reasoning = (family: 'gemini' | 'openai'): Part => ({
      kind: 'reasoning',
      text: 't',
      proof: { family, signature: 'S' },
      at: `thoughts.${family}`,
    })
    const { body, losses } = encode(
      [
        said(
          'assistant',
          reasoning('openai'),
          reasoning('gemini'),
          { ...text('a'), ...{ proof: own } },
          call('x', { proof: own }),
        ),
      ],
      { reasoning: 'effort' },
    )
    expect(body.contents[0].parts).toEqual([
      { text: 't', thought: true, thoughtSignature: 'S' },
      { text: 'a', thoughtSignature: 'Cv+/=' },
      { functionCall: { id: 'x', name: 'f_x', args: { a: 1 } }, thoughtSignature: 'Cv+/=' },
    ])
    expect(losses).toEqual(['thoughts.openai'])
  })

  test.each<[Part, unknown[], string[]]>([
    [
      { kind: 'image', media: { kind: 'url', url: 'https://a.b/c' }, detail: 'high', at: 'p' },
      [{ fileData: { mimeType: 'image/jpeg', fileUri: 'https://a.b/c' } }],
      ['p.image_url.detail'],
    ],
    [
      { kind: 'file', media: { kind: 'url', url: 'https://a.b/c.txt' }, name: 'c', at: 'p' },
      [{ fileData: { mimeType: 'text/plain', fileUri: 'https://a.b/c.txt' } }],
      ['p.file.filename'],
    ],
    [
      { kind: 'file', media: { kind: 'text', text: 'ü', mediaType: 'text/plain' }, context: 'why', at: 'p' },
      [{ text: 'why' }, { inlineData: { mimeType: 'text/plain', data: 'w7w=' } }],
      [],
    ],
    [
      { kind: 'video', media: { kind: 'url', url: 'https://youtu.be/1' } },
      [{ fileData: { fileUri: 'https://youtu.be/1' } }],
      [],
    ],
    [{ kind: 'text', text: 'a', cache: {}, at: 'p' }, [{ text: 'a' }], ['p.cache_control']],
    [{ kind: 'native', type: 'x', protocol: 'anthropic', value: {}, at: 'p' }, [], ['p']],
    [
      { kind: 'text', text: 'a', extras: { protocol: 'openai-chat', fields: { b: 1 }, at: 'p' } },
      [{ text: 'a' }],
      ['p.b'],
    ],
  ])('%j', (part, parts, losses) => {
    const encoded = encode([hi, said('user', part)])
    expect(encoded.body.contents[0].parts.slice(1)).toEqual(parts)
    expect(encoded.losses).toEqual(losses)
  })
})

describe('thinking', () => {
  const all = { includeThoughts: true }
  test.each<[ModelTraits, Settings['reasoning'], unknown, boolean]>([
    [{}, { effort: 'medium' }, { thinkingBudget: 8192, ...all }, false],
    [{ reasoning: 'budget' }, { effort: 'low' }, { thinkingBudget: 1024, ...all }, false],
    [{ reasoning: 'budget' }, { effort: 'max' }, { thinkingBudget: 24576, ...all }, false],
    [{ reasoning: 'budget' }, { effort: 'none' }, { thinkingBudget: 0 }, false],
    [{}, { isEnabled: false }, { thinkingBudget: 0 }, false],
    [{}, { budgetTokens: 2048, shown: 'none' }, { thinkingBudget: 2048, includeThoughts: false }, false],
    [{}, { budgetTokens: 99_999 }, { thinkingBudget: 24576, ...all }, true],
    [{}, { isAdaptive: true }, { thinkingBudget: -1, ...all }, false],
    [{ reasoning: 'effort' }, { effort: 'medium' }, { thinkingLevel: 'MEDIUM', ...all }, false],
    [
      { reasoning: 'effort', efforts: ['low', 'high'] },
      { effort: 'medium' },
      { thinkingLevel: 'HIGH', ...all },
      false,
    ],
    [{ reasoning: 'adaptive' }, { effort: 'xhigh' }, { thinkingLevel: 'HIGH', ...all }, false],
    [{ reasoning: 'effort' }, { effort: 'none' }, { thinkingLevel: 'MINIMAL' }, true],
    [{ reasoning: 'effort' }, { budgetTokens: 2048 }, { thinkingLevel: 'MEDIUM', ...all }, false],
    [{ reasoning: 'effort' }, { budgetTokens: -1 }, all, false],
    [{ reasoning: 'none' }, { effort: 'high' }, undefined, true],
    [{ reasoning: 'none' }, { effort: 'none' }, undefined, false],
  ])('of a model %j for %j', (traits, reasoning, thinkingConfig, isLoss) => {
    const { body, losses } = withSettings({ reasoning }, traits, { reasoning: 'reasoning_effort' })
    expect(body.generationConfig?.thinkingConfig).toEqual(thinkingConfig)
    expect(losses).toEqual(isLoss ? ['reasoning_effort'] : [])
  })
})

describe('settings', () => {
  test('what it has words for is said, the rest is told', () => {
    const { body, losses } = withSettings(
      {
        ...{
          maxOutputTokens: 9,
          temperature: 0,
          topP: 1,
          topK: 2,
          presencePenalty: 3,
          frequencyPenalty: 4,
          seed: 5,
        },
        ...{
          stop: ['a', 'b', 'c', 'd', 'e', 'f'],
          choiceCount: 2,
          logprobs: true,
          topLogprobs: 3,
          serviceTier: 'flex',
        },
        ...{ logitBias: { 1: 1 }, verbosity: 'low', endUserId: 'u', store: true, parallelToolCalls: false },
        ...{ promptCacheKey: 'k', metadata: {} },
      },
      { refuses: ['topK', 'logprobs'] },
      { endUserId: 'user', stop: 'stop', topK: 'top_k' },
    )
    expect(body).toEqual({
      contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
      generationConfig: {
        ...{ maxOutputTokens: 9, temperature: 0, topP: 1, presencePenalty: 3, frequencyPenalty: 4, seed: 5 },
        ...{ candidateCount: 2, stopSequences: ['a', 'b', 'c', 'd', 'e'] },
      },
      serviceTier: 'flex',
    })
    expect(losses.sort()).toEqual([
      ...['logitBias', 'logprobs', 'parallelToolCalls', 'promptCacheKey', 'stop', 'store'],
      ...['topLogprobs', 'top_k', 'user', 'verbosity'],
    ])
  })

  const schema = {
    type: 'object',
    properties: { a: { $ref: '#/$defs/a' } },
    additionalProperties: false,
    $defs: { a: {} },
  }
  const json = { responseMimeType: 'application/json' }
  test.each<[Settings['responseFormat'], unknown]>([
    [{ kind: 'text' }, undefined],
    [{ kind: 'json' }, json],
    [
      { kind: 'json_schema', schema, name: 'n', strict: true },
      { ...json, responseJsonSchema: schema },
    ],
  ])('the format %j', (responseFormat, generationConfig) => {
    const { body, losses } = withSettings({ responseFormat })
    expect(body.generationConfig).toEqual(generationConfig)
    expect(losses).toEqual([])
  })

  test('a tool stands in for a schema that the model does not take', () => {
    const { body, standIns } = withSettings(
      { responseFormat: { kind: 'json_schema', schema } },
      { hasStructuredOutput: false },
    )
    expect(body.tools).toMatchObject([
      { functionDeclarations: [{ name: 'structured_output', parametersJsonSchema: schema }] },
    ])
    expect(body.toolConfig).toEqual({
      functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['structured_output'] },
    })
    expect(body.generationConfig).toBeUndefined()
    expect(standIns).toEqual({ structuredOutput: 'structured_output' })
  })

  test('its own extras go back to their places, those of others are told', () => {
    const fields = {
      'generationConfig.speechConfig': { a: 1 },
      'toolConfig.functionCallingConfig.mode': 'VALIDATED',
      labels: { b: '2' },
    }
    const own = encode([hi], {}, { settings: { topK: 1 }, extras: { protocol: 'gemini', fields, at: '' } })
    expect(own.body).toMatchObject({
      generationConfig: { topK: 1, speechConfig: { a: 1 } },
      toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } },
      labels: { b: '2' },
    })
    expect(own.losses).toEqual([])
    const foreign = encode(
      [hi],
      {},
      { extras: { protocol: 'openai-chat', fields: { prediction: {} }, at: '' } },
    )
    expect(foreign.losses).toEqual(['prediction'])
  })
})

describe('tools', () => {
  const f: Tool = {
    kind: 'function',
    name: 'f',
    description: 'd',
    parameters: { type: 'object' },
    strict: true,
    cache: {},
    at: 'tools[0]',
  }

  test('functions are one tool, and what they lose is told', () => {
    const custom: Tool = { kind: 'custom', name: 'c', format: { type: 'grammar' }, at: 'tools[1]' }
    const search: Tool = {
      kind: 'web_search',
      protocol: 'anthropic',
      value: { type: 'web_search_20250305', name: 'web_search', max_uses: 3 },
      at: 'tools[2]',
    }
    const { body, losses, standIns } = withTools([f, custom, search])
    expect(body.tools).toMatchObject([
      {
        functionDeclarations: [
          { name: 'f', description: 'd', parametersJsonSchema: { type: 'object' } },
          { name: 'c' },
        ],
      },
      { googleSearch: {} },
    ])
    expect(body.tools[0].functionDeclarations[1].parametersJsonSchema.properties.input.type).toBe('string')
    expect(losses).toEqual([
      'tools[0].strict',
      'tools[0].cache_control',
      'tools[1].format',
      'tools[2].max_uses',
    ])
    expect(standIns).toEqual({ customTools: ['c'] })
  })

  test.each<[Settings['toolChoice'], unknown]>([
    [{ kind: 'auto' }, { mode: 'AUTO' }],
    [{ kind: 'none' }, { mode: 'NONE' }],
    [{ kind: 'required' }, { mode: 'ANY' }],
    [
      { kind: 'tool', name: 'f' },
      { mode: 'ANY', allowedFunctionNames: ['f'] },
    ],
    [
      { kind: 'allowed', mode: 'auto', names: ['f'] },
      { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
    ],
    [
      { kind: 'allowed', mode: 'required', names: ['f'] },
      { mode: 'ANY', allowedFunctionNames: ['f'] },
    ],
  ])('the choice %j', (toolChoice, functionCallingConfig) => {
    expect(withTools([f], { toolChoice }).body.toolConfig).toEqual({ functionCallingConfig })
  })
})

describe('what cannot be said is refused', () => {
  const stored: Part = {
    kind: 'file',
    media: { kind: 'file_id', id: 'file-1', protocol: 'openai-chat' },
    at: 'p',
  }
  const native: Tool = { kind: 'native', type: 'computer', protocol: 'anthropic', value: {}, at: 'tools[0]' }
  test.each<[string, string, readonly Omit<Message, 'at'>[], Partial<ChatRequest>]>([
    ['untranslatable', 'p', [said('user', stored)], {}],
    ['untranslatable', 'tools[0]', [hi], { tools: [native] }],
    ['untranslatable', 'results.z', [said('user', result('z'))], {}],
    ['untranslatable', 'previous_response_id', [hi], { previousResponseId: 'resp_1' }],
    [
      'invalid_request',
      'calls.x.function.arguments',
      [said('assistant', call('x', { argumentsJson: '{' }))],
      {},
    ],
    [
      'invalid_request',
      'calls.x.input',
      [said('assistant', call('x', { argumentsJson: '[]' }))],
      { protocol: 'anthropic' },
    ],
  ])('%s at %s', (kind, param, messages, more) => {
    expect(() => encode(messages, {}, more)).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ kind, param }) }),
    )
  })
})
