import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { WireProtocolId } from '../../../src/protocols/protocol'
import { answer } from '../../fakes'
import type { Ask } from './client'
import { answered, type Bench, byResults, newModel, pairs, startBench } from './upstreams'
import { weatherTool } from './weather'

const zurich = { city: 'Zürich "ZH" \\ 🏔', unit: 'c' }
const rome = { city: 'Rome' }
const question = { text: 'What is the weather?' }
const named = pairs.map((pair) => [`${pair.client.name} at ${pair.upstream.id}`, pair] as const)

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench.close())

describe('calls, in one piece and streamed', () => {
  const { tool } = weatherTool()

  test.concurrent.for(named)('one: %s', async ([, { client, upstream }]) => {
    const { scripted, model } = newModel(upstream, upstream.model)
    bench.fake.script(scripted, answer({ toolCalls: [{ name: 'get_weather', arguments: zurich }] }))
    const session = bench.open(client)
    const ask = { ...question, model, tools: [tool] }
    const called = {
      calls: [{ name: 'get_weather', input: zurich }],
      finish: client.words.toolCalls,
      text: '',
    }
    expect(await session.ask(ask)).toMatchObject(called)
    expect(await session.stream(ask)).toMatchObject(called)
    expect(session.replies.map((headers) => headers.get('x-sluice-dropped'))).toEqual([null, null])
  })

  test.concurrent.for(named)('two behind a text: %s', async ([, { client, upstream }]) => {
    const { scripted, model } = newModel(upstream, upstream.model)
    const toolCalls = [zurich, rome].map((city) => ({ name: 'get_weather', arguments: city }))
    bench.fake.script(scripted, answer({ content: 'Checking both.', toolCalls }))
    const session = bench.open(client)
    const ask = { ...question, model, tools: [tool] }
    const calls = [zurich, rome].map((input) => ({ name: 'get_weather', input }))
    const called = { calls, finish: client.words.toolCalls, text: 'Checking both.' }
    expect(await session.ask(ask)).toMatchObject(called)
    expect(await session.stream(ask)).toMatchObject(called)
  })
})

describe('loops with the helpers of the SDKs', () => {
  const rows = (['whole', 'streamed'] as const).flatMap((mode) =>
    named.map(([name, pair]) => [`${name}, ${mode}`, { ...pair, mode }] as const),
  )

  test.concurrent.for(rows)('%s', async ([, { client, upstream, mode }]) => {
    const { scripted, model } = newModel(upstream, upstream.model)
    const { tool, inputs } = weatherTool()
    const toolCalls = [zurich, rome].map((city) => ({ name: 'get_weather', arguments: city }))
    const steps = new Map([
      [0, answer({ content: 'Checking both.', toolCalls })],
      [2, answer({ toolCalls: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] })],
      [3, answer({ content: 'All mild.', tokens: { prompt_tokens: 110, completion_tokens: 12 } })],
    ])
    bench.fake.script(scripted, byResults(/18 degrees/g, steps))
    const said = await bench.open(client).loop({ ...question, model, tools: [tool] }, mode)
    expect(said).toMatchObject({ finish: client.words.stop, input: 110, output: 12 })
    expect(said.text).toMatch(/All mild\.$/)
    expect(inputs).toEqual([zurich, rome, { city: 'Oslo' }])
    const sent = answered(bench, scripted)
    expect(sent).toHaveLength(3)
    const last = textsIn(sent[2]?.json())
    for (const text of ['Checking both.', '18 degrees in Rome', '18 degrees in Oslo']) {
      expect(last).toContain(text)
    }
  })
})

describe('the choice of tools', () => {
  const choices = ['auto', 'none', 'required', { name: 'get_weather' }] as const
  const rows = named.flatMap(([name, pair]) =>
    choices.map((choice) => [`${JSON.stringify(choice)}: ${name}`, { ...pair, choice }] as const),
  )

  test.concurrent.for(rows)('%s', async ([, { client, upstream, choice }]) => {
    const { scripted, model } = newModel(upstream, upstream.model)
    const isFree = choice === 'auto' || choice === 'none'
    const toolCalls = [{ name, arguments: rome }]
    bench.fake.script(scripted, answer(isFree ? { content: 'Fine.' } : { toolCalls }))
    const session = bench.open(client)
    await session.ask({ ...question, model, tools: [weatherTool().tool], toolChoice: choice })
    const wanted = client.forgets?.includes(choice) === true ? 'auto' : choice
    const words = chosen[upstream.protocol][typeof wanted === 'string' ? wanted : 'named']
    const sent = bench.fake.calls.find((call) => call.model === scripted)
    expect(sent?.json()).toMatchObject(words)
    if (wanted === 'auto') expect(sent?.bodyBytes.toString()).not.toMatch(/"(?:none|any)"|:"required"/i)
    // Converse has no word for it: the tools stay away.
    const isAway = upstream.protocol === 'bedrock-converse' && wanted === 'none'
    if (isAway) expect(sent?.json()).not.toHaveProperty('toolConfig')
    expect(session.replies[0]?.get('x-sluice-dropped')).toBeNull()
  })
})

/** All that is said in a body, joined; some clients keep a streamed text in its pieces. */
function textsIn(body: unknown): string {
  let texts = ''
  JSON.stringify(body, (name, value) => {
    if (typeof value === 'string' && ['text', 'content', 'output'].includes(name)) texts += value
    return value
  })
  return texts
}

type Choice = Extract<Ask['toolChoice'], string> | 'named'

const name = 'get_weather'
const gemini = (functionCallingConfig: object) => ({ toolConfig: { functionCallingConfig } })

/** What each provider is told. */
const chosen: Record<WireProtocolId, Record<Choice, object>> = {
  'openai-chat': {
    ...{ auto: {}, none: { tool_choice: 'none' }, required: { tool_choice: 'required' } },
    named: { tool_choice: { type: 'function', function: { name } } },
  },
  'openai-responses': {
    ...{ auto: {}, none: { tool_choice: 'none' }, required: { tool_choice: 'required' } },
    named: { tool_choice: { type: 'function', name } },
  },
  anthropic: {
    ...{ auto: {}, none: { tool_choice: { type: 'none' } }, required: { tool_choice: { type: 'any' } } },
    named: { tool_choice: { type: 'tool', name } },
  },
  gemini: {
    ...{ auto: {}, none: gemini({ mode: 'NONE' }), required: gemini({ mode: 'ANY' }) },
    named: gemini({ mode: 'ANY', allowedFunctionNames: [name] }),
  },
  'bedrock-converse': {
    ...{ auto: {}, none: {}, required: { toolConfig: { toolChoice: { any: {} } } } },
    named: { toolConfig: { toolChoice: { tool: { name } } } },
  },
}
