import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import type { ModelTraits } from '../../../src/protocols/codec'
import { chatCodec } from '../../../src/protocols/openai-chat/codec'
import type { Part } from '../../../src/protocols/parts'
import type { ChatRequest, Message } from '../../../src/protocols/request'
import { foreign, requestOf } from './golden'

const encode = (request: ChatRequest, traits: ModelTraits = {}) =>
  chatCodec.encodeRequest(request, { model: 'm', traits })
const fieldsOf = (body: Record<string, unknown>, traits: ModelTraits = {}) => {
  const { model: _, messages: __, ...fields } = encode(foreign(requestOf(body)), traits).body
  return fields
}

/** A conversation from a client of another protocol. */
function conversation(...turns: [Message['role'], Part[]][]): ChatRequest {
  const messages = turns.map(([role, parts], index) => ({ role, parts, at: `messages[${index}]` }))
  return { ...foreign(requestOf()), messages }
}

const text = (told: string): Part => ({ kind: 'text', text: told })
const call = (id: string): Part => ({ kind: 'tool_call', id, name: 'f', argumentsJson: '{"a":1}' })
const result = (callId: string, ...parts: Part[]): Part => ({ kind: 'tool_result', callId, parts })
const PNG: Part = { kind: 'image', media: { kind: 'base64', base64: 'AA==', mediaType: 'image/png' } }

describe('settings for a foreign client', () => {
  test.each<[string, Record<string, unknown>, ModelTraits, Record<string, unknown>, string[]]>([
    ['a limit', { max_tokens: 5 }, {}, { max_tokens: 5 }, []],
    [
      'a limit of a newer model',
      { max_tokens: 5 },
      { wantsMaxCompletionTokens: true },
      { max_completion_tokens: 5 },
      [],
    ],
    [
      'what the model refuses',
      { temperature: 0, seed: 1 },
      { refuses: ['temperature'] },
      { seed: 1 },
      ['temperature'],
    ],
    [
      'logprobs that the model refuses',
      { logprobs: true, top_logprobs: 2 },
      { refuses: ['logprobs'] },
      {},
      ['logprobs', 'top_logprobs'],
    ],
    ['top_k', { top_k: 5 }, {}, {}, ['top_k']],
    ['what only the newer models know', { verbosity: 'low', user: 'u' }, {}, { user: 'u' }, ['verbosity']],
    [
      'the same for such a model',
      { verbosity: 'low' },
      { wantsMaxCompletionTokens: true },
      { verbosity: 'low' },
      [],
    ],
    ['not to store', { store: false }, {}, {}, []],
    [
      'a budget',
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      {},
      { reasoning_effort: 'medium' },
      [],
    ],
    [
      'the nearest grade',
      { reasoning_effort: 'max' },
      { reasoning: 'effort', efforts: ['low', 'medium', 'high'] },
      { reasoning_effort: 'high' },
      [],
    ],
    [
      'a grade for a model with budgets',
      { reasoning_effort: 'medium' },
      { reasoning: 'budget' },
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      [],
    ],
    [
      'no thinking',
      { thinking: { type: 'disabled' } },
      { reasoning: 'effort' },
      { reasoning_effort: 'none' },
      [],
    ],
    ['no thinking, to who knows whom', { thinking: { type: 'disabled' } }, {}, {}, ['thinking']],
    [
      'thinking, to a model that does not',
      { reasoning_effort: 'low' },
      { reasoning: 'none' },
      {},
      ['reasoning_effort'],
    ],
    ['a stream', { stream: true }, {}, { stream: true, stream_options: { include_usage: true } }, []],
    ['a choice without tools', { tool_choice: 'auto', parallel_tool_calls: true }, {}, {}, []],
  ])('%s', (_, body, traits, fields, losses) => {
    expect(fieldsOf(body, traits)).toEqual(fields)
    expect(encode(foreign(requestOf(body)), traits).losses).toEqual(losses)
  })

  test.each([
    [{ reasoning_effort: 'low', thinking: { type: 'adaptive' } }],
    [{ thinking: { type: 'enabled', budget_tokens: 5 } }],
    [{ reasoning: { effort: 'high', exclude: true } }],
    [{ verbosity: 'low', store: true, metadata: { a: 'b' }, top_k: 3, safety_identifier: 's' }],
    [{ max_completion_tokens: 5, max_tokens: 4, service_tier: 'flex', prompt_cache_key: 'k' }],
    [{ prediction: { type: 'content', content: 'x' }, response_format: { type: 'text' } }],
  ])('of a client of the same protocol stay as they were: %j', (body) => {
    const { model: _, messages: __, ...fields } = encode(requestOf(body)).body
    expect(fields).toEqual(body)
  })

  test('with JSON asked for, the conversation speaks of JSON', () => {
    const request = foreign(requestOf({ response_format: { type: 'json_object' } }))
    expect(encode(request).body['messages']).toEqual([
      { role: 'system', content: 'Answer with JSON only.' },
      { role: 'user', content: 'Hi' },
    ])
  })
})

describe('messages', () => {
  const messagesOf = (request: ChatRequest, traits: ModelTraits = {}) =>
    encode(request, traits).body['messages']

  test('of one answer are one message, and results follow its calls before what else is said', () => {
    const request = conversation(
      ['assistant', [text('Wait.')]],
      ['assistant', [call('c1')]],
      ['assistant', [call('c2')]],
      ['user', [text('Hurry!'), result('c1', text('one'))]],
      ['user', [result('c2', text('two'), PNG)]],
    )
    const called = { type: 'function', function: { name: 'f', arguments: '{"a":1}' } }
    expect(messagesOf(request)).toEqual([
      {
        role: 'assistant',
        content: 'Wait.',
        tool_calls: [
          { id: 'c1', ...called },
          { id: 'c2', ...called },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'one' },
      { role: 'tool', tool_call_id: 'c2', content: 'two' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'The tool call c2 returned this:' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
        ],
      },
      { role: 'user', content: 'Hurry!' },
    ])
  })

  test('of a developer are the system’s, but for models that know developers', () => {
    const request = conversation(['developer', [text('Be terse.')]])
    expect(messagesOf(request)).toEqual([{ role: 'system', content: 'Be terse.' }])
    expect(messagesOf(request, { wantsMaxCompletionTokens: true })).toEqual([
      { role: 'developer', content: 'Be terse.' },
    ])
  })

  test('with failed results say so', () => {
    const failed: Part = { kind: 'tool_result', callId: 'c', isError: true, parts: [text('no disk')] }
    expect(messagesOf(conversation(['user', [failed]]))).toEqual([
      { role: 'tool', tool_call_id: 'c', content: 'Error: no disk' },
    ])
  })

  test('with a plain document carry its text', () => {
    const file: Part = {
      kind: 'file',
      name: 'a.txt',
      media: { kind: 'text', text: 'Hi', mediaType: 'text/plain' },
    }
    expect(messagesOf(conversation(['user', [file]]))).toEqual([{ role: 'user', content: 'a.txt\n\nHi' }])
  })

  test('of several texts are one text', () => {
    const request = conversation(
      ['system', [text('a'), text('b')]],
      ['assistant', [text('c'), text('d')]],
      ['user', [text('e'), PNG]],
    )
    expect(messagesOf(request)).toMatchObject([
      { content: 'a\n\nb' },
      { content: 'cd' },
      { content: [{ type: 'text', text: 'e' }, { type: 'image_url' }] },
    ])
  })

  test('with signed calls keep the signature', () => {
    const signed: Part = {
      ...call('c'),
      kind: 'tool_call',
      id: 'c',
      name: 'f',
      argumentsJson: '',
      proof: { family: 'gemini', signature: 's' },
    }
    expect(messagesOf(conversation(['assistant', [signed]]))).toMatchObject([
      {
        tool_calls: [
          { function: { arguments: '{}' }, extra_content: { google: { thought_signature: 's' } } },
        ],
      },
    ])
  })

  test('with reasoning that has no proof send it back while the turn lasts', () => {
    const thought = (told: string, at: string): Part => ({ kind: 'reasoning', text: told, at })
    const request = conversation(
      ['user', [text('one')]],
      ['assistant', [thought('old', 'messages[1].content[0]'), text('1')]],
      ['user', [text('two')]],
      ['assistant', [thought('new', 'messages[3].content[0]'), call('c')]],
      ['user', [result('c', text('x'))]],
    )
    const { body, losses } = encode(request)
    expect(body['messages']).toMatchObject([
      {},
      { role: 'assistant', content: '1' },
      {},
      { role: 'assistant', reasoning_content: 'new' },
      {},
    ])
    expect(JSON.stringify(body)).not.toContain('old')
    expect(losses).toEqual(['messages[1].content[0]'])
  })

  test('with another family’s reasoning lose it', () => {
    const thought: Part = {
      kind: 'reasoning',
      text: 'secret',
      proof: { family: 'anthropic', signature: 's' },
      at: 'messages[0].content[0]',
    }
    const { body, losses } = encode(conversation(['assistant', [thought, text('a')]]))
    expect(body['messages']).toEqual([{ role: 'assistant', content: 'a' }])
    expect(losses).toEqual(['messages[0].content[0]'])
  })

  test('with reasoning beside a call that another family signed lose it', () => {
    const thought: Part = { kind: 'reasoning', text: 'secret', at: 'contents[0].parts[0]' }
    const signed: Part = {
      kind: 'tool_call',
      id: 'c',
      name: 'f',
      argumentsJson: '{}',
      proof: { family: 'gemini', signature: 's' },
    }
    const { body, losses } = encode(conversation(['assistant', [thought, signed]]))
    expect(JSON.stringify(body)).not.toContain('secret')
    expect(losses).toEqual(['contents[0].parts[0]'])
  })

  test('with markers of a cache lose them, by their places', () => {
    const marked: Part = { kind: 'text', text: 'a', cache: {}, at: 'system[0]' }
    expect(encode(conversation(['system', [marked]])).losses).toEqual(['system[0].cache_control'])
  })
})

describe('tools', () => {
  const TOOLS = [
    { type: 'function', function: { name: 'f' } },
    {
      type: 'custom',
      custom: { name: 'c', format: { type: 'grammar', grammar: { syntax: 'regex', definition: 'a+' } } },
    },
  ]

  test('with free text are functions for who may not know them, and as they were for who does', () => {
    const { body, losses, standIns } = encode(foreign(requestOf({ tools: TOOLS })))
    expect(body['tools']).toMatchObject([
      { function: { name: 'f' } },
      {
        type: 'function',
        function: {
          name: 'c',
          parameters: { required: ['input'] },
          description: expect.stringContaining('a+'),
        },
      },
    ])
    expect({ losses, standIns }).toEqual({ losses: ['tools[1].format'], standIns: { customTools: ['c'] } })
    expect(fieldsOf({ tools: TOOLS }, { wantsMaxCompletionTokens: true })['tools']).toEqual(TOOLS)
  })

  test('that are not allowed are left out for who cannot be told', () => {
    const choice = {
      type: 'allowed_tools',
      allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'f' } }] },
    }
    expect(fieldsOf({ tools: TOOLS, tool_choice: choice })).toMatchObject({
      tools: [{ function: { name: 'f' } }],
      tool_choice: 'required',
    })
    const rich = fieldsOf({ tools: TOOLS, tool_choice: choice }, { wantsMaxCompletionTokens: true })
    expect(rich).toEqual({ tools: TOOLS, tool_choice: choice })
  })

  test('stand in for the form of an answer', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } }
    const body = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }
    const { body: encoded, standIns } = encode(requestOf(body), { hasStructuredOutput: false })
    expect(encoded).toMatchObject({
      tools: [{ function: { name: 'structured_output', parameters: schema } }],
      tool_choice: { type: 'function', function: { name: 'structured_output' } },
    })
    expect(encoded).not.toHaveProperty('response_format')
    expect(standIns).toEqual({ structuredOutput: 'structured_output' })
  })

  test.each<[string, Record<string, unknown>, unknown]>([
    ['may still be called', {}, 'required'],
    [
      'must not be called',
      { tool_choice: 'none' },
      { type: 'function', function: { name: 'structured_output' } },
    ],
    [
      'must be called',
      { tool_choice: { type: 'function', function: { name: 'f' } } },
      { type: 'function', function: { name: 'f' } },
    ],
  ])('of the client’s own %s beside the one that stands in', (_, body, choice) => {
    const format = { type: 'json_schema', json_schema: { name: 'x', schema: {} } }
    const request = requestOf({ ...body, tools: TOOLS.slice(0, 1), response_format: format })
    expect(encode(request, { hasStructuredOutput: false }).body['tool_choice']).toEqual(choice)
  })

  test('for searching are the own search', () => {
    const value = { type: 'web_search_20250305', name: 'web_search', max_uses: 3 }
    const tools = [{ kind: 'web_search', protocol: 'anthropic', value, at: 'tools[0]' } as const]
    const { body, losses } = encode({ ...foreign(requestOf()), tools })
    expect(body['web_search_options']).toEqual({})
    expect(losses).toEqual(['tools[0].max_uses'])
  })
})

describe('what cannot be said is named', () => {
  const file = (media: Extract<Part, { kind: 'file' }>['media']): Part => ({
    kind: 'file',
    media,
    at: 'messages[0].content[0]',
  })

  test.each<[string, ChatRequest, string]>([
    ['a stored answer', { ...foreign(requestOf()), previousResponseId: 'resp_1' }, 'previous_response_id'],
    [
      'another provider’s tool',
      {
        ...foreign(requestOf()),
        tools: [{ kind: 'native', type: 'bash', protocol: 'anthropic', value: {}, at: 'tools[0]' }],
      },
      'tools[0]',
    ],
    [
      'another provider’s file',
      conversation(['user', [file({ kind: 'file_id', id: 'file_1', protocol: 'anthropic' })]]),
      'messages[0].content[0]',
    ],
    [
      'the address of a file',
      conversation(['user', [file({ kind: 'url', url: 'https://x.test/a.pdf' })]]),
      'messages[0].content[0]',
    ],
  ])('%s', (_, request, param) => {
    expect(failureOf(() => encode(request))).toMatchObject({ kind: 'untranslatable', param })
  })

  test('broken JSON in a call', () => {
    const broken: Part = {
      kind: 'tool_call',
      id: 'c',
      name: 'f',
      argumentsJson: '{',
      at: 'messages[0].tool_calls[0]',
    }
    expect(failureOf(() => encode(conversation(['assistant', [broken]])))).toMatchObject({
      kind: 'invalid_request',
      param: 'messages[0].tool_calls[0].input',
    })
  })
})

function failureOf(act: () => unknown): unknown {
  try {
    return act()
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
}
