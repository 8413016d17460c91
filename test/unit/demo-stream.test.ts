import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { demoFetch } from '../../src/providers/demo'
import { ask, base, eventsOf, user, weather } from './demo-calls'

describe('a stream', () => {
  test('has the role, then the words, then the reason why it ended', async () => {
    const response = await ask({ messages: [user], stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const { chunks, last } = await eventsOf(response)
    expect(last).toBe('[DONE]')
    expect(chunks[0]).toEqual({
      id: expect.stringMatching(/^chatcmpl-demo-/),
      object: 'chat.completion.chunk',
      created: expect.any(Number),
      model: 'echo',
      service_tier: 'default',
      system_fingerprint: 'fp_demo',
      choices: [
        {
          index: 0,
          delta: { role: 'assistant', content: '', refusal: null },
          logprobs: null,
          finish_reason: null,
        },
      ],
    })
    expect(chunks.map(({ choices }) => choices)).toMatchObject([
      [{ delta: { role: 'assistant' } }],
      [{ delta: { content: 'Hello,' }, finish_reason: null }],
      [{ delta: { content: ' world!' }, finish_reason: null }],
      [{ delta: {}, finish_reason: 'stop' }],
    ])
  })

  test('says the usage in a chunk of its own when asked, and null in the others', async () => {
    const options = { stream: true, stream_options: { include_usage: true } }
    const { chunks } = await eventsOf(await ask({ messages: [user], ...options }))
    expect(chunks.map(({ usage }) => usage)).toEqual([null, null, null, null, expect.any(Object)])
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 4 } })
  })

  test('sends a tool call in pieces, named in the first', async () => {
    const { chunks } = await eventsOf(await ask({ messages: [user], tools: [weather], stream: true }))
    const [role, first, ...others] = chunks.slice(0, -1).map(({ choices }) => choices[0]?.delta)
    expect(role).toEqual({ role: 'assistant', content: null, refusal: null })
    expect(first).toEqual({
      tool_calls: [
        { index: 0, id: expect.any(String), type: 'function', function: { name: 'weather', arguments: '' } },
      ],
    })
    const pieces = others.map((delta) => delta?.tool_calls?.[0])
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.map((piece) => piece?.id)).toEqual(pieces.map(() => undefined))
    expect(pieces.map((piece) => piece?.function?.arguments).join('')).toBe('{"city":"Hello, world!"}')
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls')
  })

  test.each([' two  spaces \n', '', '   ', '😀 🎉', 'one'])('adds up to %j', async (text) => {
    const { chunks } = await eventsOf(
      await ask({ messages: [{ role: 'user', content: text }], stream: true }),
    )
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(text)
  })

  test('makes an event only when one is read, and stops when it is cancelled', async () => {
    const response = await ask({ messages: [{ role: 'user', content: 'word '.repeat(1000) }], stream: true })
    const reader = response.body?.getReader()
    const first = await reader?.read()
    expect(new TextDecoder().decode(first?.value)).toMatch(/^data: .*\n\n$/)
    await reader?.cancel()
    expect(await reader?.read()).toMatchObject({ done: true })
  })

  test('breaks off when the request is aborted', async () => {
    const abort = new AbortController()
    const response = await ask({ messages: [user], stream: true }, abort.signal)
    const reader = response.body?.getReader()
    await reader?.read()
    abort.abort(new Error('enough'))
    await expect(reader?.read()).rejects.toThrow('enough')
  })
})

test('an aborted request is rejected', async () => {
  await expect(ask({ messages: [user] }, AbortSignal.abort(new Error('too late')))).rejects.toThrow(
    'too late',
  )
})

test('OpenAI’s own SDK reads the answers', async () => {
  const client = new OpenAI({
    apiKey: 'none',
    baseURL: base,
    fetch: (url, init) => demoFetch(new Request(url, init)),
  })
  const request = { model: 'echo', messages: [{ role: 'user', content: 'Hello, world!' }] } as const
  const plain = await client.chat.completions.create({ ...request, messages: [...request.messages] })
  expect(plain.choices[0]?.message.content).toBe('Hello, world!')
  const run = client.chat.completions.stream({
    ...request,
    messages: [...request.messages],
    tools: [weather],
    stream_options: { include_usage: true },
  })
  const streamed = await run.finalChatCompletion()
  expect(streamed.choices[0]).toMatchObject({
    message: { tool_calls: [{ function: { name: 'weather', arguments: '{"city":"Hello, world!"}' } }] },
    finish_reason: 'tool_calls',
  })
  expect(streamed.usage?.total_tokens).toBe(15)
  await expect(client.chat.completions.create({ model: 'gpt-4o', messages: [] })).rejects.toMatchObject({
    status: 400,
  })
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['echo'])
})
