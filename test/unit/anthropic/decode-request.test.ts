import { describe, expect, test } from 'vitest'
import { carry } from '../../../src/protocols/carried'
import type { ReasoningProof } from '../../../src/protocols/parts'
import { decoded, type Fields, failureOf, HELLO } from './helpers'

function partsOf(...content: Fields[]) {
  return decoded({ messages: [{ role: 'assistant', content }] }).messages[0]?.parts
}

const AT = 'messages[0].content[0]'
const cache = { cache_control: { type: 'ephemeral', ttl: '1h' } }

describe('a block', () => {
  test.each<[string, Fields, Fields]>([
    ['text', { type: 'text', text: 'a', ...cache }, { kind: 'text', text: 'a', cache: { ttl: '1h' } }],
    [
      'image by address',
      { type: 'image', source: { type: 'url', url: 'https://a/b.png' } },
      { kind: 'image', media: { kind: 'url', url: 'https://a/b.png' } },
    ],
    [
      'image in base64',
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } },
      { kind: 'image', media: { kind: 'base64', base64: 'AA==', mediaType: 'image/png' } },
    ],
    [
      'stored file',
      { type: 'document', source: { type: 'file', file_id: 'file_1' } },
      { kind: 'file', media: { kind: 'file_id', id: 'file_1', protocol: 'anthropic' } },
    ],
    [
      'document of text',
      {
        type: 'document',
        source: { type: 'text', media_type: 'text/plain', data: 'a' },
        title: 'T',
        context: 'C',
        citations: { enabled: true },
      },
      {
        kind: 'file',
        media: { kind: 'text', text: 'a', mediaType: 'text/plain' },
        name: 'T',
        context: 'C',
        isCited: true,
      },
    ],
    [
      'document of chunks',
      {
        type: 'document',
        source: {
          type: 'content',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      },
      { kind: 'file', media: { kind: 'text', text: 'a\nb', mediaType: 'text/plain' } },
    ],
    [
      'call',
      { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: [1] }, caller: { type: 'direct' } },
      {
        kind: 'tool_call',
        id: 'toolu_1',
        name: 'f',
        argumentsJson: '{"a":[1]}',
        extras: { protocol: 'anthropic', fields: { caller: { type: 'direct' } }, at: AT },
      },
    ],
    [
      'result',
      { type: 'tool_result', tool_use_id: 'toolu_1', content: 'warm', is_error: true },
      {
        kind: 'tool_result',
        callId: 'toolu_1',
        isError: true,
        parts: [{ kind: 'text', text: 'warm', at: `${AT}.content` }],
      },
    ],
    ['result without content', { type: 'tool_result', tool_use_id: 'a' }, { kind: 'tool_result', parts: [] }],
    [
      'thinking',
      { type: 'thinking', thinking: 'hm', signature: 'sig' },
      { kind: 'reasoning', text: 'hm', proof: { family: 'anthropic', signature: 'sig' } },
    ],
    [
      'unsigned thinking',
      { type: 'thinking', thinking: 'hm', signature: '' },
      { kind: 'reasoning', text: 'hm' },
    ],
    [
      'opaque thinking',
      { type: 'redacted_thinking', data: 'xyz' },
      { kind: 'reasoning', text: '', proof: { family: 'anthropic', encrypted: 'xyz' } },
    ],
    [
      "block of the provider's own tools",
      { type: 'web_search_tool_result', tool_use_id: 'a', content: [] },
      {
        kind: 'native',
        type: 'web_search_tool_result',
        protocol: 'anthropic',
        value: { type: 'web_search_tool_result', tool_use_id: 'a', content: [] },
      },
    ],
  ])('%s', (_, block, part) => {
    expect(partsOf(block)).toEqual([expect.objectContaining({ ...part, at: AT })])
  })

  test('an unsigned thinking proves nothing', () => {
    expect(partsOf({ type: 'thinking', thinking: 'hm', signature: '' })?.[0]).not.toHaveProperty('proof')
  })

  const openai: ReasoningProof = { family: 'openai', encrypted: 'gAAA', id: 'rs_1' }
  const gemini: ReasoningProof = { family: 'gemini', signature: 'Cv==' }
  const call = (id: string) => ({ type: 'tool_use', id, name: 'f', input: {} })
  const opaque = (data: string) => ({ type: 'redacted_thinking', data })

  test.each<[string, Fields[], Fields[]]>([
    [
      'beside a summary',
      [{ type: 'thinking', thinking: 'hm', signature: carry(openai) }],
      [{ kind: 'reasoning', text: 'hm', isSummary: true, proof: openai }],
    ],
    ['alone', [opaque(carry(openai))], [{ kind: 'reasoning', text: '', proof: openai }]],
    [
      'for the call that it names',
      [opaque(carry(gemini, 'b')), call('a'), call('b')],
      [
        { kind: 'tool_call', id: 'a' },
        { kind: 'tool_call', id: 'b', proof: gemini },
      ],
    ],
    [
      'behind a text',
      [{ type: 'text', text: 'a' }, opaque(carry(gemini))],
      [{ kind: 'text', proof: gemini }],
    ],
    [
      'for a call that is gone',
      [opaque(carry(gemini, 'c')), call('a')],
      [
        { kind: 'reasoning', proof: gemini },
        { kind: 'tool_call', id: 'a' },
      ],
    ],
  ])('a proof of another provider comes back %s', (_, content, parts) => {
    const found = partsOf(...content)
    expect(found).toMatchObject(parts)
    expect(found).toHaveLength(parts.length)
  })
})

describe('a request', () => {
  test('says where everything stands', () => {
    const { messages } = decoded({
      system: [{ type: 'text', text: 'Be terse.' }],
      messages: [
        HELLO,
        { role: 'assistant', content: [{ type: 'text', text: 'Hi.' }] },
        { role: 'system', content: 'Now rhyme.' },
      ],
    })
    expect(messages.map(({ role, at, parts }) => [role, at, parts[0]?.at])).toEqual([
      ['system', 'system', 'system[0]'],
      ['user', 'messages[0]', 'messages[0].content'],
      ['assistant', 'messages[1]', 'messages[1].content[0]'],
      ['system', 'messages[2]', 'messages[2].content'],
    ])
  })

  test.each<[string, Fields, Fields]>([
    ['its limit', { max_tokens: 5 }, { maxOutputTokens: 5 }],
    ['its sampling', { temperature: 0, top_p: 0.5, top_k: 3 }, { temperature: 0, topP: 0.5, topK: 3 }],
    ['its stops', { stop_sequences: ['a'] }, { stop: ['a'] }],
    ['its tier', { service_tier: 'standard_only' }, { serviceTier: 'standard_only' }],
    ['its user', { metadata: { user_id: 'u' } }, { endUserId: 'u' }],
    [
      'a budget',
      { thinking: { type: 'enabled', budget_tokens: 2_048 } },
      { reasoning: { isEnabled: true, budgetTokens: 2_048, shown: 'auto' } },
    ],
    [
      'adaptive thinking',
      { thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'low' } },
      { reasoning: { isEnabled: true, isAdaptive: true, effort: 'low', shown: 'none' } },
    ],
    ['no thinking', { thinking: { type: 'disabled' } }, { reasoning: { isEnabled: false } }],
    ['an effort', { output_config: { effort: 'max' } }, { reasoning: { effort: 'max' } }],
    [
      'a form',
      { output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } },
      { responseFormat: { kind: 'json_schema', schema: { type: 'object' }, strict: true } },
    ],
    [
      'a form as it was called before',
      { output_format: { type: 'json_schema', schema: { type: 'object' } } },
      { responseFormat: { kind: 'json_schema', schema: { type: 'object' }, strict: true } },
    ],
    ['any tool', { tool_choice: { type: 'any' } }, { toolChoice: { kind: 'required' } }],
    [
      'one tool at a time',
      { tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true } },
      { toolChoice: { kind: 'tool', name: 'f' }, parallelToolCalls: false },
    ],
  ])('tells %s', (_, body, settings) => {
    expect(decoded(body).settings).toEqual({ maxOutputTokens: 9, ...settings })
  })

  test('keeps its tools, with what nobody else knows of them', () => {
    const { tools } = decoded({
      tools: [
        { name: 'f', input_schema: { type: 'object' }, strict: true, eager_input_streaming: true, ...cache },
        { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
        { type: 'bash_20250124', name: 'bash' },
      ],
    })
    expect(tools).toMatchObject([
      {
        kind: 'function',
        name: 'f',
        parameters: { type: 'object' },
        strict: true,
        cache: { ttl: '1h' },
        extras: { fields: { eager_input_streaming: true }, at: 'tools[0]' },
      },
      { kind: 'web_search', value: { max_uses: 2 } },
      { kind: 'native', type: 'bash_20250124', at: 'tools[2]' },
    ])
  })

  test('keeps the fields that only its protocol has', () => {
    const fields = { container: 'c_1', mcp_servers: [], cache_control: { type: 'ephemeral' } }
    const body = { ...fields, output_config: { effort: 'low', task_budget: { tokens: 9 } }, speed: null }
    expect(decoded(body).extras).toEqual({
      protocol: 'anthropic',
      fields: { ...fields, output_config: { task_budget: { tokens: 9 } } },
      at: '',
    })
  })

  test.each<[string, Fields, string]>([
    ['no message', { messages: [] }, 'messages'],
    ['a wrong role', { messages: [{ role: 'tool', content: 'a' }] }, 'messages[0].role'],
    ['a message without content', { messages: [{ role: 'user' }] }, 'messages[0].content'],
    ['a block that is a text', { messages: [{ role: 'user', content: ['a'] }] }, AT],
    ['a block without a type', { messages: [{ role: 'user', content: [{}] }] }, `${AT}.type`],
    [
      'a text that is none',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 1 }] }] },
      `${AT}.text`,
    ],
    [
      'an image without a source',
      { messages: [{ role: 'user', content: [{ type: 'image' }] }] },
      `${AT}.source`,
    ],
    [
      'a source of no kind',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'ftp' } }] }] },
      `${AT}.source.type`,
    ],
    [
      'an input that is a text',
      { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: '{}' }] }] },
      `${AT}.input`,
    ],
    [
      'a cache marker for a day',
      { system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1d' } }] },
      'system[0].cache_control.ttl',
    ],
    ['a tool without a schema', { tools: [{ name: 'f' }] }, 'tools[0].input_schema'],
    ['a tool choice of no type', { tool_choice: { type: 'required' } }, 'tool_choice.type'],
    ['thinking of no type', { thinking: { type: 'on' } }, 'thinking.type'],
    ['an effort of no grade', { output_config: { effort: 'huge' } }, 'output_config.effort'],
    ['a temperature that is a text', { temperature: '1' }, 'temperature'],
    ['stops that are a text', { stop_sequences: 'a' }, 'stop_sequences'],
  ])('with %s is refused by name', (_, body, param) => {
    expect(failureOf(() => decoded(body))).toMatchObject({ kind: 'invalid_request', param })
  })
})
