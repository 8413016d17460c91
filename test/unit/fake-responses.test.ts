import { createOpenAI } from '@ai-sdk/openai'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import type { ResponseCreateParamsNonStreaming, ResponseInput } from 'openai/resources/responses/responses'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as fakes from '../fakes'

const model = 'gpt-5'
const hello = { model, input: 'hello there' }
const weather = {
  type: 'function' as const,
  name: 'get_weather',
  strict: false,
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
}
const include = ['reasoning.encrypted_content' as const]

let upstream: fakes.FakeUpstream
let client: OpenAI

beforeAll(async () => {
  upstream = await fakes.startFakeUpstream()
  client = new OpenAI({ apiKey: 'sk-fake', baseURL: upstream.url, maxRetries: 0 })
})
afterEach(() => upstream.reset())
afterAll(() => upstream.close())

type Asked = ResponseCreateParamsNonStreaming & Parameters<OpenAI['responses']['stream']>[0]

const say = (isStream: boolean, request: Asked) =>
  isStream ? client.responses.stream(request).finalResponse() : client.responses.create(request)

describe('a response', () => {
  test.each([false, true])('echoes what it was asked, with the usage (stream %s)', async (isStream) => {
    const request = { ...hello, instructions: 'Be nice.', metadata: { a: 'b' }, tool_choice: 'auto' as const }
    const response = await say(isStream, request)
    expect(response.output_text).toBe('echo: hello there')
    expect(response).toMatchObject({
      ...{ object: 'response', status: 'completed', error: null, incomplete_details: null },
      ...{ instructions: 'Be nice.', metadata: { a: 'b' }, store: true, parallel_tool_calls: true },
    })
    expect(response.usage).toMatchObject({
      input_tokens: 15,
      output_tokens: 3,
      total_tokens: 18,
      output_tokens_details: { reasoning_tokens: 0 },
    })
  })

  test('tells its events in order, numbered from zero', async () => {
    const toolCalls = [{ name: 'get_weather', arguments: { a: 1 } }]
    upstream.script(model, fakes.answer({ reasoning: 'hm', content: ['yes', '!'], toolCalls }))
    const types: string[] = []
    const numbers: number[] = []
    for await (const event of await client.responses.create({ ...hello, stream: true })) {
      types.push(event.type.replace('response.', ''))
      numbers.push(event.sequence_number)
    }
    expect(numbers).toEqual([...numbers.keys()])
    expect(types).toEqual([
      ...['created', 'in_progress'],
      ...['output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta'],
      ...['reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done'],
      ...['output_item.added', 'content_part.added', 'output_text.delta', 'output_text.delta'],
      ...['output_text.done', 'content_part.done', 'output_item.done'],
      ...['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.done'],
      ...['output_item.done', 'completed'],
    ])
  })

  test.each([false, true])('may be cut, filtered or declined (stream %s)', async (isStream) => {
    upstream.script(
      model,
      fakes.answer({ content: 'a', finishReason: 'length' }),
      fakes.answer({ content: 'a', finishReason: 'content_filter' }),
      fakes.answer({ refusal: 'I will not.' }),
    )
    expect(await say(isStream, hello)).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    })
    expect(await say(isStream, hello)).toMatchObject({ incomplete_details: { reason: 'content_filter' } })
    const refused = await say(isStream, hello)
    expect(refused.output).toMatchObject([{ content: [{ type: 'refusal', refusal: 'I will not.' }] }])
  })

  test('speaks JSON for a schema', async () => {
    const schema = { type: 'object', properties: { name: { type: ['string', 'null'] } } }
    const text = { format: { type: 'json_schema' as const, name: 'n', schema } }
    expect((await client.responses.create({ ...hello, text })).output_text).toBe('{"name":"hello there"}')
  })
})

describe('tools and reasoning', () => {
  test.each([false, true])(
    'an agent loop brings its reasoning back as it was (stream %s)',
    async (isStream) => {
      const call = { name: 'get_weather', arguments: { city: 'Paris' } }
      upstream.script(
        model,
        fakes.answer({ reasoning: 'look', toolCalls: [call, call] }),
        fakes.answer({ content: 'sunny' }),
      )
      const request = { ...hello, tools: [weather], include, store: false }
      const first = await say(isStream, request)
      expect(first.output.map(({ type }) => type)).toEqual(['reasoning', 'function_call', 'function_call'])
      const outputs = first.output.flatMap((item) =>
        item.type === 'function_call'
          ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: 'sunny' }]
          : [],
      )
      const kept: ResponseInput = JSON.parse(JSON.stringify(first.output))
      const input: ResponseInput = [{ role: 'user', content: 'weather?' }, ...kept, ...outputs]
      expect((await say(isStream, { ...request, input })).output_text).toBe('sunny')
      expect(upstream.calls[1]?.proofs).toEqual([fakes.proofOf('openai', 'look')])
    },
  )

  test('reasoning is encrypted only for those who ask, and may be without a summary', async () => {
    upstream.script(model, fakes.answer({ reasoning: 'look', isRedacted: true, content: 'a' }))
    const [plain] = (await client.responses.create(hello)).output
    expect(plain).toMatchObject({ type: 'reasoning', summary: [] })
    expect(plain).not.toHaveProperty('encrypted_content')
    const [encrypted] = (await client.responses.create({ ...hello, include })).output
    expect(encrypted).toMatchObject({ encrypted_content: fakes.proofOf('openai', 'look') })
  })

  test.each([false, true])('a custom tool is told plain text (stream %s)', async (isStream) => {
    upstream.script(model, fakes.answer({ toolCalls: [{ name: 'sql', arguments: 'select 1' }] }))
    const { output } = await say(isStream, { ...hello, tools: [{ type: 'custom', name: 'sql' }] })
    expect(output).toMatchObject([{ type: 'custom_tool_call', name: 'sql', input: 'select 1' }])
  })

  test('the AI SDK reads both', async () => {
    const openai = createOpenAI({ apiKey: 'k', baseURL: upstream.url })
    upstream.script(model, fakes.answer({ reasoning: 'so', content: 'well' }))
    const whole = await generateText({ model: openai(model), prompt: 'hi', maxRetries: 0 })
    expect([whole.reasoningText, whole.text, whole.finishReason]).toEqual(['so', 'well', 'stop'])
    const streamed = streamText({ model: openai(model), prompt: 'hi', maxRetries: 0 })
    expect([await streamed.text, await streamed.reasoningText]).toEqual(['well', 'so'])
  })
})

describe('responses that are kept', () => {
  test('can be fetched, continued, listed and deleted', async () => {
    const first = await client.responses.create({ ...hello, tools: [weather] })
    expect((await client.responses.retrieve(first.id)).output).toEqual(first.output)
    const [call] = first.output
    const call_id = call?.type === 'function_call' ? call.call_id : ''
    const next = await client.responses.create({
      model,
      previous_response_id: first.id,
      input: [{ type: 'function_call_output', call_id, output: 'sunny' }],
    })
    expect(next.previous_response_id).toBe(first.id)
    const items = await client.responses.inputItems.list(next.id)
    expect(items.data.map(({ type }) => type)).toEqual(['function_call_output', 'function_call', 'message'])
    await client.responses.delete(first.id)
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 })
  })

  test('in the background are queued first, and may be cancelled', async () => {
    const queued = await client.responses.create({ ...hello, background: true })
    expect(queued).toMatchObject({ status: 'queued', output: [] })
    expect((await client.responses.retrieve(queued.id)).status).toBe('completed')
    expect((await client.responses.cancel(queued.id)).status).toBe('cancelled')
    const other = await client.responses.create(hello)
    await expect(client.responses.cancel(other.id)).rejects.toThrow(/Cannot cancel a synchronous response/)
  })

  test('are not kept when the request says so', async () => {
    const { id } = await client.responses.create({ ...hello, store: false })
    await expect(client.responses.retrieve(id)).rejects.toMatchObject({ status: 404 })
  })
})

describe('requests that OpenAI refuses', () => {
  const user = { role: 'user', content: 'x' }
  const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' }
  const output = { type: 'function_call_output', call_id: 'c1', output: 'x' }
  const proof = fakes.proofOf('openai', 'x')
  const thought = (encrypted_content?: string) => ({
    type: 'reasoning',
    id: 'rs_1',
    summary: [],
    encrypted_content,
  })

  test.each<[string, object, RegExp]>([
    ['an unknown member', { messages: [] }, /Unknown parameter: 'messages'/],
    ['no input', { input: undefined }, /Missing required parameter: 'input'/],
    ['a tiny limit', { max_output_tokens: 5 }, /integer below minimum value/],
    ['an unknown response', { previous_response_id: 'resp_1' }, /'resp_1' not found/],
    ['an output without a call', { input: [user, output] }, /No tool call found for function call output/],
    ['a call without an output', { input: [user, call] }, /No tool output found for function call c1/],
    ['an altered reasoning', { input: [thought(`${proof}x`), call, output] }, /could not be verified/],
    ['an unknown reasoning', { input: [thought(), call, output] }, /'rs_1' not found\. Items are not/],
    ['a reasoning alone', { input: [user, thought(proof)] }, /without its required following item/],
    ['arguments as an object', { input: [{ ...call, arguments: {} }, output] }, /input\[0\]\.arguments/],
  ])('%s', async (_, change, message) => {
    upstream.script(model, fakes.answer({ content: 'scripted' }))
    const response = await fetch(`${upstream.url}/responses`, {
      method: 'POST',
      headers: { authorization: 'Bearer k' },
      body: JSON.stringify({ ...hello, ...change }),
    })
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(await response.json()).toMatchObject({
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) },
    })
  })

  test('an intact history is fine', async () => {
    const input = [user, thought(proof), call, output]
    const response = await fetch(`${upstream.url}/responses`, {
      method: 'POST',
      headers: { authorization: 'Bearer k' },
      body: JSON.stringify({ model, input }),
    })
    expect(response.status).toBe(200)
    expect(upstream.calls[0]?.proofs).toEqual([proof])
  })
})

describe('chat completions', () => {
  const user = { role: 'user' as const, content: 'x' }
  const calling = {
    role: 'assistant' as const,
    tool_calls: [{ id: 'c1', type: 'function' as const, function: { name: 'f', arguments: '{}' } }],
  }
  const result = (tool_call_id: string) => ({ role: 'tool' as const, tool_call_id, content: 'x' })

  test.each([
    ['a result without a call', [user, result('c1')], /must be a response to a preceeding message/],
    ['a result of another call', [user, calling, result('c2')], /must be a response to a preceeding message/],
    ['a call without a result', [user, calling, user], /did not have response messages: c1/],
  ])('refuse %s', async (_, messages, message) => {
    await expect(client.chat.completions.create({ model, messages })).rejects.toThrow(message)
  })

  test.each([
    ['/openai/deployments/dep/chat/completions?api-version=2024-10-21', 'dep'],
    ['/openai/v1/chat/completions', 'gpt-4o'],
  ])('of Azure come with the results of the filters: %s', async (path, expected) => {
    const body = { model: 'gpt-4o', messages: [user] }
    const post = (change: object, headers: Record<string, string>) =>
      fetch(upstream.origin + path, { method: 'POST', headers, body: JSON.stringify({ ...body, ...change }) })
    expect(await (await post({}, { 'api-key': 'k' })).json()).toMatchObject({
      choices: [{ content_filter_results: { hate: { filtered: false } } }],
      prompt_filter_results: [{ prompt_index: 0 }],
    })
    expect(upstream.calls[0]?.model).toBe(expected)
    expect(await (await post({ stream: true }, { 'api-key': 'k' })).text()).toMatch(/^data: {"choices":\[\]/)
    expect(await (await post({}, {})).json()).toMatchObject({ error: { code: '401' } })
  })

  test('of an Azure deployment need the version', async () => {
    const url = `${upstream.origin}/openai/deployments/dep/chat/completions`
    const init = { method: 'POST', headers: { 'api-key': 'k' }, body: JSON.stringify({ messages: [user] }) }
    expect((await fetch(url, init)).status).toBe(404)
  })
})
