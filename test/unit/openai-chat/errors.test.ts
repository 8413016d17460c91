import { describe, expect, test } from 'vitest'
import { chatErrorEvent, encodeChatError } from '../../../src/protocols/openai-chat/errors'
import { chatStreamReader } from '../../../src/protocols/openai-chat/stream'

const description = {
  status: 404,
  type: 'invalid_request_error',
  code: 'model_not_found',
  message: 'No "m".\n',
}

describe('an error', () => {
  test('has OpenAI’s shape with Respan’s detail beside it', () => {
    expect(JSON.parse(encodeChatError({ ...description, param: 'model' }))).toEqual({
      error: { message: 'No "m".\n', type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
      detail: 'No "m".\n',
    })
  })

  test('says null for a field that it does not blame, and when to come again', () => {
    expect(JSON.parse(encodeChatError({ ...description, retryAfterSeconds: 7 }))).toEqual({
      error: expect.objectContaining({ param: null }),
      detail: 'No "m".\n',
      retry_after: 7,
    })
  })
})

describe('an error as the last event of a stream', () => {
  test.each([
    ['after whole events', 'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'],
    ['after half an event', 'data: {"choices":[{"index":0,"delta":{"cont'],
    ['after half a line end', 'data: {}\r\n\r'],
    ['at the beginning', ''],
  ])('is an event of its own: %s', (_, before) => {
    const reader = chatStreamReader()
    reader.feed(new TextEncoder().encode(before + chatErrorEvent({ ...description, param: 'model' })))
    expect(reader.error?.message).toBe('No "m".\n')
    expect(JSON.parse(reader.error?.data ?? '')).toEqual({
      error: { message: 'No "m".\n', type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
    })
    expect(reader.isComplete).toBe(false)
  })
})
