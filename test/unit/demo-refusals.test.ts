import { describe, expect, test } from 'vitest'
import { demoFetch } from '../../src/providers/demo'
import { ask, base, clock, user, weather } from './demo-calls'

describe('a request that is wrong', () => {
  test.each([
    [{}, 'messages', 'missing_required_parameter'],
    [{ messages: null }, 'messages', 'missing_required_parameter'],
    [{ messages: [] }, 'messages', 'empty_array'],
    [{ messages: 'Hello' }, 'messages', 'invalid_type'],
    [{ messages: ['Hello'] }, 'messages[0]', 'invalid_type'],
    [{ messages: [user, { content: 'x' }] }, 'messages[1].role', 'missing_required_parameter'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role', 'invalid_value'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', 'invalid_type'],
    [{ messages: [{ role: 'user', content: ['x'] }] }, 'messages[0].content[0]', 'invalid_type'],
    [
      { messages: [{ role: 'user', content: [{}] }] },
      'messages[0].content[0].type',
      'missing_required_parameter',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'messages[0].content[0].text',
      'invalid_type',
    ],
    [{ messages: [user], model: null }, 'model', 'missing_required_parameter'],
    [{ messages: [user], model: 3 }, 'model', 'invalid_type'],
    [{ messages: [user], stream: 'yes' }, 'stream', 'invalid_type'],
    [{ messages: [user], stream_options: {} }, 'stream_options', null],
    [{ messages: [user], n: 0 }, 'n', 'invalid_type'],
    [{ messages: [user], n: 129 }, 'n', 'invalid_type'],
    [{ messages: [user], max_tokens: 1.5 }, 'max_tokens', 'invalid_type'],
    [{ messages: [user], stop: [1] }, 'stop', 'invalid_type'],
    [{ messages: [user], tools: {} }, 'tools', 'invalid_type'],
    [{ messages: [user], tools: [{ type: 'function' }] }, 'tools[0].function', 'missing_required_parameter'],
    [{ messages: [user], tools: [weather], tool_choice: 1 }, 'tool_choice', 'invalid_type'],
    [{ messages: [user], tools: [weather], tool_choice: clock }, 'tool_choice', null],
    [{ messages: [user], response_format: { type: 'yaml' } }, 'response_format', 'invalid_value'],
    [{ messages: [user], response_format: { type: 'json_schema' } }, 'response_format', 'invalid_value'],
  ])('%j is refused for %s', async (body, param, code) => {
    const response = await ask(body)
    expect(response.status).toBe(400)
    const type = 'invalid_request_error'
    expect(await response.json()).toEqual({ error: { message: expect.any(String), type, param, code } })
  })

  test.each(['', '{', '[]', 'null', '{"model":"echo"'])('%j is not a JSON object', async (body) => {
    const response = await demoFetch(new Request(`${base}/chat/completions`, { method: 'POST', body }))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining('JSON'), param: null },
    })
  })

  test('is for a model that is not there', async () => {
    const response = await ask({ model: 'slow', messages: [user] })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'model_not_found' } })
  })

  test.each([
    ['POST', '/completions'],
    ['GET', '/chat/completions'],
    ['POST', '/models'],
    ['GET', '/'],
  ])('%s %s is unknown', async (method, path) => {
    const response = await demoFetch(new Request(base + path, { method }))
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', code: null } })
  })
})

test('GET /models lists the one model', async () => {
  const response = await demoFetch(new Request(`${base}/models`))
  const model = { id: 'echo', object: 'model', created: expect.any(Number), owned_by: 'demo' }
  expect(await response.json()).toEqual({ object: 'list', data: [model] })
})
