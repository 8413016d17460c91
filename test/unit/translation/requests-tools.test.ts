import { describe, expect, test } from 'vitest'
import type { ProtocolId, WireProtocolId } from '../../../src/protocols/protocol'
import { withoutStandIns } from '../../../src/protocols/stand-ins'
import { translateStream } from '../../../src/protocols/translation'
import { refusal, sent } from './translate'

const HI = [{ role: 'user', content: 'hi' }]
const named = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } })
const LONG = `mcp__${'very_'.repeat(14)}long_name`
const targets: readonly WireProtocolId[] = ['openai-responses', 'anthropic', 'gemini', 'bedrock-converse']

/** What declares functions in a body, wherever its protocol has it. */
function declared(body: Record<string, unknown>): string {
  return JSON.stringify(body.tools ?? body.toolConfig)
}

describe('a name that a target does not take', () => {
  test.each<[WireProtocolId, string, string]>([
    ['openai-responses', 'files.read', 'files_read'],
    ['anthropic', 'files.read', 'files_read'],
    ['bedrock-converse', 'files.read', 'files_read'],
    ['gemini', '2fast', '_2fast'],
    ['gemini', 'files.read', 'files.read'],
    ['anthropic', LONG, LONG],
  ])('%s: %s is %s', (target, name, legal) => {
    const { body, standIns, losses } = sent('openai-chat', { messages: HI, tools: [named(name)] }, target)
    expect(declared(body)).toContain(`"name":"${legal}"`)
    expect(standIns).toEqual(name === legal ? {} : { renamed: { [legal]: name } })
    expect(losses).toEqual([])
  })

  test.each<[ProtocolId, WireProtocolId]>([
    ['anthropic', 'openai-chat'],
    ['anthropic', 'openai-responses'],
    ['anthropic', 'bedrock-converse'],
    ['anthropic', 'gemini'],
  ])('%s client, %s upstream: is shortened, and kept apart from its like', (client, target) => {
    const tools = [LONG, `${LONG}_2`].map((name) => ({ name, input_schema: { type: 'object' } }))
    const { standIns } = sent(client, { max_tokens: 99, messages: HI, tools }, target)
    const [first = '', second = ''] = Object.keys(standIns.renamed ?? {})
    expect([first.length, second.length]).toEqual([64, 64])
    expect(first).not.toBe(second)
    expect(Object.values(standIns.renamed ?? {})).toEqual([LONG, `${LONG}_2`])
  })

  test('is the same in the history and in the choice, and never that of another tool', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'a.b', arguments: '{}' } }
    const { body, standIns } = sent(
      'openai-chat',
      {
        messages: [
          ...HI,
          { role: 'assistant', tool_calls: [call] },
          { role: 'tool', tool_call_id: 'c1', content: '' },
        ],
        tools: [named('a.b'), named('a_b')],
        tool_choice: named('a.b'),
      },
      'anthropic',
    )
    const [legal = ''] = Object.keys(standIns.renamed ?? {})
    expect(legal).toMatch(/^a_b_[0-9a-f]{8}$/)
    expect(body.tool_choice).toEqual({ type: 'tool', name: legal })
    expect(JSON.stringify(body.messages)).toContain(`"name":"${legal}"`)
    expect(body.tools).toMatchObject([{ name: legal }, { name: 'a_b' }])
  })

  const standIns = { renamed: { a_b: 'a.b' }, customTools: ['a_b'] }

  test('is turned back in a reply', () => {
    const call = { kind: 'tool_call', id: 'c', name: 'a_b', argumentsJson: '{"input":"x"}' } as const
    const reply = { choices: [{ index: 0, parts: [call], finish: 'tool_calls' as const }] }
    const parts = (given: object) => withoutStandIns(reply, given).choices[0]?.parts
    expect(parts({ renamed: standIns.renamed })).toEqual([{ ...call, name: 'a.b' }])
    expect(parts(standIns)).toEqual([{ ...call, name: 'a.b', isCustom: true, argumentsJson: 'x' }])
  })

  test('is turned back in a stream', () => {
    const told: unknown[] = []
    const { reader, filter } = translateStream({
      decoder: {
        feed: () => [{ kind: 'tool_call', choice: 0, call: 0, id: 'c', name: 'a_b' }],
        end: () => [],
      },
      encoder: {
        encode(events) {
          told.push(...events)
          return ''
        },
      },
      standIns: { renamed: standIns.renamed },
    })
    reader.feed(new Uint8Array(1))
    filter.change(new Uint8Array(1))
    expect(told).toEqual([{ kind: 'tool_call', choice: 0, call: 0, id: 'c', name: 'a.b' }])
  })
})

describe('the parameters of a tool', () => {
  test.each(targets)('%s: are those of an object, though the client said nothing', (target) => {
    const tools = [undefined, {}, { type: 'object' }].map((parameters, index) => ({
      type: 'function',
      function: { name: `f${index}`, parameters },
    }))
    const { body, losses } = sent('openai-chat', { messages: HI, tools }, target)
    const text = declared(body)
    // Google alone wants no schema where there are no parameters.
    expect(text.match(/"type":"object","properties":\{\}/g)).toHaveLength(target === 'gemini' ? 2 : 3)
    expect(losses).toEqual([])
  })

  test.each([null, undefined])('OpenAI gets them of a tool of Google without any: %s', (parameters) => {
    const tools = [{ functionDeclarations: [{ name: 'f', parameters }] }]
    const contents = [{ parts: [{ text: 'hi' }] }]
    expect(sent('gemini', { contents, tools }, 'openai-responses').body.tools).toEqual([
      { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
    ])
  })
})

const CLOSED = {
  type: 'object',
  properties: { a: { type: 'string' } },
  required: ['a'],
  additionalProperties: false,
}
const OPTIONAL = { ...CLOSED, required: [] }

describe('a guaranteed form', () => {
  test.each<[string, unknown, boolean, string[]]>([
    ['that OpenAI can guarantee stays one', CLOSED, true, []],
    ['with an optional property cannot be one', OPTIONAL, false, ['tools[0].strict']],
    [
      'with a keyword that is unknown there cannot be one',
      { ...CLOSED, allOf: [] },
      false,
      ['tools[0].strict'],
    ],
    [
      'with such a schema inside cannot be one',
      { ...CLOSED, properties: { a: { anyOf: [OPTIONAL] } } },
      false,
      ['tools[0].strict'],
    ],
  ])('%s, of a tool', (_, schema, strict, lost) => {
    const tools = [{ name: 'f', strict: true, input_schema: schema }]
    for (const target of ['openai-chat', 'openai-responses'] as const) {
      const { body, losses } = sent('anthropic', { max_tokens: 99, messages: HI, tools }, target)
      expect(JSON.stringify(body.tools)).toContain(`"strict":${strict}`)
      expect(losses).toEqual(lost)
    }
  })

  test.each<[ProtocolId, unknown, unknown, string[]]>([
    ['anthropic', CLOSED, true, []],
    ['anthropic', OPTIONAL, undefined, ['output_config.format.strict']],
    ['gemini', CLOSED, true, []],
    ['gemini', OPTIONAL, undefined, []],
  ])('of an answer, %s client', (client, schema, strict, lost) => {
    const request =
      client === 'anthropic'
        ? { max_tokens: 99, messages: HI, output_config: { format: { type: 'json_schema', schema } } }
        : {
            contents: [{ parts: [{ text: 'hi' }] }],
            generationConfig: { responseMimeType: 'application/json', responseJsonSchema: schema },
          }
    const chat = sent(client, request, 'openai-chat')
    expect(chat.body.response_format).toMatchObject({ json_schema: { schema } })
    expect(JSON.stringify(chat.body).includes('"strict":true')).toBe(strict === true)
    expect(chat.losses).toEqual(lost)
    const responses = sent(client, request, 'openai-responses')
    expect(responses.body.text).toMatchObject({ format: { strict: strict === true } })
    expect(responses.losses).toEqual(lost)
  })

  test('beside functions is a tool for models of Google before 3, which refuse both', () => {
    const json_schema = { name: 'n', schema: CLOSED }
    const body = { messages: HI, tools: [named('f')], response_format: { type: 'json_schema', json_schema } }
    const older = sent('openai-chat', body, 'gemini', { reasoning: 'budget' })
    expect(older.standIns).toEqual({ structuredOutput: 'structured_output' })
    expect(older.body.generationConfig).toBeUndefined()
    expect(older.body.toolConfig).toEqual({ functionCallingConfig: { mode: 'ANY' } })
    const newer = sent('openai-chat', body, 'gemini', { reasoning: 'effort' })
    expect(newer.standIns).toEqual({})
    expect(newer.body.generationConfig).toMatchObject({ responseMimeType: 'application/json' })
    const plain = { ...body, response_format: { type: 'json_object' } }
    const asked = sent('openai-chat', plain, 'gemini', { reasoning: 'budget' })
    expect(asked.losses).toEqual(['response_format'])
    expect(JSON.stringify(asked.body.systemInstruction)).toContain('JSON')
  })
})

describe('a search', () => {
  const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 3 }
  const request = { max_tokens: 99, messages: HI, tools: [search] }

  test.each<WireProtocolId>(['openai-chat', 'openai-responses', 'gemini'])(
    '%s: tells what it cannot be told',
    (target) => {
      expect(sent('anthropic', request, target).losses).toEqual(['tools[0].max_uses'])
    },
  )

  test.each<WireProtocolId>(['openai-chat', 'openai-responses', 'anthropic'])(
    '%s: of Google is one',
    (target) => {
      const contents = [{ parts: [{ text: 'hi' }] }]
      expect(sent('gemini', { contents, tools: [{ googleSearch: {} }] }, target).losses).toEqual([])
      const tools = [{ googleSearch: { excludeDomains: ['a'] } }]
      expect(sent('gemini', { contents, tools }, target).losses).toEqual([
        'tools[0].googleSearch.excludeDomains',
      ])
    },
  )

  test.each<WireProtocolId>(['openai-chat', 'gemini'])('%s: cannot be forced by its name', (target) => {
    const tools = [{ name: 'f', input_schema: { type: 'object' } }, search]
    const choice = { type: 'tool', name: 'web_search' }
    const { body, losses } = sent('anthropic', { ...request, tools, tool_choice: choice }, target)
    expect(losses).toContain('tool_choice')
    expect([body.tool_choice, body.toolConfig]).toEqual([undefined, undefined])
  })
})

test.each<[string, ProtocolId, object, string]>([
  [
    'content',
    'gemini',
    { contents: [{ parts: [{ text: 'hi' }] }], cachedContent: 'cachedContents/1' },
    'cachedContent',
  ],
  [
    'servers of tools',
    'anthropic',
    { max_tokens: 99, messages: HI, mcp_servers: [{ url: 'https://a' }] },
    'mcp_servers',
  ],
])('%s that only the own provider has cannot be left out', (_, client, body, param) => {
  for (const target of ['openai-chat', 'openai-responses', 'bedrock-converse'] as const) {
    expect(refusal(() => sent(client, body, target))).toMatchObject({ kind: 'untranslatable', param })
  }
})
