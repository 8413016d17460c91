import type OpenAI from 'openai'
import type { ChatCompletionChunk, ChatCompletionCreateParamsStreaming } from 'openai/resources'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, expectedUsage, stream } from '../fakes'
import { type Gateway, startGateway, user } from './gateway'

const weather = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}
const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }
const file = {
  type: 'file' as const,
  file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
}

let gateway: Gateway
let client: OpenAI

beforeAll(async () => {
  gateway = await startGateway()
  client = gateway.client()
  const model = { provider_id: 'fake', upstream_model: 'gpt-4o', input_cost: 2.5, output_cost: 10 }
  await gateway.manage('POST', '/api/models/', { model_name: 'team/gpt', ...model })
})
afterAll(() => gateway.close())

async function chunksOf(request: Omit<ChatCompletionCreateParamsStreaming, 'stream'>, on = client) {
  const chunks: ChatCompletionChunk[] = []
  const events = on.chat.completions.create({ ...request, stream: true })
  for await (const chunk of await events) chunks.push(chunk)
  return chunks
}

function textOf(chunks: ChatCompletionChunk[]): string {
  return chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
}

describe('the built-in demo model', () => {
  test.for(['/api', '/api/', '/v1', '/v1/', '/api/v1', ''])(
    'answers, streams and lists models with the base URL %j',
    async (base) => {
      const at = gateway.client({ baseURL: gateway.url + base })
      const request = { model: 'demo/echo', messages: user('Hello, wörld 😀!') }
      const reply = await at.chat.completions.create(request)
      expect(reply.choices[0]?.message.content).toBe('Hello, wörld 😀!')
      expect(textOf(await chunksOf(request, at))).toBe('Hello, wörld 😀!')
      const names = (await at.models.list()).data.map(({ id }) => id)
      expect(names).toEqual(expect.arrayContaining(['demo/echo', 'team/gpt']))
    },
  )

  test('calls a tool, in one piece and streamed', async () => {
    const request = { model: 'demo/echo', messages: user('Berlin'), tools: [weather] }
    const reply = await client.chat.completions.create(request)
    expect(reply.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ type: 'function', function: { name: 'weather' } }] },
    })
    const streamed = await client.chat.completions.stream(request).finalChatCompletion()
    expect(streamed.choices[0]?.message.tool_calls).toEqual(
      streamed.choices[0]?.message.tool_calls?.map((call, index) => ({
        ...call,
        function: expect.objectContaining(toolCallOf(reply, index)),
      })),
    )
    expect(streamed.choices[0]?.message.tool_calls).toHaveLength(1)
  })
})

function toolCallOf(reply: OpenAI.ChatCompletion, index: number) {
  const call = reply.choices[0]?.message.tool_calls?.[index]
  return call?.type === 'function' ? call.function : { name: 'none' }
}

describe('a model of a custom provider', () => {
  const request = { model: 'team/gpt', messages: user('what is new?') }

  test('answers in one piece, and the log has the usage and its cost', async () => {
    const { data, response } = await client.chat.completions.create(request).withResponse()
    const usage = expectedUsage({ ...request, model: 'gpt-4o' })
    expect(data.choices[0]?.message.content).toBe('echo: what is new?')
    expect(data.usage).toEqual(usage)
    expect(response.headers.get('x-sluice-provider')).toBe('fake')
    expect(response.headers.get('x-sluice-model')).toBe('gpt-4o')
    expect(response.headers.get('x-sluice-attempts')).toBe('1')
    const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({
      ...{ ending: 'completed', status: 'success', status_code: 200, error_code: null, stream: false },
      ...{ model: 'team/gpt', deployment_name: 'gpt-4o', provider_id: 'fake', credential_kind: 'stored' },
      ...{ finish_reason: 'stop', response_id: data.id, organization_key_id: gateway.keyId },
      ...{ prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens },
      ...{ usage_source: 'provider', price_status: 'custom_model' },
      cost_nano_usd: usage.prompt_tokens * 2_500 + usage.completion_tokens * 10_000,
      attempts: [{ provider_id: 'fake', deployment_name: 'gpt-4o', status_code: 200 }],
      full_request: request,
      full_response: JSON.parse(JSON.stringify(data)),
    })
  })

  test('streams with the usage chunk for a client that asks for it', async () => {
    const chunks = await chunksOf({ ...request, stream_options: { include_usage: true } })
    expect(textOf(chunks)).toBe('echo: what is new?')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: expectedUsage(request) })
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true)
  })

  test('streams without any trace of usage for a client that does not ask, and the log still has it', async () => {
    const { data, response } = await client.chat.completions
      .create({ ...request, stream: true })
      .withResponse()
    const chunks: ChatCompletionChunk[] = []
    for await (const chunk of data) chunks.push(chunk)
    expect(textOf(chunks)).toBe('echo: what is new?')
    expect(chunks.filter((chunk) => chunk.choices.length === 0 || 'usage' in chunk)).toEqual([])
    const usage = expectedUsage(request)
    const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({
      ...{ ending: 'completed', stream: true, status_code: 200, usage_source: 'provider' },
      ...{ prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens },
      full_response: { choices: [{ message: { content: 'echo: what is new?' }, finish_reason: 'stop' }] },
    })
  })

  test('a usage that the provider puts beside the last content reaches the log', async () => {
    gateway.upstream.script('beside', stream({ content: 'a b', usage: 'in-last-content-chunk' }))
    const asked = { model: 'fake/beside', messages: user('hi') }
    const { data, response } = await client.chat.completions.create({ ...asked, stream: true }).withResponse()
    const chunks: ChatCompletionChunk[] = []
    for await (const chunk of data) chunks.push(chunk)
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, null, 'stop'])
    const log = await gateway.logOf(response.headers.get('x-respan-log-id') ?? '')
    expect(log).toMatchObject({ usage_source: 'provider', prompt_tokens: 8, completion_tokens: 2 })
  })

  test('streams tool calls that the SDK puts together', async () => {
    const calls = [
      { name: 'weather', arguments: { city: 'Zürich "ZH"' } },
      { name: 'clock', arguments: {} },
    ]
    gateway.upstream.script('tools', answer({ toolCalls: calls }))
    const events = client.chat.completions.stream({ ...request, model: 'fake/tools', tools: [weather] })
    const { choices } = await events.finalChatCompletion()
    expect(choices[0]?.finish_reason).toBe('tool_calls')
    expect(
      choices[0]?.message.tool_calls?.map((call) =>
        call.type === 'function' ? [call.function.name, JSON.parse(call.function.arguments)] : [],
      ),
    ).toEqual(calls.map((call) => [call.name, call.arguments]))
  })

  test('gets images, files and tool results just as the client sent them', async () => {
    const messages = [
      ...user('look'),
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'What is this?' }, image, file] },
      {
        role: 'assistant' as const,
        content: null,
        tool_calls: [
          { id: 'call_1', type: 'function' as const, function: { name: 'weather', arguments: '{}' } },
        ],
      },
      { role: 'tool' as const, tool_call_id: 'call_1', content: 'sunny' },
    ]
    const reply = await client.chat.completions.create({ model: 'fake/parts', messages })
    expect(reply.choices[0]?.message.content).toBe('echo: What is this?')
    const call = await gateway.upstream.waitFor(({ model }) => model === 'parts')
    expect(call.json()).toEqual({ model: 'parts', messages })
  })
})

describe('the list of models', () => {
  test('has what can be called, in the shape of the SDK', async () => {
    const models = (await client.models.list()).data
    expect(models).toContainEqual({ id: 'demo/echo', object: 'model', created: 0, owned_by: 'demo' })
    expect(models.map(({ id }) => id)).toContain('team/gpt')
    expect(await client.models.retrieve('team/gpt')).toMatchObject({ id: 'team/gpt', object: 'model' })
    await expect(client.models.retrieve('team/other')).rejects.toMatchObject({ status: 404 })
  })
})
