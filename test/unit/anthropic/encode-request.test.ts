import { describe, expect, test } from 'vitest'
import type { ModelTraits } from '../../../src/protocols/codec'
import { fieldsOf, listOf } from '../../../src/protocols/fields'
import type { Part } from '../../../src/protocols/parts'
import type { ChatRequest, Message, Settings, Tool } from '../../../src/protocols/request'
import { encoded, type Fields, failureOf, message } from './helpers'

const text = (value: string): Part => ({ kind: 'text', text: value, at: 'messages[0].content[0]' })
const call = (id: string, more: Partial<Extract<Part, { kind: 'tool_call' }>> = {}): Part => ({
  kind: 'tool_call',
  id,
  name: 'f',
  argumentsJson: '{"a":1}',
  at: 'messages[1].tool_calls[0]',
  ...more,
})
const result = (callId: string): Part => ({ kind: 'tool_result', callId, parts: [text('warm')] })
const tool: Tool = {
  kind: 'function',
  name: 'f',
  parameters: { type: 'object', properties: {} },
  at: 'tools[0]',
}

function turnsOf(...messages: Message[]) {
  const { body, losses } = encoded({ messages })
  return { system: body.system, messages: body.messages, losses }
}

function blocksOf(...parts: Part[]) {
  const { body, losses } = encoded({ messages: [message('user', parts)] })
  return { blocks: fieldsOf(listOf(body.messages)[0]).content, losses }
}

describe('turns', () => {
  test('alternate, with instructions in front as the system prompt and later ones in place', () => {
    expect(
      turnsOf(
        message('system', 'Be terse.'),
        message('developer', 'Rhyme.'),
        message('user', 'a'),
        message('user', 'b'),
        message('assistant', 'c'),
        message('system', 'Now in French.'),
        message('user', 'd'),
      ),
    ).toEqual({
      system: [
        { type: 'text', text: 'Be terse.' },
        { type: 'text', text: 'Rhyme.' },
      ],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
        { role: 'assistant', content: [{ type: 'text', text: 'c' }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Now in French.' },
            { type: 'text', text: 'd' },
          ],
        },
      ],
      losses: [],
    })
  })

  test("of the protocol's own clients keep their later instructions", () => {
    const { body } = encoded({
      protocol: 'anthropic',
      messages: [message('user', 'a'), message('system', 'Now in French.'), message('user', 'b')],
    })
    expect(body.messages).toMatchObject([{ role: 'user' }, { role: 'system' }, { role: 'user' }])
  })

  test.each<[string, Message[], string[]]>([
    [
      'begin with the user',
      [message('assistant', 'Hi.'), message('user', 'a')],
      ['user', 'assistant', 'user'],
    ],
    ['are there without any', [message('system', 'Say hi.')], ['user']],
    [
      'without a letter are none',
      [message('user', 'a'), message('assistant', ' \n'), message('user', 'b')],
      ['user'],
    ],
  ])('%s', (_, messages, roles) => {
    expect(turnsOf(...messages).messages).toMatchObject(roles.map((role) => ({ role })))
  })

  test('have their results first, and the last does not end in a space', () => {
    const { messages } = turnsOf(
      message('user', 'a'),
      message('assistant', [call('x'), call('y')]),
      message('user', [result('x')]),
      message('user', 'b'),
      message('user', [result('y')]),
      message('assistant', 'It is \n'),
    )
    expect(messages).toMatchObject([
      { role: 'user' },
      { content: [{ id: 'x', input: { a: 1 } }, { id: 'y' }] },
      { content: [{ tool_use_id: 'x', content: 'warm' }, { tool_use_id: 'y' }, { text: 'b' }] },
      { content: [{ text: 'It is' }] },
    ])
  })

  test('lose the name of a speaker', () => {
    expect(turnsOf({ ...message('user', 'a'), name: 'Ada' }).losses).toEqual(['messages[0].name'])
  })
})

describe('a part', () => {
  const url = { kind: 'url', url: 'https://a/b' } as const
  test.each<[string, Part, Fields]>([
    [
      'a cached text',
      { kind: 'text', text: 'a', cache: { ttl: '1h' } },
      { type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ],
    ['a refusal', { kind: 'refusal', text: 'No.' }, { type: 'text', text: 'No.' }],
    [
      'an image',
      { kind: 'image', media: url, detail: 'auto' },
      { type: 'image', source: { type: 'url', url: 'https://a/b' } },
    ],
    [
      'an image sent as a file',
      { kind: 'file', media: { kind: 'base64', base64: 'AA==', mediaType: 'image/png' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } },
    ],
    [
      'a text file in base64',
      { kind: 'file', media: { kind: 'base64', base64: 'w6k=', mediaType: 'text/csv' }, name: 'a.csv' },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'é' }, title: 'a.csv' },
    ],
    [
      'a PDF by address, to be cited',
      { kind: 'file', media: url, isCited: true, context: 'C' },
      {
        type: 'document',
        source: { type: 'url', url: 'https://a/b' },
        context: 'C',
        citations: { enabled: true },
      },
    ],
    [
      'a result with an image',
      { kind: 'tool_result', callId: 'a', isError: false, parts: [text('x'), { kind: 'image', media: url }] },
      {
        type: 'tool_result',
        tool_use_id: 'a',
        is_error: false,
        content: [
          { type: 'text', text: 'x' },
          { type: 'image', source: { type: 'url', url: 'https://a/b' } },
        ],
      },
    ],
    [
      'an empty result',
      { kind: 'tool_result', callId: 'a', parts: [text('')] },
      { type: 'tool_result', tool_use_id: 'a' },
    ],
    [
      "a block of the provider's own",
      {
        kind: 'native',
        type: 'search_result',
        protocol: 'anthropic',
        value: { type: 'search_result', source: 's' },
      },
      { type: 'search_result', source: 's' },
    ],
  ])('%s is told', (_, part, block) => {
    expect(blocksOf(text('a'), part)).toEqual({ blocks: expect.arrayContaining([block]), losses: [] })
  })

  test.each<[string, Part, string]>([
    ['how closely to look', { kind: 'image', media: url, detail: 'low', at: 'x' }, 'x.detail'],
    ['reasoning without proof', { kind: 'reasoning', text: 'hm', at: 'x' }, 'x'],
    [
      'reasoning of another family',
      { kind: 'reasoning', text: 'hm', proof: { family: 'openai', encrypted: 'e' }, at: 'x' },
      'x',
    ],
    [
      'a block of another protocol',
      { kind: 'native', type: 'c', protocol: 'gemini', value: {}, at: 'x' },
      'x',
    ],
    [
      'a field of another protocol',
      { kind: 'text', text: 'b', extras: { protocol: 'openai-chat', fields: { n: 1 }, at: 'x' } },
      'x.n',
    ],
  ])('loses %s', (_, part, loss) => {
    expect(blocksOf(text('a'), part).losses).toEqual([loss])
  })

  test.each<[string, Part]>([
    ['a sound', { kind: 'audio', media: url, at: 'x' }],
    ['a film', { kind: 'video', media: url, at: 'x' }],
    [
      'a TIFF',
      { kind: 'image', media: { kind: 'base64', base64: 'AA==', mediaType: 'image/tiff' }, at: 'x' },
    ],
    ['a bucket', { kind: 'image', media: { kind: 'url', url: 'gs://a/b' }, at: 'x' }],
    [
      'a sheet',
      {
        kind: 'file',
        media: { kind: 'base64', base64: 'AA==', mediaType: 'application/vnd.ms-excel' },
        at: 'x',
      },
    ],
    [
      "another provider's file",
      { kind: 'file', media: { kind: 'file_id', id: 'f', protocol: 'openai-chat' }, at: 'x' },
    ],
  ])('is refused by its place when it is %s', (_, part) => {
    expect(failureOf(() => blocksOf(part))).toMatchObject({ kind: 'untranslatable', param: 'x' })
  })

  test("reasoning goes back byte for byte in the provider's own blocks", () => {
    const proofs: Part[] = [
      { kind: 'reasoning', text: 'hm', proof: { family: 'anthropic', signature: 'sig==' } },
      { kind: 'reasoning', text: '', proof: { family: 'anthropic', encrypted: 'xyz' } },
      { kind: 'reasoning', text: '', proof: { family: 'anthropic', signature: 'only' } },
    ]
    expect(
      turnsOf(message('user', 'a'), message('assistant', [...proofs, text('b')])).messages,
    ).toMatchObject([
      {},
      {
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'sig==' },
          { type: 'redacted_thinking', data: 'xyz' },
          { type: 'thinking', thinking: '', signature: 'only' },
          { type: 'text', text: 'b' },
        ],
      },
    ])
  })

  test('ids of calls are legal, and the same for the result', () => {
    const ids = ['call_ok-1', 'a.b', 'a:b'].map((id) => {
      const { messages } = turnsOf(
        message('user', 'a'),
        message('assistant', [call(id)]),
        message('user', [result(id)]),
      )
      const [, use, back] = listOf(messages).map((turn) => fieldsOf(listOf(fieldsOf(turn).content)[0]))
      expect(back?.tool_use_id).toBe(use?.id)
      expect(use?.id).toMatch(/^[a-zA-Z0-9_-]+$/)
      return use?.id
    })
    expect(ids[0]).toBe('call_ok-1')
    expect(new Set(ids).size).toBe(3)
  })

  test.each([
    ['', {}],
    ['{"a":[1]}', { a: [1] }],
  ])('arguments %j are an input', (argumentsJson, input) => {
    expect(blocksOf(call('a', { argumentsJson })).blocks).toMatchObject([{ input }])
  })

  test('text for a custom tool is the input of its stand-in', () => {
    expect(blocksOf(call('a', { argumentsJson: 'ls', isCustom: true })).blocks).toMatchObject([
      { input: { input: 'ls' } },
    ])
  })

  test.each(['{', '[1]', '"a"'])('arguments %j are refused by their place', (argumentsJson) => {
    const param = 'messages[1].tool_calls[0].function.arguments'
    expect(failureOf(() => blocksOf(call('a', { argumentsJson })))).toMatchObject({
      kind: 'invalid_request',
      param,
    })
  })
})

describe('tools', () => {
  const names = { toolChoice: 'tool_choice', reasoning: 'reasoning_effort' }
  test.each<[string, Settings, Fields | undefined, string[]]>([
    ['auto', { toolChoice: { kind: 'auto' } }, { type: 'auto' }, []],
    ['none', { toolChoice: { kind: 'none' }, parallelToolCalls: false }, { type: 'none' }, []],
    ['any', { toolChoice: { kind: 'required' } }, { type: 'any' }, []],
    ['one', { toolChoice: { kind: 'tool', name: 'f' } }, { type: 'tool', name: 'f' }, []],
    ['one at a time', { parallelToolCalls: false }, { type: 'auto', disable_parallel_tool_use: true }, []],
    ['several at once', { parallelToolCalls: true }, undefined, []],
    [
      'any while thinking',
      { toolChoice: { kind: 'required' }, reasoning: { effort: 'low' } },
      { type: 'auto' },
      ['tool_choice'],
    ],
  ])('are chosen: %s', (_, settings, choice, losses) => {
    const request = encoded({ tools: [tool], settings, names })
    expect(request.body.tool_choice).toEqual(choice)
    expect(request.losses).toEqual(losses)
  })

  test('that are not there cannot be forced', () => {
    expect(encoded({ settings: { toolChoice: { kind: 'required' } }, names })).toMatchObject({
      losses: ['tool_choice'],
    })
    const free = encoded({ settings: { toolChoice: { kind: 'auto' }, parallelToolCalls: false }, names })
    expect(free.losses).toEqual([])
    expect(free.body).not.toHaveProperty('tool_choice')
  })

  test('that are not allowed are left out', () => {
    const choice = { kind: 'allowed', mode: 'required', names: ['g'] } as const
    const { body } = encoded({ tools: [tool, { ...tool, name: 'g' }], settings: { toolChoice: choice } })
    expect(body).toMatchObject({ tools: [{ name: 'g' }], tool_choice: { type: 'any' } })
    expect(body.tools).toHaveLength(1)
  })

  test.each<[string, Tool, Fields, string[]]>([
    [
      'a function without parameters',
      { kind: 'function', name: 'f', at: 't' },
      { name: 'f', input_schema: { type: 'object', properties: {} } },
      [],
    ],
    [
      'a strict one whose objects are closed',
      { ...tool, strict: true, parameters: { type: 'object', properties: {}, additionalProperties: false } },
      {
        name: 'f',
        strict: true,
        input_schema: { type: 'object', properties: {}, additionalProperties: false },
      },
      [],
    ],
    [
      'a strict one whose objects are open',
      { ...tool, strict: true },
      { name: 'f', input_schema: { type: 'object', properties: {} } },
      ['tools[0].strict'],
    ],
    [
      'a custom one',
      { kind: 'custom', name: 'f', format: { type: 'grammar' }, at: 't' },
      {
        name: 'f',
        input_schema: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
      },
      ['t.format'],
    ],
    [
      'web search',
      {
        kind: 'web_search',
        protocol: 'openai-responses',
        value: { type: 'web_search', search_context_size: 'low' },
        at: 't',
      },
      { type: 'web_search_20250305', name: 'web_search' },
      ['t.search_context_size'],
    ],
  ])('%s', (_, given, block, losses) => {
    const request = encoded({ tools: [given] })
    expect(request.body.tools).toEqual([block])
    expect(request.losses).toEqual(losses)
    expect(request.standIns).toEqual(given.kind === 'custom' ? { customTools: ['f'] } : {})
  })

  test.each<[string, Tool, string]>([
    [
      'a foreign server',
      { kind: 'native', type: 'file_search', protocol: 'openai-responses', value: {}, at: 't' },
      't',
    ],
  ])('with %s are refused', (_, given, param) => {
    expect(failureOf(() => encoded({ tools: [given] }))).toMatchObject({ kind: 'untranslatable', param })
  })
})

describe('thinking', () => {
  const names = { reasoning: 'reasoning_effort', temperature: 'temperature', topP: 'top_p', topK: 'top_k' }
  const budget: ModelTraits = { reasoning: 'budget' }
  const adaptive: ModelTraits = { reasoning: 'adaptive', efforts: ['low', 'medium', 'high'] }
  const enabled = (budget_tokens: number) => ({ type: 'enabled', budget_tokens })

  test.each<[string, Settings, ModelTraits, Fields]>([
    [
      'a grade as a share',
      { maxOutputTokens: 10_000, reasoning: { effort: 'low' } },
      budget,
      { thinking: enabled(2_000), max_tokens: 10_000 },
    ],
    [
      'the least budget',
      { maxOutputTokens: 2_000, reasoning: { effort: 'low' } },
      budget,
      { thinking: enabled(1_024), max_tokens: 2_000 },
    ],
    [
      'a higher limit',
      { maxOutputTokens: 64, reasoning: { effort: 'high' } },
      budget,
      { thinking: enabled(1_024), max_tokens: 1_088 },
    ],
    [
      'a limit that the model has',
      { maxOutputTokens: 4_000, reasoning: { budgetTokens: 9_000 } },
      { ...budget, maxOutputTokens: 8_000 },
      { thinking: enabled(7_999), max_tokens: 8_000 },
    ],
    [
      'a budget left to the model',
      { maxOutputTokens: 10_000, reasoning: { budgetTokens: -1 } },
      budget,
      { thinking: enabled(5_000) },
    ],
    [
      'a grade',
      { reasoning: { effort: 'medium' } },
      {},
      { thinking: { type: 'adaptive' }, output_config: { effort: 'medium' } },
    ],
    ['the nearest grade', { reasoning: { effort: 'max' } }, adaptive, { output_config: { effort: 'high' } }],
    ['the weakest grade', { reasoning: { effort: 'minimal' } }, {}, { output_config: { effort: 'low' } }],
    [
      'the grade of a budget',
      { maxOutputTokens: 10_000, reasoning: { budgetTokens: 8_000 } },
      adaptive,
      { output_config: { effort: 'high' } },
    ],
    [
      'a summary',
      { reasoning: { effort: 'low', shown: 'auto' } },
      {},
      { thinking: { type: 'adaptive', display: 'summarized' } },
    ],
    [
      'nothing shown',
      { reasoning: { effort: 'low', shown: 'none' } },
      {},
      { thinking: { type: 'adaptive', display: 'omitted' } },
    ],
    ['none at all', { reasoning: { effort: 'none' } }, {}, { thinking: { type: 'disabled' } }],
  ])('is asked for as %s', (_, settings, traits, body) => {
    const request = encoded({ settings, names }, traits)
    expect(request.body).toMatchObject(body)
    expect(request.losses).toEqual([])
  })

  test.each<[string, Settings, ModelTraits, string[]]>([
    ['the model does not', { reasoning: { effort: 'low' } }, { reasoning: 'none' }, ['reasoning_effort']],
    ['the model does not, and need not', { reasoning: { effort: 'none' } }, { reasoning: 'none' }, []],
    ['it is not asked to', { reasoning: { effort: 'none' } }, budget, []],
    [
      'its limit is too low',
      { reasoning: { effort: 'low' } },
      { ...budget, maxOutputTokens: 512 },
      ['reasoning_effort'],
    ],
  ])('is left out where %s', (_, settings, traits, losses) => {
    const request = encoded({ settings, names }, traits)
    expect(request.body).not.toHaveProperty('thinking')
    expect(request.losses).toEqual(losses)
  })

  test('as a client of the protocol asks for it stays as it is', () => {
    const reasoning = { isEnabled: true, budgetTokens: 2_048, shown: 'auto' } as const
    const settings = { maxOutputTokens: 4_096, reasoning }
    expect(encoded({ protocol: 'anthropic', settings }).body.thinking).toEqual(enabled(2_048))
    expect(
      encoded({ protocol: 'anthropic', settings: { reasoning: { effort: 'low' } } }).body,
    ).not.toHaveProperty('thinking')
  })

  test('sets its own sampling', () => {
    const sampling = { temperature: 0.2, topP: 0.5, topK: 3 }
    const { body, losses } = encoded({ settings: { ...sampling, reasoning: { effort: 'low' } }, names })
    expect(losses).toEqual(['temperature', 'top_p', 'top_k'])
    expect(Object.keys(body)).toEqual(['model', 'max_tokens', 'messages', 'thinking', 'output_config'])
    const wide = encoded({ settings: { temperature: 1, topP: 0.97, reasoning: { effort: 'low' } }, names })
    expect(wide).toMatchObject({ losses: [], body: { temperature: 1, top_p: 0.97 } })
  })

  const signed: Part = { kind: 'reasoning', text: 'hm', proof: { family: 'anthropic', signature: 's' } }
  const foreign: Part = {
    kind: 'reasoning',
    text: 'hm',
    proof: { family: 'gemini', signature: 's' },
    at: 'x',
  }
  const loop = (...parts: Part[]) => [
    message('user', 'a'),
    message('assistant', parts),
    message('user', [result('a')]),
  ]
  test.each<[string, Message[], ModelTraits, string[]]>([
    ['goes on behind its own', loop(signed, call('a')), budget, []],
    ['stops where calls came without it', loop(call('a')), budget, ['reasoning_effort']],
    ["stops behind another model's", loop(foreign, call('a')), budget, ['x', 'reasoning_effort']],
    [
      'begins anew behind a turn without calls',
      [message('user', 'a'), message('assistant', 'b'), message('user', 'c')],
      budget,
      [],
    ],
    [
      'stops for an answer that is begun',
      [message('user', 'a'), message('assistant', 'b')],
      budget,
      ['reasoning_effort'],
    ],
    ['may begin anywhere when it is adaptive', loop(call('a')), adaptive, []],
  ])('%s', (_, messages, traits, losses) => {
    const request = encoded({ messages, settings: { reasoning: { effort: 'medium' } }, names }, traits)
    expect(request.losses).toEqual(losses)
    expect('thinking' in request.body).toBe(!losses.includes('reasoning_effort'))
  })
})

describe('settings', () => {
  const names: ChatRequest['names'] = {
    temperature: 'temperature',
    responseFormat: 'response_format',
    stop: 'stop',
    topP: 'top_p',
  }
  test.each<[string, Settings, ModelTraits, Fields, string[]]>([
    ['the default limit', {}, {}, { max_tokens: 4_096 }, []],
    ["the model's limit", {}, { maxOutputTokens: 8_192 }, { max_tokens: 8_192 }, []],
    ['a temperature that is too high', { temperature: 1.5 }, {}, { temperature: 1 }, ['temperature']],
    ['a temperature of zero', { temperature: 0, topK: 0 }, {}, { temperature: 0, top_k: 0 }, []],
    [
      'what the model refuses',
      { temperature: 0, topP: 1 },
      { refuses: ['topP'] },
      { temperature: 0 },
      ['top_p'],
    ],
    ['stops', { stop: ['a', '\n'] }, {}, { stop_sequences: ['a'] }, ['stop']],
    ['the end user', { endUserId: 'u' }, {}, { metadata: { user_id: 'u' } }, []],
    ['a tier', { serviceTier: 'default' }, {}, { service_tier: 'standard_only' }, []],
    ['a tier that is not there', { serviceTier: 'flex' }, {}, {}, ['serviceTier']],
    [
      'what it has not',
      { seed: 1, presencePenalty: 1, choiceCount: 2, metadata: { a: 'b' } },
      {},
      {},
      ['presencePenalty', 'seed', 'choiceCount', 'metadata'],
    ],
    [
      'what is so anyway',
      { presencePenalty: 0, choiceCount: 1, store: false, logprobs: false, logitBias: {} },
      {},
      {},
      [],
    ],
  ])('%s', (_, settings, traits, body, losses) => {
    const request = encoded({ settings, names }, traits)
    expect(request.body).toEqual({
      model: 'claude',
      max_tokens: 4_096,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello.' }] }],
      ...body,
    })
    expect(request.losses).toEqual(losses)
  })

  const person = { type: 'object', properties: { age: { type: 'integer', minimum: 0 } }, required: ['age'] }
  const responseFormat = { kind: 'json_schema', name: 'person', schema: person } as const

  test('a form is told natively, as the provider takes it', () => {
    const { body, losses, standIns } = encoded({ settings: { responseFormat }, names })
    const schema = { ...person, properties: { age: { type: 'integer' } }, additionalProperties: false }
    expect(body.output_config).toEqual({ format: { type: 'json_schema', schema } })
    expect(losses).toEqual(['response_format.properties.age.minimum', 'response_format.additionalProperties'])
    expect(standIns).toEqual({})
  })

  test('a tool stands in for a form that the model has not', () => {
    const { body, standIns } = encoded(
      { settings: { responseFormat }, names },
      { hasStructuredOutput: false },
    )
    expect(body).toMatchObject({
      tools: [{ name: 'structured_output', input_schema: person }],
      tool_choice: { type: 'tool', name: 'structured_output' },
    })
    expect(standIns).toEqual({ structuredOutput: 'structured_output' })
    const thinking = {
      settings: { responseFormat, reasoning: { effort: 'low' } },
      names: { reasoning: 'r' },
    } as const
    const withTools = encoded({ ...thinking, tools: [tool] }, { hasStructuredOutput: false })
    expect(withTools).toMatchObject({ body: { tool_choice: { type: 'any' } }, losses: ['r'] })
  })

  test('JSON of no form is asked for in words', () => {
    const { body, losses } = encoded({ settings: { responseFormat: { kind: 'json' } }, names })
    expect(JSON.stringify(body.system)).toContain('JSON')
    expect(losses).toEqual(['response_format'])
  })

  test('fields of this protocol come back, those of others are losses', () => {
    const own = {
      protocol: 'anthropic',
      fields: { container: 'c', output_config: { x: 1 } },
      at: '',
    } as const
    const settings: Settings = { reasoning: { effort: 'low' } }
    expect(encoded({ protocol: 'anthropic', extras: own, settings }).body).toMatchObject({
      container: 'c',
      output_config: { x: 1, effort: 'low' },
    })
    expect(encoded({ extras: { ...own, protocol: 'openai-chat' } }).losses).toEqual([
      'container',
      'output_config',
    ])
  })

  test('an answer that is stored elsewhere cannot be continued', () => {
    expect(failureOf(() => encoded({ previousResponseId: 'resp_1' }))).toMatchObject({
      kind: 'untranslatable',
      param: 'previous_response_id',
    })
  })
})
