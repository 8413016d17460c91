import { expect, test } from 'vitest'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'
import { translateStream } from '../../../src/protocols/translation'

const text = 'one\u2028two\u2029three\u0085four'

// Python's `splitlines`, which some clients read streams with, ends a line at each of these.
test.each(Object.values(protocols).map(({ id, codec }) => [id, codec] as const))(
  'no line ends inside a text reach a client of %s as they are',
  (_, codec) => {
    if (codec === undefined) throw new Error('no codec')
    const body = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
    const request = protocols['openai-chat'].codec?.decodeRequest(body)
    if (request === undefined) throw new Error('not decoded')
    const { reader, filter } = translateStream({
      decoder: upstreamCodecs['openai-chat'].eventDecoder(),
      encoder: codec.eventEncoder({ request, model: 'm', replyId: 'r', nowSeconds: 1 }),
      standIns: {},
    })
    const chunk = { id: 'c', choices: [{ index: 0, delta: { content: text }, finish_reason: 'stop' }] }
    const bytes = new TextEncoder().encode(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`)
    reader.feed(bytes)
    reader.end()
    const told = new TextDecoder().decode(filter.change(bytes)) + new TextDecoder().decode(filter.rest())
    expect(told).not.toMatch(/[\u0085\u2028\u2029]/)
    const texts = told.match(/"one\\u2028[^"]*"/g) ?? []
    expect(texts.length).toBeGreaterThan(0)
    expect(texts.map((one) => JSON.parse(one))).toContain(text)
  },
)
