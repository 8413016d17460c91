import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import { chatCodec } from '../../../src/protocols/openai-chat/codec'
import { requestOf } from './golden'

const USER = { role: 'user', content: 'Hi' }
const SIGNED = { google: { thought_signature: 'c2ln' } }
const call = (id: string, json: unknown, more = {}) => ({
  id,
  type: 'function',
  function: { name: 'f', arguments: json },
  ...more,
})

describe('settings', () => {
  test.each([
    ['max_tokens', { max_tokens: 5 }, { maxOutputTokens: 5 }],
    ['max_completion_tokens', { max_completion_tokens: 6 }, { maxOutputTokens: 6 }],
    ['a zero', { temperature: 0 }, { temperature: 0 }],
    ['null', { temperature: null, stop: null }, {}],
    ['stop as a text', { stop: 'x' }, { stop: ['x'] }],
    ['the older format', { response_format: 'json_object' }, { responseFormat: { kind: 'json' } }],
    ['user', { user: 'u' }, { endUserId: 'u' }],
    ['an effort', { reasoning_effort: 'high' }, { reasoning: { effort: 'high' } }],
    [
      'thinking with a budget',
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      { reasoning: { isEnabled: true, budgetTokens: 2048 } },
    ],
    [
      'adaptive thinking with an effort',
      { thinking: { type: 'adaptive' }, reasoning_effort: 'low' },
      { reasoning: { isEnabled: true, isAdaptive: true, effort: 'low' } },
    ],
    ['no thinking', { thinking: { type: 'disabled' } }, { reasoning: { isEnabled: false } }],
    [
      'the reasoning of a gateway',
      { reasoning: { max_tokens: 100, enabled: true, exclude: true } },
      { reasoning: { budgetTokens: 100, isEnabled: true, shown: 'none' } },
    ],
    ['any tool', { tool_choice: 'any' }, { toolChoice: { kind: 'required' } }],
    [
      'one tool',
      { tool_choice: { type: 'function', function: { name: 'f' } } },
      { toolChoice: { kind: 'tool', name: 'f' } },
    ],
    ['the older choice', { function_call: { name: 'f' } }, { toolChoice: { kind: 'tool', name: 'f' } }],
    [
      'some tools',
      {
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'f' } }] },
        },
      },
      { toolChoice: { kind: 'allowed', mode: 'auto', names: ['f'] } },
    ],
  ])('of %s', (_, body, settings) => {
    expect(requestOf(body).settings).toEqual(settings)
  })

  test('keep the names that the client used', () => {
    const { names } = requestOf({ max_tokens: 1, thinking: { type: 'enabled' }, function_call: 'auto' })
    expect(names).toEqual({
      maxOutputTokens: 'max_tokens',
      reasoning: 'thinking',
      toolChoice: 'function_call',
    })
  })

  test('that are not known travel on, and so does the loser of two names', () => {
    const body = {
      max_tokens: 1,
      max_completion_tokens: 2,
      prediction: { type: 'content', content: 'x' },
      modalities: ['text'],
      reasoning_effort: 'default',
      stream_options: { include_usage: true, include_obfuscation: false },
    }
    expect(requestOf(body)).toMatchObject({
      wantsStreamUsage: true,
      settings: { maxOutputTokens: 2 },
      extras: {
        protocol: 'openai-chat',
        at: '',
        fields: {
          max_tokens: 1,
          prediction: { type: 'content', content: 'x' },
          modalities: ['text'],
          reasoning_effort: 'default',
          stream_options: { include_obfuscation: false },
        },
      },
    })
  })
})

describe('messages', () => {
  const partsOf = (...messages: Record<string, unknown>[]) =>
    requestOf({ messages }).messages.flatMap(({ parts }) => parts)

  test('of all kinds of pieces', () => {
    const content = [
      { type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
      { type: 'input_audio', input_audio: { data: 'AA==', format: 'mp3' } },
      { type: 'file', file: { file_id: 'file-1' } },
      { type: 'file', file: { file_data: 'AA==', filename: 'a.pdf' } },
      { type: 'video_url', video_url: { url: 'https://x.test/v.mp4' } },
      { type: 'odd', odd: 1 },
    ]
    expect(partsOf({ role: 'user', content })).toEqual([
      { kind: 'text', text: 'a', cache: { ttl: '1h' }, at: 'messages[0].content[0]' },
      {
        kind: 'image',
        media: { kind: 'base64', base64: 'AA==', mediaType: 'image/png' },
        detail: 'low',
        at: 'messages[0].content[1]',
      },
      {
        kind: 'audio',
        media: { kind: 'base64', base64: 'AA==', mediaType: 'audio/mpeg' },
        at: 'messages[0].content[2]',
      },
      {
        kind: 'file',
        media: { kind: 'file_id', id: 'file-1', protocol: 'openai-chat' },
        at: 'messages[0].content[3]',
      },
      {
        kind: 'file',
        media: { kind: 'base64', base64: 'AA==', mediaType: 'application/pdf' },
        name: 'a.pdf',
        at: 'messages[0].content[4]',
      },
      {
        kind: 'video',
        media: { kind: 'url', url: 'https://x.test/v.mp4' },
        at: 'messages[0].content[5]',
      },
      {
        kind: 'native',
        type: 'odd',
        protocol: 'openai-chat',
        value: { type: 'odd', odd: 1 },
        at: 'messages[0].content[6]',
      },
    ])
  })

  test('with calls of functions in the older form and their results', () => {
    const parts = partsOf(
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
      { role: 'function', name: 'f', content: 'one' },
      { role: 'assistant', content: '', function_call: { name: 'g', arguments: '{}' } },
      { role: 'function', name: 'g', content: 'two' },
    )
    const ids = parts.map((part) =>
      part.kind === 'tool_call' ? part.id : part.kind === 'tool_result' && part.callId,
    )
    expect(ids).toEqual(['call_function_1', 'call_function_1', 'call_function_2', 'call_function_2'])
  })

  test('with a marker on a message have it on its last part', () => {
    const [first, last] = partsOf({
      role: 'user',
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
      cache_control: { type: 'ephemeral' },
    })
    expect([first?.cache, last?.cache]).toEqual([undefined, {}])
  })

  test.each([
    ['reasoning_content', { reasoning_content: 'r' }, { text: 'r', at: 'messages[0].reasoning_content' }],
    ['reasoning', { reasoning: 'r' }, { text: 'r', at: 'messages[0].reasoning' }],
    [
      'details before the text that repeats them',
      {
        reasoning_content: 'rs',
        reasoning_details: [
          { type: 'reasoning.text', text: 'r', format: 'anthropic-claude-v1', index: 0 },
          { type: 'reasoning.text', text: 's', signature: 'x', format: 'anthropic-claude-v1', index: 0 },
        ],
      },
      { text: 'rs', proof: { family: 'anthropic', signature: 'x' }, at: 'messages[0].reasoning_details[0]' },
    ],
    [
      'a summary and its encrypted form',
      {
        reasoning_details: [
          { type: 'reasoning.summary', summary: 's', format: 'openai-responses-v1', index: 0 },
          { type: 'reasoning.encrypted', data: 'd', id: 'rs_1', format: 'openai-responses-v1', index: 0 },
        ],
      },
      {
        text: 's',
        isSummary: true,
        proof: { family: 'openai', encrypted: 'd', id: 'rs_1' },
        at: 'messages[0].reasoning_details[0]',
      },
    ],
    [
      'blocks',
      { thinking_blocks: [{ type: 'redacted_thinking', data: 'd' }] },
      { text: '', proof: { family: 'anthropic', encrypted: 'd' }, at: 'messages[0].thinking_blocks[0]' },
    ],
  ])('with reasoning as %s', (_, fields, part) => {
    expect(partsOf({ role: 'assistant', content: 'a', ...fields })).toEqual([
      { kind: 'reasoning', ...part },
      { kind: 'text', text: 'a', at: 'messages[0].content' },
    ])
  })

  test('with signatures of calls and of the text', () => {
    const parts = partsOf({
      role: 'assistant',
      content: 'a',
      extra_content: SIGNED,
      tool_calls: [call('call_1', '{}', { extra_content: SIGNED })],
    })
    expect(parts.map((part) => ('proof' in part ? part.proof : undefined))).toEqual([
      { family: 'gemini', signature: 'c2ln' },
      { family: 'gemini', signature: 'c2ln' },
    ])
  })

  test('with the signature of a call among the reasoning', () => {
    const parts = partsOf({
      role: 'assistant',
      content: null,
      reasoning_details: [
        { type: 'reasoning.encrypted', data: 'c2ln', id: 'call_1', format: 'google-gemini-v1' },
      ],
      tool_calls: [call('call_1', '{}')],
    })
    expect(parts).toMatchObject([{ kind: 'tool_call', proof: { family: 'gemini', signature: 'c2ln' } }])
  })
})

describe('tools', () => {
  test('of all kinds', () => {
    const grammar = { syntax: 'lark', definition: 'start: "a"' }
    const { tools } = requestOf({
      tools: [
        { type: 'function', function: { name: 'f', strict: true }, cache_control: { type: 'ephemeral' } },
        { type: 'custom', custom: { name: 'c', format: { type: 'grammar', grammar } } },
        { type: 'browser', size: 1 },
      ],
      functions: [{ name: 'g' }],
      web_search_options: { search_context_size: 'low' },
    })
    expect(tools).toMatchObject([
      { kind: 'function', name: 'f', strict: true, cache: {}, at: 'tools[0]' },
      { kind: 'custom', name: 'c', format: { type: 'grammar', ...grammar }, at: 'tools[1]' },
      { kind: 'native', type: 'browser', at: 'tools[2]' },
      { kind: 'function', name: 'g', at: 'functions[0]' },
      { kind: 'web_search', value: { search_context_size: 'low' }, at: 'web_search_options' },
    ])
  })
})

describe('what is wrong is named', () => {
  test.each([
    ['messages', {}],
    ['messages', { messages: [] }],
    ['messages[0]', { messages: ['Hi'] }],
    ['messages[0].role', { messages: [{ role: 'robot', content: 'Hi' }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 5 }] }],
    ['messages[0].content[0].text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }],
    [
      'messages[0].content[1].image_url.url',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'a' },
              { type: 'image_url', image_url: { url: 5 } },
            ],
          },
        ],
      },
    ],
    ['messages[0].tool_call_id', { messages: [{ role: 'tool', content: 'x' }] }],
    [
      'messages[0].tool_calls[0].id',
      { messages: [{ role: 'assistant', tool_calls: [{ type: 'function' }] }] },
    ],
    [
      'messages[0].tool_calls[0].function.arguments',
      { messages: [{ role: 'assistant', tool_calls: [call('a', 5)] }] },
    ],
    ['temperature', { messages: [USER], temperature: 'hot' }],
    ['stop[1]', { messages: [USER], stop: ['a', 1] }],
    ['tools[0].function.name', { messages: [USER], tools: [{ type: 'function', function: {} }] }],
    ['tool_choice', { messages: [USER], tool_choice: 'perhaps' }],
    ['response_format.type', { messages: [USER], response_format: { type: 'xml' } }],
    ['thinking.type', { messages: [USER], thinking: { type: 'deep' } }],
  ])('%s', (param, body) => {
    expect(failureOf(() => chatCodec.decodeRequest(body))).toMatchObject({ kind: 'invalid_request', param })
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
