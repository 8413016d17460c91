import { describe, expect, test } from 'vitest'
import { collect } from '../../../src/protocols/collect'
import { chatCodec } from '../../../src/protocols/openai-chat/codec'
import { unfold } from '../../../src/protocols/unfold'
import { cuts } from './cuts'
import {
  contextOf,
  eventsOf,
  eventsOfText,
  golden,
  goldenJson,
  replyOfText,
  requestOf,
  scenariosWith,
} from './golden'

const encoder = new TextEncoder()
const requests = scenariosWith('request.json')
const streams = scenariosWith('stream.sse').filter((scenario) => scenario !== 'error-in-stream')

test('there are scenarios', () => {
  expect(requests.length).toBeGreaterThanOrEqual(12)
  expect(streams).toEqual(requests)
})

describe.each(requests)('the request of %s', (scenario) => {
  const body = goldenJson(scenario, 'request.json')
  const request = chatCodec.decodeRequest(body)

  test('is written again as it was, without a loss', () => {
    const {
      body: again,
      losses,
      standIns,
    } = chatCodec.encodeRequest(request, {
      model: String(body['model']),
      traits: {},
    })
    expect({ again, losses, standIns }).toEqual({ again: withOneReasoning(body), losses: [], standIns: {} })
  })

  test('names a place in it for every part', () => {
    const places = request.messages.flatMap(({ parts }) => parts.map(({ at }) => at))
    expect(places.filter((at) => at === undefined || !at.startsWith('messages['))).toEqual([])
  })
})

describe.each(streams)('the answer of %s', (scenario) => {
  const reply = chatCodec.decodeReply(goldenJson(scenario, 'reply.json'))
  const bytes = encoder.encode(golden(scenario, 'stream.sse'))

  test.each(cuts)('says the same as a stream, %s', (_, cut) => {
    const events = eventsOf(...cut(bytes))
    expect(events.at(-1)).toEqual({ kind: 'end' })
    expect(collect(events)).toEqual(reply)
  })

  test('is the same when it is written as a reply and read again', () => {
    const context = contextOf(requestOf({ stream_options: { include_usage: true } }))
    expect(chatCodec.decodeReply(chatCodec.encodeReply(reply, context))).toEqual(reply)
  })

  test('is the same when it is written as a stream and read again', () => {
    const context = contextOf(requestOf({ stream_options: { include_usage: true } }))
    const text = chatCodec.eventEncoder(context).encode(unfold(reply))
    expect(replyOfText(text)).toEqual(reply)
  })

  test('tells no usage to a client that did not ask for it in a stream', () => {
    const text = chatCodec.eventEncoder(contextOf()).encode(unfold(reply))
    expect(text).not.toContain('"usage"')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })
})

test('an error in a stream is its last event', () => {
  const events = eventsOfText(golden('error-in-stream', 'stream.sse'))
  expect(events.at(-1)).toMatchObject({
    kind: 'error',
    error: {
      status: 500,
      code: 'server_error',
      message: 'The server had an error while processing your request. Sorry about that!',
    },
  })
  expect(events.filter(({ kind }) => kind === 'text')).not.toEqual([])
})

test.each(errors())('the error %s', (_, { status, body }) => {
  const { message, code, type, param } = body.error
  expect(chatCodec.decodeError(status, encoder.encode(JSON.stringify(body)))).toEqual({
    status,
    message,
    code: code ?? type,
    ...(param === null ? {} : { param }),
  })
})

interface ErrorCase {
  status: number
  body: { error: { message: string; type: string; code: string | null; param: string | null } }
}

function errors(): [string, ErrorCase][] {
  const cases: ({ name: string } & ErrorCase)[] = JSON.parse(golden('errors', 'errors.json'))
  return cases.map((one) => [one.name, one])
}

// The same reasoning in two fields is said once.
function withOneReasoning(body: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify(body), (key, value) => (key === 'reasoning_content' ? undefined : value))
}
