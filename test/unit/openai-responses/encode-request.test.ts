import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import type { ModelTraits } from '../../../src/protocols/codec'
import { responsesCodec } from '../../../src/protocols/openai-responses/codec'
import type { Part } from '../../../src/protocols/parts'
import type { ChatRequest, Message, Settings, Tool } from '../../../src/protocols/request'
import { requestOf } from './golden'

const at = 'messages[0]'
const hello: Message = { role: 'user', parts: [{ kind: 'text', text: 'Hi' }], at }

/** A request of a client of another protocol. */
function foreign(more: Partial<ChatRequest> = {}): ChatRequest {
  return {
    protocol: 'anthropic',
    model: 'm',
    stream: false,
    wantsStreamUsage: true,
    messages: [hello],
    tools: [],
    settings: {},
    names: {},
    ...more,
  }
}

const encode = (request: ChatRequest, traits: ModelTraits = {}) =>
  responsesCodec.encodeRequest(request, { model: 'gpt', traits })
const withSettings = (settings: Settings, traits: ModelTraits = {}) => encode(foreign({ settings }), traits)

function itemsOf(role: Message['role'], ...parts: Part[]) {
  const { body, losses } = encode(foreign({ messages: [{ role, parts, at }] }))
  return { input: body.input, losses }
}

function refusalOf(work: () => unknown) {
  try {
    work()
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  return 'taken'
}

describe('messages', () => {
  test('of a system prompt in front are the instructions, later ones stand in place', () => {
    const system: Message = { role: 'system', parts: [{ kind: 'text', text: 'Be terse.' }], at: 'system' }
    const { body } = encode(foreign({ messages: [system, hello, { ...system, at: 'messages[1]' }] }))
    expect(body.instructions).toBe('Be terse.')
    expect(body.input).toMatchObject([
      { role: 'user' },
      { role: 'system', content: [{ type: 'input_text', text: 'Be terse.' }] },
    ])
  })

  test('with results come apart, in their order', () => {
    const result: Part = {
      kind: 'tool_result',
      callId: 'c',
      parts: [{ kind: 'text', text: '1' }],
      isError: true,
      at: 'messages[0].content[0]',
    }
    expect(itemsOf('user', result, { kind: 'text', text: 'And?' }, { kind: 'text', text: '' })).toEqual({
      input: [
        { type: 'function_call_output', call_id: 'c', output: '1' },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'And?' }] },
      ],
      losses: ['messages[0].content[0].is_error'],
    })
  })

  test('of the assistant hold its texts, and calls stand beside them', () => {
    const call: Part = { kind: 'tool_call', id: 'c', name: 'f', argumentsJson: '' }
    const custom: Part = { ...call, isCustom: true, argumentsJson: 'x' }
    expect(itemsOf('assistant', { kind: 'text', text: 'a' }, call, custom).input).toEqual([
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }] },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'custom_tool_call', call_id: 'c', name: 'f', input: 'x' },
    ])
  })

  test('have short ids, the same for a call and its result, and others for others', () => {
    const long = 'x'.repeat(100)
    const ids = [long, long, `${long}y`].map((id, index) => {
      const part: Part =
        index === 1
          ? { kind: 'tool_result', callId: id, parts: [] }
          : { kind: 'tool_call', id, name: 'f', argumentsJson: '{}' }
      const { input } = itemsOf('user', part)
      return Array.isArray(input) ? String(input[0].call_id) : ''
    })
    expect(ids[0]).toHaveLength(64)
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
  })

  test.each([
    [{ kind: 'base64', base64: 'AAAA', mediaType: 'image/png' }, { image_url: 'data:image/png;base64,AAAA' }],
    [{ kind: 'url', url: 'https://a.test/1' }, { image_url: 'https://a.test/1' }],
    [{ kind: 'file_id', id: 'file-1', protocol: 'openai-chat' }, { file_id: 'file-1' }],
  ] as const)('show pictures of %j', (media, expected) => {
    const content = [{ type: 'input_image', detail: 'auto', ...expected }]
    expect(itemsOf('user', { kind: 'image', media }).input).toMatchObject([{ content }])
  })

  test.each([
    [
      { media: { kind: 'base64', base64: 'AAAA', mediaType: 'application/pdf' } },
      { type: 'input_file', filename: 'document.pdf', file_data: 'data:application/pdf;base64,AAAA' },
      [],
    ],
    [
      { media: { kind: 'text', text: 'b', mediaType: 'text/plain' }, name: 'a', context: 'c' },
      { type: 'input_text', text: 'a\n\nc\n\nb' },
      [],
    ],
    [
      { media: { kind: 'url', url: 'https://a.test/1' }, isCited: true, context: 'c' },
      { type: 'input_file', file_url: 'https://a.test/1' },
      ['f.citations', 'f.context'],
    ],
  ] as const)('hold files of %j', (file, expected, losses) => {
    const { input, losses: lost } = itemsOf('user', { kind: 'file', ...file, at: 'f' })
    expect(input).toEqual([{ type: 'message', role: 'user', content: [expected] }])
    expect(lost).toEqual(losses)
  })

  test.each<[string, Message['role'], Part]>([
    ['a video', 'user', { kind: 'video', media: { kind: 'url', url: 'https://a.test/1' }, at: 'p' }],
    ['a file elsewhere', 'user', fileAt('anthropic')],
    ['a sound by URL', 'user', { kind: 'audio', media: { kind: 'url', url: 'https://a.test/1' }, at: 'p' }],
    ['a picture by the assistant', 'assistant', { ...fileAt('openai-chat'), kind: 'image' }],
  ])('cannot hold %s', (_, role, part) => {
    expect(refusalOf(() => itemsOf(role, part))).toMatchObject({ kind: 'untranslatable', param: 'p' })
  })

  test.each<[string, Part, string]>([
    ['a marker for the cache', { kind: 'text', text: 'a', cache: {}, at: 'p' }, 'p.cache_control'],
    [
      'a block of another protocol',
      { kind: 'native', type: 'x', protocol: 'gemini', value: {}, at: 'p' },
      'p',
    ],
    [
      'a field of another protocol',
      { kind: 'text', text: 'a', at: 'p', extras: { protocol: 'gemini', fields: { x: 1 }, at: 'p' } },
      'p.x',
    ],
  ])('do without %s', (_, part, loss) => {
    expect(itemsOf('user', part).losses).toEqual([loss])
  })
})

describe('reasoning', () => {
  const proof = { family: 'openai', id: 'rs_1', encrypted: 'e' } as const
  test('goes back to who thought it, and asks for the like', () => {
    const part: Part = { kind: 'reasoning', text: 'a', isSummary: true, proof, at: 'p' }
    const { body, losses } = encode(foreign({ messages: [{ role: 'assistant', parts: [part], at }] }))
    expect(body).toMatchObject({
      input: [
        {
          type: 'reasoning',
          id: 'rs_1',
          encrypted_content: 'e',
          summary: [{ type: 'summary_text', text: 'a' }],
        },
      ],
      include: ['reasoning.encrypted_content'],
      store: false,
    })
    expect(losses).toEqual([])
  })

  test.each<[string, Extract<Part, { kind: 'reasoning' }>['proof']]>([
    ['of another family', { family: 'anthropic', signature: 's' }],
    ['without a proof', undefined],
    ['that only an id stands for', { family: 'openai', id: 'rs_1' }],
  ])('%s is left out', (_, given) => {
    const told = itemsOf('assistant', { kind: 'reasoning', text: 'a', proof: given, at: 'p' })
    expect(told).toEqual({ input: [], losses: ['p'] })
  })

  test.each<[NonNullable<Settings['reasoning']>, ModelTraits, unknown, boolean]>([
    [{ effort: 'high' }, {}, { effort: 'high' }, true],
    [{ effort: 'max' }, { efforts: ['low', 'medium', 'high'] }, { effort: 'high' }, true],
    [{ effort: 'none' }, { efforts: ['minimal', 'low'] }, { effort: 'minimal' }, false],
    [{ effort: 'none' }, {}, { effort: 'none' }, false],
    [{ isEnabled: false }, {}, { effort: 'none' }, false],
    [{ isEnabled: true, budgetTokens: 2048 }, {}, { effort: 'medium' }, true],
    [{ budgetTokens: 1024 }, {}, { effort: 'low' }, true],
    [{ budgetTokens: 0 }, {}, { effort: 'none' }, true],
    [{ budgetTokens: -1 }, {}, undefined, true],
    [{ budgetTokens: 32_000, shown: 'auto' }, {}, { effort: 'high', summary: 'auto' }, true],
    [{ effort: 'low', shown: 'none' }, {}, { effort: 'low' }, true],
  ])('%j for %j is %j', (reasoning, traits, expected, isEncrypted) => {
    const { body, losses } = withSettings({ reasoning }, traits)
    expect([body.reasoning, losses]).toEqual([expected, []])
    expect(body.include).toEqual(isEncrypted ? ['reasoning.encrypted_content'] : undefined)
  })

  test('is a loss for a model that has none', () => {
    const { body, losses } = withSettings({ reasoning: { effort: 'low' } }, { reasoning: 'none' })
    expect([body.reasoning, body.include, losses]).toEqual([undefined, undefined, ['reasoning']])
  })
})

describe('settings', () => {
  test('that do not exist here are losses by the names of the client', () => {
    const settings: Settings = { topK: 1, stop: ['x'], seed: 1, choiceCount: 2, temperature: 0.5 }
    const names = { topK: 'top_k', stop: 'stop_sequences' }
    const { body, losses } = encode(foreign({ settings, names }))
    expect(body.temperature).toBe(0.5)
    expect(losses.sort()).toEqual(['choiceCount', 'seed', 'stop_sequences', 'top_k'])
  })

  test('that the model refuses are left out', () => {
    const settings: Settings = { temperature: 0.5, topP: 0.5, logprobs: true, topLogprobs: 2 }
    const { body, losses } = withSettings(settings, { refuses: ['temperature', 'logprobs'] })
    expect(body).toMatchObject({ top_p: 0.5 })
    expect(Object.keys(body)).not.toEqual(expect.arrayContaining(['temperature', 'top_logprobs', 'include']))
    expect(losses).toEqual(['temperature', 'logprobs', 'topLogprobs'])
  })

  test.each<[Settings, Record<string, unknown>, string[]]>([
    [{ maxOutputTokens: 5 }, { max_output_tokens: 16 }, ['maxOutputTokens']],
    [{ maxOutputTokens: 50 }, { max_output_tokens: 50 }, []],
    [{ choiceCount: 1 }, {}, []],
    [{ endUserId: 'u' }, { safety_identifier: 'u' }, []],
    [{ endUserId: 'u'.repeat(65) }, {}, ['endUserId']],
    [{ serviceTier: 'standard_only' }, { service_tier: 'default' }, []],
    [{ serviceTier: 'scenic' }, {}, ['serviceTier']],
    [{ store: true }, { store: true }, []],
    [{ verbosity: 'low' }, { text: { verbosity: 'low' } }, []],
    [{ logprobs: true, topLogprobs: 2 }, { include: ['message.output_text.logprobs'], top_logprobs: 2 }, []],
  ])('%j become %j', (settings, expected, lost) => {
    const { body, losses } = withSettings(settings)
    const { model: _, input: __, ...rest } = body
    expect(rest).toEqual({ store: false, ...expected })
    expect(losses).toEqual(lost)
  })

  test('of its own client are as they were, also those that no other protocol has', () => {
    const own = {
      user: 'u',
      max_output_tokens: 5,
      truncation: 'auto',
      background: true,
      reasoning: { effort: 'low', mode: 'pro' },
      include: ['reasoning.encrypted_content', 'web_search_call.results'],
      previous_response_id: 'resp_1',
      tools: [{ type: 'mcp', server_label: 'x' }],
      tool_choice: { type: 'mcp', server_label: 'x' },
    }
    const { body, losses } = encode(requestOf(own))
    expect(body).toMatchObject(own)
    expect(body).not.toHaveProperty('store')
    expect(losses).toEqual([])
  })

  test('that go on from an answer elsewhere are refused', () => {
    expect(refusalOf(() => encode(foreign({ previousResponseId: 'resp_1' })))).toMatchObject({
      kind: 'untranslatable',
      param: 'previous_response_id',
    })
  })
})

describe('tools', () => {
  const weather: Tool = { kind: 'function', name: 'f', parameters: { type: 'object' }, at: 'tools[0]' }
  const search: Tool = { kind: 'web_search', protocol: 'anthropic', value: { type: 'x' }, at: 'tools[1]' }

  test('are no stricter than their client made them', () => {
    const custom: Tool = { kind: 'custom', name: 'c', at: 'tools[2]' }
    const closed = { type: 'object', properties: {}, additionalProperties: false }
    const strict: Tool = { ...weather, parameters: closed, strict: true }
    const { body } = encode(foreign({ tools: [weather, strict, search, custom] }))
    expect(body.tools).toEqual([
      { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
      { type: 'function', name: 'f', parameters: closed, strict: true },
      { type: 'web_search' },
      { type: 'custom', name: 'c' },
    ])
  })

  test.each<[Settings['toolChoice'], unknown]>([
    [{ kind: 'required' }, 'required'],
    [
      { kind: 'tool', name: 'f' },
      { type: 'function', name: 'f' },
    ],
    [{ kind: 'tool', name: 'web_search' }, { type: 'web_search' }],
    [
      { kind: 'allowed', mode: 'auto', names: ['f'] },
      { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
    ],
  ])('are chosen by %j', (toolChoice, expected) => {
    const { body } = encode(foreign({ tools: [weather, search], settings: { toolChoice } }))
    expect(body.tool_choice).toEqual(expected)
  })

  test('that only another provider runs are refused', () => {
    const native: Tool = { kind: 'native', type: 'bash', protocol: 'anthropic', value: {}, at: 'tools[0]' }
    expect(refusalOf(() => encode(foreign({ tools: [native] })))).toMatchObject({ param: 'tools[0]' })
  })
})

describe('the form of an answer', () => {
  const schema = { type: 'object' }
  const responseFormat = { kind: 'json_schema', schema } as const

  test('is a schema where the model takes one', () => {
    const format = { type: 'json_schema', name: 'answer', schema, strict: false }
    expect(withSettings({ responseFormat }).body.text).toEqual({ format })
  })

  test('is a tool where it does not', () => {
    const told = withSettings({ responseFormat, verbosity: 'low' }, { hasStructuredOutput: false })
    expect(told.standIns).toEqual({ structuredOutput: 'structured_output' })
    expect(told.body).toMatchObject({
      text: { verbosity: 'low' },
      tools: [{ type: 'function', name: 'structured_output', parameters: schema }],
      tool_choice: { type: 'function', name: 'structured_output' },
    })
    expect(told.body.text).not.toHaveProperty('format')
  })

  test('of plain JSON is asked for in words, without which the provider refuses', () => {
    const json = { responseFormat: { kind: 'json' } } as const
    const asks = { role: 'developer', content: [{ text: 'Answer with JSON only.' }] }
    const { body } = withSettings(json)
    expect(body).toMatchObject({ text: { format: { type: 'json_object' } }, input: [asks, {}] })
    const parts: Part[] = [{ kind: 'text', text: 'As JSON, please.' }]
    const asked = encode(foreign({ settings: json, messages: [{ ...hello, parts }] }))
    expect(asked.body.input).toHaveLength(1)
    const without = withSettings(json, { hasStructuredOutput: false })
    expect(without).toMatchObject({ losses: ['responseFormat'], body: { input: [asks, {}] } })
    expect(without.body).not.toHaveProperty('text')
  })
})

function fileAt(protocol: 'anthropic' | 'openai-chat'): Extract<Part, { kind: 'file' }> {
  return { kind: 'file', media: { kind: 'file_id', id: 'x', protocol }, at: 'p' }
}
