import { describe, expect, test } from 'vitest'
import { carry } from '../../../src/protocols/carried'
import { geminiCodec } from '../../../src/protocols/gemini/codec'
import { fromGoogleSchema } from '../../../src/protocols/gemini/schema'
import type { ReasoningProof } from '../../../src/protocols/parts'
import { plain } from './helpers'

const address = { model: 'model-1', stream: false }
const hi = { role: 'user', parts: [{ text: 'Hi' }] }

function decode(body: unknown) {
  return geminiCodec.decodeRequest(body, address)
}

function partsOf(...parts: unknown[]) {
  return plain(decode({ contents: [{ role: 'user', parts }] }).messages[0]?.parts)
}

describe('parts', () => {
  const at = 'contents[0].parts[0]'
  test.each([
    [{ text: 'a' }, { kind: 'text', text: 'a' }],
    [
      { text: 'a', thought_signature: 'QQ==' },
      { kind: 'text', text: 'a', proof: { family: 'gemini', signature: 'QQ==' } },
    ],
    [
      { text: 'a', thought: true },
      { kind: 'reasoning', text: 'a', isSummary: true },
    ],
    [
      { inline_data: { mime_type: 'image/png', data: '-_8' } },
      { kind: 'image', media: { kind: 'base64', base64: '+/8=', mediaType: 'image/png' } },
    ],
    [
      { inlineData: { mimeType: 'audio/wav', data: 'AA==' } },
      { kind: 'audio', media: { kind: 'base64', base64: 'AA==', mediaType: 'audio/wav' } },
    ],
    [
      { inlineData: { mimeType: 'text/csv', data: 'AA==', displayName: 'a.csv' } },
      { kind: 'file', media: { kind: 'base64', base64: 'AA==', mediaType: 'text/csv' }, name: 'a.csv' },
    ],
    [
      { fileData: { fileUri: 'https://example.com/a.jpg?x=1' } },
      { kind: 'image', media: { kind: 'url', url: 'https://example.com/a.jpg?x=1' } },
    ],
    [
      { fileData: { fileUri: 'https://www.youtube.com/watch?v=1' } },
      { kind: 'video', media: { kind: 'url', url: 'https://www.youtube.com/watch?v=1' } },
    ],
    [
      {
        fileData: {
          fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/1',
          mimeType: 'video/mp4',
        },
      },
      {
        kind: 'video',
        media: {
          ...{ kind: 'file_id', id: 'https://generativelanguage.googleapis.com/v1beta/files/1' },
          ...{ protocol: 'gemini', mediaType: 'video/mp4' },
        },
      },
    ],
    [
      { executableCode: { language: 'PYTHON', code: '1' } },
      {
        kind: 'native',
        type: 'executableCode',
        protocol: 'gemini',
        value: { executableCode: { language: 'PYTHON', code: '1' } },
      },
    ],
    [
      { text: 'a', videoMetadata: { fps: 1 } },
      { kind: 'text', text: 'a', extras: { protocol: 'gemini', fields: { videoMetadata: { fps: 1 } }, at } },
    ],
  ])('%j', (given, part) => {
    expect(partsOf(given)).toEqual([{ ...part, at }])
  })

  test('the proofs of other families come out of their signatures, and with them the whole thought', () => {
    const proof: ReasoningProof = { family: 'anthropic', signature: 'Er+/==' }
    const thoughts = [
      { text: 'a', thought: true },
      { text: 'b', thought: true },
      { text: '', thought: true, thoughtSignature: carry(proof) },
      { text: 'c' },
    ]
    expect(partsOf(...thoughts)).toEqual([
      { kind: 'reasoning', text: 'ab', isSummary: true, proof, at: 'contents[0].parts[2]' },
      { kind: 'text', text: 'c', at: 'contents[0].parts[3]' },
    ])
  })
})

describe('calls and results', () => {
  const call = (city: string, id?: string) => ({
    functionCall: { name: 'f', args: { city }, ...(id ? { id } : {}) },
  })
  const result = (id?: string, response: unknown = { output: 'x' }) => ({
    functionResponse: { name: 'f', response, ...(id ? { id } : {}) },
  })
  const ids = (...turns: unknown[][]) =>
    decode({
      contents: turns.map((parts, index) => ({ role: index % 2 === 0 ? 'model' : 'user', parts })),
    }).messages.map(({ parts }) =>
      parts.map((part) =>
        part.kind === 'tool_call' ? part.id : part.kind === 'tool_result' ? part.callId : '',
      ),
    )

  test.each([
    [
      'by id',
      [
        [call('a', 'x'), call('b', 'y')],
        [result('y'), result('x')],
      ],
      [
        ['x', 'y'],
        ['y', 'x'],
      ],
    ],
    [
      'by name and order',
      [
        [call('a'), call('b')],
        [result(), result()],
      ],
      [
        ['call_0', 'call_1'],
        ['call_0', 'call_1'],
      ],
    ],
    [
      'over several turns',
      [[call('a')], [result()], [call('b')], [result()]],
      [['call_0'], ['call_0'], ['call_1'], ['call_1']],
    ],
    ['with an id that the call has not', [[call('a')], [result('z')]], [['call_0'], ['call_0']]],
    [
      'beside ids that look the same',
      [
        [call('a', 'call_1'), call('b')],
        [result(), result()],
      ],
      [
        ['call_1', 'call_2'],
        ['call_1', 'call_2'],
      ],
    ],
  ])('are matched %s', (_, turns, expected) => {
    expect(ids(...turns)).toEqual(expected)
  })

  test.each([
    [{ output: 'x' }, { parts: [{ kind: 'text', text: 'x' }] }],
    [{ error: 'x' }, { parts: [{ kind: 'text', text: 'x' }], isError: true }],
    [{ output: { a: 1 } }, { parts: [{ kind: 'text', text: '{"a":1}' }] }],
    [{ temperature: 18 }, { parts: [{ kind: 'text', text: '{"temperature":18}' }] }],
  ])('a result %j', (response, outcome) => {
    const { messages } = decode({
      contents: [
        { role: 'model', parts: [call('a')] },
        { role: 'function', parts: [result(undefined, response)] },
      ],
    })
    expect(messages[1]).toMatchObject({
      role: 'user',
      parts: [{ kind: 'tool_result', callId: 'call_0', name: 'f', ...outcome }],
    })
  })
})

describe('settings', () => {
  test('every field of the configuration finds its place', () => {
    const request = decode({
      contents: [hi],
      generation_config: {
        ...{ temperature: 0.5, top_p: 0.9, topK: 40, candidateCount: 2, maxOutputTokens: '64', seed: 7 },
        ...{
          presencePenalty: 0.1,
          frequencyPenalty: 0.2,
          stopSequences: ['END'],
          responseLogprobs: true,
          logprobs: 3,
        },
        ...{
          speechConfig: { languageCode: 'de' },
          thinkingConfig: { thinkingLevel: 'LOW', includeThoughts: false },
        },
      },
      safetySettings: [{ category: 'x' }],
      cachedContent: 'cachedContents/1',
      serviceTier: 'standard',
    })
    expect(request.settings).toEqual({
      ...{ temperature: 0.5, topP: 0.9, topK: 40, choiceCount: 2, maxOutputTokens: 64, seed: 7 },
      ...{ presencePenalty: 0.1, frequencyPenalty: 0.2, stop: ['END'], logprobs: true, topLogprobs: 3 },
      reasoning: { effort: 'low', shown: 'none' },
      serviceTier: 'default',
    })
    expect(request.names).toMatchObject({
      topK: 'generationConfig.topK',
      reasoning: 'generationConfig.thinkingConfig',
    })
    expect(request.extras).toEqual({
      protocol: 'gemini',
      fields: {
        'generationConfig.speechConfig': { languageCode: 'de' },
        safetySettings: [{ category: 'x' }],
        cachedContent: 'cachedContents/1',
      },
      at: '',
    })
  })

  test.each([
    [{ thinkingBudget: 0 }, { budgetTokens: 0, isEnabled: false }],
    [
      { thinkingBudget: -1, includeThoughts: true },
      { budgetTokens: -1, shown: 'auto' },
    ],
    [{ thinking_level: 'minimal' }, { effort: 'minimal' }],
    [{}, undefined],
  ])('thinking %j', (thinkingConfig, reasoning) => {
    expect(decode({ contents: [hi], generationConfig: { thinkingConfig } }).settings.reasoning).toEqual(
      reasoning,
    )
  })

  const schema = { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } } }
  const converted = { type: 'object', properties: { a: { type: ['string', 'null'] } } }
  test.each([
    [{ responseMimeType: 'text/plain' }, { kind: 'text' }],
    [{ responseMimeType: 'application/json' }, { kind: 'json' }],
    [
      { responseMimeType: 'application/json', responseSchema: schema },
      { kind: 'json_schema', schema: converted },
    ],
    [
      { responseMimeType: 'application/json', responseJsonSchema: schema },
      { kind: 'json_schema', schema },
    ],
    [{ responseMimeType: 'text/x.enum', responseSchema: { enum: ['a'] } }, undefined],
  ])('the format %j', (generationConfig, format) => {
    expect(decode({ contents: [hi], generationConfig }).settings.responseFormat).toEqual(format)
  })

  test.each([
    [{ mode: 'AUTO' }, { kind: 'auto' }],
    [{ mode: 'NONE' }, { kind: 'none' }],
    [{ mode: 'ANY' }, { kind: 'required' }],
    [
      { mode: 'any', allowed_function_names: ['f'] },
      { kind: 'tool', name: 'f' },
    ],
    [
      { mode: 'ANY', allowedFunctionNames: ['f', 'g'] },
      { kind: 'allowed', mode: 'required', names: ['f', 'g'] },
    ],
    [
      { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
      { kind: 'allowed', mode: 'auto', names: ['f'] },
    ],
  ])('the choice of tools %j', (functionCallingConfig, choice) => {
    expect(decode({ contents: [hi], toolConfig: { functionCallingConfig } }).settings.toolChoice).toEqual(
      choice,
    )
  })

  test('tools are told apart', () => {
    const request = decode({
      contents: [hi],
      tools: [
        {
          functionDeclarations: [
            { name: 'f', parameters: schema, behavior: 'BLOCKING' },
            { name: 'g', parametersJsonSchema: converted },
          ],
        },
        { google_search: {} },
        { urlContext: {}, codeExecution: {} },
      ],
    })
    expect(plain(request.tools)).toEqual([
      {
        ...{ kind: 'function', name: 'f', parameters: converted, at: 'tools[0].functionDeclarations[0]' },
        extras: {
          protocol: 'gemini',
          fields: { behavior: 'BLOCKING' },
          at: 'tools[0].functionDeclarations[0]',
        },
      },
      { kind: 'function', name: 'g', parameters: converted, at: 'tools[0].functionDeclarations[1]' },
      { kind: 'web_search', protocol: 'gemini', value: { googleSearch: {} }, at: 'tools[1]' },
      { kind: 'native', type: 'urlContext', protocol: 'gemini', value: { urlContext: {} }, at: 'tools[2]' },
      {
        kind: 'native',
        type: 'codeExecution',
        protocol: 'gemini',
        value: { codeExecution: {} },
        at: 'tools[2]',
      },
    ])
  })

  test('a schema of Google is one of JSON, however deep', () => {
    const items = { anyOf: [{ type: 'INTEGER', example: 1 }, { type: 'STRING' }], nullable: true }
    const given = { type: 'ARRAY', minItems: '1', items, description: 'Type: STRING' }
    expect(fromGoogleSchema(given)).toEqual({
      type: 'array',
      minItems: 1,
      items: { anyOf: [{ type: 'integer', examples: [1] }, { type: 'string' }, { type: 'null' }] },
      description: 'Type: STRING',
    })
  })
})

describe('what is wrong is named by its path', () => {
  test.each([
    [[], 'contents'],
    [{}, 'contents'],
    [{ contents: [] }, 'contents'],
    [{ contents: ['x'] }, 'contents[0]'],
    [{ contents: [{ role: 'assistant', parts: [] }] }, 'contents[0].role'],
    [{ contents: [{ role: 'constructor', parts: [] }] }, 'contents[0].role'],
    [{ contents: [{ parts: 'x' }] }, 'contents[0].parts'],
    [{ contents: [{ parts: [{ text: 1 }] }] }, 'contents[0].parts[0].text'],
    [{ contents: [{ parts: [{ inlineData: {} }] }] }, 'contents[0].parts[0].inlineData.data'],
    [{ contents: [{ parts: [{ fileData: 'x' }] }] }, 'contents[0].parts[0].fileData'],
    [{ contents: [{ parts: [{ functionCall: {} }] }] }, 'contents[0].parts[0].functionCall.name'],
    [
      { contents: [{ parts: [{ functionCall: { name: 'f', args: [] } }] }] },
      'contents[0].parts[0].functionCall.args',
    ],
    [
      { contents: [{ parts: [{ functionResponse: { name: 'f' } }] }] },
      'contents[0].parts[0].functionResponse.name',
    ],
    [{ contents: [hi], systemInstruction: 'x' }, 'systemInstruction'],
    [{ contents: [hi], tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
    [{ contents: [hi], generationConfig: { topK: 'x' } }, 'generationConfig.topK'],
    [{ contents: [hi], generationConfig: { stopSequences: [1] } }, 'generationConfig.stopSequences[0]'],
    [
      { contents: [hi], generationConfig: { thinkingConfig: { thinkingLevel: 'X' } } },
      'generationConfig.thinkingConfig.thinkingLevel',
    ],
    [
      { contents: [hi], toolConfig: { functionCallingConfig: { mode: 'X' } } },
      'toolConfig.functionCallingConfig.mode',
    ],
  ])('%j at %s', (body, param) => {
    expect(() => decode(body)).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ kind: 'invalid_request', param }) }),
    )
  })
})
