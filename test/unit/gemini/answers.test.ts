import { describe, expect, test } from 'vitest'
import type { ChatEvent, FinishReason } from '../../../src/protocols/answer'
import { carry } from '../../../src/protocols/carried'
import { collect } from '../../../src/protocols/collect'
import { jsonOf } from '../../../src/protocols/fields'
import { geminiCodec } from '../../../src/protocols/gemini/codec'
import type { ReasoningProof } from '../../../src/protocols/parts'
import { context, decoded, plain, sse, usageOf } from './helpers'

const foreign: ReasoningProof = { family: 'openai', encrypted: 'gAAAA+/==', id: 'rs_1' }

function response(parts: unknown[], more: object = {}, index = 0) {
  return { candidates: [{ content: { parts, role: 'model' }, index, ...more }] }
}

function kindsOf(...events: unknown[]) {
  return decoded(sse(...events)).map(({ kind }) => kind)
}

/** What a client reads in the text of a stream. */
function chunksOf(events: ChatEvent[]) {
  const encoder = geminiCodec.eventEncoder(context)
  const text = events.map((event) => encoder.encode([event])).join('')
  return text
    .split('\n\n')
    .filter((line) => line !== '')
    .map((line) => jsonOf(line.replace('data: ', '')))
    .map(plain)
}

const partsIn = (chunks: ReturnType<typeof chunksOf>) =>
  chunks.flatMap(({ candidates }) =>
    candidates.flatMap(({ content }: { content: { parts: unknown[] } }) => content.parts),
  )

describe('a reply', () => {
  test.each<[string, FinishReason]>([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['RECITATION', 'content_filter'],
    ['SPII', 'content_filter'],
    ['MALFORMED_FUNCTION_CALL', 'malformed_tool_call'],
    ['CONTINUATION', 'pause'],
    ['OTHER', 'other'],
    ['SOMETHING_NEW', 'other'],
    ['constructor', 'other'],
  ])('that ends with %s', (finishReason, finish) => {
    const [choice] = geminiCodec.decodeReply(response([{ text: 'a' }], { finishReason })).choices
    expect(choice?.finish).toBe(finish)
  })

  test('of a refused prompt says so', () => {
    const body = {
      promptFeedback: { blockReason: 'SAFETY', blockReasonMessage: 'No.' },
      usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 },
    }
    const refused = { index: 0, parts: [{ kind: 'refusal', text: 'No.' }], finish: 'content_filter' }
    expect(geminiCodec.decodeReply(body)).toMatchObject({
      choices: [refused],
      usage: usageOf({ inputTokens: 4 }),
    })
    expect(plain(collect(decoded(sse(body)))).choices).toEqual([refused])
  })

  test.each([[{ choices: [] }], ['x'], [response([{ functionCall: { args: {} } }])]])(
    '%j is none',
    (body) => {
      expect(() => geminiCodec.decodeReply(body)).toThrow(Error)
      expect(() => geminiCodec.decodeReply(body)).not.toThrow(
        expect.objectContaining({ failure: expect.anything() }),
      )
    },
  )

  test('sources are cited where they are, counted as JavaScript does', () => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://a', title: 'A' } }, { web: { uri: 'https://b', title: 'B' } }],
      groundingSupports: [
        { segment: { startIndex: 3, endIndex: 6, text: 'was' }, groundingChunkIndices: [0] },
      ],
    }
    const body = response([{ text: 'ü was' }], { finishReason: 'STOP', groundingMetadata })
    const [choice] = plain(geminiCodec.decodeReply(body)).choices
    expect(choice.parts[0].citations).toMatchObject([
      { url: 'https://a', title: 'A', startIndex: 2, endIndex: 5 },
      { url: 'https://b', title: 'B' },
    ])
    expect(plain(collect(decoded(sse(body)))).choices).toEqual([choice])
    expect(geminiCodec.encodeReply(geminiCodec.decodeReply(body), context)).toMatchObject({
      candidates: [{ groundingMetadata }],
    })
  })

  test('log probabilities are those of chat completions', () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'a', logProbability: -0.5 }],
      topCandidates: [
        {
          candidates: [
            { token: 'a', logProbability: -0.5 },
            { token: 'b', logProbability: -1.5 },
          ],
        },
      ],
    }
    const reply = geminiCodec.decodeReply(response([{ text: 'a' }], { finishReason: 'STOP', logprobsResult }))
    const [a, b] = [
      { token: 'a', logprob: -0.5, bytes: null },
      { token: 'b', logprob: -1.5, bytes: null },
    ]
    expect(reply.choices[0]?.logprobs).toEqual({ content: [{ ...a, top_logprobs: [a, b] }] })
    expect(geminiCodec.encodeReply(reply, context)).toMatchObject({
      candidates: [{ logprobsResult, avgLogprobs: -0.5 }],
    })
  })

  test('what others prove travels in the signature, and a broken call is a finish', () => {
    const parts = [
      { kind: 'reasoning', text: '', proof: foreign },
      { kind: 'tool_call', id: 'x', name: 'f', argumentsJson: '{"a"' },
    ] as const
    const { candidates } = plain(
      geminiCodec.encodeReply({ choices: [{ index: 0, parts, finish: 'tool_calls' }] }, context),
    )
    expect(candidates).toEqual([
      {
        content: { role: 'model', parts: [{ text: '\n', thought: true, thoughtSignature: carry(foreign) }] },
        finishReason: 'MALFORMED_FUNCTION_CALL',
        finishMessage: 'Malformed function call: f({"a")',
        index: 0,
      },
    ])
  })
})

describe('a stream from an upstream', () => {
  test('ends when every candidate has finished, not before', () => {
    const [a, b] = [response([{ text: 'a' }], { finishReason: 'STOP' }), response([{ text: 'b' }], {}, 1)]
    expect(kindsOf(a, b)).toEqual(['start', 'text', 'text', 'finish'])
    expect(kindsOf(a, b, response([], { finishReason: 'STOP' }, 1)).slice(-3)).toEqual([
      'finish',
      'finish',
      'end',
    ])
    expect(kindsOf(response([{ text: 'a' }]))).toEqual(['start', 'text'])
    expect(kindsOf()).toEqual([])
  })

  test('what comes behind a finish still counts', () => {
    const events = decoded(
      sse(
        response([{ text: 'a' }], { finishReason: 'STOP' }),
        response([{ text: 'b' }], { finishReason: 'STOP' }),
      ),
    )
    expect(collect(events).choices).toMatchObject([{ parts: [{ text: 'ab' }], finish: 'stop' }])
    expect(events.filter(({ kind }) => kind === 'finish')).toHaveLength(1)
  })

  test('calls without ids get some, and signatures stay with what they sign', () => {
    const call = { functionCall: { name: 'f', args: { a: 1 } } }
    const signed = { ...call, thoughtSignature: 'QQ==' }
    const reply = collect(
      decoded(
        sse(
          response([signed, call]),
          response([{ text: '', thoughtSignature: 'Qg==' }], { finishReason: 'STOP' }),
        ),
      ),
    )
    const made = { kind: 'tool_call', name: 'f', argumentsJson: '{"a":1}' }
    expect(plain(reply).choices).toEqual([
      {
        index: 0,
        parts: [
          { ...made, id: 'sluice_call_0', proof: { family: 'gemini', signature: 'QQ==' } },
          { ...made, id: 'sluice_call_1' },
          { kind: 'text', text: '', proof: { family: 'gemini', signature: 'Qg==' } },
        ],
        finish: 'tool_calls',
      },
    ])
  })

  test('an event that makes no sense is an error of the upstream', () => {
    const events = decoded(sse(response([{ text: 'a' }]), response([{ text: 1 }])))
    expect(events.at(-1)).toMatchObject({ kind: 'error', error: { status: 502 } })
  })
})

describe('a stream for a client', () => {
  const usage = usageOf({ inputTokens: 3, outputTokens: 2 })
  const text = { kind: 'text', choice: 0, text: 'a' } as const
  const finish = { kind: 'finish', choice: 0, reason: 'stop' } as const

  test('tells finish and usage with the last event only', () => {
    const chunks = chunksOf([
      { kind: 'start', id: 'r', model: 'm' },
      text,
      finish,
      { kind: 'usage', usage },
      { kind: 'end' },
    ])
    const head = { modelVersion: 'm', responseId: 'r' }
    expect(chunks).toEqual([
      { candidates: [{ content: { parts: [{ text: 'a' }], role: 'model' }, index: 0 }], ...head },
      {
        candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, index: 0, finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
        ...head,
      },
    ])
  })

  test('never makes up a finish', () => {
    expect(JSON.stringify(chunksOf([text, finish]))).not.toContain('finishReason')
    expect(JSON.stringify(chunksOf([text, { kind: 'end' }]))).not.toContain('finishReason')
  })

  test('calls are told whole, however their pieces are mixed', () => {
    const piece = (call: number, json: string) => ({ kind: 'tool_arguments', choice: 0, call, json }) as const
    const begin = (call: number) =>
      ({ kind: 'tool_call', choice: 0, call, id: `c${call}`, name: 'f' }) as const
    const chunks = chunksOf([
      ...[begin(0), begin(1), piece(0, '{"a":'), piece(1, '{"b"'), piece(0, '1}')],
      ...[{ kind: 'tool_call_end', choice: 0, call: 0 } as const, piece(1, ':2}'), finish],
    ])
    expect(partsIn(chunks)).toEqual([
      { functionCall: { id: 'c0', name: 'f', args: { a: 1 } } },
      { functionCall: { id: 'c1', name: 'f', args: { b: 2 } } },
    ])
  })

  test('a call that broke off is a finish, not a call', () => {
    const chunks = chunksOf([
      { kind: 'tool_call', choice: 0, call: 0, id: 'c', name: 'f' },
      { kind: 'tool_arguments', choice: 0, call: 0, json: '{"a' },
      { kind: 'finish', choice: 0, reason: 'tool_calls' },
      { kind: 'end' },
    ])
    expect(chunks).toMatchObject([{ candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL' }] }])
  })

  test('proofs follow what they prove', () => {
    const chunks = chunksOf([
      { kind: 'reasoning', choice: 0, text: 't' },
      { kind: 'proof', choice: 0, of: 'reasoning', proof: foreign },
      { kind: 'part_end', choice: 0 },
      { kind: 'proof', choice: 0, of: 'text', proof: { family: 'gemini', signature: 'QQ==' } },
    ])
    expect(partsIn(chunks)).toEqual([
      { text: 't', thought: true },
      { text: '', thought: true, thoughtSignature: carry(foreign) },
      { text: '', thoughtSignature: 'QQ==' },
    ])
  })

  test('an error is one of Google’s', () => {
    expect(chunksOf([{ kind: 'error', error: { message: 'no', status: 529 }, data: '' }])).toEqual([
      { error: { code: 529, message: 'no', status: 'UNAVAILABLE' } },
    ])
  })
})
