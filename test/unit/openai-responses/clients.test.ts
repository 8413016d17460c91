import { createOpenAI } from '@ai-sdk/openai'
import { generateText, jsonSchema, type ModelMessage, streamText, type ToolSet } from 'ai'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import type { ChatReply } from '../../../src/protocols/answer'
import { responsesCodec } from '../../../src/protocols/openai-responses/codec'
import type { Part } from '../../../src/protocols/parts'
import type { ChatRequest } from '../../../src/protocols/request'
import { unfold } from '../../../src/protocols/unfold'
import { proofsOf } from '../golden/essence'
import { usage } from '../openai-chat/events'
import { contextOf } from './golden'

const PARTS: readonly Part[] = [
  { kind: 'reasoning', text: 'Hm.\nWell.', proof: { family: 'anthropic', signature: 'sig' } },
  { kind: 'reasoning', text: '', proof: { family: 'anthropic', encrypted: 'redacted' } },
  { kind: 'text', text: 'Checking both.', proof: { family: 'gemini', signature: 'dGV4dA==' } },
  {
    kind: 'tool_call',
    id: 'call_1',
    name: 'weather',
    argumentsJson: '{"city":"Paris"}',
    proof: { family: 'gemini', signature: 'c2ln' },
  },
  { kind: 'tool_call', id: 'call_2', name: 'weather', argumentsJson: '' },
]
/** An answer with something of everything that these clients read. */
const REPLY: ChatReply = {
  id: 'msg_1',
  model: 'm',
  choices: [{ index: 0, finish: 'tool_calls', parts: PARTS }],
  usage,
}
const CALLS = [
  { id: 'call_1', name: 'weather', input: { city: 'Paris' } },
  { id: 'call_2', name: 'weather', input: {} },
]
const TOOL = {
  type: 'function',
  name: 'weather',
  parameters: { type: 'object', properties: {} },
  strict: false,
} as const

/** A gateway that answers every request with `REPLY`, and what it was last asked. */
let asked: ChatRequest | undefined
async function answer(_: unknown, init?: RequestInit): Promise<Response> {
  const request = responsesCodec.decodeRequest(JSON.parse(String(init?.body)))
  asked = request
  const context = contextOf(request)
  if (!request.stream) return Response.json(responsesCodec.encodeReply(REPLY, context))
  const text = responsesCodec.eventEncoder(context).encode(unfold(REPLY))
  return new Response(text, { headers: { 'content-type': 'text/event-stream' } })
}

/** What the assistant said before, as the client told it in its next turn. */
function saidBefore(): Part[] {
  return (asked?.messages ?? []).filter(({ role }) => role === 'assistant').flatMap(({ parts }) => parts)
}

describe('the OpenAI SDK', () => {
  const client = new OpenAI({ apiKey: 'k', baseURL: 'http://gateway.test/v1', fetch: answer, maxRetries: 0 })
  const body = { model: 'm', input: 'Hi', tools: [TOOL] }

  function expectAnswer(response: OpenAI.Responses.Response) {
    expect([response.output_text, response.status, response.usage?.total_tokens]).toEqual([
      'Checking both.',
      'completed',
      14,
    ])
    const calls = response.output.filter((item) => item.type === 'function_call')
    expect(
      calls.map(({ call_id: id, name, arguments: json }) => ({ id, name, input: JSON.parse(json) })),
    ).toEqual(CALLS)
    const shown = response.output.flatMap((item) => (item.type === 'reasoning' ? item.summary : []))
    expect(shown.map(({ text }) => text)).toEqual(['Hm.\nWell.'])
  }

  test('reads a reply', async () => {
    expectAnswer(await client.responses.create(body))
  })

  test('reads a stream with its helper', async () => {
    const stream = client.responses.stream(body)
    expectAnswer(await stream.finalResponse())
  })

  test.each([['create'], ['stream']] as const)('brings everything back, from %s', async (how) => {
    const response =
      how === 'create'
        ? await client.responses.create(body)
        : await client.responses.stream(body).finalResponse()
    const outputs = CALLS.map(({ id }) => ({
      type: 'function_call_output' as const,
      call_id: id,
      output: '1',
    }))
    const input = [{ role: 'user' as const, content: 'Hi' }, ...response.output, ...outputs]
    await client.responses.create({ ...body, input: JSON.parse(JSON.stringify(input)) })
    expect(proofsOf(saidBefore())).toEqual(proofsOf(PARTS))
    expect(saidBefore().map(({ kind }) => kind)).toEqual(PARTS.map(({ kind }) => kind))
    expect(saidBefore()[0]).toMatchObject({ text: 'Hm.\nWell.' })
  })
})

describe('the AI SDK', () => {
  const provider = createOpenAI({ apiKey: 'k', baseURL: 'http://gateway.test/v1', fetch: answer })
  const tools: ToolSet = { weather: { inputSchema: jsonSchema({ type: 'object', properties: {} }) } }
  const given = {
    model: provider.responses('gpt-5'),
    tools,
    providerOptions: { openai: { store: false, include: ['reasoning.encrypted_content'] } },
  }
  const named = (calls: readonly { toolCallId: string; toolName: string; input: unknown }[]) =>
    calls.map(({ toolCallId: id, toolName: name, input }) => ({ id, name, input }))

  test('reads a reply', async () => {
    const result = await generateText({ ...given, prompt: 'Hi' })
    expect([result.text, result.reasoningText, result.finishReason]).toEqual([
      'Checking both.',
      'Hm.\nWell.',
      'tool-calls',
    ])
    expect(named(result.toolCalls)).toEqual(CALLS)
    expect(result.usage.totalTokens).toBe(14)
  })

  test('reads a stream', async () => {
    const result = streamText({ ...given, prompt: 'Hi' })
    expect([await result.text, await result.reasoningText, await result.finishReason]).toEqual([
      'Checking both.',
      'Hm.\nWell.',
      'tool-calls',
    ])
    expect(named(await result.toolCalls)).toEqual(CALLS)
  })

  test.each([['a reply'], ['a stream']])('brings all proofs back, from %s', async (how) => {
    const prompt: ModelMessage[] = [{ role: 'user', content: 'Hi' }]
    const { messages } =
      how === 'a reply'
        ? (await generateText({ ...given, messages: prompt })).response
        : await streamText({ ...given, messages: prompt }).response
    const results: ModelMessage = {
      role: 'tool',
      content: CALLS.map(({ id, name }) => ({
        type: 'tool-result',
        toolCallId: id,
        toolName: name,
        output: { type: 'text', value: '1' },
      })),
    }
    await generateText({ ...given, messages: [...prompt, ...messages, results] })
    expect(proofsOf(saidBefore())).toEqual(proofsOf(PARTS))
    expect(saidBefore()[0]).toMatchObject({ kind: 'reasoning', text: 'Hm.\nWell.' })
  })
})
