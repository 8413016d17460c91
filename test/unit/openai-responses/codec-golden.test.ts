import { describe, expect, test } from 'vitest'
import { collect } from '../../../src/protocols/collect'
import { fieldsOf, listOf } from '../../../src/protocols/fields'
import { responsesCodec } from '../../../src/protocols/openai-responses/codec'
import { unfold } from '../../../src/protocols/unfold'
import { cuts } from '../openai-chat/cuts'
import { contextOf, eventsOf, golden, goldenJson, replyOfText, scenariosWith, told } from './golden'

const encoder = new TextEncoder()
const requests = scenariosWith('request.json')

test('there are scenarios', () => {
  expect(requests.length).toBeGreaterThanOrEqual(12)
})

describe.each(requests)('the request of %s', (scenario) => {
  const body = goldenJson(scenario, 'request.json')
  const request = responsesCodec.decodeRequest(body)

  test('is written again with the same meaning, without a loss', () => {
    const again = responsesCodec.encodeRequest(request, { model: String(body.model), traits: {} })
    expect([again.losses, again.standIns]).toEqual([[], {}])
    expect(told(plain(again.body))).toEqual(plain(body))
  })

  test('names a place in it for every part', () => {
    const places = request.messages.flatMap(({ parts }) => parts.map(({ at }) => at))
    expect(places.length).toBeGreaterThan(0)
    expect(places.filter((at) => at === undefined || !/^(?:input|instructions)/.test(at))).toEqual([])
  })
})

describe.each(requests)('the answer of %s', (scenario) => {
  const reply = responsesCodec.decodeReply(goldenJson(scenario, 'reply.json'))
  const bytes = encoder.encode(golden(scenario, 'stream.sse'))
  const request = responsesCodec.decodeRequest(goldenJson(scenario, 'request.json'))

  test('has the usage that the provider told in all', () => {
    const usage = Object.values(reply.usage ?? {})
    const { usage: native } = goldenJson(scenario, 'reply.json')
    const [input = 0, read = 0, write = 0, write1h = 0, output = 0] = usage
    expect(input + read + write + write1h + output).toBe(fieldsOf(native).total_tokens)
  })

  test.each(cuts)('says the same as a stream, %s', (_, cut) => {
    const events = eventsOf(...cut(bytes))
    expect(events.at(-1)).toEqual({ kind: 'end' })
    // The tier that served shows at the end of the stream only.
    expect(told(collect(events))).toEqual(told({ ...reply, serviceTier: 'auto' }))
  })

  test('is the same when it is written as a reply and read again', () => {
    const again = responsesCodec.encodeReply(reply, contextOf(request))
    expect(told(responsesCodec.decodeReply(told(again)))).toEqual(told(reply))
  })

  test('echoes the request as the provider does', () => {
    const again = responsesCodec.encodeReply(reply, contextOf(request))
    const native = goldenJson(scenario, 'reply.json')
    const fields = ['object', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls', 'metadata']
    const more = [
      'id',
      'store',
      'status',
      'incomplete_details',
      'max_output_tokens',
      'prompt_cache_key',
      'usage',
      'model',
    ]
    for (const field of [...fields, ...more]) expect([field, again[field]]).toEqual([field, native[field]])
  })

  test('is the same when it is written as a stream and read again', () => {
    const text = responsesCodec.eventEncoder(contextOf(request)).encode(unfold(reply))
    expect(told(withoutProofIds(replyOfText(text)))).toEqual(told(withoutProofIds(reply)))
  })
})

test('an error in a stream is told, and the stream has no end', () => {
  const events = eventsOf(encoder.encode(golden('error-in-stream', 'stream.sse')))
  expect(events.find(({ kind }) => kind === 'error')).toMatchObject({
    error: { status: 500, code: 'server_error', message: expect.stringContaining('had an error') },
  })
  expect(events.map(({ kind }) => kind)).not.toContain('end')
})

/** Messages may leave out their type and hold one text as a string; ids and logprobs of answers mean nothing here. */
function plain(value: unknown): unknown {
  const body = fieldsOf(value)
  const input = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : listOf(body.input)
  return { ...body, input: input.map(plainItem) }
}

function plainItem(value: unknown): unknown {
  const { type = 'message', id, status: _, ...item } = fieldsOf(value)
  if (type === 'reasoning') return { type, id, ...item }
  if (type !== 'message') return { type, ...item }
  const text = { type: 'input_text', text: item.content }
  const content = typeof item.content === 'string' ? [text] : listOf(item.content)
  return { type, ...item, content: content.map(plainPart) }
}

function plainPart(value: unknown): unknown {
  const { annotations: _, logprobs: __, ...part } = fieldsOf(value)
  return part
}

/** A stream tells an item's id before its proof is known, so the proof is carried under another id. */
function withoutProofIds(value: unknown): unknown {
  const text = JSON.stringify(value, (key, inner) => (key === 'proof' ? undefined : inner))
  return JSON.parse(text)
}
