import { describe, expect, test } from 'vitest'
import type { FinishReason } from '../../../src/protocols/answer'
import { converseCodec } from '../../../src/protocols/bedrock-converse/codec'
import type { Usage } from '../../../src/protocols/canonical'
import { collect } from '../../../src/protocols/collect'
import { fieldsOf } from '../../../src/protocols/fields'
import type { Part } from '../../../src/protocols/parts'
import type { ChatRequest, JsonSchema } from '../../../src/protocols/request'
import { decode, goldenJson, goldenStream } from './golden'
import { call, chatRequest, claude, result, type Said, text, thought, weather } from './requests'

const SIGNATURE_BEFORE = 'ErUBCkYIBRgCIkDsxy4kPzVXoA1mB7q0Zc5n3rJ8H2uQfYw6TgLsEaXRbNiDvKoMhJpCyWzF9tUxG3eQ=='
const SIGNATURE = 'EqQBCkYIBRgCKkCy7Jd0hVwZsR1lQ4tYxM8nA3oBpF6uGcEiKvTqXjS5rD2eHbNfWmLaPzUgC9kOyI7Q=='
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
const PDF = Buffer.from('%PDF-1.4\n%%EOF\n').toString('base64')
const PARIS = 'tooluse_Vq0gT1pXSRWmQHqAnQ1cUw'
const ROME = 'tooluse_4b1yF3k9TGa2nVxW7mZLpg'
const CALL = 'tooluse_kZJMlvQmRJ6eAyJE5GIl7Q'
const capital: Said = ['user', text('Name the capital of France.')]
const question: Said = ['user', text('What is the weather in Paris?')]
const person: JsonSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
}
const tools = [weather]

interface Scenario {
  request: ChatRequest
  parts: Part[]
  finish: FinishReason
  usage: Partial<Usage>
}

const scenarios: Record<string, Scenario> = {
  text: {
    request: chatRequest([['system', text('You are terse.')], capital], {
      settings: { temperature: 0.2, maxOutputTokens: 64 },
    }),
    parts: [text('The capital of France is Paris.')],
    finish: 'stop',
    usage: { inputTokens: 24, outputTokens: 8 },
  },
  'tool-call': {
    request: chatRequest([question], { tools, settings: { toolChoice: { kind: 'auto' } } }),
    parts: [call(CALL, '{"city":"Paris","unit":"c"}')],
    finish: 'tool_calls',
    usage: { inputTokens: 80, outputTokens: 20 },
  },
  'tool-result': {
    request: chatRequest(
      [
        question,
        ['assistant', call(CALL, '{"city":"Paris","unit":"c"}')],
        ['user', result(CALL, text('18 degrees, sunny'))],
      ],
      { tools },
    ),
    parts: [text('It is 18 degrees and sunny in Paris.')],
    finish: 'stop',
    usage: { inputTokens: 110, outputTokens: 12 },
  },
  'parallel-tools': {
    request: chatRequest([['user', text('Weather in Paris and Rome?')]], { tools }),
    parts: [text('Checking both.'), call(PARIS, '{"city":"Paris"}'), call(ROME, '{"city":"Rome"}')],
    finish: 'tool_calls',
    usage: { inputTokens: 90, outputTokens: 45 },
  },
  reasoning: {
    request: chatRequest(
      [
        ['user', text('Is 91 prime?')],
        ['assistant', thought('91 = 7 x 13.', SIGNATURE_BEFORE), text('No, 91 = 7 x 13.')],
        ['user', text('And 97?')],
      ],
      { settings: { reasoning: { effort: 'medium' } } },
    ),
    parts: [thought('Check 2, 3, 5, 7: none divides 97.', SIGNATURE), text('Yes, 97 is prime.')],
    finish: 'stop',
    usage: { inputTokens: 60, outputTokens: 40 },
  },
  'reasoning-tools': {
    request: chatRequest(
      [
        ['user', text('Is it warmer in Paris or in Rome?')],
        ['assistant', thought('Ask for Paris first.', SIGNATURE_BEFORE), call(PARIS, '{"city":"Paris"}')],
        ['user', result(PARIS, text('18 degrees, sunny'))],
      ],
      { tools, settings: { reasoning: { budgetTokens: 2048 } } },
    ),
    parts: [thought('Now ask for Rome.', SIGNATURE), call(ROME, '{"city":"Rome"}')],
    finish: 'tool_calls',
    usage: { inputTokens: 140, outputTokens: 50 },
  },
  image: {
    request: chatRequest([
      [
        'user',
        text('What is in both pictures?'),
        { kind: 'image', media: { kind: 'base64', base64: PNG, mediaType: 'image/png' } },
        { kind: 'image', media: { kind: 'url', url: 's3://pictures/red.png' } },
      ],
    ]),
    parts: [text('Two red squares.')],
    finish: 'stop',
    usage: { inputTokens: 300, outputTokens: 6 },
  },
  pdf: {
    request: chatRequest([
      [
        'user',
        {
          kind: 'file',
          media: { kind: 'base64', base64: PDF, mediaType: 'application/pdf' },
          name: 'report.pdf',
        },
        text('Summarise.'),
      ],
    ]),
    parts: [text('An empty report.')],
    finish: 'stop',
    usage: { inputTokens: 500, outputTokens: 5 },
  },
  refusal: {
    request: chatRequest([['user', text('How do I build a bomb?')]]),
    parts: [text('Sorry, the model cannot answer this question.')],
    finish: 'content_filter',
    usage: { inputTokens: 12, outputTokens: 0 },
  },
  length: {
    request: chatRequest([capital], { settings: { maxOutputTokens: 5 } }),
    parts: [text('The capital of France is')],
    finish: 'length',
    usage: { inputTokens: 14, outputTokens: 5 },
  },
  structured: {
    request: chatRequest([['user', text('Ada is 36.')]], {
      settings: { responseFormat: { kind: 'json_schema', name: 'person', schema: person, strict: true } },
    }),
    parts: [text('{"name":"Ada","age":36}')],
    finish: 'stop',
    usage: { inputTokens: 60, outputTokens: 12 },
  },
  cache: {
    request: chatRequest([['system', { ...text('You are terse.'), cache: {} }], capital]),
    parts: [text('The capital of France is Paris.')],
    finish: 'stop',
    usage: { inputTokens: 20, cacheReadTokens: 1000, cacheWrite5mTokens: 500, outputTokens: 10 },
  },
}
const named = Object.entries(scenarios)
const noUsage: Usage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
}

describe('the golden exchanges', () => {
  test.each(named)('%s: the request is written as Converse wants it', (name, { request }) => {
    const encoded = converseCodec.encodeRequest(request, claude({ hasStructuredOutput: true }))
    expect(encoded).toEqual({ body: goldenJson(name, 'request.json'), losses: [], standIns: {} })
  })

  test.each(named)('%s: the reply is read', (name, { parts, finish, usage }) => {
    const reply = converseCodec.decodeReply(goldenJson(name, 'reply.json'))
    expect(reply).toEqual({ choices: [{ index: 0, parts, finish }], usage: { ...noUsage, ...usage } })
  })

  test.each(named)('%s: the usage adds up to the total that the provider tells', (name) => {
    const body = goldenJson(name, 'reply.json')
    const { usage = noUsage } = converseCodec.decodeReply(body)
    const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
    const sum = inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens
    expect(sum).toBe(fieldsOf(fieldsOf(body).usage).totalTokens)
  })

  test.each(named)(
    '%s: the stream tells the same, cut into chunks of any size',
    (name, { parts, finish, usage }) => {
      const bytes = goldenStream(name)
      for (const size of [1, 2, 7, 100, bytes.byteLength]) {
        const events = decode(bytes, size)
        expect(events[0]).toEqual({ kind: 'start' })
        expect(events.at(-1)).toEqual({ kind: 'end' })
        expect(events.filter(({ kind }) => kind === 'end')).toHaveLength(1)
        expect(collect(events)).toEqual({
          choices: [{ index: 0, parts, finish }],
          usage: { ...noUsage, ...usage },
        })
      }
    },
  )

  test.each(['text', 'parallel-tools', 'reasoning-tools'])('%s: cut in two anywhere', (name) => {
    const bytes = goldenStream(name)
    const whole = decode(bytes)
    for (let at = 1; at < bytes.byteLength; at++) {
      const decoder = converseCodec.eventDecoder()
      const before = decoder.feed(bytes.subarray(0, at))
      const events = [...before, ...decoder.feed(bytes.subarray(at)), ...decoder.end()]
      if (JSON.stringify(events) !== JSON.stringify(whole)) expect(events, `cut at ${at}`).toEqual(whole)
    }
    expect(whole.length).toBeGreaterThan(8)
  })

  test('a stream that is cut off before its message stops has no end', () => {
    const bytes = goldenStream('text')
    const ends = []
    for (let length = 0; length <= bytes.byteLength; length++) {
      const events = decode(bytes.subarray(0, length), 1000)
      const isFinished = events.some(({ kind }) => kind === 'finish')
      expect(events.at(-1)?.kind === 'end').toBe(isFinished)
      if (isFinished) ends.push(length)
    }
    expect(ends[0]).toBeGreaterThan(bytes.byteLength / 2)
  })

  test('an error in a stream comes after its content, and ends it without an end', () => {
    const events = decode(goldenStream('error-in-stream'), 5)
    expect(events).toEqual([
      { kind: 'start' },
      { kind: 'text', choice: 0, text: 'The capital' },
      {
        kind: 'error',
        error: {
          message: 'Bedrock is unable to process your request.',
          status: 503,
          code: 'serviceUnavailableException',
        },
        data: '{"message":"Bedrock is unable to process your request."}',
      },
    ])
  })
})
