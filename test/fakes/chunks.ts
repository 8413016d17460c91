import type { Answer } from './answer'
import type { Json, JsonObject } from './chat-request'
import { type Content, completionId, logprobsOf, servedModel } from './completion'
import type { Chunk } from './dialect'

/**
 * Where a stream says its usage. `when-asked` is OpenAI: with `include_usage` a last chunk without choices
 * has it and the others say null. The other modes are what compatible providers do, asked or not;
 * `in-last-content-chunk` puts it beside the finish reason.
 */
export type UsageMode = 'when-asked' | 'always' | 'never' | 'in-last-content-chunk' | 'in-every-chunk'

/** What differs between providers in the chunks themselves. */
export interface ChunkStyle {
  usageMode: UsageMode
  /** DeepSeek says `reasoning_content`; OpenRouter and vLLM say `reasoning`. */
  reasoningField: 'reasoning_content' | 'reasoning'
  /** OpenAI cuts arguments into pieces; Gemini and Mistral send a whole call in one event. */
  toolStyle: 'in-pieces' | 'whole'
  /** Azure begins with an event without choices and puts filter results on all others. */
  azure: boolean
}

const SAFE = { filtered: false, severity: 'safe' }
/** What Azure's content filters say of harmless text. */
export const FILTER_RESULTS = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: SAFE }

/** The chunks of a streamed reply, with OpenAI's members in OpenAI's order. */
export function chunksOf(content: Content, style: ChunkStyle): Chunk[] {
  const chunks: Chunk[] = []
  const created = Math.floor(Date.now() / 1000)
  const say = (choices: Json[], isTerminal: boolean, ownUsage?: Json, isText = false) => {
    const usage = ownUsage ?? usageInside(content, style, chunks.length, isTerminal)
    chunks.push({ data: envelope(content, created, choices, usage), isTerminal, isText })
  }
  const deltas = content.answers.map((answer) => deltasOf(answer, style))
  const rounds = Math.max(0, ...deltas.map(({ length }) => length))
  for (let round = 0; round < rounds; round++) {
    for (const [index, own] of deltas.entries()) {
      const delta = own[round]
      if (delta === undefined) continue
      const isText = Boolean(delta['content'] ?? '')
      say([choiceOf(content, style, { index, delta, finish: null })], false, undefined, isText)
    }
  }
  for (const [index, answer] of content.answers.entries()) {
    say([choiceOf(content, style, { index, delta: {}, finish: answer.finishReason })], true)
  }
  if (hasUsageChunk(content, style)) say([], true, content.usage === null ? null : { ...content.usage })
  return style.azure ? [azurePrelude(), ...chunks] : chunks
}

function envelope(content: Content, created: number, choices: Json[], usage: Json | undefined): JsonObject {
  const id = completionId(content.callId)
  const isPadded = content.request.stream_options?.include_obfuscation !== false
  return {
    id,
    object: 'chat.completion.chunk',
    created,
    model: servedModel(content.request.model),
    service_tier: 'default',
    system_fingerprint: 'fp_44709d6fcb',
    choices,
    usage,
    obfuscation: isPadded ? id.slice(-4) : undefined,
    ...content.extraFields,
  }
}

interface ChoicePart {
  index: number
  delta: JsonObject
  finish: string | null
}

function choiceOf(content: Content, style: ChunkStyle, { index, delta, finish }: ChoicePart): JsonObject {
  const tokens = typeof delta['content'] === 'string' && delta['content'] !== '' ? [delta['content']] : []
  return {
    index,
    delta,
    logprobs: finish === null ? logprobsOf(content.request, tokens) : null,
    finish_reason: finish,
    content_filter_results: style.azure ? (tokens.length > 0 ? FILTER_RESULTS : {}) : undefined,
  }
}

/** What one choice says, event by event. */
function deltasOf({ content, reasoning, refusal, toolCalls }: Answer, style: ChunkStyle): JsonObject[] {
  const [onlyCall, second] = toolCalls
  const calls = toolCalls.map((call, index) => toolDeltas(call, index, style))
  if (onlyCall !== undefined && second === undefined && content.length + reasoning.length === 0) {
    const [first, ...rest] = calls[0] ?? []
    return [{ role: 'assistant', content: null, ...first, refusal: null }, ...rest]
  }
  const opening = content.length > 0 ? '' : null
  return [
    { role: 'assistant', content: opening, refusal: null },
    ...reasoning.map((token) => ({ content: null, [style.reasoningField]: token })),
    ...refusal.map((token) => ({ refusal: token })),
    ...content.map((token) => ({ content: token })),
    ...calls.flat(),
  ]
}

function toolDeltas(call: Answer['toolCalls'][number], index: number, style: ChunkStyle): JsonObject[] {
  const begin = (text: string) => ({
    tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: text } }],
  })
  if (style.toolStyle === 'whole') return [begin(call.arguments)]
  const pieces = call.arguments.match(/.{1,5}/gsu) ?? []
  return [begin(''), ...pieces.map((text) => ({ tool_calls: [{ index, function: { arguments: text } }] }))]
}

function hasUsageChunk({ request, usage }: Content, { usageMode }: ChunkStyle): boolean {
  if (usage === null) return false
  return (
    usageMode === 'always' || (usageMode === 'when-asked' && request.stream_options?.include_usage === true)
  )
}

/** The usage member of a chunk that has choices. */
function usageInside({ request, usage }: Content, style: ChunkStyle, said: number, isTerminal: boolean) {
  const isAsked = request.stream_options?.include_usage === true
  if (style.usageMode === 'in-last-content-chunk' && isTerminal && usage !== null) return { ...usage }
  if (style.usageMode === 'in-every-chunk' && usage !== null) {
    const completion = isTerminal ? usage.completion_tokens : Math.min(said, usage.completion_tokens)
    return { ...usage, completion_tokens: completion, total_tokens: usage.prompt_tokens + completion }
  }
  return isAsked && style.usageMode !== 'never' ? null : undefined
}

function azurePrelude(): Chunk {
  const prompt_filter_results = [{ prompt_index: 0, content_filter_results: FILTER_RESULTS }]
  const data = { choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results }
  return { data, isTerminal: false }
}
