import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ChatReply } from '../../../src/protocols/answer'
import type { ClientCodec, ReplyContext } from '../../../src/protocols/codec'
import { collect } from '../../../src/protocols/collect'
import { withoutStandIns } from '../../../src/protocols/stand-ins'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'
import { translateStream } from '../../../src/protocols/translation'
import { essenceOf, proofsOf } from './essence'
import { nextTurn } from './next-turn'
import { type Exchange, GOLDEN, goldenExchanges } from './scenarios'

/** `UPDATE_GOLDEN=1` writes the files anew, to be looked at before they are kept. */
const isUpdate = process.env.UPDATE_GOLDEN === '1'
const exchanges = goldenExchanges()
const clients = exchanges.filter(
  ({ protocol, request }) => request !== undefined && protocol !== 'bedrock-converse',
)

interface Pair {
  client: Exchange
  upstream: Exchange
}

const pairs = clients.flatMap((client): [string, Pair][] =>
  exchanges
    .filter(({ scenario, protocol }) => scenario === client.scenario && protocol !== client.protocol)
    .map((upstream) => [
      `${client.scenario}: ${client.protocol} client, ${upstream.protocol} upstream`,
      { client, upstream },
    ]),
)

function protocolOf({ protocol }: Exchange): ClientCodec {
  const codec = Object.values(protocols).find(({ speaks }) => speaks === protocol)?.codec
  if (codec === undefined) throw new Error(`${protocol} is no client's protocol`)
  return codec
}

/** A request and its answer, translated both ways. */
function crossed({ client, upstream }: Pair) {
  const clientCodec = protocolOf(client)
  const codec = upstreamCodecs[upstream.protocol]
  const request = clientCodec.decodeRequest(client.request, { model: 'model-1', stream: false })
  const target = { model: 'model-1', traits: {} }
  let sent: ReturnType<typeof codec.encodeRequest> | { refused: unknown }
  try {
    sent = codec.encodeRequest(request, target)
  } catch (cause) {
    sent = { refused: cause instanceof Error && 'failure' in cause ? cause.failure : String(cause) }
  }
  const context: ReplyContext = { request, model: 'model-1', replyId: 'r1', nowSeconds: 1_700_000_000 }
  const standIns = 'standIns' in sent ? sent.standIns : {}
  const reply =
    upstream.reply === undefined ? undefined : withoutStandIns(codec.decodeReply(upstream.reply), standIns)
  const translation = translateStream({
    decoder: codec.eventDecoder(),
    encoder: clientCodec.eventEncoder({
      ...context,
      request: { ...request, stream: true, wantsStreamUsage: true },
    }),
    standIns,
  })
  let stream = ''
  if (upstream.stream !== undefined) {
    const decoder = new TextDecoder()
    translation.reader.feed(upstream.stream)
    stream += decoder.decode(translation.filter.change(upstream.stream))
    translation.reader.end()
    stream += decoder.decode(translation.filter.rest())
  }
  return {
    request: 'refused' in sent ? sent : { body: sent.body, losses: sent.losses },
    reply: reply === undefined ? undefined : clientCodec.encodeReply(reply, context),
    canonical: reply,
    stream,
    error: translation.reader.error,
  }
}

describe.each(pairs)('%s', (_, pair) => {
  const { client, upstream } = pair
  const result = crossed(pair)
  const clientSide = upstreamCodecs[client.protocol]

  test('is as it was looked at', () => {
    const { request, reply, stream } = result
    const text = `${JSON.stringify({ request, reply, stream: stream.split('\n') }, null, 2)}\n`
    const path = join(GOLDEN, client.scenario, 'pairs', `${client.protocol}--${upstream.protocol}.json`)
    if (isUpdate) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
    }
    expect(existsSync(path) ? readFileSync(path, 'utf8') : 'absent: run with UPDATE_GOLDEN=1').toBe(text)
  })

  test.runIf(result.canonical !== undefined)('the reply says what the upstream said', () => {
    const read = clientSide.decodeReply(JSON.parse(JSON.stringify(result.reply)))
    expect(comparable(pair, read)).toEqual(comparable(pair, result.canonical))
  })

  test.runIf(upstream.stream !== undefined && upstream.scenario !== 'error-in-stream')(
    'the stream says the same as the reply',
    () => {
      expect(result.error).toBeUndefined()
      const decoder = clientSide.eventDecoder()
      const events = [...decoder.feed(new TextEncoder().encode(result.stream)), ...decoder.end()]
      expect(events.at(-1)?.kind).toBe('end')
      expect(comparable(pair, collect(events))).toEqual(comparable(pair, result.canonical))
    },
  )

  test.runIf(result.canonical !== undefined)('what proves its reasoning comes back byte for byte', () => {
    const next = protocolOf(client).decodeRequest(nextTurn(client.protocol, result.reply), {
      model: 'model-1',
      stream: false,
    })
    const answered = next.messages.filter(({ role }) => role === 'assistant').flatMap(({ parts }) => parts)
    expect(proofsOf(answered)).toEqual(
      proofsOf(result.canonical?.choices.flatMap(({ parts }) => parts) ?? []),
    )
  })
})

/** What an answer says, as far as a client's protocol can tell it apart. */
function comparable({ client }: Pair, reply: ChatReply | undefined) {
  if (reply === undefined) throw new Error('no reply')
  const { choices, usage } = essenceOf(reply)
  return {
    usage: client.protocol === 'gemini' ? withoutCacheWrites(usage) : usage,
    choices: choices.map(({ text, refusal, finish, ...others }) => ({
      ...others,
      // Where there is no place for a refusal of its own it is the answer's text, and the finish says what it was.
      words: text + refusal,
      finish: finish === 'refusal' || finish === 'content_filter' ? 'declined' : finish,
    })),
  }
}

// Gemini tells what was written to a cache as ordinary input.
function withoutCacheWrites(usage: ChatReply['usage']) {
  if (usage === undefined) return undefined
  const { inputTokens, cacheWrite5mTokens, cacheWrite1hTokens, ...others } = usage
  return { ...others, inputTokens: inputTokens + cacheWrite5mTokens + cacheWrite1hTokens }
}
