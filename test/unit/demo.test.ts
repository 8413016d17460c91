import { describe, expect, test } from 'vitest'
import { ask, clock, completion, content0, user, weather } from './demo-calls'

describe('a plain answer', () => {
  test('is the text of the last user message, in the shape of OpenAI', async () => {
    const response = await ask({ messages: [{ role: 'system', content: 'Be brief.' }, user] })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^chatcmpl-demo-[0-9a-f]{24}$/),
      object: 'chat.completion',
      created: expect.closeTo(Date.now() / 1000, -1),
      model: 'echo',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello, world!', refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      // 9 and 13 characters in, 13 out.
      usage: {
        prompt_tokens: 3 + 3 + 4 + 3,
        completion_tokens: 4,
        total_tokens: 17,
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: 0,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
      service_tier: 'default',
      system_fingerprint: 'fp_demo',
    })
  })

  test('has the same id for the same request only', async () => {
    const ids = [await completion({ messages: [user] }), await completion({ messages: [user] })].map(
      ({ id }) => id,
    )
    expect(ids[0]).toBe(ids[1])
    expect((await completion({ messages: [user, user] })).id).not.toBe(ids[0])
  })

  test('mentions the parts that are not text', async () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'input_audio', input_audio: { data: '', format: 'wav' } },
      { type: 'file', file: { file_id: 'file-1' } },
    ]
    expect(await content0({ messages: [{ role: 'user', content }] })).toBe(
      'What is this?\n[image]\n[audio]\n[file]',
    )
  })

  test('is the last message when there is no user message, and empty for a message without content', async () => {
    expect(await content0({ messages: [{ role: 'system', content: 'Only me' }] })).toBe('Only me')
    expect(await content0({ messages: [{ role: 'assistant', content: null }] })).toBe('')
  })

  test('comes n times, and each one counts', async () => {
    const { choices, usage } = await completion({ messages: [user], n: 3 })
    expect(choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, 'Hello, world!'],
      [1, 'Hello, world!'],
      [2, 'Hello, world!'],
    ])
    expect(usage?.completion_tokens).toBe(12)
  })

  test.each([
    [{ max_tokens: 2 }, 'Hello, w', 'length', 2],
    [{ max_completion_tokens: 1, max_tokens: 9 }, 'Hell', 'length', 1],
    [{ max_tokens: 4 }, 'Hello, world!', 'stop', 4],
    [{ max_tokens: null }, 'Hello, world!', 'stop', 4],
  ])('keeps to %j', async (limit, content, finishReason, tokens) => {
    const { choices, usage } = await completion({ messages: [user], ...limit })
    expect(choices[0]).toMatchObject({ message: { content }, finish_reason: finishReason })
    expect(usage?.completion_tokens).toBe(tokens)
  })

  test('is not cut inside a character', async () => {
    expect(await content0({ messages: [{ role: 'user', content: 'abc😀' }], max_tokens: 1 })).toBe('abc')
  })

  test.each([
    ['world', 'Hello, '],
    [['!', ','], 'Hello'],
    [['', 'nowhere'], 'Hello, world!'],
  ])('ends before the stop %j', async (stop, content) => {
    expect(await content0({ messages: [user], stop })).toBe(content)
  })
})

describe('a tool call', () => {
  test('is of the first tool, with arguments by its schema', async () => {
    const { choices, usage } = await completion({ messages: [user], tools: [weather, clock] })
    expect(choices[0]).toEqual({
      index: 0,
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: expect.stringMatching(/^call_demo_[0-9a-f]{16}_0$/),
            type: 'function',
            function: { name: 'weather', arguments: '{"city":"Hello, world!"}' },
          },
        ],
        refusal: null,
        annotations: [],
      },
      logprobs: null,
      finish_reason: 'tool_calls',
    })
    expect(usage?.completion_tokens).toBe(8)
  })

  test.each([
    ['auto', 'weather'],
    ['required', 'weather'],
    [{ type: 'function', function: { name: 'clock' } }, 'clock'],
    [{ type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } }, 'weather'],
  ])('follows the tool_choice %j', async (toolChoice, name) => {
    const { choices } = await completion({
      messages: [user],
      tools: [weather, clock],
      tool_choice: toolChoice,
    })
    expect(choices[0]?.message.tool_calls).toMatchObject([{ function: { name } }])
  })

  test('of a tool without parameters has no arguments', async () => {
    const { choices } = await completion({ messages: [user], tools: [clock] })
    expect(choices[0]?.message.tool_calls).toMatchObject([{ function: { name: 'clock', arguments: '{}' } }])
  })

  test('is not made with tool_choice none, nor of a custom tool', async () => {
    expect(await content0({ messages: [user], tools: [weather], tool_choice: 'none' })).toBe('Hello, world!')
    expect(await content0({ messages: [user], tools: [{ type: 'custom', custom: { name: 'x' } }] })).toBe(
      'Hello, world!',
    )
  })

  test('is answered by the text of the results', async () => {
    const messages = [
      user,
      { role: 'assistant', content: null, tool_calls: [] },
      { role: 'tool', tool_call_id: 'a', content: 'Sunny' },
      { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'Noon' }] },
    ]
    const { choices } = await completion({ messages, tools: [weather] })
    expect(choices[0]).toMatchObject({ message: { content: 'Sunny\nNoon' }, finish_reason: 'stop' })
    const again = await completion({ messages: [...messages, user], tools: [weather] })
    expect(again.choices[0]?.finish_reason).toBe('tool_calls')
  })

  test('is cut like a model would cut it', async () => {
    const { choices } = await completion({ messages: [user], tools: [weather], max_tokens: 3 })
    expect(choices[0]).toMatchObject({ message: { tool_calls: [{ function: { arguments: '{"cit' } }] } })
    expect(choices[0]?.finish_reason).toBe('length')
  })
})

describe('JSON', () => {
  test('of any kind is an object with the text', async () => {
    expect(await content0({ messages: [user], response_format: { type: 'json_object' } })).toBe(
      '{"text":"Hello, world!"}',
    )
    expect(await content0({ messages: [user], response_format: { type: 'text' } })).toBe('Hello, world!')
  })

  test.each([
    [{ type: 'string' }, 'Hello, world!'],
    [{ type: 'number' }, 1],
    [{ type: 'integer' }, 1],
    [{ type: 'boolean' }, true],
    [{ type: 'null' }, null],
    [{ type: ['null', 'integer'] }, 1],
    [{ enum: ['red', 'green'] }, 'red'],
    [{ const: 7 }, 7],
    [{ type: 'array', items: { type: 'boolean' } }, [true]],
    [{ items: {} }, ['Hello, world!']],
    [{ anyOf: [{ type: 'integer' }, { type: 'null' }] }, 1],
    [{ properties: { a: {}, b: {} }, required: ['b'] }, { b: 'Hello, world!' }],
    [{ type: 'object', properties: { a: {} } }, {}],
    [{}, 'Hello, world!'],
    [
      {
        $defs: { point: { properties: { x: { type: 'number' } }, required: ['x'] } },
        items: { $ref: '#/$defs/point' },
      },
      [{ x: 1 }],
    ],
  ])('by the schema %j', async (schema, value) => {
    const format = { type: 'json_schema', json_schema: { name: 'answer', schema } }
    expect(JSON.parse(await content0({ messages: [user], response_format: format }))).toEqual(value)
  })

  test('of a schema that refers to itself ends somewhere', async () => {
    const schema = { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] }
    const format = { type: 'json_schema', json_schema: { name: 'list', schema } }
    const text = await content0({ messages: [user], response_format: format })
    expect(text).toContain('null')
    expect(JSON.parse(text)).toHaveProperty('next.next.next')
  })
})
