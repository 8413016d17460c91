import type { JsonObject } from '../chat-request'
import { servedModel } from '../completion'
import type { Chunk, Told } from '../dialect'
import { bodyOf, listOf, numberOf, stringOf } from '../fields'
import { countTokens, fakeId } from '../tokens'
import { chunksOfEvents, type Endpoint, saidIn, seconds } from './endpoint'

/** POST /embeddings: a vector that is the same for the same text. */
export const embeddings: Endpoint = {
  needs: ['input'],
  heard: ({ input }) => textsOf(input).join(' '),
  reply: ({ call, request }) => {
    const { input, dimensions, encoding_format } = bodyOf(call)
    const texts = textsOf(input)
    const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0)
    const data = texts.map((text, index) => {
      const vector = vectorOf(text, numberOf(dimensions) ?? 8)
      const embedding = encoding_format === 'base64' ? base64Of(vector) : vector
      return { object: 'embedding', index, embedding }
    })
    return {
      object: 'list',
      data,
      model: request.model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    }
  },
}

/** POST /completions, the older sibling of chat: one text in, one text out. */
export const completions: Endpoint = {
  needs: ['prompt'],
  heard: ({ prompt }) => textsOf(prompt).join(' '),
  reply: (told) => ({
    ...completionFrame(told),
    choices: told.answers.map(({ content, finishReason }, index) => ({
      text: content.join(''),
      index,
      logprobs: null,
      finish_reason: finishReason,
    })),
    usage: usageOf(told),
  }),
  events: completionEvents,
  hasDone: true,
}

/** POST /moderations: whoever speaks of killing is flagged. */
export const moderations: Endpoint = {
  needs: ['input'],
  heard: ({ input }) => textsOf(input).join(' '),
  reply: ({ call, callId, request }) => ({
    id: fakeId('modr-', 32, callId),
    model: request.model === '' ? 'omni-moderation-latest' : request.model,
    results: textsOf(bodyOf(call)['input']).map((text) => {
      const violence = /\bkill/i.test(text)
      return {
        flagged: violence,
        categories: { hate: false, violence },
        category_scores: { hate: 0.0001, violence: violence ? 0.98 : 0.0002 },
        category_applied_input_types: { hate: ['text'], violence: ['text'] },
      }
    }),
  }),
}

/** POST /rerank, as Cohere, Jina and others have it: documents that share more words come first. */
export const rerank: Endpoint = {
  needs: ['query', 'documents'],
  heard: ({ query }) => stringOf(query),
  reply: ({ call, callId, request }) => {
    const { query, documents, top_n, return_documents } = bodyOf(call)
    const texts = textsOf(documents)
    const scored = texts.map((text, index) => ({
      index,
      relevance_score: share(stringOf(query), text),
      ...(return_documents === true && { document: { text } }),
    }))
    const results = scored.sort((a, b) => b.relevance_score - a.relevance_score).slice(0, numberOf(top_n))
    const tokens = [stringOf(query), ...texts].reduce((sum, text) => sum + countTokens(text), 0)
    return {
      id: fakeId('rerank-', 24, callId),
      model: request.model,
      results,
      usage: { total_tokens: tokens },
      meta: { api_version: { version: '2' }, billed_units: { search_units: 1 } },
    }
  },
}

/** Each token is an event; the usage comes last where it is asked for. */
function completionEvents(told: Told): Chunk[] {
  const { include_usage } = told.request.stream_options ?? {}
  const frame = { ...completionFrame(told), ...(include_usage === true && { usage: null }) }
  const say = (text: string, finish_reason: string | null) => {
    return { ...frame, choices: [{ text, index: 0, logprobs: null, finish_reason }] }
  }
  const [answer] = told.answers
  const events: JsonObject[] = [
    ...(answer?.content ?? []).map((token) => say(token, null)),
    say('', answer?.finishReason ?? 'stop'),
  ]
  const chunks = chunksOfEvents(events, ({ choices }) => stringOf(listOf(choices)[0]?.['text']) !== '')
  const usage = { ...frame, choices: [], usage: usageOf(told) }
  return include_usage === true ? [...chunks, { data: usage, isTerminal: true }] : chunks
}

function completionFrame({ callId, request }: Told): JsonObject {
  const id = fakeId('cmpl-', 29, callId)
  return { id, object: 'text_completion', created: seconds(), model: servedModel(request.model) }
}

function usageOf(told: Told): JsonObject {
  const prompt_tokens = countTokens(textsOf(bodyOf(told.call)['prompt']).join(' '))
  const completion_tokens = countTokens(saidIn(told))
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
}

function textsOf(input: unknown): string[] {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input)) return []
  return input.map((one) => (typeof one === 'string' ? one : stringOf(one?.text)))
}

function vectorOf(text: string, length: number): number[] {
  const bytes = Buffer.from(text === '' ? ' ' : text)
  return Array.from({ length }, (_, index) => ((bytes[index % bytes.length] ?? 0) - 96) / 128)
}

function base64Of(vector: number[]): string {
  return Buffer.from(new Float32Array(vector).buffer).toString('base64')
}

function share(query: string, text: string): number {
  const words = query.toLowerCase().split(/\W+/)
  return words.filter((word) => text.toLowerCase().includes(word)).length / words.length
}
