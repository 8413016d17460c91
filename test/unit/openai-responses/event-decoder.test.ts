import { describe, expect, test } from 'vitest'
import { collect } from '../../../src/protocols/collect'
import { responsesCodec } from '../../../src/protocols/openai-responses/codec'
import { eventsOf, goldenJson, sse, told } from './golden'

type Event = { type: string } & Record<string, unknown>
const encoder = new TextEncoder()
const read = (...events: Event[]) => collect(eventsOf(encoder.encode(sse(...events))))
const partsOf = (...events: Event[]) => told(read(...events).choices[0]?.parts)
const item = (output_index: number, value: Record<string, unknown>) => ({ output_index, item: value })
const added = (index: number, value: Record<string, unknown>) => ({
  type: 'response.output_item.added',
  ...item(index, value),
})
const done = (index: number, value: Record<string, unknown>) => ({
  type: 'response.output_item.done',
  ...item(index, value),
})
const completed = (output: unknown[] = []) => ({
  type: 'response.completed',
  response: { id: 'resp_1', status: 'completed', output },
})
const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":1}' }
const message = { type: 'message', content: [{ type: 'output_text', text: 'a', annotations: [] }] }

describe('a stream', () => {
  test('may leave out pieces, and tell items only when they are done', () => {
    expect(partsOf(done(0, message), done(1, call), completed())).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'tool_call', id: 'c', name: 'f', argumentsJson: '{"a":1}' },
    ])
  })

  test('may tell everything in its last event, and nothing twice', () => {
    const delta = { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'a' }
    expect(read(delta, completed([message, call]))).toMatchObject({
      id: 'resp_1',
      choices: [{ finish: 'tool_calls', parts: [{ text: 'a' }, { id: 'c', argumentsJson: '{"a":1}' }] }],
    })
  })

  test('may interleave its calls', () => {
    const piece = (output_index: number, delta: string) => {
      return { type: 'response.function_call_arguments.delta', output_index, delta }
    }
    const other = { ...call, call_id: 'd', arguments: '' }
    const begun = [added(0, { ...call, arguments: '' }), added(1, other)]
    expect(partsOf(...begun, piece(0, '{'), piece(1, '['), piece(0, '}'), piece(1, ']'))).toMatchObject([
      { id: 'c', argumentsJson: '{}' },
      { id: 'd', argumentsJson: '[]' },
    ])
  })

  test('gives a call without an id one of its own', () => {
    expect(partsOf(done(0, { ...call, call_id: '' }), done(1, { ...call, call_id: null }))).toMatchObject([
      { id: 'sluice_call_0' },
      { id: 'sluice_call_1' },
    ])
  })

  test('has summaries of several paragraphs, and their proof', () => {
    const piece = (summary_index: number, delta: string) => {
      return { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index, delta }
    }
    const summary = ['ab', 'c'].map((text) => ({ type: 'summary_text', text }))
    const reasoning = { type: 'reasoning', id: 'rs_1', encrypted_content: 'e', summary }
    const expected = [
      {
        kind: 'reasoning',
        text: 'ab\n\nc',
        isSummary: true,
        proof: { family: 'openai', encrypted: 'e', id: 'rs_1' },
      },
    ]
    expect(partsOf(piece(0, 'a'), piece(0, 'b'), piece(1, 'c'), done(0, reasoning))).toEqual(expected)
    const body = { output: [reasoning], status: 'completed' }
    expect(told(responsesCodec.decodeReply(body).choices[0]?.parts)).toEqual(expected)
  })

  test('tells citations with their text, however they come', () => {
    const annotation = {
      type: 'url_citation',
      url: 'https://a.test',
      title: 'A',
      start_index: 0,
      end_index: 1,
    }
    const place = { output_index: 0, content_index: 0 }
    const delta = { type: 'response.output_text.delta', ...place, delta: 'a' }
    const cited = { type: 'response.output_text.annotation.added', ...place, annotation }
    const part = { type: 'output_text', text: 'a', annotations: [annotation] }
    const end = { type: 'response.content_part.done', ...place, part }
    const citation = { url: 'https://a.test', title: 'A', startIndex: 0, endIndex: 1 }
    const expected = [{ kind: 'text', text: 'a', citations: [citation] }]
    for (const events of [
      [delta, cited, end],
      [delta, end],
      [done(0, { type: 'message', content: [part] })],
    ]) {
      expect(partsOf(...events)).toMatchObject(expected)
    }
  })

  test("tells what the provider's tools did as it is, and pictures as pictures", () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } }
    const picture = { type: 'image_generation_call', result: 'AAAA', output_format: 'webp' }
    expect(partsOf(added(0, search), done(0, search), done(1, picture))).toEqual([
      { kind: 'native', type: 'web_search_call', protocol: 'openai-responses', value: search },
      { kind: 'image', media: { kind: 'base64', base64: 'AAAA', mediaType: 'image/webp' } },
    ])
  })

  test('without a last event has neither finish nor end', () => {
    const kinds = eventsOf(encoder.encode(sse(done(0, message)))).map(({ kind }) => kind)
    expect(kinds).toEqual(['text', 'part_end'])
  })
})

describe('a reply', () => {
  test.each([
    ['completed', undefined, [message], 'stop'],
    ['completed', undefined, [message, call], 'tool_calls'],
    [
      'completed',
      undefined,
      [{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }],
      'refusal',
    ],
    ['incomplete', { reason: 'max_output_tokens' }, [message], 'length'],
    ['incomplete', { reason: 'content_filter' }, [message], 'content_filter'],
    ['incomplete', { reason: 'boredom' }, [message], 'other'],
    ['queued', null, [], 'other'],
    ['cancelled', null, [], 'other'],
  ])('that is %s with %j has ended so', (status, incomplete_details, output, finish) => {
    expect(responsesCodec.decodeReply({ status, incomplete_details, output }).choices[0]?.finish).toBe(finish)
  })

  test.each([[{}], [[]], [{ status: 'failed', output: [], error: { message: 'Oh.' } }]])(
    'is not %j',
    (body) => {
      expect(() => responsesCodec.decodeReply(body)).toThrow()
    },
  )
})

describe('an error', () => {
  const errors: unknown = goldenJson('errors', 'errors.json')
  const known = Array.isArray(errors) ? errors : []

  test.each(known.map((error) => [error.name, error]))('of %s is read', (_, { status, body }) => {
    expect(responsesCodec.decodeError(status, encoder.encode(JSON.stringify(body)))).toMatchObject({
      status,
      message: body.error.message,
      code: body.error.code ?? body.error.type,
    })
  })

  test.each([
    [502, '<html>', undefined],
    [400, '{"detail":"No."}', { status: 400, message: 'No.' }],
    [400, '{"error":"No."}', { status: 400, message: 'No.' }],
    [200, JSON.stringify(goldenJson('text', 'reply.json')), undefined],
    [200, '{"status":"failed","error":{"code":"rate_limit_exceeded","message":"No."}}', { status: 429 }],
    [200, '{"status":"failed","error":{"code":"image_too_large","message":"No."}}', { status: 400 }],
  ])('with status %i in %j', (status, body, expected) => {
    const told = responsesCodec.decodeError(status, encoder.encode(body))
    if (expected === undefined) expect(told).toBeUndefined()
    else expect(told).toMatchObject(expected)
  })
})
