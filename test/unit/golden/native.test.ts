import { describe, expect, test } from 'vitest'
import type { ChatEvent } from '../../../src/protocols/answer'
import { collect } from '../../../src/protocols/collect'
import type { Protocol } from '../../../src/protocols/protocol'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'
import { essenceOf } from './essence'
import { type Exchange, goldenExchanges } from './scenarios'

const exchanges = goldenExchanges()
const traits = {}
const clients: readonly Protocol[] = Object.values(protocols)

function clientOf({ protocol }: Exchange) {
  return clients.find(({ speaks }) => speaks === protocol)?.codec
}

function eventsOf(
  { protocol, stream = new Uint8Array(0) }: Exchange,
  cutAt: readonly number[] = [],
): ChatEvent[] {
  const decoder = upstreamCodecs[protocol].eventDecoder()
  const edges = [0, ...cutAt, stream.length]
  const pieces = edges.slice(1).map((end, index) => stream.slice(edges[index], end))
  return [...pieces.flatMap((piece) => decoder.feed(piece)), ...decoder.end()]
}

const named = (list: Exchange[]) => list.map((one) => [`${one.scenario}, ${one.protocol}`, one] as const)

test('there are exchanges of every protocol', () => {
  const found = new Set(exchanges.map(({ protocol }) => protocol))
  expect([...found].sort()).toEqual(Object.keys(upstreamCodecs).sort())
})

describe('a request', () => {
  const withRequest = exchanges.filter((one) => one.request !== undefined && clientOf(one) !== undefined)

  test.each(named(withRequest))('%s comes out as it went in', (_, exchange) => {
    const codec = clientOf(exchange)
    const address = { model: 'model-1', stream: false }
    const request = codec?.decodeRequest(exchange.request, address)
    if (request === undefined) throw new Error('not decoded')
    const again = upstreamCodecs[exchange.protocol].encodeRequest(request, {
      model: request.model ?? 'model-1',
      traits,
    })
    expect(again.losses).toEqual([])
    const decodedAgain = codec?.decodeRequest(JSON.parse(JSON.stringify(again.body)), address)
    expect(withoutPlaces(decodedAgain)).toEqual(withoutPlaces(request))
  })
})

describe('a reply', () => {
  const withReply = exchanges.filter((one) => one.reply !== undefined)

  test.each(named(withReply))('%s comes out as it went in', (_, exchange) => {
    const codec = clientOf(exchange)
    const upstream = upstreamCodecs[exchange.protocol]
    const reply = upstream.decodeReply(exchange.reply)
    expect(reply.choices.length).toBeGreaterThan(0)
    if (codec === undefined) return
    const request = codec.decodeRequest(exchange.request, { model: 'model-1', stream: false })
    const again = codec.encodeReply(reply, { request, model: 'model-1', replyId: 'r1', nowSeconds: 1 })
    const decodedAgain = upstream.decodeReply(JSON.parse(JSON.stringify(again)))
    expect(essenceOf(decodedAgain)).toEqual(essenceOf(reply))
  })

  test.each(named(withReply.filter(({ stream }) => stream !== undefined)))(
    '%s says the same in a stream',
    (_, exchange) => {
      const reply = upstreamCodecs[exchange.protocol].decodeReply(exchange.reply)
      expect(essenceOf(collect(eventsOf(exchange)))).toEqual(essenceOf(reply))
    },
  )
})

describe('a stream', () => {
  const withStream = exchanges.filter(({ stream }) => stream !== undefined)
  const whole = withStream.filter(({ scenario }) => scenario !== 'error-in-stream')

  test.each(named(whole))('%s ends with its marker, and only then', (_, exchange) => {
    const kinds = eventsOf(exchange).map(({ kind }) => kind)
    expect(kinds.at(-1)).toBe('end')
    expect(kinds.filter((kind) => kind === 'error')).toEqual([])
    const half = Math.floor((exchange.stream?.length ?? 0) / 2)
    const broken = eventsOf({ ...exchange, stream: (exchange.stream ?? new Uint8Array(0)).slice(0, half) })
    expect(broken.map(({ kind }) => kind)).not.toContain('end')
  })

  test.each(named(withStream))('%s is read the same wherever it is cut', (_, exchange) => {
    const told = merged(eventsOf(exchange))
    const length = exchange.stream?.length ?? 0
    for (let at = 1; at < length; at++) expect(merged(eventsOf(exchange, [at]))).toEqual(told)
    const everyByte = Array.from({ length: length - 1 }, (_, index) => index + 1)
    expect(merged(eventsOf(exchange, everyByte))).toEqual(told)
  })

  test.each(named(withStream.filter(({ scenario }) => scenario === 'error-in-stream')))(
    '%s is an error, not an end',
    (_, exchange) => {
      const events = eventsOf(exchange)
      const error = events.find((event) => event.kind === 'error')
      expect(error?.kind === 'error' ? error.error.status : 0).toBeGreaterThanOrEqual(400)
      expect(error?.kind === 'error' ? error.error.message : '').not.toBe('')
      expect(events.map(({ kind }) => kind)).not.toContain('end')
    },
  )
})

describe('an error', () => {
  const errors = exchanges.flatMap((exchange) =>
    (exchange.errors ?? []).map((error) => [`${exchange.protocol}: ${error.name}`, exchange, error] as const),
  )

  test.each(errors)('%s is understood', (_, { protocol }, { status, body }) => {
    const bytes = new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
    const error = upstreamCodecs[protocol].decodeError(status, bytes)
    // A host may put a status of its own on what the others call otherwise: a model's time-out is a 504 here.
    expect(error?.status).toBeGreaterThanOrEqual(400)
    if (status !== 408 && status !== 424) expect(error?.status).toBe(status)
    expect(error?.message ?? '').not.toBe('')
  })
})

/** Neighbouring pieces of one text as one piece: how a stream is cut does not matter. */
function merged(events: ChatEvent[]): ChatEvent[] {
  const result: ChatEvent[] = []
  for (const event of events) {
    const last = result.at(-1)
    const isText = event.kind === 'text' || event.kind === 'reasoning' || event.kind === 'refusal'
    if (isText && last?.kind === event.kind && last.choice === event.choice && !('logprobs' in event)) {
      result[result.length - 1] = { ...last, text: last.text + event.text }
    } else if (
      event.kind === 'tool_arguments' &&
      last?.kind === 'tool_arguments' &&
      last.call === event.call
    ) {
      result[result.length - 1] = { ...last, json: last.json + event.json }
    } else result.push(event)
  }
  return result
}

/** Paths say where things stood in the one text; the other one may be laid out otherwise. */
function withoutPlaces(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner) => (key === 'at' || key === 'names' ? undefined : inner)),
  )
}
