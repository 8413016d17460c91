import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ChatOpenAI } from '@langchain/openai'
import { generateText, jsonSchema, streamText, type ToolSet } from 'ai'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import type { ChatReply } from '../../../src/protocols/answer'
import { chatCodec } from '../../../src/protocols/openai-chat/codec'
import { unfold } from '../../../src/protocols/unfold'
import { usage } from './events'
import { contextOf } from './golden'

/** An answer with something of everything that these clients read. */
const REPLY: ChatReply = {
  id: 'msg_1',
  model: 'm',
  choices: [
    {
      index: 0,
      finish: 'tool_calls',
      parts: [
        { kind: 'reasoning', text: 'Hm.', proof: { family: 'anthropic', signature: 'sig' } },
        { kind: 'text', text: 'Checking both.' },
        {
          kind: 'tool_call',
          id: 'call_1',
          name: 'weather',
          argumentsJson: '{"city":"Paris"}',
          proof: { family: 'gemini', signature: 'c2ln' },
        },
        { kind: 'tool_call', id: 'call_2', name: 'weather', argumentsJson: '' },
      ],
    },
  ],
  usage,
}
const CALLS = [
  { id: 'call_1', name: 'weather', input: { city: 'Paris' } },
  { id: 'call_2', name: 'weather', input: {} },
]
const TOOL = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: {} } },
} as const

/** A gateway that answers every request with `REPLY`. */
async function answer(_: unknown, init?: RequestInit): Promise<Response> {
  const request = chatCodec.decodeRequest(JSON.parse(String(init?.body)))
  const context = contextOf(request)
  if (!request.stream) return Response.json(chatCodec.encodeReply(REPLY, context))
  const text = chatCodec.eventEncoder(context).encode(unfold(REPLY))
  return new Response(text, { headers: { 'content-type': 'text/event-stream' } })
}

describe('the OpenAI SDK', () => {
  const client = new OpenAI({ apiKey: 'k', baseURL: 'http://gateway.test/v1', fetch: answer, maxRetries: 0 })
  const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], tools: [TOOL] } as const
  const message = {
    content: 'Checking both.',
    tool_calls: [
      { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
      { id: 'call_2', type: 'function', function: { name: 'weather', arguments: '{}' } },
    ],
  }

  test('reads a reply', async () => {
    const { choices, usage: told } = await client.chat.completions.create({
      ...body,
      messages: [...body.messages],
      tools: [TOOL],
    })
    expect(choices[0]).toMatchObject({ message, finish_reason: 'tool_calls' })
    expect(told?.total_tokens).toBe(14)
  })

  test('reads a stream with its helper', async () => {
    const stream = client.chat.completions.stream({
      ...body,
      messages: [...body.messages],
      tools: [TOOL],
      stream_options: { include_usage: true },
    })
    const { choices, usage: told } = await stream.finalChatCompletion()
    expect(choices[0]).toMatchObject({ message, finish_reason: 'tool_calls' })
    expect(told?.total_tokens).toBe(14)
  })
})

describe('the AI SDK', () => {
  const provider = createOpenAICompatible({
    name: 'gateway',
    baseURL: 'http://gateway.test/v1',
    fetch: answer,
    includeUsage: true,
  })
  const tools: ToolSet = { weather: { inputSchema: jsonSchema({ type: 'object', properties: {} }) } }
  const given = {
    model: provider('m'),
    prompt: 'Hi',
    tools,
  }
  const named = (calls: readonly { toolCallId: string; toolName: string; input: unknown }[]) =>
    calls.map(({ toolCallId: id, toolName: name, input }) => ({ id, name, input }))

  test('reads a reply', async () => {
    const result = await generateText(given)
    expect([result.text, result.reasoningText, result.finishReason]).toEqual([
      'Checking both.',
      'Hm.',
      'tool-calls',
    ])
    expect(named(result.toolCalls)).toEqual(CALLS)
    expect(JSON.stringify(result.toolCalls[0]?.providerMetadata)).toContain('c2ln')
  })

  test('reads a stream', async () => {
    const result = streamText(given)
    expect([await result.text, await result.reasoningText, await result.finishReason]).toEqual([
      'Checking both.',
      'Hm.',
      'tool-calls',
    ])
    const calls = await result.toolCalls
    expect(named(calls)).toEqual(CALLS)
    expect(JSON.stringify(calls[0]?.providerMetadata)).toContain('c2ln')
    expect((await result.usage).totalTokens).toBe(14)
  })
})

describe('LangChain', () => {
  const model = new ChatOpenAI({
    model: 'm',
    apiKey: 'k',
    configuration: { baseURL: 'http://gateway.test/v1', fetch: answer },
    maxRetries: 0,
  }).bindTools([TOOL])
  const calls = CALLS.map(({ id, name, input: args }) => ({ id, name, args }))

  test('reads a reply', async () => {
    const message = await model.invoke('Hi')
    expect(message.text).toBe('Checking both.')
    expect(message.tool_calls).toMatchObject(calls)
  })

  test('reads a stream', async () => {
    const chunks = []
    for await (const chunk of await model.stream('Hi')) chunks.push(chunk)
    const [first, ...rest] = chunks
    const message = rest.reduce((whole, chunk) => whole?.concat(chunk), first)
    expect(message?.text).toBe('Checking both.')
    expect(message?.tool_calls).toMatchObject(calls)
    expect(message).toMatchObject({ usage_metadata: { total_tokens: 14 } })
  })
})
