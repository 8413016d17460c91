import { describe, expect, test } from 'vitest'
import { fieldsOf } from '../../../src/protocols/fields'
import { responsesStreamReader } from '../../../src/protocols/openai-responses/stream'
import { cuts, variants } from '../openai-chat/cuts'
import { golden, goldenJson, scenariosWith, sse } from './golden'

const encoder = new TextEncoder()

function read(...pieces: Uint8Array[]) {
  const reader = responsesStreamReader()
  for (const piece of pieces) reader.feed(piece)
  reader.end()
  const { hasContent, isComplete, error, facts } = reader
  return { hasContent, isComplete, error, facts }
}

const readText = (text: string) => read(encoder.encode(text))

describe.each(scenariosWith('request.json'))('the stream of %s', (scenario) => {
  const text = golden(scenario, 'stream.sse')
  const reply = goldenJson(scenario, 'reply.json')
  const usage = fieldsOf(reply.usage)
  const expected = {
    hasContent: true,
    isComplete: true,
    error: undefined,
    facts: {
      responseId: reply.id,
      finishReason: fieldsOf(reply.incomplete_details).reason ?? reply.status,
      usage: expect.objectContaining({ outputTokens: usage.output_tokens }),
    },
  }

  test.each(cuts)('is read, %s', (_, cut) => {
    expect(read(...cut(encoder.encode(text)))).toEqual(expected)
  })

  test.each(variants)('is read %s', (_, variant) => {
    expect(read(variant(text))).toEqual(expected)
  })

  test('is read without the names of events', () => {
    expect(readText(text.replaceAll(/^event: .*\n/gm, ''))).toEqual(expected)
  })

  test('is not complete without its last event', () => {
    const cut = text.slice(0, text.lastIndexOf('event: '))
    expect(readText(cut)).toMatchObject({ isComplete: false, hasContent: true, error: undefined })
  })
})

describe('content has come', () => {
  const created = { type: 'response.created', response: { id: 'resp_1', status: 'in_progress' } }
  const added = (type: string) => ({
    type: 'response.output_item.added',
    output_index: 0,
    item: { type, id: 'x' },
  })
  const delta = (name: string, text: string) => ({ type: `response.${name}.delta`, delta: text })

  test.each([
    ['the response', [], false],
    ['a message that begins', [added('message')], false],
    ['reasoning that begins', [added('reasoning')], false],
    ['an empty text', [added('message'), delta('output_text', '')], false],
    [
      'an empty part',
      [{ type: 'response.content_part.added', part: { type: 'output_text', text: '' } }],
      false,
    ],
    ['a text', [delta('output_text', 'a')], true],
    ['a refusal', [delta('refusal', 'a')], true],
    ['a summary', [delta('reasoning_summary_text', 'a')], true],
    ['reasoning', [delta('reasoning_text', 'a')], true],
    ['arguments', [delta('function_call_arguments', '{')], true],
    ['a call that begins', [added('function_call')], true],
    ['a search that begins', [added('web_search_call')], true],
    ['an event of tomorrow', [{ type: 'response.smell.delta', delta: 'x' }], true],
    ['an event of another protocol', [{ type: 'ping' }], false],
  ])('with %s: %s', (_, events, hasContent) => {
    expect(readText(sse(created, ...events)).hasContent).toBe(hasContent)
  })
})

describe('an error', () => {
  const failed = { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Slow down.' } }
  test.each([
    ['a failed response', { type: 'response.failed', response: failed }, 429, 'Slow down.'],
    ['an event', { type: 'error', code: 'server_error', message: 'Oh.', param: null }, 500, 'Oh.'],
    [
      'an event with the error inside',
      { type: 'error', error: { type: 'invalid_request_error', code: 'invalid_prompt', message: 'No.' } },
      400,
      'No.',
    ],
    [
      'a failed response without a word',
      { type: 'response.failed', response: {} },
      500,
      'the response failed',
    ],
  ])('is %s', (_, event, status, message) => {
    const told = readText(sse(event))
    expect(told).toMatchObject({ hasContent: false, isComplete: false, error: { status, message } })
    expect(JSON.parse(told.error?.data ?? '')).toEqual(event)
  })

  test('is not what a text says', () => {
    const delta = '"type": "error" event: error {"type":"response.failed"}'
    const told = readText(sse({ type: 'response.output_text.delta', delta }))
    expect(told).toMatchObject({ hasContent: true, error: undefined })
  })
})
