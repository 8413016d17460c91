import { describe, expect, test } from 'vitest'
import { converseCodec } from '../../../src/protocols/bedrock-converse/codec'
import type { ModelTraits } from '../../../src/protocols/codec'
import type { ChatRequest, Settings, Tool } from '../../../src/protocols/request'
import { asked, call, chatRequest, claude, result, type Said, text, weather } from './requests'

const time: Tool = { kind: 'function', name: 'get_time', at: 'tools[1]' }
const timeSpec = { toolSpec: { name: 'get_time', inputSchema: { json: { type: 'object', properties: {} } } } }
const weatherSpec = {
  toolSpec: {
    name: 'get_weather',
    description: 'Get the weather of a city.',
    inputSchema: { json: weather.kind === 'function' ? weather.parameters : undefined },
  },
}
const search: Tool = { kind: 'web_search', protocol: 'anthropic', value: {}, at: 'tools[0]' }
const person = { type: 'object', properties: { name: { type: 'string' } } }
const schema: Settings = { responseFormat: { kind: 'json_schema', schema: person } }
const standIn = {
  toolSpec: {
    name: 'structured_output',
    description: 'Give your whole answer as the input of this tool.',
    inputSchema: { json: person },
  },
}
const history: Said[] = [
  ['user', text('?')],
  ['assistant', call('a', '{}'), call('b', '{}')],
  ['user', result('a', text('1')), result('b', text('2'))],
]

function encode(request: ChatRequest, target = claude()) {
  const { body, losses, standIns } = converseCodec.encodeRequest(
    { ...request, names: { toolChoice: 'tool_choice' } },
    target,
  )
  return { toolConfig: body.toolConfig, losses, standIns }
}

describe('tools', () => {
  test.each<[string, Settings['toolChoice'], unknown]>([
    ['no choice', undefined, { tools: [weatherSpec, timeSpec] }],
    ['auto', { kind: 'auto' }, { tools: [weatherSpec, timeSpec], toolChoice: { auto: {} } }],
    ['required', { kind: 'required' }, { tools: [weatherSpec, timeSpec], toolChoice: { any: {} } }],
    [
      'one',
      { kind: 'tool', name: 'get_time' },
      { tools: [weatherSpec, timeSpec], toolChoice: { tool: { name: 'get_time' } } },
    ],
    [
      'some',
      { kind: 'allowed', mode: 'required', names: ['get_time'] },
      { tools: [timeSpec], toolChoice: { any: {} } },
    ],
    ['none', { kind: 'none' }, undefined],
  ])('%s', (_, toolChoice, toolConfig) => {
    const encoded = encode(asked({ toolChoice }, { tools: [weather, time] }))
    expect(encoded).toEqual({ toolConfig, losses: [], standIns: {} })
  })

  test('with calls in the history no choice is a loss, since the tools must be told', () => {
    const request = chatRequest(history, { tools: [time], settings: { toolChoice: { kind: 'none' } } })
    expect(encode(request)).toEqual({
      toolConfig: { tools: [timeSpec] },
      losses: ['tool_choice'],
      standIns: {},
    })
  })

  test('tools that were called and are not told any more are told by name', () => {
    expect(encode(chatRequest(history)).toolConfig).toEqual({
      tools: [{ toolSpec: { name: 'get_weather', inputSchema: { json: { type: 'object' } } } }],
    })
  })

  test.each<[ModelTraits, boolean, string[]]>([
    [{}, false, ['tools[1].strict']],
    [{ hasStructuredOutput: true }, true, []],
  ])('a strict tool with %j', (traits, isStrict, losses) => {
    const strict = { ...time, strict: true, cache: { ttl: '1h' } } as const
    const { toolSpec } = timeSpec
    expect(encode(asked({}, { tools: [strict] }), claude(traits))).toEqual({
      toolConfig: {
        tools: [
          { toolSpec: isStrict ? { ...toolSpec, strict: true } : toolSpec },
          { cachePoint: { type: 'default', ttl: '1h' } },
        ],
      },
      losses,
      standIns: {},
    })
  })

  test('a custom tool takes its text as an argument', () => {
    const custom: Tool = { kind: 'custom', name: 'shell', format: { type: 'grammar' }, at: 'tools[0]' }
    const { toolConfig, losses, standIns } = encode(asked({}, { tools: [custom] }))
    expect(toolConfig).toHaveProperty('tools[0].toolSpec.inputSchema.json.required', ['input'])
    expect({ losses, standIns }).toEqual({
      losses: ['tools[0].format'],
      standIns: { customTools: ['shell'] },
    })
  })

  test('only one family searches the web', () => {
    const nova = { model: 'us.amazon.nova-premier-v1:0', traits: {} }
    expect(encode(asked({}, { tools: [search] }), nova).toolConfig).toEqual({
      tools: [{ systemTool: { name: 'nova_grounding' } }],
    })
  })

  test.each<[string, Tool, string]>([
    ['web search', search, 'tools[0]'],
    [
      'a native tool',
      { kind: 'native', type: 'computer', protocol: 'anthropic', value: {}, at: 'tools[0]' },
      'tools[0]',
    ],
  ])('%s cannot be said', (_, tool, param) => {
    expect(() => encode(asked({}, { tools: [tool] }))).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ kind: 'untranslatable', param }) }),
    )
  })
})

describe('an answer by schema', () => {
  test.each<[string, Settings, readonly Tool[], unknown]>([
    ['alone', schema, [], { tools: [standIn], toolChoice: { tool: { name: 'structured_output' } } }],
    ['beside a tool', schema, [time], { tools: [timeSpec, standIn], toolChoice: { any: {} } }],
    [
      'beside a tool that must not be called',
      { ...schema, toolChoice: { kind: 'none' } },
      [time],
      { tools: [standIn], toolChoice: { tool: { name: 'structured_output' } } },
    ],
    [
      'beside a tool that must be called',
      { ...schema, toolChoice: { kind: 'tool', name: 'get_time' } },
      [time],
      { tools: [timeSpec, standIn], toolChoice: { tool: { name: 'get_time' } } },
    ],
  ])('has a tool stand in for it: %s', (_, settings, tools, toolConfig) => {
    expect(encode(asked(settings, { tools }))).toEqual({
      toolConfig,
      losses: [],
      standIns: { structuredOutput: 'structured_output' },
    })
  })

  test('the stand-in gives way to a tool of the same name, and thinking to the stand-in', () => {
    const taken: Tool = { kind: 'function', name: 'structured_output', at: 'tools[0]' }
    const request = asked({ ...schema, reasoning: { effort: 'low' } }, { tools: [taken] })
    const { body, losses, standIns } = converseCodec.encodeRequest(request, claude())
    expect(standIns).toEqual({ structuredOutput: 'structured_output_2' })
    expect(losses).toEqual(['reasoning'])
    expect(body).not.toHaveProperty('additionalModelRequestFields')
  })
})
