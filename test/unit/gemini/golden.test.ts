import { describe, expect, test } from 'vitest'
import { collect } from '../../../src/protocols/collect'
import { geminiCodec } from '../../../src/protocols/gemini/codec'
import { gemini } from '../../../src/protocols/gemini/protocol'
import { unfold } from '../../../src/protocols/unfold'
import { cuts } from '../openai-chat/cuts'
import { context, decoded, golden, goldenStream, plain, SCENARIOS, target, usageOf } from './helpers'

const USAGES: Record<string, Parameters<typeof usageOf>[0]> = {
  text: { inputTokens: 24, outputTokens: 8 },
  'tool-call': { inputTokens: 80, outputTokens: 20 },
  'tool-result': { inputTokens: 110, outputTokens: 12 },
  'parallel-tools': { inputTokens: 90, outputTokens: 45 },
  reasoning: { inputTokens: 60, outputTokens: 40, reasoningTokens: 25 },
  'reasoning-tools': { inputTokens: 140, outputTokens: 50, reasoningTokens: 30 },
  image: { inputTokens: 300, outputTokens: 6 },
  pdf: { inputTokens: 500, outputTokens: 5 },
  refusal: { inputTokens: 12 },
  length: { inputTokens: 14, outputTokens: 5 },
  structured: { inputTokens: 60, outputTokens: 12 },
  cache: { inputTokens: 20, cacheReadTokens: 1000, outputTokens: 10 },
}
const FINISHES: Record<string, string> = {
  'tool-call': 'tool_calls',
  'parallel-tools': 'tool_calls',
  'reasoning-tools': 'tool_calls',
  refusal: 'content_filter',
  length: 'length',
}
const ERRORS: { name: string; status: number; body: unknown }[] = golden('errors', 'errors')
const address = { model: 'model-1', stream: true }

describe.each(SCENARIOS)('%s', (scenario) => {
  test('the request is written again as it was', () => {
    const request = geminiCodec.decodeRequest(golden(scenario, 'request'), address)
    expect(request).toMatchObject({ protocol: 'gemini', model: 'model-1', stream: true })
    const { body, losses } = geminiCodec.encodeRequest(request, target())
    expect(losses).toEqual([])
    expect(withJsonSchema(body)).toEqual(withJsonSchema(golden(scenario, 'request')))
  })

  test('the reply says what it should, and is written again as it was', () => {
    const reply = geminiCodec.decodeReply(golden(scenario, 'reply'))
    expect(reply.usage).toEqual(usageOf(USAGES[scenario] ?? {}))
    expect(reply.choices.map(({ finish }) => finish)).toEqual([FINISHES[scenario] ?? 'stop'])
    const again = plain(geminiCodec.encodeReply(reply, context))
    const [candidate] = golden(scenario, 'reply').candidates
    expect(again.candidates[0].finishReason).toBe(candidate.finishReason)
    expect(withoutIds(again.candidates[0].content.parts)).toEqual(withoutIds(candidate.content?.parts ?? []))
    expect(again.responseId).toBe(golden(scenario, 'reply').responseId)
  })

  test('the stream says the same, however it is cut', () => {
    const reply = plain(geminiCodec.decodeReply(golden(scenario, 'reply')))
    for (const [how, cut] of cuts) {
      const events = decoded(...cut(goldenStream(scenario)))
      expect(plain(collect(events)), how).toEqual(reply)
      expect(events.at(-1), how).toEqual({ kind: 'end' })
    }
  })

  test('the answer as a stream of ours says the same', () => {
    const reply = geminiCodec.decodeReply(golden(scenario, 'reply'))
    const text = geminiCodec.eventEncoder(context).encode(unfold(reply))
    // Calls without ids get some that no other answer has.
    const named = JSON.stringify(reply).replaceAll('sluice_call_', `call_${context.replyId}_`)
    expect(plain(collect(decoded(text)))).toEqual(JSON.parse(named))
  })

  test('the raw lane learns usage, finish and id from both', () => {
    const reader = gemini.streamReader()
    reader.feed(goldenStream(scenario))
    const [{ finishReason }] = golden(scenario, 'reply').candidates
    const { responseId } = golden(scenario, 'reply')
    const facts = { usage: usageOf(USAGES[scenario] ?? {}), finishReason, responseId }
    expect(reader.facts).toEqual(facts)
    expect([reader.hasContent, reader.isComplete, reader.error]).toEqual([true, true, undefined])
    expect(gemini.readReply(new TextEncoder().encode(JSON.stringify(golden(scenario, 'reply'))))).toEqual(
      facts,
    )
  })
})

test.each(ERRORS.map((error) => [error.name, error] as const))(
  'the error %s is understood',
  (_, { status, body }) => {
    const error = geminiCodec.decodeError(status, new TextEncoder().encode(JSON.stringify(body)))
    const told = plain(Array.isArray(body) ? body[0] : body)
    expect(error?.status).toBe(status)
    expect(error?.message.startsWith(told.error.message)).toBe(true)
  },
)

test('an error in the stream is one in both lanes, however it is cut', () => {
  for (const [how, cut] of cuts) {
    const events = decoded(...cut(goldenStream('error-in-stream')))
    const message = 'The model is overloaded. Please try again later.'
    expect(
      events.map(({ kind }) => kind),
      how,
    ).toEqual(['start', 'text', 'usage', 'error'])
    expect(events.at(-1), how).toMatchObject({ error: { status: 503, message, code: 'UNAVAILABLE' } })
    const reader = gemini.streamReader()
    for (const piece of cut(goldenStream('error-in-stream'))) reader.feed(piece)
    reader.end()
    expect(reader.error, how).toMatchObject({ status: 503, message })
    expect(reader.isComplete, how).toBe(false)
  }
})

/** Google's dialect of schemas is written as JSON Schema, and a call is given the id that it has not. */
function withJsonSchema(body: unknown): unknown {
  return JSON.parse(
    JSON.stringify(withoutIds(body))
      .replaceAll('"parameters"', '"parametersJsonSchema"')
      .replaceAll(/"(OBJECT|STRING)"/g, (type) => type.toLowerCase()),
  )
}

function withoutIds(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => (key === 'id' ? undefined : inner)))
}
