import { describe, expect, test } from 'vitest'
import type { FinishReason } from '../../../src/protocols/answer'
import type { ReplyContext } from '../../../src/protocols/codec'
import { collect } from '../../../src/protocols/collect'
import type { ProtocolId } from '../../../src/protocols/protocol'
import { protocols, upstreamCodecs } from '../../../src/protocols/table'
import { translateStream } from '../../../src/protocols/translation'
import { essenceOf } from '../golden/essence'
import { aiSdk, officialSdk } from './replies-sdk'
import { type RealStream, realStreams } from './replies-streams'

const CLIENTS = ['openai-chat', 'openai-responses', 'anthropic', 'gemini'] as const satisfies ProtocolId[]

/** How each protocol's own clients are told the end of an answer. */
const FINISHES: Record<ProtocolId, Partial<Record<FinishReason, string>>> = {
  'openai-chat': {
    stop: 'stop',
    stop_sequence: 'stop',
    length: 'length',
    tool_calls: 'tool_calls',
    content_filter: 'content_filter',
    refusal: 'stop',
    pause: 'stop',
    context_length: 'length',
    malformed_tool_call: 'error',
  },
  'openai-responses': {
    stop: 'completed',
    stop_sequence: 'completed',
    length: 'max_output_tokens',
    tool_calls: 'completed',
    content_filter: 'content_filter',
    refusal: 'completed',
    pause: 'pause',
    context_length: 'max_output_tokens',
    malformed_tool_call: 'malformed_tool_call',
  },
  anthropic: {
    stop: 'end_turn',
    stop_sequence: 'stop_sequence',
    length: 'max_tokens',
    tool_calls: 'tool_use',
    content_filter: 'refusal',
    refusal: 'refusal',
    pause: 'pause_turn',
    context_length: 'model_context_window_exceeded',
    malformed_tool_call: 'end_turn',
  },
  gemini: {
    stop: 'STOP',
    stop_sequence: 'STOP',
    length: 'MAX_TOKENS',
    tool_calls: 'STOP',
    content_filter: 'SAFETY',
    refusal: 'SAFETY',
    pause: 'OTHER',
    context_length: 'MAX_TOKENS',
    malformed_tool_call: 'MALFORMED_FUNCTION_CALL',
  },
}

function contextOf(client: ProtocolId): ReplyContext {
  const body = {
    'openai-chat': {
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true },
    },
    'openai-responses': { input: 'Hi', stream: true },
    anthropic: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 64, stream: true },
    gemini: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
  }[client]
  const codec = protocols[client].codec
  if (codec === undefined) throw new Error(client)
  const request = codec.decodeRequest({ model: 'm', ...body }, { model: 'm', stream: true })
  return { request, model: 'm', replyId: 'r1', nowSeconds: 1_700_000_000 }
}

function encodersOf(client: ProtocolId) {
  const codec = protocols[client].codec
  if (codec === undefined) throw new Error(client)
  return codec
}

/** Bytes at most this long at a time, so that events are cut anywhere. */
function piecesOf(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
}

function translated({ upstream }: RealStream, bytes: Uint8Array, client: ProtocolId) {
  const { reader, filter } = translateStream({
    decoder: upstreamCodecs[upstream].eventDecoder(),
    encoder: encodersOf(client).eventEncoder(contextOf(client)),
    standIns: {},
  })
  const decoder = new TextDecoder()
  let text = ''
  for (const piece of piecesOf(bytes, 37)) {
    reader.feed(piece)
    text += decoder.decode(filter.change(piece))
  }
  reader.end()
  text += decoder.decode(filter.rest())
  return { text, reader }
}

describe.each(realStreams.map((real) => [`${real.upstream}: ${real.name}`, real] as const))(
  '%s',
  (_, real) => {
    const { upstream, bytes, cut, says } = real
    const decoded = () => {
      const decoder = upstreamCodecs[upstream].eventDecoder()
      return collect([...decoder.feed(bytes), ...decoder.end()])
    }

    test('is understood', () => {
      const { choices, usage } = essenceOf(decoded())
      expect(choices[0]).toMatchObject({
        text: says.text ?? '',
        reasoning: says.reasoning ?? '',
        refusal: says.refusal ?? '',
        calls: (says.calls ?? []).map(({ name, input }) => ({ name, input })),
        finish: says.finish,
      })
      expect(usage).toEqual(says.usage)
    })

    // Clients do not speak every protocol: such a stream is only translated.
    const protocol = Object.values(protocols).find(({ speaks }) => speaks === upstream)
    if (protocol !== undefined)
      test('the raw lane learns its usage and its end', () => {
        const [whole, broken] = [protocol.streamReader(), protocol.streamReader()]
        for (const piece of piecesOf(bytes, 11)) whole.feed(piece)
        whole.end()
        expect(whole).toMatchObject({ hasContent: true, isComplete: true, error: undefined })
        expect(whole.facts.usage).toEqual(says.usage)
        broken.feed(cut)
        broken.end()
        expect(broken.isComplete).toBe(false)
      })

    describe.each(CLIENTS.filter((client) => client !== upstream))('to a client of %s', (client) => {
      const { text, reader } = translated(real, bytes, client)
      const heard = {
        text: (says.text ?? '') + (says.refusal ?? ''),
        calls: (says.calls ?? []).map(({ name, input }) => ({ name, input })),
        totalTokens: total(real),
      }
      const nameless = ({ calls, ...others }: Awaited<ReturnType<(typeof officialSdk)[ProtocolId]>>) => ({
        ...others,
        calls: calls.map(({ name, input }) => ({ name, input })),
      })

      test('the stream is complete, and not when it breaks off', () => {
        expect([reader.isComplete, reader.hasContent, reader.error]).toEqual([true, true, undefined])
        expect(reader.facts.usage).toEqual(says.usage)
        expect(translated(real, cut, client).reader.isComplete).toBe(false)
      })

      test('its official SDK reads the same from the stream as from the reply', async () => {
        const reply = encodersOf(client).encodeReply(decoded(), contextOf(client))
        const streamed = await officialSdk[client]({ stream: text }, true)
        const whole = await officialSdk[client]({ reply, stream: '' }, false)
        expect(nameless(whole)).toMatchObject({
          ...heard,
          reasoning: says.reasoning ?? '',
          finish: finishFor(client, says),
        })
        const known = client === 'openai-chat' ? { ...whole, reasoning: '' } : whole
        expect(streamed).toEqual(known)
        for (const [index, { id }] of (says.calls ?? []).entries())
          if (id !== undefined) expect(streamed.calls[index]?.id).toBe(id)
      })

      test('the schemas of the AI SDK find nothing wrong with it', async () => {
        const { errors, ...streamed } = await aiSdk(client, { stream: text })
        expect(errors).toEqual([])
        expect(nameless(streamed)).toMatchObject({
          text: heard.text,
          calls: heard.calls,
        })
      })
    })
  },
)

function total({ says: { usage = {} } }: RealStream): number {
  const {
    inputTokens = 0,
    cacheReadTokens = 0,
    cacheWrite5mTokens = 0,
    cacheWrite1hTokens = 0,
    outputTokens = 0,
  } = usage
  return inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens + outputTokens
}

function finishFor(client: ProtocolId, { finish }: RealStream['says']): string | undefined {
  return FINISHES[client][finish]
}
