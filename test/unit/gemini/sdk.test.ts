import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GoogleGenAI } from '@google/genai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { geminiCodec } from '../../../src/protocols/gemini/codec'
import { gemini } from '../../../src/protocols/gemini/protocol'
import { unfold } from '../../../src/protocols/unfold'
import { context, golden } from './helpers'

/** What our answers look like to Google's own SDK: the model's name says which golden answer is sent. */
const server = createServer((request, response) => {
  request.resume()
  const [, scenario = '', method] = (request.url ?? '').match(/models\/([\w-]+):(\w+)/) ?? []
  if (scenario === 'away') {
    response.writeHead(503, { 'content-type': 'application/json' })
    response.end(gemini.encodeError({ status: 503, type: 'x', code: 'unavailable', message: 'Away.' }))
    return
  }
  const reply = geminiCodec.decodeReply(golden(scenario === 'breaks' ? 'text' : scenario, 'reply'))
  if (method === 'generateContent') {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(geminiCodec.encodeReply(reply, context)))
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const events = unfold(reply)
  const kept = scenario === 'breaks' ? events.slice(0, 2) : events
  response.write(geminiCodec.eventEncoder(context).encode(kept))
  if (scenario === 'breaks')
    response.write(
      gemini.errorEvent({ status: 502, type: 'x', code: 'upstream_incomplete', message: 'Broke off.' }),
    )
  response.end()
})
let client: GoogleGenAI

beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  client = new GoogleGenAI({
    apiKey: 'k',
    httpOptions: { baseUrl: `http://127.0.0.1:${port}`, retryOptions: { attempts: 1 } },
  })
})
afterAll(() => {
  server.close()
})

const contents = 'Hi'

test.each([
  ['text', 'The capital of France is Paris.', []],
  ['parallel-tools', 'Checking both.', [{ city: 'Paris' }, { city: 'Rome' }]],
  ['reasoning', 'Yes, 97 is prime.', []],
])('the SDK reads %s as a reply and as a stream', async (model, text, args) => {
  const reply = await client.models.generateContent({ model, contents })
  expect(
    reply.candidates?.[0]?.content?.parts
      ?.filter((part) => !part.thought)
      .map((part) => part.text ?? '')
      .join(''),
  ).toBe(text)
  expect((reply.functionCalls ?? []).map((call) => call.args)).toEqual(args)
  let streamed = ''
  const calls: unknown[] = []
  let last: Awaited<ReturnType<typeof client.models.generateContent>> | undefined
  for await (const chunk of await client.models.generateContentStream({ model, contents })) {
    streamed +=
      chunk.candidates?.[0]?.content?.parts
        ?.filter((part) => !part.thought)
        .map((part) => part.text ?? '')
        .join('') ?? ''
    calls.push(...(chunk.functionCalls ?? []).map((call) => call.args))
    last = chunk
  }
  expect([streamed, calls]).toEqual([text, args])
  expect(last?.candidates?.[0]?.finishReason).toBe('STOP')
  expect(last?.usageMetadata?.totalTokenCount).toBe(reply.usageMetadata?.totalTokenCount)
})

test('a chat of the SDK keeps a streamed answer as history', async () => {
  const chat = client.chats.create({ model: 'text' })
  for await (const chunk of await chat.sendMessageStream({ message: 'Hi' }))
    expect(chunk.candidates).toHaveLength(1)
  const [, answer] = chat.getHistory(true)
  expect(answer?.role).toBe('model')
  const request = geminiCodec.decodeRequest(
    { contents: chat.getHistory(true) },
    { model: 'm', stream: false },
  )
  expect(request.messages.filter(({ role }) => role === 'assistant')[0]?.parts[0]).toMatchObject({
    text: 'The capital of France is Paris.',
  })
})

test('the SDK throws what went wrong, also in the middle', async () => {
  await expect(client.models.generateContent({ model: 'away', contents })).rejects.toMatchObject({
    status: 503,
  })
  const read = async () => {
    for await (const _ of await client.models.generateContentStream({ model: 'breaks', contents }));
  }
  await expect(read()).rejects.toMatchObject({ status: 502 })
})
