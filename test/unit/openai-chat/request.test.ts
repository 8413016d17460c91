import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import { scanObject } from '../../../src/platform/json-scan'
import { askForChatStreamUsage, readChatRequest } from '../../../src/protocols/openai-chat/request'

const encoder = new TextEncoder()
const messages = [{ role: 'user', content: 'hi' }]

function read(text: string) {
  const bytes = encoder.encode(text)
  return readChatRequest(bytes, scanObject(bytes))
}

function refusalOf(text: string) {
  try {
    read(text)
  } catch (cause) {
    if (cause instanceof SluiceError) return cause.failure
    throw cause
  }
  return 'taken'
}

describe('what the gateway must know of a request', () => {
  test.each([
    ['the model', { model: 'gpt-4o' }, { model: 'gpt-4o' }],
    ['a model in other letters', { model: 'modèle/漢字' }, { model: 'modèle/漢字' }],
    ['no model', {}, { model: undefined }],
    ['a model that is null', { model: null }, { model: undefined }],
    ['a stream', { stream: true }, { stream: true }],
    ['no stream', { stream: false }, { stream: false }],
    ['a stream that is null', { stream: null }, { stream: false }],
    [
      'a stream whose usage is asked for',
      { stream_options: { include_usage: true } },
      { wantsStreamUsage: true },
    ],
    [
      'a stream whose usage is not',
      { stream_options: { include_usage: false } },
      { wantsStreamUsage: false },
    ],
    [
      'a usage asked for in another type',
      { stream_options: { include_usage: 1 } },
      { wantsStreamUsage: false },
    ],
    ['stream options that are null', { stream_options: null }, { wantsStreamUsage: false }],
    ['other stream options', { stream_options: { include_obfuscation: false } }, { wantsStreamUsage: false }],
  ])('%s', (_, fields, facts) => {
    const none = { model: undefined, stream: false, wantsStreamUsage: false }
    expect(read(JSON.stringify({ messages, ...fields }))).toEqual({ ...none, ...facts })
  })

  test('comes from the fields, not from what their strings say', () => {
    const content = '","stream":true,"model":"other"'
    expect(read(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }))).toMatchObject({
      model: 'm',
      stream: false,
    })
  })
})

describe('fields of the wrong type are refused by name', () => {
  test.each([
    ['model', 1, 'a string', 'a number'],
    ['model', ['m'], 'a string', 'an array'],
    ['messages', 'hi', 'an array', 'a string'],
    ['messages', {}, 'an array', 'an object'],
    ['stream', 'true', 'a boolean', 'a string'],
    ['stream', 1, 'a boolean', 'a number'],
    ['stream_options', true, 'an object', 'a boolean'],
    ['tools', {}, 'an array', 'an object'],
    ['tool_choice', [], 'a string or an object', 'an array'],
    ['parallel_tool_calls', 0, 'a boolean', 'a number'],
    ['temperature', '1', 'a number', 'a string'],
    ['top_p', '1', 'a number', 'a string'],
    ['n', '1', 'a number', 'a string'],
    ['max_tokens', '1', 'a number', 'a string'],
    ['max_completion_tokens', [], 'a number', 'an array'],
    ['stop', 1, 'a string or an array', 'a number'],
    ['presence_penalty', false, 'a number', 'a boolean'],
    ['frequency_penalty', false, 'a number', 'a boolean'],
    ['logprobs', 1, 'a boolean', 'a number'],
    ['top_logprobs', true, 'a number', 'a boolean'],
    ['logit_bias', [], 'an object', 'an array'],
    ['response_format', 1, 'an object or a string', 'a number'],
    ['seed', 'x', 'a number', 'a string'],
    ['reasoning_effort', 1, 'a string', 'a number'],
  ])('%s as %j', (param, value, wanted, got) => {
    expect(refusalOf(JSON.stringify({ messages, [param]: value }))).toEqual({
      kind: 'invalid_request',
      code: 'invalid_type',
      param,
      message: `Invalid type for '${param}': expected ${wanted}, but got ${got}.`,
    })
  })

  test.each(['model', 'stream', 'tools', 'temperature', 'stop', 'logit_bias', 'seed'])(
    '%s may be null',
    (field) => {
      expect(refusalOf(JSON.stringify({ messages, [field]: null }))).toBe('taken')
    },
  )

  test.each([
    ['a field of the provider', { thinking: { type: 'enabled' } }],
    ['a field of a later day', { messages_v2: 7 }],
    ['a field whose type differs between providers', { user: 7 }],
    ['a stop sequence', { stop: 'x' }],
    ['stop sequences', { stop: ['x'] }],
    ['a named tool', { tool_choice: { type: 'function', function: { name: 'f' } } }],
  ])('%s passes', (_, fields) => {
    expect(refusalOf(JSON.stringify({ messages, ...fields }))).toBe('taken')
  })
})

describe('messages', () => {
  test.each([
    ['none', '{}', 'missing_required_parameter'],
    ['null', '{"messages":null}', 'missing_required_parameter'],
    ['an empty list', '{"messages":[]}', 'empty_array'],
    ['an empty list with spaces', '{"messages":[ \r\n\t ]}', 'empty_array'],
    ['texts', '{"messages":["hi"]}', 'invalid_type'],
    ['null in the list', '{"messages":[ null]}', 'invalid_type'],
    ['a list in the list', '{"messages":[[{}]]}', 'invalid_type'],
  ])('are refused: %s', (_, text, code) => {
    expect(refusalOf(text)).toMatchObject({ kind: 'invalid_request', param: 'messages', code })
  })

  test.each(['{"messages":[{}]}', '{"messages": [\n { } ] }'])(
    'are left to the provider beyond that: %s',
    (text) => {
      expect(refusalOf(text)).toBe('taken')
    },
  )
})

describe('asking for the usage of a stream', () => {
  test.each([
    ['no options', {}, { include_usage: true }],
    ['options that are null', { stream_options: null }, { include_usage: true }],
    ['empty options', { stream_options: {} }, { include_usage: true }],
    ['a refusal', { stream_options: { include_usage: false } }, { include_usage: true }],
    [
      'other options',
      { stream_options: { include_obfuscation: false } },
      { include_obfuscation: false, include_usage: true },
    ],
  ])('keeps what else was asked: %s', (_, fields, options) => {
    const bytes = encoder.encode(JSON.stringify({ messages, ...fields }))
    const { key, json } = askForChatStreamUsage(bytes, scanObject(bytes))
    expect(key).toBe('stream_options')
    expect(JSON.parse(json)).toEqual(options)
  })
})
