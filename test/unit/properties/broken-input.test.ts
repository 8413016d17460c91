import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../../src/platform/failure'
import { scanObject } from '../../../src/platform/json-scan'
import type { ChatEvent, ChatReply } from '../../../src/protocols/answer'
import { collect } from '../../../src/protocols/collect'
import { isObject } from '../../../src/protocols/fields'
import type { Protocol, ProtocolId, WireProtocolId } from '../../../src/protocols/protocol'
import type { ChatRequest } from '../../../src/protocols/request'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'
import { type Dice, diceOf, listOf } from '../dice'
import { goldenExchanges } from '../golden/scenarios'
import { CLIENTS, codecOf, contextOf } from './clients'
import { damaged, damagedBytes } from './random-damage'
import { makerOf, randomRequest } from './random-request'

const SEEDS = 500
const UPSTREAMS: readonly WireProtocolId[] = [...CLIENTS, 'bedrock-converse']
const TARGET = { model: 'model-1', traits: {} }
const RAW: readonly Protocol[] = Object.values(protocols)
const exchanges = goldenExchanges()
const seeds = listOf(SEEDS, (seed) => seed)

describe.each(CLIENTS)('a broken request of %s', (protocol) => {
  test(`is refused with its field, or read, and then told or refused by all targets (${SEEDS} seeds)`, () => {
    const outcomes = { read: 0, refused: 0 }
    for (const seed of seeds) {
      const dice = diceOf(seed)
      const body = damaged(nativeRequest(protocol, dice, seed), dice)
      const about = `seed ${seed}: ${JSON.stringify(body)}`
      const request = tried(about, isRefusal, () => codecOf(protocol).decodeRequest(body, ADDRESS))
      outcomes[request === undefined ? 'refused' : 'read']++
      if (request !== undefined) encodeForAll(request, about)
      tried(about, isRefusal, () => readRawRequest(protocols[protocol], body))
    }
    expect(outcomes.read).toBeGreaterThan(SEEDS / 10)
    expect(outcomes.refused).toBeGreaterThan(SEEDS / 10)
  })
})

describe.each(UPSTREAMS)('a broken answer of %s', (protocol) => {
  const replies = exchanges.filter((one) => one.protocol === protocol && one.reply !== undefined)
  const streams = exchanges.flatMap((one) =>
    one.protocol === protocol && one.stream !== undefined ? [one.stream] : [],
  )

  test(`is an answer that can be told, or an error with a reason (${SEEDS} seeds)`, () => {
    const outcomes = { read: 0, refused: 0 }
    for (const seed of seeds) {
      const dice = diceOf(seed)
      const body = damaged(dice.pick(replies).reply, dice)
      const about = `seed ${seed}: ${JSON.stringify(body)}`
      const reply = tried(about, isError, () => upstreamCodecs[protocol].decodeReply(body))
      outcomes[reply === undefined ? 'refused' : 'read']++
      if (reply !== undefined) encodeReplyForAll(reply, about)
      const bytes = new TextEncoder().encode(JSON.stringify(body))
      for (const raw of RAW) if (raw.speaks === protocol) tried(about, isError, () => raw.readReply(bytes))
    }
    expect(outcomes.read).toBeGreaterThan(SEEDS / 10)
    expect(outcomes.refused).toBeGreaterThan(0)
  })

  test(`is a stream that can be told, whatever its bytes (${SEEDS} seeds)`, () => {
    for (const seed of seeds) {
      const dice = diceOf(seed)
      const stream = damagedStream(dice.pick(streams), protocol, dice)
      const about = `seed ${seed}: ${new TextDecoder().decode(stream)}`
      const events = tried(
        about,
        () => false,
        () => eventsOf(protocol, stream),
      )
      if (events !== undefined) encodeEventsForAll(events, about)
      for (const raw of RAW) if (raw.speaks === protocol) readRaw(raw, stream, about)
    }
    expect(streams.length).toBeGreaterThan(0)
  })
})

const ADDRESS = { model: 'model-1', stream: false }

/** The outcome, undefined for an error that is expected; any other one fails with what led to it. */
function tried<T>(about: string, isExpected: (cause: unknown) => boolean, act: () => T): T | undefined {
  try {
    return act()
  } catch (cause) {
    if (isExpected(cause)) return undefined
    throw new Error(about, { cause })
  }
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof SluiceError && /^(?:invalid_request|untranslatable)$/.test(cause.failure.kind)
}

/** Not one of the language's own errors, which are nobody's reason. */
function isError(cause: unknown): boolean {
  const isOfLanguage =
    cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError
  return cause instanceof Error && !isOfLanguage && cause.message !== ''
}

function nativeRequest(protocol: ProtocolId, dice: Dice, seed: number): unknown {
  const golden = exchanges.filter((one) => one.protocol === protocol && one.request !== undefined)
  const made = dice.chance(0.5)
    ? tried('', isRefusal, () => encode(randomRequest(makerOf(diceOf(seed)), protocol), protocol))
    : undefined
  return made ?? dice.pick(golden).request
}

function encode(request: ChatRequest, protocol: WireProtocolId): unknown {
  return upstreamCodecs[protocol].encodeRequest(request, TARGET).body
}

function encodeForAll(request: ChatRequest, about: string): void {
  for (const upstream of UPSTREAMS)
    tried(`${upstream}, ${about}`, isRefusal, () => JSON.stringify(encode(request, upstream)))
}

function encodeReplyForAll(reply: ChatReply, about: string): void {
  for (const client of CLIENTS)
    tried(
      `${client}, ${about}`,
      () => false,
      () => JSON.stringify(codecOf(client).encodeReply(reply, contextOf(client))),
    )
}

function encodeEventsForAll(events: readonly ChatEvent[], about: string): void {
  const encodeFor = (client: ProtocolId) => codecOf(client).eventEncoder(contextOf(client)).encode(events)
  for (const client of CLIENTS)
    tried(
      `${client}, ${about}`,
      () => false,
      () => encodeFor(client),
    )
  tried(
    about,
    () => false,
    () => collect(events),
  )
}

function eventsOf(protocol: WireProtocolId, stream: Uint8Array): ChatEvent[] {
  const decoder = upstreamCodecs[protocol].eventDecoder()
  const half = Math.floor(stream.length / 2)
  return [...decoder.feed(stream.slice(0, half)), ...decoder.feed(stream.slice(half)), ...decoder.end()]
}

function readRawRequest({ readRequest, estimateTokens, estimateUsage }: Protocol, body: unknown): void {
  const bytes = new TextEncoder().encode(JSON.stringify(isObject(body) ? body : {}))
  const members = scanObject(bytes)
  readRequest(bytes, members, ADDRESS)
  const { inputTokens, output } = estimateTokens(bytes, members)
  for (const count of [inputTokens, output?.mostTokens ?? 0, output?.choices ?? 1])
    if (!Number.isFinite(count) || count < 0) throw new Error(`an estimate of ${count}`)
  estimateUsage(bytes, bytes, false)
}

/** The lane that changes no byte reads along, and the log adds the pieces up. */
function readRaw({ streamReader, collectStream }: Protocol, stream: Uint8Array, about: string): void {
  const reader = streamReader()
  const read = () => {
    reader.feed(stream)
    reader.end()
    collectStream?.(stream)
  }
  tried(about, () => false, read)
}

/** Broken bytes, or whole events that say something broken. */
function damagedStream(stream: Uint8Array, protocol: WireProtocolId, dice: Dice): Uint8Array {
  if (protocol === 'bedrock-converse' || dice.chance(0.3)) return damagedBytes(stream, dice)
  const lines = new TextDecoder().decode(stream).split('\n')
  const told = lines.map((line) => {
    const json = line.startsWith('data: {') ? line.slice('data: '.length) : undefined
    return json === undefined || dice.chance(0.6)
      ? line
      : `data: ${JSON.stringify(damaged(JSON.parse(json), dice))}`
  })
  return new TextEncoder().encode(told.join('\n'))
}
